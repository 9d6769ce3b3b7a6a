//! The actions. Each answers JSON with a `text` for people.

use crate::action::{Action, SyncOptions};
use crate::apply::{Applied, Apply};
use crate::change::{Change, ChangeKind, DeleteReason, PendingKind, ReplaceReason, Rotation};
use crate::config::Config;
use crate::error::Error;
use crate::list;
use crate::measures;
use crate::plan::Plan;
use crate::snapshot::Snapshot;
use crate::store::Store;
use aws::sdk::Sdk;
use aws::telemetry;
use heygen::api::{Api, ApiConfig, Credential, EventFilter};
use heygen::{EventType, Secret};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use time::OffsetDateTime;

/// As often as a sync looks anew after it completed what earlier runs had begun.
const ROUNDS: usize = 3;

/// The admin function's state. Nothing in it has to survive the process.
#[derive(Debug)]
pub struct App {
    config: Config,
    store: Store,
}

/// What a sync did.
#[derive(Debug)]
pub(crate) struct Synced {
    pub(crate) done: Vec<Change>,
    /// The last plan; what of it was not done needs to be asked for.
    pub(crate) plan: Plan,
}

impl App {
    /// Builds the clients. Nothing is fetched before it is needed.
    pub fn new(config: Config, sdk: &Sdk) -> Self {
        App { store: Store::new(sdk.secrets(), config.secret_prefix.clone()), config }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Does what was asked for.
    ///
    /// # Errors
    ///
    /// [`Error`], whose text says what to do next.
    pub async fn run(&self, action: Action) -> Result<Value, Error> {
        match action {
            Action::Plan {} => {
                let plan = self.look(&self.api().await?).await?.plan(&self.config);
                measures::drift(&plan);
                Ok(answer("plan", plan_json(&plan), format_args!("{}{plan}", self.heading())))
            }
            Action::Sync(sync) => {
                let synced = self.sync(&sync).await?;
                let fields = json!({"done": synced.done, "left": synced.plan.changes, "notes": synced.plan.notes});
                Ok(answer("sync", fields, format_args!("{}{synced}", self.heading())))
            }
            Action::Rotate { endpoint } => {
                let done = self.rotate(&endpoint).await?;
                let text = format_args!("{endpoint}: {}", words(&done.what));
                Ok(answer("rotate", json!({"done": [done.clone()]}), text))
            }
            Action::List {} => {
                let look = self.look(&self.api().await?).await?;
                let (fields, text) = list::endpoints(&look, &self.config);
                Ok(answer("list", fields, format_args!("{}{text}", self.heading())))
            }
            Action::EventTypes {} => {
                let (fields, text) = list::event_types(self.api().await?.event_types().all().await?);
                Ok(answer("event-types", fields, text))
            }
            Action::Deliveries { event_type, entity_id, token } => {
                let filter = EventFilter { event_type: event_type.map(EventType::new), entity_id };
                let api = self.api().await?;
                let mut pages = api.delivered_events(&filter)?.starting_at(token);
                let events = pages.next().await?.unwrap_or_default();
                let (fields, text) = list::deliveries(&events, pages.token());
                Ok(answer("deliveries", fields, text))
            }
        }
    }

    /// Plans anew, and carries it out as far as it was asked for.
    pub(crate) async fn sync(&self, asked: &SyncOptions) -> Result<Synced, Error> {
        let outcome = self.sync_rounds(asked).await;
        let word = match &outcome {
            Ok(synced) if synced.done.is_empty() => "unchanged",
            Ok(_) => "changed",
            Err(error) if error.is_refusal() => "refused",
            Err(_) => "failed",
        };
        telemetry::count("EndpointSyncs", &[("Outcome", word)]);
        match &outcome {
            Ok(synced) => {
                measures::drift(&synced.plan);
                let (done, left) = (synced.done.len(), synced.plan.changes.len());
                tracing::info!(outcome = word, done, left, "endpoints synced");
            }
            Err(error) => tracing::error!(outcome = word, class = ?error.class(), "endpoints not synced"),
        }
        outcome
    }

    async fn sync_rounds(&self, asked: &SyncOptions) -> Result<Synced, Error> {
        let api = self.api().await?;
        let mut applied = Applied::default();
        let mut round = 0;
        loop {
            round += 1;
            let look = self.look(&api).await?;
            let plan = look.plan(&self.config);
            if round == 1 && asked.checksum.as_ref().is_some_and(|asked| *asked != plan.checksum()) {
                return Err(Error::AnotherPlan {
                    asked: asked.checksum.clone().unwrap_or_default(),
                    plan: Box::new(plan),
                });
            }
            let failed = applied.failed_names();
            let begun = |change: &&Change| matches!(change.what, ChangeKind::Finish { .. });
            let unfinished: Vec<_> =
                plan.changes.iter().filter(begun).filter(|c| !failed.contains(&c.endpoint)).collect();
            let apply = Apply { config: &self.config, api: &api, store: &self.store, look: &look };
            if !unfinished.is_empty() && round <= ROUNDS {
                // What was begun is completed whatever else is refused: until then deliveries may wait for it.
                apply.all(unfinished, &mut applied).await;
                if asked.checksum.is_some() {
                    // What comes next is a plan that nobody has seen.
                    let plan = self.look(&api).await?.plan(&self.config);
                    return Ok(Synced { done: applied.done()?, plan });
                }
                continue;
            }
            let allowed = |change: &&Change| asked.prune || !change.needs_prune();
            let chosen: Vec<_> = plan.changes.iter().filter(|change| !begun(change)).filter(allowed).collect();
            if !asked.force
                && let Err(refusal) = self.config.limits.check(&chosen, plan.owned)
            {
                return Err(refusal);
            }
            apply.all(chosen, &mut applied).await;
            let done = applied.done()?;
            let left = plan.changes.iter().filter(|change| !done.contains(change)).cloned().collect();
            return Ok(Synced { done, plan: Plan { changes: left, ..plan } });
        }
    }

    /// Gives an endpoint a new secret; a rotation that an earlier run began is completed instead.
    async fn rotate(&self, name: &str) -> Result<Change, Error> {
        let api = self.api().await?;
        let look = self.look(&api).await?;
        let stored = look.stored.get(name).cloned().unwrap_or_default();
        let registered = stored.registered.as_ref().map(|registered| &registered.endpoint_id);
        let is_there = |id: &&String| look.candidates(&self.config, name).any(|endpoint| endpoint.id == **id);
        let what = match (&stored.pending, registered.filter(is_there).cloned()) {
            (Some(pending), _) => ChangeKind::finish(pending),
            (None, Some(endpoint_id)) if self.config.version.rotates_secrets() => {
                ChangeKind::Rotate { endpoint_id, why: Rotation::Asked }
            }
            (None, Some(endpoint_id)) => {
                let wanted = look.wanted(name);
                ChangeKind::Replace {
                    endpoint_id,
                    why: vec![ReplaceReason::SecretInV1],
                    events: wanted.and_then(|wanted| wanted.events.clone()),
                    entity_id: wanted.and_then(|wanted| wanted.entity_id.clone()),
                }
            }
            (None, None) => return Err(Error::NotRegistered { name: name.to_owned() }),
        };
        let change = Change { endpoint: name.to_owned(), what };
        let mut applied = Applied::default();
        Apply { config: &self.config, api: &api, store: &self.store, look: &look }.all([&change], &mut applied).await;
        applied.done()?;
        Ok(change)
    }

    /// Deletes every endpoint of this deployment at HeyGen.
    pub(crate) async fn deregister(&self) -> Result<Vec<Change>, Error> {
        let api = self.api().await?;
        let look = self.look(&api).await?;
        let ours = look.endpoints.iter().filter_map(|endpoint| {
            let name = self.config.deployment.name_of(&endpoint.url)?;
            let what = ChangeKind::Delete { endpoint_id: endpoint.id.clone(), why: DeleteReason::Deregistered };
            Some(Change { endpoint: name.to_owned(), what })
        });
        let ours: Vec<_> = ours.collect();
        let mut applied = Applied::default();
        Apply { config: &self.config, api: &api, store: &self.store, look: &look }.all(&ours, &mut applied).await;
        applied.done()
    }

    /// Takes back what was created for these changes, as far as it can be told.
    pub(crate) async fn take_back(&self, done: &[Change]) -> Result<(), Error> {
        let api = self.api().await?;
        for change in done.iter().filter(|change| matches!(change.what, ChangeKind::Create { .. })) {
            if let Some(registered) = self.store.get(&change.endpoint).await?.registered {
                api.delete_endpoint(&registered.endpoint_id).await?;
            }
        }
        Ok(())
    }

    async fn look(&self, api: &Api) -> Result<Snapshot, Error> {
        let look = Snapshot::take(&self.config, api, &self.store).await?;
        measures::secrets(look.stored.values(), OffsetDateTime::now_utc());
        Ok(look)
    }

    /// A client with the key that is stored now: it may have been changed since the last time.
    async fn api(&self) -> Result<Api, Error> {
        let missing = |why: String| Error::NoApiKey(why);
        let name = self.config.api_key_secret.as_deref().ok_or_else(|| {
            missing(
                "store it in Secrets Manager, and name that secret in the deployment's parameter ApiKeySecret".into(),
            )
        })?;
        let text = self.store.text(name).await?;
        let text = text.ok_or_else(|| missing(format!("store it as the value of the secret {name}")))?;
        let config = ApiConfig {
            base_url: self.config.base_url.clone(),
            timeouts: self.config.timeouts,
            retry: self.config.retry,
            ..ApiConfig::new(self.config.version, credential(&text))
        };
        Ok(Api::new(&config)?)
    }

    fn heading(&self) -> String {
        format!("Endpoints of {} at HeyGen\n", self.config.deployment.url())
    }
}

/// A key as it is, or a JSON object that says what it is.
fn credential(text: &str) -> Credential {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Stored {
        ApiKey(Secret),
        Bearer(Secret),
    }
    let as_text = |secret: &Secret| String::from_utf8_lossy(secret.as_bytes()).into_owned();
    match serde_json::from_str(text) {
        Ok(Stored::ApiKey(key)) => Credential::ApiKey(as_text(&key)),
        Ok(Stored::Bearer(token)) => Credential::Bearer(as_text(&token)),
        // A line end at its end is a habit of editors and not a part of the key.
        Err(_) => Credential::ApiKey(text.trim_end_matches(['\r', '\n']).to_owned()),
    }
}

fn plan_json(plan: &Plan) -> Value {
    json!({
        "checksum": plan.checksum(), "changes": plan.changes, "unchanged": plan.unchanged, "notes": plan.notes,
        "foreign": plan.foreign,
    })
}

fn answer(action: &str, mut fields: Value, text: impl fmt::Display) -> Value {
    fields["action"] = json!(action);
    fields["text"] = json!(text.to_string());
    fields
}

fn words(what: &ChangeKind) -> &'static str {
    match what {
        ChangeKind::Finish { begun: PendingKind::Create, .. } => {
            "the registration that an earlier run had begun is complete; ask again for a rotation"
        }
        ChangeKind::Finish { begun: PendingKind::Rotate, .. } => {
            "the rotation that an earlier run had begun is complete"
        }
        ChangeKind::Replace { .. } => "it has a new secret: v1 has no rotation, so a new endpoint took its place",
        _ => "it has a new secret; the old one is accepted until it lapses",
    }
}

impl fmt::Display for Synced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Change { endpoint, what } in &self.done {
            writeln!(f, "  ✓ {endpoint}  {}  {what}", what.name())?;
        }
        if !self.done.is_empty() {
            writeln!(f, "Done: {}.", self.done.len())?;
        }
        write!(f, "{}", self.plan)
    }
}
