//! The actions.

use crate::action::{Action, JobsOf, SyncOptions};
use crate::apply::{Applied, Apply};
use crate::by_id;
use crate::change::Change;
use crate::checks::Checks;
use crate::client::connect;
use crate::config::{Config, PROPAGATION};
use crate::error::Error;
use crate::jobs::JobsReply;
use crate::lease::Lease;
use crate::list;
use crate::measures;
use crate::parameter;
use crate::plan::Plan;
use crate::platforms::{Platforms, Run};
use crate::reply::{ChangeReply, PlanReply, PlatformRotateReply, Reply, RotateReply, SyncReply, VerifyReply};
use crate::rotation::rotation;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::sync::{self, Synced};
use crate::urls;
use crate::verification::Verification;
use crate::verify::Verify;
use aws::endpoints::PlatformEndpoint;
use aws::jobs::Jobs;
use aws::sdk::Sdk;
use aws::secrets::CACHED;
use futures::future::join;
use heygen::EventType;
use heygen::api::{Api, EventFilter};
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;
use webhook::Platform;

/// The function's state. All that has to survive the process is in Secrets Manager.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) config: Config,
    pub(crate) store: Store,
    /// The secrets of callback URLs.
    callbacks: Option<Store>,
    lease: Lease,
    jobs: Jobs,
    checks: Checks,
}

