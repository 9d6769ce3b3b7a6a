//! The replies, one struct per action, whose schema is `reply.schema.json`. `Display` is a reply's `text`.

use crate::change::{Change, ChangeKind, PendingKind};
use crate::jobs::JobsReply;
use crate::plan::Plan;
use crate::verification::Verification;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use time::OffsetDateTime;

/// The reply to an action, tagged with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Reply {
    Plan(PlanReply),
    Sync(SyncReply),
    Rotate(RotateReply),
    Delete(ChangeReply),
    Adopt(ChangeReply),
    Verify(VerifyReply),
    List(ListReply),
    EventTypes(EventTypesReply),
    Deliveries(DeliveriesReply),
    Jobs(JobsReply),
    CustomResource(CustomResourceReply),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanReply {
    /// The deployment's base URL.
    pub url: String,
    #[serde(flatten)]
    pub plan: Plan,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncReply {
    /// The deployment's base URL.
    pub url: String,
    pub done: Vec<Change>,
    /// What the limits, or a missing `adopt`, kept the sync from doing; also part of `left`.
    pub held_back: Vec<Change>,
    /// What was not done needs `prune`, `adopt` or `force`, or a sync of its own.
    pub left: Plan,
    /// The verification of each endpoint that has to work now.
    pub verified: Vec<Verification>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RotateReply {
    pub done: Change,
    /// Until when the receiver accepts the old secret; `None` if there is none.
    #[serde(with = "time::serde::rfc3339::option")]
    pub old_secret_valid_until: Option<OffsetDateTime>,
    /// The verification with the new secret, if there was one.
    pub verified: Vec<Verification>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeReply {
    pub done: Change,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReply {
    /// In the order of the parameter `Endpoints`.
    pub verified: Vec<Verification>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListReply {
    /// The deployment's base URL.
    pub url: String,
    pub endpoints: Vec<ListedEndpoint>,
    /// The names of the configured endpoints that HeyGen does not have.
    pub missing: Vec<String>,
    pub owned: usize,
    pub foreign: usize,
    /// How many elements of HeyGen's list could not be read.
    pub unreadable: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedEndpoint {
    /// Its name in `endpoints.json`; `None` if it is not ours.
    pub endpoint: Option<String>,
    pub endpoint_id: String,
    /// Only the host if it is not ours: what follows may be a secret.
    pub url: String,
    /// HeyGen's own word, such as `enabled`.
    pub status: Option<String>,
    pub state: EndpointState,
    /// `None` is all.
    pub events: Option<Vec<String>>,
    /// As HeyGen wrote it.
    pub created_at: Option<String>,
    /// The change that a sync would make.
    pub drift: Option<&'static str>,
    /// `None` if the endpoint is not ours.
    pub secret: Option<SecretState>,
    /// When it was last verified with success, in RFC 3339; only of a registered endpoint, as is `problem`.
    pub verified_at: Option<String>,
    /// Why the last verification failed.
    pub problem: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    Registered,
    /// Another endpoint of ours is registered for its URL.
    Duplicate,
    /// Ours, but `endpoints.json` does not have its name.
    NotConfigured,
    /// Ours, but not registered by this deployment.
    Unknown,
    /// Not ours.
    Foreign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretState {
    Stored,
    /// A registration or a rotation is pending.
    Pending,
    Missing,
    /// The endpoint is not registered, so no secret is stored for it.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventTypesReply {
    /// What HeyGen has.
    pub event_types: Vec<ListedEventType>,
    /// How many this version knows.
    pub known: usize,
    /// What HeyGen has and this version does not know.
    pub new: Vec<String>,
    /// What this version knows and HeyGen no longer has.
    pub removed: Vec<String>,
    /// How many elements of HeyGen's list could not be read.
    pub unreadable: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedEventType {
    pub event_type: String,
    pub description: Option<String>,
}

/// Without the events' data, which has links that anyone can follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveriesReply {
    pub events: Vec<ListedEvent>,
    /// How many elements of HeyGen's list could not be read.
    pub unreadable: usize,
    /// The `token` of the next page.
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedEvent {
    pub event_id: Option<String>,
    pub event_type: String,
    /// As HeyGen wrote it.
    pub created_at: Option<String>,
    pub correlation_id: String,
    pub identity: String,
}

/// What Lambda returns for CloudFormation's request; CloudFormation itself gets its response by HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomResourceReply {
    /// `Create`, `Update` or `Delete`.
    pub request_type: String,
    pub succeeded: bool,
}

#[derive(Serialize)]
struct WithText<'a> {
    #[serde(flatten)]
    reply: &'a Reply,
    text: String,
}

impl Reply {
    /// The reply as the function returns it, with `text` for people.
    pub fn to_json(&self) -> Value {
        // Fails only for keys that are not strings.
        serde_json::to_value(WithText { reply: self, text: self.to_string() }).unwrap_or_default()
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Plan(PlanReply { url, plan }) => write!(f, "{}{plan}", Heading(url)),
            Reply::Sync(SyncReply { url, done, held_back, left, verified }) => {
                write!(f, "{}{}", Heading(url), Summary { done, held_back, left, verified })
            }
            Reply::Rotate(reply) => reply.fmt(f),
            Reply::Delete(ChangeReply { done }) => write!(f, "Done: {done}."),
            Reply::Adopt(ChangeReply { done }) => {
                write!(f, "Done: {done}. The next sync sets its URL and its events, if they differ.")
            }
            Reply::Verify(reply) => reply.fmt(f),
            Reply::List(reply) => reply.fmt(f),
            Reply::EventTypes(reply) => reply.fmt(f),
            Reply::Deliveries(reply) => reply.fmt(f),
            Reply::Jobs(reply) => reply.fmt(f),
            Reply::CustomResource(CustomResourceReply { request_type, succeeded }) => {
                write!(f, "CloudFormation's {request_type} {}.", if *succeeded { "succeeded" } else { "failed" })
            }
        }
    }
}

struct Heading<'a>(&'a str);

impl fmt::Display for Heading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Endpoints of {} at HeyGen", self.0)
    }
}

/// The outcome of a sync, without a heading.
pub(crate) struct Summary<'a> {
    pub(crate) done: &'a [Change],
    pub(crate) held_back: &'a [Change],
    pub(crate) left: &'a Plan,
    pub(crate) verified: &'a [Verification],
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in self.done {
            writeln!(f, "  ✓ {change}")?;
        }
        if !self.done.is_empty() {
            writeln!(f, "Done: {}.", self.done.len())?;
        }
        let adoptions = self.held_back.iter().filter(|change| change.needs_adopt()).count();
        let deletions = self.held_back.len() - adoptions;
        if adoptions > 0 {
            writeln!(
                f,
                "Held back: {adoptions} to adopt. To take them over, repeat the request with \"adopt\": true."
            )?;
        }
        if deletions > 0 {
            writeln!(
                f,
                "Held back: {deletions} to delete, because of MaxRemovals and MaxRemovalPercent. To delete them as well, \
                 repeat the request with \"force\": true."
            )?;
        }
        write!(f, "{}", self.left)?;
        let failed: Vec<_> = self.verified.iter().filter(|found| !found.is_verified()).collect();
        match (self.verified.len(), failed.len()) {
            (0, _) => {}
            (1, 0) => write!(f, "\nVerified: a signed probe to the endpoint was recorded.")?,
            (all, 0) => write!(f, "\nVerified: a signed probe to each of the {all} endpoints was recorded.")?,
            (all, failed) => write!(f, "\nNot verified: {failed} of {all} endpoints.")?,
        }
        failed.into_iter().try_for_each(|found| write!(f, "\n{found}"))
    }
}

