//! The replies, one struct per action, whose schema is `reply.schema.json`. Their text is in `text`.

use crate::change::Change;
use crate::jobs::JobsReply;
use crate::plan::Plan;
use crate::platforms::report::PlatformReport;
use crate::verification::Verification;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

/// The reply to an action, tagged with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Reply {
    Plan(PlanReply),
    Sync(SyncReply),
    Rotate(RotateReply),
    /// Of an endpoint of another platform.
    #[serde(rename = "rotate")]
    RotatePlatform(PlatformRotateReply),
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
    /// The endpoints of other platforms; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<PlatformReport>,
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
    /// The endpoints of other platforms; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<PlatformReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RotateReply {
    pub done: Change,
    /// Until when the receiver accepts the old secret; `None` if there is none, or if it was revoked.
    #[serde(with = "time::serde::rfc3339::option")]
    pub old_secret_valid_until: Option<OffsetDateTime>,
    /// From when no receiver accepts any earlier secret; `None` unless it was revoked.
    #[serde(with = "time::serde::rfc3339::option")]
    pub old_secret_rejected_from: Option<OffsetDateTime>,
    /// The verification with the new secret, if there was one.
    pub verified: Vec<Verification>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlatformRotateReply {
    #[serde(flatten)]
    pub report: PlatformReport,
    /// Until when the receiver accepts the old secret; `None` if there is none, or if it was revoked.
    #[serde(with = "time::serde::rfc3339::option")]
    pub old_secret_valid_until: Option<OffsetDateTime>,
    /// From when no receiver accepts any earlier secret; `None` unless it was revoked.
    #[serde(with = "time::serde::rfc3339::option")]
    pub old_secret_rejected_from: Option<OffsetDateTime>,
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
    /// The endpoints of other platforms; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<PlatformReport>,
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
    /// When that secret was stored, in RFC 3339; unknown for one that was stored by hand.
    pub secret_since: Option<String>,
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
