//! Keeps one webhook in sync: plans, makes the first change, reads the list again, and so on.
//!
//! A create is written ahead, as at HeyGen, but neither platform has idempotency keys, and neither shows a secret again:
//!
//! | the answer to a create | what follows |
//! |---|---|
//! | 2xx with id and secret | the secret is stored and the note dropped; then the earlier webhook is deleted |
//! | the platform's own 4xx, or nothing was sent | the note is dropped |
//! | 5xx, none in time, or not as documented | the note is kept; the next sync looks for a webhook with our URL that was not there before. Its secret is lost: another one is created, and that one deleted. Without one, the note is dropped or the create repeated |
//!
//! The ids of webhooks that are to be deleted are stored with the secret, so that no run that ends early forgets one.

use crate::config::Config;
use crate::desired::DesiredWebhook;
use crate::error::Error;
use crate::measures;
use crate::platforms::call_error::{CallError, Kind};
use crate::platforms::client::{Client, Created, Wanted};
use crate::platforms::listed::Listed;
use crate::platforms::plan::{Input, Planned, lost, plan, settings};
use crate::platforms::random;
use crate::platforms::report::{Change, ChangeKind, Reason};
use crate::store::Store;
use aws::secrets::{CreateRequest, EndpointSecret, Pending, PendingChange, Registered};
use std::time::Duration;
use time::OffsetDateTime;

/// More than a run needs; a list that never shows what was changed ends it earlier.
const MOST_CHANGES: usize = 20;

pub(crate) struct Signed<'a> {
    pub(crate) config: &'a Config,
    pub(crate) store: &'a Store,
    pub(crate) client: &'a Client,
    pub(crate) desired: &'a DesiredWebhook,
    pub(crate) url: String,
    pub(crate) wanted: Wanted,
    pub(crate) listed: Listed,
    pub(crate) stored: EndpointSecret,
    pub(crate) done: Vec<Change>,
    pub(crate) notes: Vec<String>,
    /// Changes that the platform refused, and that this run does not try again.
    pub(crate) refused: Vec<Change>,
}