impl App {
    /// Builds the clients, without a call.
    pub fn new(config: Config, sdk: &Sdk) -> Self {
        App {
            store: Store::new(sdk, &config),
            callbacks: Store::of_callbacks(sdk, &config),
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
                let plan = match config.leaves_heygen_alone() {
                    true => Plan::none(),
                    false => Snapshot::take(&config, &self.api().await?, &self.store).await?.plan(&config),
                };
                let platforms = Platforms { config: &config, ..self.platforms() }.run(Run::Look).await;
                Reply::Plan(PlanReply { url, plan, platforms })
            }
            Action::Plan { endpoints: None } if self.config.leaves_heygen_alone() => {
                let platforms = self.platforms().run(Run::Plan).await;
                Reply::Plan(PlanReply { url, plan: Plan::none(), platforms })
            }
            Action::Plan { endpoints: None } => {
                let snapshot = self.snapshot(&self.api().await?).await?;
                measures::disabled(snapshot.disabled(&self.config).count());
                let plan = snapshot.plan(&self.config);
                let checks = self.checks.read().await?;
                // Where no sync verifies, a failed probe that was asked for would count until the next one.
                let has_failed = |name: &String| {
                    self.config.verify && checks.get(name).is_some_and(|checked| checked.problem.is_some())
                };
                measures::drift(&plan, snapshot.enabled().iter().filter(|name| has_failed(name)).count());
                let platforms = self.platforms().run(Run::Plan).await;
                Reply::Plan(PlanReply { url, plan, platforms })
            }
            Action::Sync(options) => {
                let synced = self.alone("a sync", self.sync(&options)).await?;
                let Synced { done, held_back, left, verified, platforms, in_use: _ } = synced;
                Reply::Sync(SyncReply { url, done, held_back, left, verified, platforms })
            }
            Action::Rotate { endpoint, revoke } if endpoint.contains('/') => {
                let known = self.known_platform(&endpoint)?;
                let rotated = self.alone("a rotation", self.rotate_platform(known, revoke)).await;
                Reply::RotatePlatform(rotated.map_err(|reason| match revoke {
                    true => Error::NotRevoked { endpoint, reason: Box::new(reason) },
                    false => reason,
                })?)
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
                    None => self.enabled().await?,
                };
                Reply::Verify(VerifyReply { verified: self.verify(&names).await })
            }
            Action::List {} if self.config.leaves_heygen_alone() => {
                Reply::List(list::without_heygen(&self.config, self.platforms().run(Run::Look).await))
            }
            Action::List {} => {
                let snapshot = self.snapshot(&self.api().await?).await?;
                let platforms = self.platforms().run(Run::Look).await;
                Reply::List(list::endpoints(&snapshot, &self.config, &self.checks.read().await?, platforms))
            }
            Action::EventTypes {} => {
                Reply::EventTypes(list::event_types(&self.api().await?.event_types().readable().await?))
            }
            Action::Deliveries { event_type, entity_id, token } => {
                let filter = EventFilter { event_type: event_type.map(EventType::new), entity_id };
                let api = self.api().await?;
                let mut pages = api.delivered_events(&filter)?.starting_at(token);
                let events = pages.next().await?.unwrap_or_default();
                if let Some(error) = pages.broken() {
                    return Err(error.clone().into());
                }
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
        // A checksum is of HeyGen's changes only, so nothing else is changed with it.
        let run = if options.checksum.is_some() { Run::Look } else { Run::Sync { prune: options.prune } };
        let (mut result, platforms) =
            join(Synced::run(&self.config, &self.store, options), self.platforms().run(run)).await;
        if let Ok(synced) = &mut result {
            synced.platforms = platforms;
        }
        match &mut result {
            Ok(synced) if self.config.verify => synced.verified = self.verify(&synced.in_use).await,
            // No later sync would end the alarm of a probe that was asked for.
            Ok(_) => measures::unverified(0),
            Err(_) => {}
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
        if failed > 0 || found.len() > 1 || config.deployment.names() == names {
            measures::unverified(failed);
        }
        found
    }

    /// The names of the endpoints that are configured to receive.
    async fn enabled(&self) -> Result<Vec<String>, Error> {
        let desired = parameter::desired(&self.config, &self.store).await?;
        Ok(desired.heygen.into_iter().filter(|desired| desired.enabled).map(|desired| desired.name).collect())
    }

    fn known(&self, name: String) -> Result<String, Error> {
        let names = self.config.deployment.names();
        if names.contains(&name) {
            Ok(name)
        } else {
            Err(Error::UnknownEndpoint { name, configured: self.configured() })
        }
    }

    fn known_platform(&self, name: &str) -> Result<&PlatformEndpoint, Error> {
        let known = self.config.platforms.endpoints.0.iter().find(|endpoint| endpoint.to_string() == name);
        known.ok_or_else(|| Error::UnknownEndpoint { name: name.to_owned(), configured: self.configured() })
    }

    fn configured(&self) -> String {
        let others = self.config.platforms.endpoints.0.iter().map(ToString::to_string);
        self.config.deployment.names().iter().cloned().chain(others).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn platforms(&self) -> Platforms<'_> {
        Platforms { config: &self.config, store: &self.store, callbacks: self.callbacks.as_ref() }
    }

    /// Gives an endpoint of another platform a new secret.
    async fn rotate_platform(&self, endpoint: &PlatformEndpoint, revoke: bool) -> Result<PlatformRotateReply, Error> {
        let (report, stored) = self.platforms().rotate(endpoint, revoke).await?;
        let now = OffsetDateTime::now_utc();
        let previous = stored.previous.first().map(|previous| previous.valid_until);
        Ok(PlatformRotateReply {
            old_secret_valid_until: previous.filter(|until| *until > now),
            old_secret_rejected_from: revoke.then(|| now + PROPAGATION + CACHED),
            report,
        })
    }

    /// The configuration with these endpoints, as in `endpoints.json`. What is wrong with them is found when it is used.
    fn config_with(&self, endpoints: &[Value]) -> Config {
        let heygen = Platform::HeyGen.name();
        let heygens =
            endpoints.iter().filter(|endpoint| endpoint["platform"].as_str().is_none_or(|name| name == heygen));
        let names: Vec<_> = heygens.filter_map(|endpoint| endpoint["name"].as_str()).collect();
        Config {
            deployment: self.config.deployment.with_names(&names.join(",")),
            endpoints_json: json!({ "endpoints": endpoints }).to_string(),
            endpoints_parameter: None,
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
        let change = Change { endpoint: name.to_owned(), kind: rotation(name, &snapshot, &self.config, revoke)? };
        let mut applied = self.apply(&api, &snapshot, [&change]).await;
        let previous = applied.stored.remove(name).and_then(|stored| stored.previous.into_iter().next());
        applied.done()?;
        let now = OffsetDateTime::now_utc();
        let verified = if self.config.verify { self.verify(&[name.to_owned()]).await } else { Vec::new() };
        Ok(RotateReply {
            old_secret_valid_until: previous.map(|previous| previous.valid_until).filter(|until| *until > now),
            old_secret_rejected_from: change.kind.revokes().then(|| now + PROPAGATION + CACHED),
            done: change,
            verified,
        })
    }

    pub(crate) async fn apply(
        &self,
        api: &Api,
        snapshot: &Snapshot,
        changes: impl IntoIterator<Item = &Change>,
    ) -> Applied {
        let mut applied = Applied::default();
        Apply { config: &self.config, api, store: &self.store, snapshot }.all(changes, &mut applied).await;
        applied
    }

    pub(crate) async fn snapshot(&self, api: &Api) -> Result<Snapshot, Error> {
        Snapshot::take(&self.config, api, &self.store).await
    }

    /// The same without `endpoints.json`, for a deletion: it needs none, and must not fail for it.
    pub(crate) async fn existing(&self, api: &Api) -> Result<Snapshot, Error> {
        let config = Config { endpoints_json: String::new(), endpoints_parameter: None, ..self.config.clone() };
        Snapshot::take(&config, api, &self.store).await
    }

    pub(crate) async fn api(&self) -> Result<Api, Error> {
        connect(&self.config, &self.store).await
    }
}