impl fmt::Display for VerifyReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verified.iter().try_for_each(|found| writeln!(f, "{found}"))?;
        match self.verified.iter().filter(|found| !found.is_verified()).count() {
            0 => write!(f, "All of {} verified.", self.verified.len()),
            failed => write!(f, "Not verified: {failed} of {}.", self.verified.len()),
        }
    }
}

impl fmt::Display for RotateReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match &self.done.kind {
            ChangeKind::Finish { pending: PendingKind::Create, .. } => {
                "the pending registration was completed; ask again for a rotation"
            }
            ChangeKind::Finish { pending: PendingKind::Rotate, .. } => "the pending rotation was completed",
            ChangeKind::Replace { .. } => {
                "it has a new secret; API v1 cannot rotate a secret, so a new endpoint replaced the old one"
            }
            _ => "it has a new secret",
        };
        write!(f, "{}: {outcome}.", self.done.endpoint)?;
        match self.old_secret_valid_until {
            Some(until) => write!(f, " The old secret is accepted until {}.", aws::clock::to_text(until))?,
            None => {}
        }
        self.verified.iter().try_for_each(|found| write!(f, "\n{found}"))
    }
}

impl fmt::Display for ListReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Heading(&self.url))?;
        self.endpoints.iter().try_for_each(|endpoint| endpoint.fmt(f))?;
        self.missing.iter().try_for_each(|name| writeln!(f, "  {name}  configured, but not registered"))?;
        write!(f, "{} ours, {} not ours.{}", self.owned, self.foreign, Unreadable(self.unreadable))
    }
}