impl Signed<'_> {
    fn input(&self) -> Input<'_> {
        let Signed { client, desired, url, wanted, stored, listed, .. } = self;
        Input { api: client.api, desired, url, wanted, stored, listed }
    }

    pub(crate) fn plan(&self) -> Planned {
        plan(&self.input())
    }

    /// Makes what is planned; with `prune`, also what needs it. `may_create` is why nothing may be registered now.
    pub(crate) async fn sync(&mut self, prune: bool, may_create: Result<(), String>) -> Result<(), Error> {
        for _ in 0..MOST_CHANGES {
            let planned = self.plan();
            self.note(planned.notes);
            let is_made = |change: &Change| match change.change {
                ChangeKind::Create => self.done.iter().any(|done| done.change == ChangeKind::Create),
                _ => self.done.contains(change),
            };
            let unseen = planned.changes.iter().find(|change| is_made(change)).map(|change| change.change);
            let is_open = |change: &&Change| {
                !self.refused.contains(change) && !is_made(change) && (prune || !change.needs_prune())
            };
            let change = planned.changes.iter().find(is_open).cloned();
            if let Some(unseen) = unseen {
                let name = unseen.name();
                self.note([format!(
                    "the {name} was confirmed, but the list does not show it: the next sync looks again"
                )]);
            }
            // Nothing is deleted before the new webhook is seen.
            let Some(change) = change.filter(|_| unseen != Some(ChangeKind::Create)) else { return Ok(()) };
            if let (ChangeKind::Create, Err(reason)) = (change.change, &may_create) {
                self.note([reason.clone()]);
                return Ok(());
            }
            self.make(change).await?;
        }
        Ok(())
    }

    fn note(&mut self, notes: impl IntoIterator<Item = String>) {
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// Makes one change, and reads the list again.
    pub(crate) async fn make(&mut self, change: Change) -> Result<(), Error> {
        let (endpoint, name) = (self.desired.endpoint.to_string(), change.change.name());
        let result = match (change.change, &change.webhook_id) {
            (ChangeKind::Create, _) => self.create(change.reason).await,
            (ChangeKind::Finish, _) => self.put(EndpointSecret { pending: None, ..self.stored.clone() }).await,
            (ChangeKind::Adopt, Some(id)) => {
                let registered = Some(Registered { endpoint_id: id.clone(), ..Registered::default() });
                self.put(EndpointSecret { registered, ..self.stored.clone() }).await
            }
            (ChangeKind::Update, Some(id)) => self.update(&id.clone()).await,
            (ChangeKind::Delete, Some(id)) => match self.delete(&id.clone(), change.reason).await {
                Ok(true) => Ok(()),
                Ok(false) => {
                    self.refused.push(change);
                    return Ok(());
                }
                Err(error) => Err(error),
            },
            _ => Ok(()),
        };
        let platform = self.desired.endpoint.platform;
        match &result {
            Ok(()) => {
                tracing::info!(endpoint, change = name, outcome = "done", "webhook changed");
                measures::platform_change(platform, name, "done");
            }
            Err(error) => {
                let class = error.class().as_str();
                tracing::error!(endpoint, change = name, outcome = "failed", %error, class, "webhook not changed");
                measures::platform_change(platform, name, "failed");
            }
        }
        result?;
        self.done.push(change);
        self.listed = self.client.list().await?;
        Ok(())
    }

    async fn create(&mut self, reason: Option<Reason>) -> Result<(), Error> {
        if !self.client.has_time_after(self.config.settle) {
            return Err(Error::Timeout);
        }
        let now = OffsetDateTime::now_utc();
        let lost: Vec<_> = lost(&self.input()).into_iter().map(|webhook| webhook.id.clone()).collect();
        let mut stored = self.stored.clone();
        stored.replaced.extend(lost);
        let replaces = stored.registered.as_ref().map(|registered| registered.endpoint_id.clone());
        let known = self.listed.with_url(&self.url).map(|webhook| webhook.id.clone());
        let change = PendingChange::Create {
            entity_id: None,
            replaces: replaces.clone(),
            known: known.collect(),
            request: Some(CreateRequest { url: self.url.clone(), events: Some(self.wanted.events.clone()) }),
        };
        let revoke = reason == Some(Reason::Revoked) || stored.is_revoking();
        stored.pending = Some(Pending { idempotency_key: random::hex()?, since: now, revoke, change });
        self.put(stored).await?;
        // A receiver that read the secret before would reject the first deliveries of the new webhook.
        if !self.stored.valid_at(now).is_empty() {
            tokio::time::sleep(self.config.settle).await;
        }
        match self.client.create(&self.url, &self.wanted).await {
            Ok(created) => self.store_created(created, replaces).await,
            Err(error) if error.changed_nothing() => {
                self.put(EndpointSecret { pending: None, ..self.stored.clone() }).await?;
                Err(error.into())
            }
            Err(error) => Err(unknown_result(error)),
        }
    }

    async fn store_created(&mut self, created: Created, replaces: Option<String>) -> Result<(), Error> {
        let now = OffsetDateTime::now_utc();
        let mut stored = self.stored.clone();
        stored.complete();
        stored.take(created.secret, now, now + self.config.secret_overlap);
        stored.replaced.extend(replaces);
        // A platform that returns an existing webhook has replaced nothing.
        stored.replaced.retain(|id| *id != created.id);
        stored.registered = Some(Registered { endpoint_id: created.id, ..Registered::default() });
        // Where an update sets them, that is planned next.
        let are_set = !self.client.api.updates();
        stored.settings = are_set.then(|| settings(self.client.api, &self.wanted));
        self.put(stored).await
    }

    /// Only when every receiver has the webhook's secret, because its events begin with this.
    async fn update(&mut self, id: &str) -> Result<(), Error> {
        self.wait_for_receivers().await?;
        let name = self.listed.find(id).and_then(|webhook| webhook.name.clone());
        self.client.update(id, name.as_ref().unwrap_or(&self.wanted.name), &self.wanted).await?;
        let settings = Some(settings(self.client.api, &self.wanted));
        if self.stored.settings == settings {
            return Ok(());
        }
        self.put(EndpointSecret { settings, ..self.stored.clone() }).await
    }

    /// False if the platform refused it, which it does while one of its products uses the webhook.
    async fn delete(&mut self, id: &str, reason: Option<Reason>) -> Result<bool, Error> {
        self.wait_for_receivers().await?;
        let is_listed = self.listed.find(id).is_some();
        match self.client.delete(id).await {
            // What is not listed is not in use: this is one more way to say that it is gone.
            Err(CallError { kind: Kind::Rejected, .. }) if !is_listed => self.forget(id, reason).await,
            Ok(()) => self.forget(id, reason).await,
            Err(error @ CallError { kind: Kind::Rejected, .. }) => {
                self.keep_accepting().await?;
                let now = self.stored.registered.as_ref().map_or("the new one", |registered| &registered.endpoint_id);
                let title = self.desired.endpoint.platform.title();
                // A revoked secret is accepted no more, whoever signs with it.
                let until_then = match self.stored.previous.is_empty() {
                    true => "what it sends is rejected",
                    false => "its secret stays accepted",
                };
                self.note([format!(
                    "{id} could not be deleted, probably because a product at {title} uses it: choose {now} there. Until \
                     then {until_then}, and each sync tries again. {error}"
                )]);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn forget(&mut self, id: &str, reason: Option<Reason>) -> Result<bool, Error> {
        let mut stored = self.stored.clone();
        stored.replaced.retain(|replaced| replaced != id);
        if reason == Some(Reason::NotEnabled) {
            stored.registered = stored.registered.filter(|registered| registered.endpoint_id != id);
        }
        if stored != self.stored {
            self.put(stored).await?;
        }
        Ok(true)
    }

    /// The webhook that stays goes on signing with its own secret. Not stored for each small extension.
    async fn keep_accepting(&mut self) -> Result<(), Error> {
        let (now, overlap) = (OffsetDateTime::now_utc(), self.config.secret_overlap);
        if self.stored.previous.iter().any(|previous| previous.valid_until < now + overlap / 2) {
            let mut stored = self.stored.clone();
            stored.keep_previous(now + overlap);
            self.put(stored).await?;
        }
        Ok(())
    }

    async fn wait_for_receivers(&self) -> Result<(), Error> {
        let since = self.stored.current_since.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let left = Duration::try_from(since + self.config.settle - OffsetDateTime::now_utc()).unwrap_or_default();
        // A clock that was wrong must not stop the run for long.
        let left = left.min(self.config.settle);
        if !self.client.has_time_after(left) {
            return Err(Error::Timeout);
        }
        tokio::time::sleep(left).await;
        Ok(())
    }

    async fn put(&mut self, stored: EndpointSecret) -> Result<(), Error> {
        self.store.put(&self.desired.endpoint.to_string(), &stored).await?;
        self.stored = stored;
        Ok(())
    }
}

fn unknown_result(error: CallError) -> Error {
    let class = webhook::ErrorClass::Transient;
    let reason = format!("{error}. The webhook may have been created: the next sync finds out, and completes it");
    Error::Platform { reason, class }
}
