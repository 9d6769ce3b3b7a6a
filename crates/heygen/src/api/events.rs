//! Event types, and HeyGen's list of delivered events.

use std::fmt;

use reqwest::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::pages::LARGEST_PAGE;
use super::{Api, ApiError, ApiVersion, Pages, timestamp};
use crate::{EventType, Verified};
use webhook::fields::Fields;

/// An event type that an endpoint can subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTypeInfo {
    /// The event type.
    pub event_type: EventType,
    /// HeyGen's description; v1 has none.
    pub description: Option<String>,
}

/// Which events to list. The default is all events of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only events of this type.
    pub event_type: Option<EventType>,
    /// Only events about this entity.
    pub entity_id: Option<String>,
}

/// An event that HeyGen delivered or tried to deliver. `Debug` omits its data, because anyone who
/// has a link can follow it.
#[derive(Clone, PartialEq)]
pub struct DeliveredEvent {
    /// HeyGen's id of the event.
    pub id: Option<String>,
    /// The event's type.
    pub event_type: EventType,
    /// `event_data`, as in the body of a delivery.
    pub data: Value,
    /// When it happened, as HeyGen wrote it: ISO 8601.
    pub created_at: Option<String>,
}

impl DeliveredEvent {
    /// The event as the body of a delivery, `{"event_type": …, "event_data": …}`.
    ///
    /// The body has no `event_id`: no delivery was seen with one, and an id that the delivery did not
    /// have would give the same event another identity.
    #[expect(clippy::disallowed_methods, reason = "the event is HeyGen's own response, over TLS")]
    pub fn to_verified(&self) -> Verified {
        let body = json!({"event_type": self.event_type.as_str(), "event_data": self.data});
        Verified::assume_authentic(body.to_string().into_bytes())
    }

    /// [`DeliveredEvent::created_at`] as a point in time, if it is one.
    pub fn created(&self) -> Option<OffsetDateTime> {
        self.created_at.as_deref().and_then(timestamp::parse)
    }

    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(Some(value));
        Some(Self {
            id: fields.text("event_id"),
            event_type: EventType::new(fields.text("event_type")?),
            data: fields.get("event_data").cloned().unwrap_or_default(),
            created_at: fields.text("created_at"),
        })
    }
}

impl fmt::Debug for DeliveredEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveredEvent")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

impl EventTypeInfo {
    /// v3 returns objects, v1 only names.
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(Some(value));
        let name = value.as_str().map(str::to_owned).or_else(|| fields.text("event_type"))?;
        Some(Self { event_type: EventType::new(name), description: fields.text("description") })
    }
}

impl Api {
    /// The event types that an endpoint can subscribe to.
    pub fn event_types(&self) -> Pages<'_, EventTypeInfo> {
        let path: &[&str] = match self.version() {
            ApiVersion::V3 => &["v3", "webhooks", "event-types"],
            ApiVersion::V1 => &["v1", "webhook", "webhook.list"],
        };
        let call = self.call("heygen:ListEventTypes", Method::GET, path, &[]);
        Pages::new(self, call, EventTypeInfo::read)
    }

    /// The workspace's events, to find those that never arrived.
    ///
    /// # Errors
    ///
    /// [`Kind::Unsupported`](super::Kind::Unsupported) in v1.
    pub fn delivered_events(&self, filter: &EventFilter) -> Result<Pages<'_, DeliveredEvent>, ApiError> {
        const OPERATION: &str = "heygen:ListEvents";
        self.needs_v3(OPERATION)?;
        let query = [
            ("event_type", filter.event_type.as_ref().map(EventType::as_str)),
            ("entity_id", filter.entity_id.as_deref()),
            ("limit", Some(LARGEST_PAGE)),
        ];
        let call = self.call(OPERATION, Method::GET, &["v3", "webhooks", "events"], &query);
        Ok(Pages::new(self, call, DeliveredEvent::read))
    }
}
