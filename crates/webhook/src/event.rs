//! What one delivery, or one answer of a platform's API, says: plain facts, the same for every platform.

use std::collections::BTreeMap;
use std::fmt;

use crate::digest::sha256;
use crate::expiry::expires_at;
use crate::json::each_field;
use crate::{CorrelationId, Failure, Identity, Job, Place, Platform, Status, Verified};

/// An event as plain facts. Each platform's crate reads one from a [`Verified`] body.
///
/// `Debug` omits the links, because anyone who has one can fetch the result, and the failure texts.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// Whose event it is.
    pub platform: Platform,
    /// Equal for all deliveries of the same event.
    pub identity: Identity,
    /// The SHA-256 of the body, in hex. It distinguishes deliveries of one event in different bytes.
    pub body_sha256: String,
    /// Whether the whole body is JSON. If not, the fields before the first error are read all the same.
    pub is_json: bool,
    /// The event's type, in the platform's words.
    pub event_type: Option<String>,
    /// Whether this version knows the type. For logs and metrics only; no decision should depend on it.
    pub is_known_type: bool,
    /// The kind of the job that it is about, in characters that a key may have: HeyGen's `avatar_video`; another
    /// platform's begin with its name, `synthesia.video`.
    pub kind: Option<String>,
    /// What it says of its job; `None` if that is nothing.
    pub status: Option<Status>,
    /// The body's id of the event. No platform documents one.
    pub event_id: Option<String>,
    /// The body's time of the event, as the platform wrote it.
    pub created_at: Option<String>,
    /// When it happened, as a Unix time in seconds, where one entity may have several results: the later one counts.
    pub occurred_at: Option<i64>,
    /// The caller's own id, given when the job was started.
    pub callback_id: Option<String>,
    /// The platform's id of the video, translation, conversation, … that the event is about.
    pub entity_id: Option<String>,
    /// Whether the entity is one that is used again, such as a group or an avatar, so that several
    /// jobs may be about it.
    pub entity_is_reused: bool,
    /// The language of a translation.
    pub output_language: Option<String>,
    /// URLs of the results, by name: `video`, `thumbnail`, `audio`, … They are mostly pre-signed, and expire.
    pub links: BTreeMap<String, String>,
    /// Why the job failed.
    pub failure: Option<Failure>,
    /// The length of the result in whole seconds.
    pub duration_seconds: Option<u32>,
}

impl Event {
    /// An event that says nothing but its identity.
    pub fn new(platform: Platform, identity: Identity, body: &Verified) -> Self {
        Self {
            platform,
            identity,
            body_sha256: sha256(body.body()),
            is_json: false,
            event_type: None,
            is_known_type: false,
            kind: None,
            status: None,
            event_id: None,
            created_at: None,
            occurred_at: None,
            callback_id: None,
            entity_id: None,
            entity_is_reused: false,
            output_language: None,
            links: BTreeMap::new(),
            failure: None,
            duration_seconds: None,
        }
    }

    /// An event of a body in which nothing is understood: its identity is that of its content, and it has no job.
    pub fn of_content(platform: Platform, body: &Verified) -> Self {
        let identity = Identity::of_content(platform, body.body());
        let is_json = each_field(&String::from_utf8_lossy(body.body()), |_| false, |_, _| ());
        Self { is_json, ..Self::new(platform, identity, body) }
    }

    /// The event's type as a label for logs and metrics: `"unknown"` unless it is a known one, so that a label has a
    /// limited number of values and none of the sender's text.
    pub fn type_label(&self) -> &str {
        self.event_type.as_deref().filter(|_| self.is_known_type).unwrap_or("unknown")
    }

    /// The `callback_id`, else the entity id, else the identity.
    pub fn correlation_id(&self) -> CorrelationId {
        let known = self.callback_id.as_deref().or(self.entity_id.as_deref());
        CorrelationId::of(known.unwrap_or(self.identity.as_str()))
    }

    /// Where the event and its job are kept.
    pub fn place(&self) -> Place {
        Place::of(self)
    }

    /// The key of this delivery of the event: `event#<identity>#<SHA-256 of the body>`. The same event in
    /// other bytes, such as with fresh links, has another key that begins with the same identity.
    pub fn item_key(&self) -> String {
        format!("event#{}#{}", self.identity, self.body_sha256)
    }

    /// What the event, taken alone, says of its job; `None` if it names no entity, its type does
    /// not say how the job stands, or its body is not JSON to the end.
    pub fn job(&self) -> Option<Job> {
        let event_type = self.event_type.as_ref().filter(|_| self.is_json)?;
        let status = self.status?;
        let succeeded = status == Status::Succeeded;
        Some(Job {
            platform: self.platform,
            kind: self.kind.clone()?,
            entity_id: self.entity_id.clone()?,
            status,
            identity: self.identity.clone(),
            decided_by: self.item_key(),
            event_type: event_type.clone(),
            occurred_at: self.occurred_at,
            // A failed job may have a thumbnail, and a successful one `"message": "Success"`.
            links: if succeeded { self.links.clone() } else { BTreeMap::new() },
            failure: self.failure.clone().filter(|_| status == Status::Failed),
            output_language: self.output_language.clone(),
            distinguishing_callback_id: self.callback_id.clone().filter(|_| self.entity_is_reused),
            links_expire_at: self.links.values().filter_map(|link| expires_at(link)).min().filter(|_| succeeded),
        })
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("platform", &self.platform)
            .field("identity", &self.identity)
            .field("is_json", &self.is_json)
            .field("event_type", &self.event_type)
            .field("event_id", &self.event_id)
            .field("created_at", &self.created_at)
            .field("callback_id", &self.callback_id)
            .field("entity_id", &self.entity_id)
            .field("output_language", &self.output_language)
            .finish_non_exhaustive()
    }
}
