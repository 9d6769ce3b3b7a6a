//! What a reply says of an endpoint at another platform.

use aws::endpoints::PlatformEndpoint;
use aws::secrets::EndpointSecret;
use serde::Serialize;
use std::fmt;
use webhook::Platform;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlatformReport {
    /// As in `PLATFORM_ENDPOINTS`: `synthesia/main`.
    pub endpoint: String,
    pub platform: Platform,
    /// Where the platform posts to; `None` for callback URLs, since each job has its own.
    pub url: Option<String>,
    /// The platform's id of the registered webhook.
    pub webhook_id: Option<String>,
    /// Whether a secret is stored.
    pub secret: bool,
    /// When it was stored, in RFC 3339.
    pub secret_since: Option<String>,
    /// Whether the result of a create is not known yet.
    pub pending: bool,
    pub done: Vec<Change>,
    /// What was not done, or what a sync would do.
    pub left: Vec<Change>,
    /// Warnings, and what cannot be known.
    pub notes: Vec<String>,
    /// Why something could not be done, and what to do about it.
    pub problem: Option<String>,
}

/// A change of an endpoint at another platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub change: ChangeKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Restores the endpoint's secret, which is scheduled for deletion.
    Restore,
    /// Drops the note of a create that the platform has not made.
    Finish,
    /// Takes over a webhook whose secret someone stored by hand.
    Adopt,
    /// Registers a new webhook, with a new secret.
    Create,
    /// Enables the webhook, and sets its events and its retries.
    Update,
    Delete,
    /// Makes the first secret of callback URLs.
    CreateSecret,
    /// Makes a new secret of callback URLs.
    RotateSecret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    New,
    /// The platform no longer has the registered one.
    Gone,
    UrlChanged,
    SecretUnknown,
    /// The answer to an earlier create was lost, and the new webhook's secret with it.
    AnswerLost,
    EventsChanged,
    /// What was set last is not what is configured.
    SettingsChanged,
    Disabled,
    Requested,
    /// No earlier secret is accepted after it.
    Revoked,
    Replaced,
    /// Another webhook is registered for the same URL.
    Duplicate,
    /// `endpoints.json` has it with `"enabled": false`.
    NotEnabled,
}

impl PlatformReport {
    pub(crate) fn new(endpoint: &PlatformEndpoint) -> Self {
        PlatformReport {
            endpoint: endpoint.to_string(),
            platform: endpoint.platform,
            url: None,
            webhook_id: None,
            secret: false,
            secret_since: None,
            pending: false,
            done: Vec::new(),
            left: Vec::new(),
            notes: Vec::new(),
            problem: None,
        }
    }

    pub(crate) fn describe(&mut self, stored: &EndpointSecret) {
        self.webhook_id = stored.registered.as_ref().map(|registered| registered.endpoint_id.clone());
        self.secret = stored.current.is_some();
        self.secret_since = stored.current_since.map(aws::clock::to_text);
        self.pending = stored.pending.is_some();
    }

    /// How many differences there are between what is configured and what exists.
    pub(crate) fn drift(&self) -> usize {
        self.left.len() + usize::from(self.problem.is_some())
    }
}

impl Change {
    pub fn new(change: ChangeKind) -> Self {
        Change { change, webhook_id: None, reason: None }
    }

    pub fn of(change: ChangeKind, webhook_id: &str, reason: Reason) -> Self {
        Change { change, webhook_id: Some(webhook_id.to_owned()), reason: Some(reason) }
    }
}

impl ChangeKind {
    /// The name in JSON, in the log and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::Restore => "restore",
            ChangeKind::Finish => "finish",
            ChangeKind::Adopt => "adopt",
            ChangeKind::Create => "create",
            ChangeKind::Update => "update",
            ChangeKind::Delete => "delete",
            ChangeKind::CreateSecret => "create_secret",
            ChangeKind::RotateSecret => "rotate_secret",
        }
    }

    fn describe(self) -> &'static str {
        match self {
            ChangeKind::Restore => "restore the secret, which is scheduled for deletion",
            ChangeKind::Finish => "drop the note of a create that was not made",
            ChangeKind::Adopt => "adopt, with the stored secret",
            ChangeKind::Create => "create",
            ChangeKind::Update => "update",
            ChangeKind::Delete => "delete",
            ChangeKind::CreateSecret => "create the secret of callback URLs",
            ChangeKind::RotateSecret => "replace the secret of callback URLs",
        }
    }
}

impl Reason {
    fn describe(self) -> &'static str {
        match self {
            Reason::New => "it is not registered",
            Reason::Gone => "the registered one no longer exists",
            Reason::UrlChanged => "the URL has changed",
            Reason::SecretUnknown => "its secret is unknown",
            Reason::AnswerLost => "an earlier create had no usable answer, and its secret is lost",
            Reason::EventsChanged => "other events are configured",
            Reason::SettingsChanged => "other settings are configured",
            Reason::Disabled => "it is disabled",
            Reason::Requested => "a new secret was requested",
            Reason::Revoked => "its secret is revoked",
            Reason::Replaced => "it was replaced",
            Reason::Duplicate => "another webhook has the same URL",
            Reason::NotEnabled => "not enabled in endpoints.json",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.change.describe())?;
        self.webhook_id.as_ref().map_or(Ok(()), |id| write!(f, " {id}"))?;
        self.reason.map_or(Ok(()), |reason| write!(f, ": {}", reason.describe()))
    }
}

impl fmt::Display for PlatformReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = match (self.pending, self.secret) {
            (true, _) => "secret pending",
            (false, true) => "secret stored",
            (false, false) => "no secret",
        };
        let state = match (&self.url, &self.webhook_id) {
            (None, _) => "callback URLs",
            (Some(_), Some(id)) => id,
            (Some(_), None) => "not registered",
        };
        write!(f, "  {}  {state}, {secret}", self.endpoint)?;
        self.url.as_ref().map_or(Ok(()), |url| write!(f, "\n      {url}"))?;
        self.done.iter().try_for_each(|change| write!(f, "\n    ✓ {change}"))?;
        for change in &self.left {
            let needs_prune = if change.needs_prune() { " (with \"prune\": true)" } else { "" };
            write!(f, "\n    ~ {change}{needs_prune}")?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n    {note}"))?;
        self.problem.as_ref().map_or(Ok(()), |problem| write!(f, "\n    ✗ {problem}"))
    }
}

/// After the text of a reply; nothing without endpoints at other platforms.
pub(crate) struct Others<'a>(pub(crate) &'a [PlatformReport]);

impl fmt::Display for Others<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "\nEndpoints of other platforms")?;
        self.0.iter().try_for_each(|report| write!(f, "\n{report}"))
    }
}
