//! Event types, and the events that HeyGen says it delivered.

use std::fmt;

use reqwest::Method;
use serde_json::{Value, json};

use super::pages::LARGEST_PAGE;
use super::{Api, ApiError, ApiVersion, Pages};
use crate::fields::Fields;
use crate::{EventType, Verified};

/// An event type that an endpoint can be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTypeInfo {
    /// The type.
    pub event_type: EventType,
    /// What HeyGen says of it; v1 says nothing.
    pub description: Option<String>,
}

/// Which events to list. The default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only those of this type.
    pub event_type: Option<EventType>,
    /// Only those about this entity.
    pub entity_id: Option<String>,
}

/// An event that HeyGen says it delivered, or tried to. `Debug` does not show its data, which
/// holds links that anyone can follow.
#[derive(Clone, PartialEq)]
pub struct DeliveredEvent {
    /// HeyGen's id of it.
    pub id: Option<String>,
    /// Its type.
    pub event_type: EventType,
    /// What it says.
    pub data: Value,
    /// When it happened, as HeyGen wrote it.
    pub created_at: Option<String>,
}

impl DeliveredEvent {
    /// The event as a delivery's body, `{"event_type": …, "event_data": …}`.
    ///
    /// Its id is left out: no delivery is known to carry one in its body, and with an id that the
    /// delivery did not have, the two would count as two events.
    #[expect(clippy::disallowed_methods, reason = "HeyGen's API gave the event, over TLS")]
    pub fn to_verified(&self) -> Verified {
        let body = json!({"event_type": self.event_type.as_str(), "event_data": self.data});
        Verified::assume_authentic(body.to_string().into_bytes())
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
    /// v3 gives an object, v1 the name alone.
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(Some(value));
        let name = value.as_str().map(str::to_owned).or_else(|| fields.text("event_type"))?;
        Some(Self { event_type: EventType::new(name), description: fields.text("description") })
    }
}

impl Api {
    /// The event types that an endpoint can be subscribed to.
    pub fn event_types(&self) -> Pages<'_, EventTypeInfo> {
        let path: &[&str] = match self.version() {
            ApiVersion::V3 => &["v3", "webhooks", "event-types"],
            ApiVersion::V1 => &["v1", "webhook", "webhook.list"],
        };
        let call = self.call("heygen:ListEventTypes", Method::GET, path, &[]);
        Pages::new(self, call, EventTypeInfo::read)
    }

    /// The workspace's events, for finding those that never arrived.
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
