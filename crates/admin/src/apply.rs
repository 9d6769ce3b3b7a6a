//! Makes the changes of a plan, one after the other.

use crate::change::{Change, ChangeKind, SecretSource};
use crate::config::Config;
use crate::error::Error;
use crate::measures;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::write_ahead::WriteAhead;
use aws::secrets::EndpointSecret;
use heygen::api::{Api, ApiError, EndpointPatch, Kind};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) done: Vec<Change>,
    pub(crate) failed: Vec<(Change, Error)>,
    /// What is stored now, by the endpoint's name; only where a change stored something.
    pub(crate) stored: BTreeMap<String, EndpointSecret>,
}

impl Applied {
    /// The endpoints with a change that failed.
    pub(crate) fn failed_names(&self) -> BTreeSet<String> {
        self.failed.iter().map(|(change, _)| change.endpoint.clone()).collect()
    }

    /// The changes, or an error if one of them failed.
    pub(crate) fn done(self) -> Result<Vec<Change>, Error> {
        if self.failed.is_empty() {
            Ok(self.done)
        } else {
            Err(Error::Partial { done: self.done, failed: self.failed })
        }
    }
}

pub(crate) struct Apply<'a> {
    pub(crate) config: &'a Config,
    pub(crate) api: &'a Api,
    pub(crate) store: &'a Store,
    pub(crate) snapshot: &'a Snapshot,
}

impl Apply<'_> {
    /// Makes the changes in this order. After a failure, the other changes of that endpoint are skipped.
    pub(crate) async fn all(&self, changes: impl IntoIterator<Item = &Change>, applied: &mut Applied) {
        for change in changes {
            if applied.failed_names().contains(&change.endpoint) {
                continue;
            }
            let (endpoint, name) = (change.endpoint.as_str(), change.kind.name());
            match self.one(change).await {
                Ok(stored) => {
                    tracing::info!(endpoint, change = name, outcome = "done", "endpoint changed");
                    measures::change(name, "done");
                    applied.stored.extend(stored.map(|stored| (change.endpoint.clone(), stored)));
                    applied.done.push(change.clone());
                }
                Err(error) => {
                    let class = error.class().as_str();
                    tracing::error!(endpoint, change = name, outcome = "failed", %error, class, "endpoint not changed");
                    measures::change(name, "failed");
                    applied.failed.push((change.clone(), error));
                }
            }
        }
    }

    /// What is stored now, if the change stored something.
    async fn one(&self, change: &Change) -> Result<Option<EndpointSecret>, Error> {
        let Self { config, api, store, snapshot } = *self;
        let write_ahead = WriteAhead { config, api, store, snapshot, name: &change.endpoint };
        let revoke = change.kind.revokes();
        let stored = match &change.kind {
            ChangeKind::Finish { .. } => write_ahead.finish(revoke).await?,
            ChangeKind::Restore {} => {
                store.restore(&change.endpoint).await?;
                return Ok(None);
            }
            ChangeKind::Adopt { endpoint_id, secret: SecretSource::Rotation }
            | ChangeKind::Rotate { endpoint_id, .. } => write_ahead.rotate(endpoint_id, revoke).await?,
            ChangeKind::Adopt { endpoint_id, .. } => write_ahead.adopt(endpoint_id).await?,
            ChangeKind::Create { url: _, events, entity_id } => {
                write_ahead.create(events.clone(), entity_id.clone(), None, revoke).await?
            }
            ChangeKind::Replace { endpoint_id, reasons: _, events, entity_id } => {
                let replaces = Some(endpoint_id.clone());
                match write_ahead.create(events.clone(), entity_id.clone(), replaces, revoke).await {
                    Ok(stored) => {
                        self.delete(endpoint_id).await?;
                        stored
                    }
                    // Only here is the old one deleted first, because HeyGen leaves no other way.
                    Err(error) if error.is_url_taken() => {
                        self.delete(endpoint_id).await?;
                        write_ahead.create(events.clone(), entity_id.clone(), None, revoke).await?
                    }
                    Err(error) => return Err(error),
                }
            }
            ChangeKind::Update { endpoint_id, .. } => {
                self.update(endpoint_id, &change.endpoint).await?;
                return Ok(None);
            }
            ChangeKind::Delete { endpoint_id, .. } => {
                // Only the endpoint at HeyGen still has the name. So it is deleted last, and a run that ends in between
                // is repeated; until then the secret can be restored.
                if config.deployment.has_removed(&change.endpoint) {
                    store.delete(&change.endpoint).await?;
                }
                self.delete(endpoint_id).await?;
                return Ok(None);
            }
        };
        Ok(Some(stored))
    }

    /// Sends URL and events, changed or not: v1 needs both.
    async fn update(&self, endpoint_id: &str, name: &str) -> Result<(), Error> {
        let events = self.snapshot.desired(name).and_then(|desired| desired.events.clone());
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
