//! The replies that list what HeyGen has: endpoints, event types, delivered events.

use crate::change::{Change, ChangeKind};
use crate::checks::Checked;
use crate::config::Config;
use crate::plan::Plan;
use crate::platforms::report::PlatformReport;
use crate::reply::{
    DeliveriesReply, EndpointState, EventTypesReply, ListReply, ListedEndpoint, ListedEvent, ListedEventType,
    SecretState,
};
use crate::snapshot::Snapshot;
use crate::urls;
use heygen::EventType;
use heygen::api::{DeliveredEvent, Endpoint, EndpointStatus, EventTypeInfo, Readable};
use std::collections::{BTreeMap, BTreeSet};

/// Of a deployment that leaves HeyGen alone.
pub(crate) fn without_heygen(config: &Config, platforms: Vec<PlatformReport>) -> ListReply {
    ListReply {
        url: urls::shown(config.deployment.url()),
        endpoints: Vec::new(),
        missing: Vec::new(),
        owned: 0,
        foreign: 0,
        unreadable: 0,
        platforms,
    }
}

pub(crate) fn endpoints(
    snapshot: &Snapshot,
    config: &Config,
    checks: &BTreeMap<String, Checked>,
    platforms: Vec<PlatformReport>,
) -> ListReply {
    let plan = snapshot.plan(config);
    let missing = |change: &&Change| matches!(change.kind, ChangeKind::Create { .. });
    ListReply {
        url: urls::shown(config.deployment.url()),
        endpoints: snapshot
            .endpoints
            .iter()
            .map(|endpoint| listed(endpoint, snapshot, config, &plan, checks))
            .collect(),
        missing: plan.changes.iter().filter(missing).map(|change| change.endpoint.clone()).collect(),
        owned: plan.owned,
        foreign: plan.foreign,
        unreadable: snapshot.unlisted,
        platforms,
    }
}

fn listed(
    endpoint: &Endpoint,
    snapshot: &Snapshot,
    config: &Config,
    plan: &Plan,
    checks: &BTreeMap<String, Checked>,
) -> ListedEndpoint {
    let owner = snapshot.owner(config, endpoint);
    let name = owner.as_deref();
    let stored = name.and_then(|name| snapshot.stored.get(name));
    let state = match (name, stored.and_then(|stored| stored.registered.as_ref())) {
        (None, _) => EndpointState::Foreign,
        (Some(_), Some(registered)) if registered.endpoint_id == endpoint.id => EndpointState::Registered,
        (Some(name), _) if snapshot.desired(name).is_none() => EndpointState::NotConfigured,
        (Some(_), Some(_)) => EndpointState::Duplicate,
        (Some(_), None) => EndpointState::Unknown,
    };
    let secret = match stored.filter(|_| state == EndpointState::Registered) {
        None => SecretState::Unknown,
        Some(stored) if stored.pending.is_some() => SecretState::Pending,
        Some(stored) if stored.current.is_none() => SecretState::Missing,
        Some(_) => SecretState::Stored,
    };
    let current = stored.filter(|_| secret == SecretState::Stored);
    let checked = name.filter(|_| state == EndpointState::Registered).and_then(|name| checks.get(name));
    let Checked { verified_at, problem } = checked.cloned().unwrap_or_default();
    let drift = plan.changes.iter().find(|change| change.kind.endpoint_id() == Some(&endpoint.id));
    ListedEndpoint {
        endpoint: name.map(str::to_owned),
        endpoint_id: endpoint.id.clone(),
        url: if name.is_some() { urls::shown(&endpoint.url) } else { host(&endpoint.url).to_owned() },
        status: endpoint.status.as_ref().map(|status| status_text(status).to_owned()),
        state,
        events: endpoint.events.clone(),
        created_at: endpoint.created_at.clone(),
        drift: drift.map(|change| change.kind.name()),
        secret: name.map(|_| secret),
        secret_since: current.and_then(|stored| stored.current_since).map(aws::clock::to_text),
        verified_at,
        problem,
    }
}

fn status_text(status: &EndpointStatus) -> &str {
    match status {
        EndpointStatus::Enabled => "enabled",
        EndpointStatus::Disabled => "disabled",
        EndpointStatus::Other(other) => other,
    }
}

pub(crate) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

pub(crate) fn event_types(list: &Readable<EventTypeInfo>) -> EventTypesReply {
    let live = &list.elements;
    let names: BTreeSet<_> = live.iter().map(|info| info.event_type.as_str()).collect();
    let known: BTreeSet<_> = EventType::KNOWN.iter().copied().collect();
    EventTypesReply {
        known: known.len(),
        new: names.difference(&known).map(|name| (*name).to_owned()).collect(),
        removed: known.difference(&names).map(|name| (*name).to_owned()).collect(),
        event_types: live
            .iter()
            .map(|info| ListedEventType {
                event_type: info.event_type.as_str().to_owned(),
                description: info.description.clone(),
            })
            .collect(),
        unreadable: list.unreadable.len(),
    }
}

pub(crate) fn deliveries(events: &[DeliveredEvent], unreadable: usize, next_token: Option<&str>) -> DeliveriesReply {
    let listed = |delivered: &DeliveredEvent| {
        let event = heygen::read(&delivered.to_verified());
        ListedEvent {
            event_id: delivered.id.clone(),
            event_type: delivered.event_type.as_str().to_owned(),
            created_at: delivered.created_at.clone(),
            correlation_id: event.correlation_id().as_str().to_owned(),
            identity: event.identity.as_str().to_owned(),
        }
    };
    let next_token = next_token.map(str::to_owned);
    DeliveriesReply { events: events.iter().map(listed).collect(), unreadable, next_token }
}
