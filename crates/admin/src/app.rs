//! The actions.

use crate::action::{Action, JobsOf, SyncOptions};
use crate::apply::{Applied, Apply};
use crate::by_id;
use crate::change::{Change, ChangeKind, DeleteReason, ReplaceReason, RotateReason};
use crate::checks::Checks;
use crate::client::connect;
use crate::config::{Config, PROPAGATION};
use crate::desired::desired_endpoints;
use crate::error::Error;
use crate::jobs::JobsReply;
use crate::lease::Lease;
use crate::list;
use crate::measures;
use crate::ownership::owner;
use crate::reply::{ChangeReply, PlanReply, Reply, RotateReply, SyncReply, VerifyReply};
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::sync::{self, Synced};
use crate::urls;
use crate::verification::Verification;
use crate::verify::Verify;
use aws::jobs::Jobs;
use aws::sdk::Sdk;
use aws::secrets::{CACHED, PendingChange, SecretError};
use heygen::EventType;
use heygen::api::{Api, ApiError, EventFilter, Kind};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;

/// The function's state. All that has to survive the process is in Secrets Manager.
#[derive(Debug, Clone)]
pub struct App {
    config: Config,
    store: Store,
    lease: Lease,
    jobs: Jobs,
    checks: Checks,
}

impl App {
    /// Builds the clients, without a call.
    pub fn new(config: Config, sdk: &Sdk) -> Self {
        App {
            store: Store::new(sdk.secrets(), &config),
            lease: Lease::new(sdk.dynamodb(), &config),
            checks: Checks::new(sdk.dynamodb(), &config),
            jobs: Jobs::new(sdk.dynamodb(), config.table.clone()).without_bodies(),
            config,
        }
    }

    /// The same without rotations by age: what they meet at HeyGen is no reason for a deployment to fail.
    pub(crate) fn deploying(&self) -> Self {
        App { config: Config { max_secret_age: None, ..self.config.clone() }, ..self.clone() }
    }