/// How many elements could not be read; nothing if there are none.
struct Unreadable(usize);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, " {} could not be read, left alone.", self.0) }
    }
}

/// Nothing for an endpoint that is not ours: those are only counted.
impl fmt::Display for ListedEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(name), Some(secret)) = (&self.endpoint, self.secret) else { return Ok(()) };
        let (id, state) = (&self.endpoint_id, self.state.describe());
        let status = self.status.as_deref().unwrap_or("status unknown");
        write!(f, "  {name}  {id}  {status}, {state}, secret {}", secret.describe())?;
        self.drift.map_or(Ok(()), |change| write!(f, ", a sync would {change} it"))?;
        self.verified_at.as_ref().map_or(Ok(()), |at| write!(f, ", verified at {at}"))?;
        self.problem.as_ref().map_or(Ok(()), |problem| write!(f, ", not verified since: {problem}"))?;
        let events = self.events.as_ref().map_or("all events".to_owned(), |events| events.join(" "));
        write!(f, "\n      {}\n      {events}\n", self.url)
    }
}

impl EndpointState {
    fn describe(self) -> &'static str {
        match self {
            EndpointState::Registered => "registered",
            EndpointState::Duplicate => "duplicate",
            EndpointState::NotConfigured => "not configured",
            EndpointState::Unknown => "not registered by this deployment",
            EndpointState::Foreign => "not ours",
        }
    }
}

impl SecretState {
    fn describe(self) -> &'static str {
        match self {
            SecretState::Stored => "stored",
            SecretState::Pending => "pending",
            SecretState::Missing => "missing",
            SecretState::Unknown => "unknown",
        }
    }
}

impl fmt::Display for EventTypesReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(" ") };
        writeln!(f, "Event types: {} at HeyGen, {} known to this version.", self.event_types.len(), self.known)?;
        writeln!(f, "  new to this version: {}", list(&self.new))?;
        writeln!(f, "  no longer at HeyGen: {}", list(&self.removed))?;
        let unreadable = Unreadable(self.unreadable);
        write!(f, "New event types need no change: their events are recorded as they are.{unreadable}")
    }
}

impl fmt::Display for DeliveriesReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ListedEvent { created_at, event_type, correlation_id, .. } in &self.events {
            writeln!(f, "  {}  {event_type}  {correlation_id}", created_at.as_deref().unwrap_or("-"))?;
        }
        let count = format!("Events on this page: {}.{}", self.events.len(), Unreadable(self.unreadable));
        match &self.next_token {
            Some(token) => write!(f, "{count} For the next page add \"token\": \"{token}\"."),
            None => write!(f, "{count} There is no further page."),
        }
    }
}
