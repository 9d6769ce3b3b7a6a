//! The webhooks that are registered at Synthesia and ElevenLabs.

use crate::{lock, random};
use heygen::Secret;
use std::fmt;
use std::sync::Mutex;
use time::{Duration, OffsetDateTime};
use webhook::Platform;

/// ElevenLabs disables a webhook after this many failures in a row…
const FAILURES: u32 = 10;
/// …without a success in this time.
const MEMORY: Duration = Duration::days(7);

/// A registered webhook. `Debug` shows neither its secret nor its headers.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The URL to which events are posted.
    pub url: String,
    /// The secret that signs.
    pub secret: Secret,
    /// The events that it subscribes to.
    pub events: Vec<String>,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
    /// Synthesia's: whether it was deleted. Its list can have those, too.
    pub is_deleted: bool,
    /// ElevenLabs' fields.
    pub workspace: Workspace,
}

/// What a webhook of an ElevenLabs workspace has besides.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Workspace {
    /// Its name.
    pub name: String,
    /// Names and values of headers of its own.
    pub headers: Vec<(String, String)>,
    /// Whether an admin disabled it.
    pub is_disabled: bool,
    /// Whether its failures disabled it.
    pub is_auto_disabled: bool,
    /// Whether deliveries are retried, which only those of `post_call_transcription` are.
    pub retry_enabled: bool,
    /// Whether a product uses it, so that it cannot be deleted.
    pub is_used: bool,
    /// The failed attempts since the last success.
    pub failures: u32,
    /// When an attempt last succeeded.
    pub last_success: Option<OffsetDateTime>,
    /// The last failed attempt: the status of the response if there was one, and when.
    pub last_failure: Option<(Option<u16>, OffsetDateTime)>,
}

impl Webhook {
    pub(crate) fn new(platform: Platform, url: String, events: Vec<String>, now: OffsetDateTime) -> Self {
        let secret = match platform {
            Platform::ElevenLabs => format!("wsec_{}", random::opaque()),
            Platform::HeyGen | Platform::Synthesia | Platform::Tavus | Platform::Did => random::uuid(),
        };
        Webhook {
            id: random::opaque(),
            url,
            secret: random::secret_of(secret),
            events,
            created_at: now,
            updated_at: now,
            is_deleted: false,
            workspace: Workspace::default(),
        }
    }

    /// Whether anything is delivered to it.
    pub fn is_enabled(&self) -> bool {
        !(self.is_deleted || self.workspace.is_disabled || self.workspace.is_auto_disabled)
    }

    pub(crate) fn subscribes(&self, event: &str) -> bool {
        self.events.iter().any(|subscribed| subscribed == event)
    }
}

impl Workspace {
    /// Notes the result of an attempt, as ElevenLabs does. A webhook without a success in the last week is disabled by
    /// its tenth failure in a row.
    pub(crate) fn note(&mut self, status: Option<u16>, succeeded: bool, at: OffsetDateTime) {
        if succeeded {
            (self.failures, self.last_success) = (0, Some(at));
            return;
        }
        self.failures += 1;
        self.last_failure = Some((status, at));
        let has_worked = self.last_success.is_some_and(|success| at - success < MEMORY);
        self.is_auto_disabled |= self.failures >= FAILURES && !has_worked;
    }

    /// Enables it again, or disables it. That enabling forgets the failures is an assumption.
    pub(crate) fn set_disabled(&mut self, is_disabled: bool) {
        self.is_disabled = is_disabled;
        if !is_disabled {
            (self.is_auto_disabled, self.failures) = (false, 0);
        }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("Webhook");
        shown.field("id", &self.id).field("url", &self.url).field("events", &self.events);
        shown.field("is_enabled", &self.is_enabled()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("Workspace");
        shown.field("name", &self.name).field("failures", &self.failures).finish_non_exhaustive()
    }
}

#[derive(Default)]
pub(crate) struct Webhooks(Mutex<Vec<Webhook>>);

impl Webhooks {
    pub(crate) fn all(&self) -> Vec<Webhook> {
        lock(&self.0).clone()
    }

    pub(crate) fn get(&self, id: &str) -> Option<Webhook> {
        lock(&self.0).iter().find(|webhook| webhook.id == id).cloned()
    }

    pub(crate) fn add(&self, webhook: Webhook) -> Webhook {
        lock(&self.0).push(webhook.clone());
        webhook
    }

    /// Changes a webhook and returns it.
    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Webhook)) -> Option<Webhook> {
        let mut webhooks = lock(&self.0);
        let webhook = webhooks.iter_mut().find(|webhook| webhook.id == id)?;
        change(webhook);
        Some(webhook.clone())
    }

    pub(crate) fn remove(&self, id: &str) {
        lock(&self.0).retain(|webhook| webhook.id != id);
    }
}
