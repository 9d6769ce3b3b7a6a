//! What there is, for people and programs: endpoints, event types, delivered events.

use crate::change::ChangeKind;
use crate::config::Config;
use crate::snapshot::Snapshot;
use heygen::api::{DeliveredEvent, Endpoint, EndpointStatus, EventTypeInfo};
use heygen::{Event, EventType};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Every endpoint at HeyGen, and how ours differ from what is wanted. Of others only the host is
/// shown: what follows may be a secret of theirs.
pub(crate) fn endpoints(look: &Snapshot, config: &Config) -> (Value, String) {
    let plan = look.plan(config);
    let (mut shown, mut lines) = (Vec::new(), Vec::new());
    for endpoint in &look.endpoints {
        let name = config.deployment.name_of(&endpoint.url);
        let stored = name.and_then(|name| look.stored.get(name));
        let state = match (name, stored.and_then(|stored| stored.registered.as_ref())) {
            (None, _) => "foreign",
            (Some(_), Some(known)) if known.endpoint_id == endpoint.id => "registered",
            (Some(name), _) if look.wanted(name).is_none() => "unwanted",
            (Some(_), Some(_)) => "duplicate",
            (Some(_), None) => "unknown",
        };
        let secret = match stored.filter(|_| state == "registered") {
            None => "unknown",
            Some(stored) if stored.pending.is_some() => "pending",
            Some(stored) if stored.current.is_none() => "missing",
            Some(_) => "stored",
        };
        let drift =
            plan.changes.iter().find(|change| concerns(&change.what, &endpoint.id)).map(|change| change.what.name());
        let url = if name.is_some() { endpoint.url.as_str() } else { host(&endpoint.url) };
        let events = endpoint.events.as_ref().map_or("all events".to_owned(), |events| events.join(" "));
        shown.push(json!({
            "endpoint": name, "endpoint_id": endpoint.id, "url": url, "status": status(endpoint), "state": state,
            "events": endpoint.events, "created_at": endpoint.created_at, "drift": drift,
            "secret": name.map(|_| secret),
        }));
        if let Some(name) = name {
            let drift = drift.map_or(String::new(), |drift| format!(", to {drift}"));
            let (id, status) = (&endpoint.id, status(endpoint));
            lines.push(format!(
                "  {name}  {id}  {status}, {state}, secret {secret}{drift}\n      {url}\n      {events}\n"
            ));
        }
    }
    let missing: Vec<_> =
        plan.changes.iter().filter(|change| matches!(change.what, ChangeKind::Create { .. })).collect();
    for change in &missing {
        lines.push(format!("  {}  is wanted, and not registered\n", change.endpoint));
    }
    lines.push(format!("{} of this deployment, {} of others.", plan.owned, plan.foreign));
    let missing: Vec<_> = missing.iter().map(|change| &change.endpoint).collect();
    (json!({"endpoints": shown, "missing": missing, "owned": plan.owned, "foreign": plan.foreign}), lines.concat())
}

fn concerns(what: &ChangeKind, id: &str) -> bool {
    match what {
        ChangeKind::Adopt { endpoint_id, .. }
        | ChangeKind::Update { endpoint_id, .. }
        | ChangeKind::Replace { endpoint_id, .. }
        | ChangeKind::Rotate { endpoint_id, .. }
        | ChangeKind::Delete { endpoint_id, .. } => endpoint_id == id,
        ChangeKind::Finish { .. } | ChangeKind::Create { .. } => false,
    }
}

fn status(endpoint: &Endpoint) -> &str {
    match &endpoint.status {
        Some(EndpointStatus::Enabled) => "enabled",
        Some(EndpointStatus::Disabled) => "disabled",
        Some(EndpointStatus::Other(other)) => other,
        None => "status unknown",
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// HeyGen's live list of event types against those that this version knows.
pub(crate) fn event_types(live: Vec<EventTypeInfo>) -> (Value, String) {
    let names: BTreeSet<_> = live.iter().map(|info| info.event_type.as_str()).collect();
    let known: BTreeSet<_> = EventType::KNOWN.iter().copied().collect();
    let new: Vec<_> = names.difference(&known).copied().collect();
    let gone: Vec<_> = known.difference(&names).copied().collect();
    let list = |words: &[&str]| if words.is_empty() { "none".to_owned() } else { words.join(" ") };
    let text = format!(
        "HeyGen has {} event types, this version knows {}.\n  new to this version: {}\n  no longer at HeyGen: {}\n\
         New ones need nothing: they are recorded as they are.",
        names.len(),
        known.len(),
        list(&new),
        list(&gone),
    );
    let described =
        live.iter().map(|info| json!({"event_type": info.event_type.as_str(), "description": info.description}));
    (json!({"event_types": described.collect::<Vec<_>>(), "new": new, "gone": gone}), text)
}

/// Delivered events, without what they say: that holds links that anyone can follow.
pub(crate) fn deliveries(events: &[DeliveredEvent], next: Option<&str>) -> (Value, String) {
    let (mut shown, mut lines) = (Vec::new(), Vec::new());
    for delivered in events {
        let event = Event::read(&delivered.to_verified());
        let (created_at, event_type) = (delivered.created_at.as_deref().unwrap_or("-"), delivered.event_type.as_str());
        let correlation_id = event.correlation_id();
        lines.push(format!("  {created_at}  {event_type}  {}\n", correlation_id.as_str()));
        shown.push(json!({
            "event_id": delivered.id, "event_type": event_type, "created_at": delivered.created_at,
            "correlation_id": correlation_id.as_str(), "identity": event.identity.as_str(),
        }));
    }
    lines.push(match next {
        Some(token) => format!("{} events, and more: ask again with \"token\": \"{token}\".", events.len()),
        None => format!("{} events, and no more.", events.len()),
    });
    (json!({"events": shown, "next_token": next}), lines.concat())
}
