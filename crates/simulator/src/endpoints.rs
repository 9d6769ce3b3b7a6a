//! The registered webhook endpoints.

use crate::http::is_loopback;
use crate::options::Existing;
use crate::rejection::Rejection;
use crate::{lock, random};
use heygen::Secret;
use serde::Deserialize;
use std::sync::Mutex;
use time::OffsetDateTime;
use ureq::http::Uri;

/// A registered endpoint. `Debug` does not show its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The endpoint's id, 32 hex digits.
    pub endpoint_id: String,
    /// The URL to which events are posted.
    pub url: String,
    /// Whether HeyGen delivers to it.
    pub enabled: bool,
    /// The event types that it subscribes to; `None` means all.
    pub events: Option<Vec<String>>,
    /// The `entity_id` of its creation, which the API never returns.
    pub entity_id: Option<String>,
    /// The secret with which its deliveries are signed.
    pub secret: Secret,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// Its position in the list. Numbers are not reused.
    pub(crate) number: u64,
}

/// The body of a request for a new endpoint, in v1 and v3.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    pub(crate) url: String,
    pub(crate) events: Option<Vec<String>>,
    pub(crate) entity_id: Option<String>,
}

/// A change of an endpoint; `None` keeps a value.
pub(crate) struct Change {
    pub(crate) url: Option<String>,
    /// Replaces the present list.
    pub(crate) events: Option<Vec<String>>,
}

#[derive(Default)]
pub(crate) struct Endpoints(Mutex<Registry>);

#[derive(Default)]
struct Registry {
    endpoints: Vec<Endpoint>,
    next_number: u64,
}

impl Endpoints {
    pub(crate) fn all(&self) -> Vec<Endpoint> {
        lock(&self.0).endpoints.clone()
    }

    pub(crate) fn get(&self, endpoint_id: &str) -> Option<Endpoint> {
        lock(&self.0).endpoints.iter().find(|endpoint| endpoint.endpoint_id == endpoint_id).cloned()
    }

    pub(crate) fn add(&self, new: New, unique_url: bool, now: OffsetDateTime) -> Result<Endpoint, Rejection> {
        let New { url, events, entity_id } = new;
        if unique_url && self.all().iter().any(|endpoint| endpoint.url == url) {
            return Err(Rejection::invalid_url("An endpoint with this url already exists"));
        }
        Ok(self.push(Existing { url, events, enabled: true }, entity_id, now))
    }

    pub(crate) fn register(&self, existing: Existing, now: OffsetDateTime) -> Endpoint {
        self.push(existing, None, now)
    }

    fn push(&self, existing: Existing, entity_id: Option<String>, created_at: OffsetDateTime) -> Endpoint {
        let Existing { url, events, enabled } = existing;
        let mut registry = lock(&self.0);
        let number = registry.next_number;
        registry.next_number += 1;
        let (endpoint_id, secret) = (random::opaque(), random::secret());
        let endpoint = Endpoint { endpoint_id, url, enabled, events, entity_id, secret, created_at, number };
        registry.endpoints.push(endpoint.clone());
        endpoint
    }

    /// Changes an endpoint and returns it.
    pub(crate) fn change(&self, endpoint_id: &str, change: impl FnOnce(&mut Endpoint)) -> Result<Endpoint, Rejection> {
        let mut registry = lock(&self.0);
        let found = registry.endpoints.iter_mut().find(|endpoint| endpoint.endpoint_id == endpoint_id);
        let endpoint = found.ok_or_else(Rejection::no_such_endpoint)?;
        change(endpoint);
        Ok(endpoint.clone())
    }

    pub(crate) fn remove(&self, endpoint_id: &str) -> Result<(), Rejection> {
        let mut registry = lock(&self.0);
        let index = registry.endpoints.iter().position(|endpoint| endpoint.endpoint_id == endpoint_id);
        registry.endpoints.remove(index.ok_or_else(Rejection::no_such_endpoint)?);
        Ok(())
    }
}

impl Endpoint {
    /// Whether events of this type are delivered to it.
    pub(crate) fn wants(&self, event_type: &str) -> bool {
        self.enabled && self.events.as_ref().is_none_or(|events| events.iter().any(|event| event == event_type))
    }

    pub(crate) fn status(&self) -> &'static str {
        if self.enabled { "enabled" } else { "disabled" }
    }

    pub(crate) fn apply(&mut self, change: Change) {
        let Change { url, events } = change;
        if let Some(url) = url {
            self.url = url;
        }
        if let Some(events) = events {
            self.events = Some(events);
        }
    }
}

/// HeyGen requires `https`. On loopback `http` is accepted, so that tests need no certificate.
pub(crate) fn check_url(url: &str) -> Result<(), Rejection> {
    let parsed: Option<Uri> = url.parse().ok();
    let host = parsed.as_ref().and_then(Uri::host).unwrap_or_default();
    let scheme = parsed.as_ref().and_then(Uri::scheme_str).unwrap_or_default();
    if host.is_empty() || !(scheme == "https" || scheme == "http" && is_loopback(host)) {
        return Err(Rejection::invalid_url("Url of this webhook endpoint is invalid"));
    }
    Ok(())
}

/// An empty list is rejected: it is not documented what it means.
pub(crate) fn check_events(events: Option<&[String]>, known: &[String]) -> Result<(), Rejection> {
    let Some(events) = events else { return Ok(()) };
    if events.is_empty() {
        return Err(Rejection::invalid("events", "events is empty"));
    }
    match events.iter().find(|event| !known.contains(event)) {
        Some(unknown) => Err(Rejection::invalid("events", format!("unknown event type {unknown:?}"))),
        None => Ok(()),
    }
}
