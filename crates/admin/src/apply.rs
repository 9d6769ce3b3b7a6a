//! Carries a plan out, one change after the other. A change that fails leaves those of other endpoints alone.

use crate::change::{Change, ChangeKind, SecretFrom};
use crate::config::Config;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::write_ahead::WriteAhead;
use aws::telemetry;
use heygen::api::{Api, ApiError, EndpointPatch, Kind};
use std::collections::BTreeSet;

/// What was done and what was not.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) done: Vec<Change>,
    pub(crate) failed: Vec<(Change, Error)>,
}

impl Applied {
    /// The endpoints of which something failed.
    pub(crate) fn failed_names(&self) -> BTreeSet<String> {
        self.failed.iter().map(|(change, _)| change.endpoint.clone()).collect()
    }

    /// All was done, or an error that says what was not.
    pub(crate) fn done(self) -> Result<Vec<Change>, Error> {
        if self.failed.is_empty() {
            return Ok(self.done);
        }
        let line = |change: &Change| format!("{}: {} {}", change.endpoint, change.what.name(), change.what);
        let failed = self.failed.into_iter().map(|(change, error)| (line(&change), error)).collect();
        Err(Error::Partly { lines: self.done.iter().map(line).collect(), done: self.done, failed })
    }
}

/// What it takes to change something.
pub(crate) struct Apply<'a> {
    pub(crate) config: &'a Config,
    pub(crate) api: &'a Api,
    pub(crate) store: &'a Store,
    pub(crate) look: &'a Snapshot,
}

impl Apply<'_> {
    /// Makes the changes, in this order. After a failure, nothing more is done about that endpoint.
    pub(crate) async fn all(&self, changes: impl IntoIterator<Item = &Change>, applied: &mut Applied) {
        for change in changes {
            if applied.failed_names().contains(&change.endpoint) {
                continue;
            }
            let endpoint = change.endpoint.as_str();
            let name = change.what.name();
            match self.one(change).await {
                Ok(()) => {
                    tracing::info!(endpoint, change = name, outcome = "done", "endpoint changed");
                    telemetry::count("EndpointChanges", &[("Change", name), ("Outcome", "done")]);
                    applied.done.push(change.clone());
                }
                Err(error) => {
                    let class = error.class();
                    tracing::error!(endpoint, change = name, %error, ?class, outcome = "failed", "endpoint not changed");
                    telemetry::count("EndpointChanges", &[("Change", name), ("Outcome", "failed")]);
                    applied.failed.push((change.clone(), error));
                }
            }
        }
    }

    async fn one(&self, change: &Change) -> Result<(), Error> {
        let Self { config, api, store, look } = *self;
        let write_ahead = WriteAhead { config, api, store, look, name: &change.endpoint };
        match &change.what {
            ChangeKind::Finish { .. } => write_ahead.finish().await,
            ChangeKind::Adopt { endpoint_id, secret: SecretFrom::Rotation }
            | ChangeKind::Rotate { endpoint_id, .. } => write_ahead.rotate(endpoint_id).await,
            ChangeKind::Adopt { endpoint_id, .. } => write_ahead.adopt(endpoint_id).await,
            ChangeKind::Create { url: _, events, entity_id } => {
                write_ahead.create(events.clone(), entity_id.clone(), None).await
            }
            ChangeKind::Replace { endpoint_id, why: _, events, entity_id } => {
                write_ahead.create(events.clone(), entity_id.clone(), Some(endpoint_id.clone())).await?;
                self.delete(endpoint_id).await
            }
            ChangeKind::Update { endpoint_id, .. } => self.update(endpoint_id, &change.endpoint).await,
            ChangeKind::Delete { endpoint_id, .. } => self.delete(endpoint_id).await,
        }
    }

    /// The whole of what is wanted, as v1 needs it.
    async fn update(&self, endpoint_id: &str, name: &str) -> Result<(), Error> {
        let events = self.look.wanted(name).and_then(|wanted| wanted.events.clone());
        let patch = EndpointPatch { url: Some(self.config.deployment.url_of(name)), events };
        self.api.update_endpoint(endpoint_id, &patch).await?;
        Ok(())
    }

    async fn delete(&self, endpoint_id: &str) -> Result<(), Error> {
        match self.api.delete_endpoint(endpoint_id).await {
            Ok(()) | Err(ApiError { kind: Kind::NotFound, .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