    /// The same, for an invocation in which no change at HeyGen is made after `time`.
    pub(crate) fn changing_for(&self, time: Duration) -> Self {
        let changes_until = Some(Instant::now() + time);
        App { config: Config { changes_until, ..self.config.clone() }, ..self.clone() }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub async fn run(&self, action: Action) -> Result<Reply, Error> {
        let url = urls::shown(self.config.deployment.url());
        Ok(match action {
            Action::Plan { endpoints: Some(endpoints) } => {
                let config = self.config_with(&endpoints);
                let plan = Snapshot::take(&config, &self.api().await?, &self.store).await?.plan(&config);
                Reply::Plan(PlanReply { url, plan })
            }
            Action::Plan { endpoints: None } => {
                let snapshot = self.snapshot(&self.api().await?).await?;
                measures::disabled(snapshot.disabled(&self.config).count());
                let plan = snapshot.plan(&self.config);
                let checks = self.checks.read().await?;
                let has_failed = |name: &String| checks.get(name).is_some_and(|checked| checked.problem.is_some());
                measures::drift(&plan, snapshot.enabled().iter().filter(|name| has_failed(name)).count());
                Reply::Plan(PlanReply { url, plan })
            }
            Action::Sync(options) => {
                let synced = self.alone("a sync", self.sync(&options)).await?;
                let Synced { done, held_back, left, verified, in_use: _ } = synced;
                Reply::Sync(SyncReply { url, done, held_back, left, verified })
            }
            Action::Rotate { endpoint, revoke } => {
                let endpoint = self.known(endpoint)?;
                let rotated = self.alone("a rotation", self.rotate(&endpoint, revoke)).await;
                Reply::Rotate(rotated.map_err(|reason| match revoke {
                    true => Error::NotRevoked { endpoint, reason: Box::new(reason) },
                    false => reason,
                })?)
            }
            Action::Delete { endpoint_id, force } => {
                let delete = self.by_id(|snapshot| by_id::delete(&endpoint_id, force, snapshot, &self.config));
                Reply::Delete(ChangeReply { done: self.alone("a deletion", delete).await? })
            }
            Action::Adopt { endpoint_id, endpoint, force } => {
                let name = endpoint.as_deref();
                let adopt = self.by_id(|snapshot| by_id::adopt(&endpoint_id, name, force, snapshot, &self.config));
                Reply::Adopt(ChangeReply { done: self.alone("an adoption", adopt).await? })
            }
            Action::Verify { endpoint } => {
                let names = match endpoint {
                    Some(name) => vec![self.known(name)?],
                    None => self.enabled()?,
                };
                Reply::Verify(VerifyReply { verified: self.verify(&names).await })
            }
            Action::List {} => {
                let snapshot = self.snapshot(&self.api().await?).await?;
                Reply::List(list::endpoints(&snapshot, &self.config, &self.checks.read().await?))
            }
            Action::EventTypes {} => {
                Reply::EventTypes(list::event_types(&self.api().await?.event_types().readable().await?))
            }
            Action::Deliveries { event_type, entity_id, token } => {
                let filter = EventFilter { event_type: event_type.map(EventType::new), entity_id };
                let api = self.api().await?;
                let mut pages = api.delivered_events(&filter)?.starting_at(token);
                let events = pages.next().await?.unwrap_or_default();
                Reply::Deliveries(list::deliveries(&events, pages.unreadable().len(), pages.token()))
            }
            Action::Jobs(of) => {
                let record = match &of {
                    JobsOf::CallbackId(id) => self.jobs.of_callback_id(id).await?,
                    JobsOf::EntityId(id) => self.jobs.of_entity(id).await?,
                };
                Reply::Jobs(JobsReply::of(record))
            }
        })
    }

    /// Does this while no other run changes anything.
    pub(crate) async fn alone<T>(
        &self,
        purpose: &str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let held = self.lease.take(purpose).await?;
        let result = work.await;
        held.release().await;
        result
    }

    pub(crate) async fn sync(&self, options: &SyncOptions) -> Result<Synced, Error> {
        let mut result = Synced::run(&self.config, &self.store, options).await;
        if let Ok(synced) = &mut result
            && self.config.verify
        {
            synced.verified = self.verify(&synced.in_use).await;
        }
        sync::report(&result);
        result
    }

    /// Empty if there is no time left for it.
    async fn verify(&self, names: &[String]) -> Vec<Verification> {
        let App { config, store, jobs, checks, .. } = self;
        let found = Verify { config, store, jobs, checks }.all(names).await;
        let failed = found.iter().filter(|found| !found.is_verified()).count();
        // One endpoint that works says nothing of the others.
        if failed > 0 || found.len() > 1 || self.config.deployment.names() == names {
            measures::unverified(failed);
        }
        found
    }

    /// The names of the endpoints that are configured to receive.
    fn enabled(&self) -> Result<Vec<String>, Error> {
        let desired = desired_endpoints(&self.config.endpoints_json, self.config.deployment.names())?;
        Ok(desired.into_iter().filter(|desired| desired.enabled).map(|desired| desired.name).collect())
    }

    fn known(&self, name: String) -> Result<String, Error> {
        let names = self.config.deployment.names();
        if names.contains(&name) {
            Ok(name)
        } else {
            Err(Error::UnknownEndpoint { name, configured: names.join(", ") })
        }
    }

    /// The configuration with these endpoints, as in `endpoints.json`. What is wrong with them is found when it is used.
    fn config_with(&self, endpoints: &[Value]) -> Config {
        let names: Vec<_> = endpoints.iter().filter_map(|endpoint| endpoint["name"].as_str()).collect();
        Config {
            deployment: self.config.deployment.with_names(&names.join(",")),
            endpoints_json: json!({ "endpoints": endpoints }).to_string(),
            ..self.config.clone()
        }
    }

    /// Whether a sync with these endpoints, configured like this, has nothing to do.
    pub(crate) async fn is_in_place(&self, endpoints: &str, endpoints_json: &str) -> Result<bool, Error> {
        let config = Config {
            deployment: self.config.deployment.with_names(endpoints),
            endpoints_json: endpoints_json.to_owned(),
            ..self.config.clone()
        };
        let plan = Snapshot::take(&config, &self.api().await?, &self.store).await?.plan(&config);
        Ok(plan.changes.iter().all(|change| change.needs_prune() || change.needs_adopt()))
    }

    /// Makes the change of one endpoint that a person named by its id.
    async fn by_id(&self, choose: impl FnOnce(&Snapshot) -> Result<Change, Error>) -> Result<Change, Error> {
        let api = self.api().await?;
        let snapshot = self.snapshot(&api).await?;
        let change = choose(&snapshot)?;
        self.apply(&api, &snapshot, [&change]).await.done()?;
        Ok(change)
    }

    /// Gives an endpoint a new secret. If a change of it is pending, completes that one instead. With `revoke`, none of the
    /// secrets that are stored before it is accepted after it.
    async fn rotate(&self, name: &str, revoke: bool) -> Result<RotateReply, Error> {
        let api = self.api().await?;
        let snapshot = self.snapshot(&api).await?;
        let change = Change { endpoint: name.to_owned(), kind: self.rotation(name, &snapshot, revoke)? };
        let mut applied = self.apply(&api, &snapshot, [&change]).await;
        let previous = applied.stored.remove(name).and_then(|stored| stored.previous.into_iter().next());
        applied.done()?;
        let verified = if self.config.verify { self.verify(&[name.to_owned()]).await } else { Vec::new() };
        let now = OffsetDateTime::now_utc();
        Ok(RotateReply {
            old_secret_valid_until: previous.map(|previous| previous.valid_until).filter(|until| *until > now),
            old_secret_rejected_from: change.kind.revokes().then(|| now + PROPAGATION + CACHED),
            done: change,
            verified,
        })
    }

    /// The change that gives an endpoint a new secret.
    fn rotation(&self, name: &str, snapshot: &Snapshot, revoke: bool) -> Result<ChangeKind, Error> {
        let stored = snapshot.stored.get(name);
        if let Some(pending) = stored.and_then(|stored| stored.pending.as_ref()) {
            return Ok(ChangeKind::finish(pending, revoke));
        }
        let registered = stored.and_then(|stored| stored.registered.as_ref()).map(|noted| noted.endpoint_id.clone());
        if snapshot.hidden.contains(name) {
            return Err(Error::Hidden(name.to_owned()));
        }
        let exists = |id: &String| snapshot.candidates(&self.config, name).any(|endpoint| endpoint.id == *id);
        let endpoint_id = registered.filter(exists).ok_or_else(|| Error::NotRegistered(name.to_owned()))?;
        if self.config.version.rotates_secrets() {
            let reason = if revoke { RotateReason::Revoked } else { RotateReason::Requested };
            return Ok(ChangeKind::Rotate { endpoint_id, reason });
        }
        let is_revoked = revoke.then_some(ReplaceReason::Revoked);
        let desired = snapshot.desired(name);
        Ok(ChangeKind::Replace {
            endpoint_id,
            reasons: [ReplaceReason::SecretInV1].into_iter().chain(is_revoked).collect(),
            events: desired.and_then(|desired| desired.events.clone()),
            entity_id: desired.and_then(|desired| desired.entity_id.clone()),
        })
    }

    /// Deletes all of our endpoints at HeyGen, then their secrets.
    pub(crate) async fn deregister(&self) -> Result<Vec<Change>, Error> {
        let api = self.api().await?;
        let snapshot = self.snapshot(&api).await?;
        let ours = snapshot.endpoints.iter().filter_map(|endpoint| {
            let kind = ChangeKind::Delete { endpoint_id: endpoint.id.clone(), reason: DeleteReason::Deregistered };
            Some(Change { endpoint: snapshot.owner(&self.config, endpoint)?, kind })
        });
        // An endpoint that cannot be read is ours if it is registered.
        let hidden = snapshot.hidden.iter().filter_map(|name| {
            let endpoint_id = snapshot.stored.get(name)?.registered.as_ref()?.endpoint_id.clone();
            let kind = ChangeKind::Delete { endpoint_id, reason: DeleteReason::Deregistered };
            Some(Change { endpoint: name.clone(), kind })
        });
        let changes: Vec<_> = ours.chain(hidden).collect();
        let done = self.apply(&api, &snapshot, &changes).await.done()?;
        for name in self.config.deployment.names() {
            self.store.delete(name).await?;
        }
        Ok(done)
    }

    /// Deletes the secrets of these names if they were removed from the deployment and HeyGen has no endpoint for them.
    pub(crate) async fn delete_secrets_of_removed(&self, names: &[String]) -> Result<(), Error> {
        let removed: Vec<_> = names.iter().filter(|name| self.config.deployment.has_removed(name)).collect();
        if removed.is_empty() {
            return Ok(());
        }
        let list = self.api().await?.endpoints().readable().await?;
        if !list.unreadable.is_empty() {
            // One of them may be an endpoint of these names. The next update or a person deletes the secrets.
            return Ok(());
        }
        for name in removed {
            let stored = match self.store.get(name).await {
                Ok(stored) => [(name.clone(), stored)].into(),
                Err(SecretError::Malformed(_) | SecretError::Deleted(_)) => BTreeMap::new(),
                Err(error) => return Err(error.into()),
            };
            let has_name = |endpoint| owner(&self.config.deployment, &stored, endpoint).as_ref() == Some(name);
            if !list.elements.iter().any(has_name) {
                self.store.delete(name).await?;
            }
        }
        Ok(())
    }

    /// Deletes the endpoints that a failed creation of the stack has registered: those of these `names`, and those that
    /// a note says may have been created. Then it deletes their secrets.
    pub(crate) async fn delete_created(&self, names: &BTreeSet<String>) -> Result<(), Error> {
        let api = self.api().await?;
        let snapshot = self.snapshot(&api).await?;
        for (name, stored) in &snapshot.stored {
            let registered = stored.registered.iter().map(|registered| registered.endpoint_id.clone());
            let mut created: Vec<_> = registered.filter(|_| names.contains(name)).collect();
            let pending = stored.pending.as_ref().map(|pending| &pending.change);
            if let Some(PendingChange::Create { known, .. }) = pending {
                let candidates = snapshot.candidates(&self.config, name).map(|endpoint| endpoint.id.clone());
                created.extend(candidates.filter(|id| !known.contains(id)));
            } else if created.is_empty() {
                continue;
            }
            if snapshot.hidden.contains(name) {
                return Err(Error::Hidden(name.clone()));
            }
            for endpoint_id in created {
                match api.delete_endpoint(&endpoint_id).await {
                    Ok(()) | Err(ApiError { kind: Kind::NotFound, .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.store.delete(name).await?;
        }
        Ok(())
    }

    async fn apply(&self, api: &Api, snapshot: &Snapshot, changes: impl IntoIterator<Item = &Change>) -> Applied {
        let mut applied = Applied::default();
        Apply { config: &self.config, api, store: &self.store, snapshot }.all(changes, &mut applied).await;
        applied
    }

    async fn snapshot(&self, api: &Api) -> Result<Snapshot, Error> {
        Snapshot::take(&self.config, api, &self.store).await
    }

    async fn api(&self) -> Result<Api, Error> {
        connect(&self.config, &self.store).await
    }
}
