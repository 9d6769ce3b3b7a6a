//! What would change: pure, from what is wanted and what is there.

use crate::change::{Change, ChangeKind, DeleteReason, ReplaceReason, Rotation, SecretFrom};
use crate::deployment::Deployment;
use crate::desired::DesiredEndpoint;
use aws::secrets::EndpointSecret;
use heygen::EventType;
use heygen::api::{Endpoint, EndpointStatus};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Everything that a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// Where this deployment receives.
    pub deployment: &'a Deployment,
    /// What is wanted.
    pub wanted: &'a [DesiredEndpoint],
    /// What HeyGen has, of ours and of others.
    pub endpoints: &'a [Endpoint],
    /// What is stored, by the endpoint's name.
    pub stored: &'a BTreeMap<String, EndpointSecret>,
    /// The endpoints whose stored secret is not of the right form: they are left alone.
    pub unreadable: &'a BTreeSet<String>,
}

/// What would change. `Display` is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The changes, in the order in which they are made.
    pub changes: Vec<Change>,
    /// What cannot be seen, or cannot be done.
    pub notes: Vec<String>,
    /// The names that are as wanted.
    pub unchanged: Vec<String>,
    /// How many endpoints at HeyGen are ours.
    pub owned: usize,
    /// How many are not.
    pub foreign: usize,
}

impl Plan {
    /// What tells this plan from others: 16 hex digits.
    pub fn checksum(&self) -> String {
        let changes = serde_json::to_vec(&self.changes).unwrap_or_default();
        hex::encode(&Sha256::digest(changes)[..8])
    }
}

/// Compares what is wanted with what is there.
pub fn plan(seen: &PlanInput<'_>) -> Plan {
    let mut ours: BTreeMap<&str, Vec<&Endpoint>> = BTreeMap::new();
    for endpoint in seen.endpoints {
        if let Some(name) = seen.deployment.name_of(&endpoint.url) {
            ours.entry(name).or_default().push(endpoint);
        }
    }
    let owned = ours.values().map(Vec::len).sum();
    let mut plan = Plan {
        changes: Vec::new(),
        notes: Vec::new(),
        unchanged: Vec::new(),
        owned,
        foreign: seen.endpoints.len() - owned,
    };
    let wanted_names = seen.wanted.iter().map(|wanted| wanted.name.as_str());
    // Sorted, so that the plan does not depend on the order of HeyGen's list.
    let others: BTreeSet<_> = ours.keys().copied().chain(seen.deployment.names().iter().map(String::as_str)).collect();
    let others = others.into_iter().filter(|name| !seen.wanted.iter().any(|wanted| wanted.name == *name));
    for name in wanted_names.chain(others) {
        let candidates = ours.remove(name).unwrap_or_default();
        EndpointPlanner::new(seen, name, candidates).plan(&mut plan);
    }
    // What an earlier run began comes first, and nothing goes before everything else is in place.
    plan.changes.sort_by_key(|change| match change.what {
        ChangeKind::Finish { .. } => 0,
        ChangeKind::Delete { .. } => 2,
        _ => 1,
    });
    plan
}

/// One name, and what HeyGen has for its URL.
struct EndpointPlanner<'a> {
    seen: &'a PlanInput<'a>,
    name: &'a str,
    wanted: Option<&'a DesiredEndpoint>,
    candidates: Vec<&'a Endpoint>,
    stored: Option<&'a EndpointSecret>,
}

impl<'a> EndpointPlanner<'a> {
    fn new(seen: &'a PlanInput<'a>, name: &'a str, mut candidates: Vec<&'a Endpoint>) -> Self {
        candidates.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        let wanted = seen.wanted.iter().find(|wanted| wanted.name == name);
        EndpointPlanner { seen, name, wanted, candidates, stored: seen.stored.get(name) }
    }

    fn plan(self, plan: &mut Plan) {
        let name = self.name;
        if self.seen.unreadable.contains(name) {
            let secret = "is not of the form {\"current\": \"whsec_...\"}, and may be someone's only copy of a secret";
            plan.notes
                .push(format!("{name} is left alone: what is stored as its secret {secret}; correct or remove it"));
            return;
        }
        let mut changes = Vec::new();
        let pending = self.stored.and_then(|stored| stored.pending.as_ref());
        if let Some(pending) = pending {
            changes.push(ChangeKind::finish(pending));
        } else {
            match self.wanted {
                Some(wanted) if wanted.enabled => self.register(wanted, &mut changes, &mut plan.notes),
                Some(_) => self.remove_all(DeleteReason::NotEnabled, &mut changes),
                None => self.remove_all(DeleteReason::NotInFile, &mut changes),
            }
        }
        if changes.is_empty() && self.wanted.is_some() {
            plan.unchanged.push(name.to_owned());
        }
        plan.changes.extend(changes.into_iter().map(|what| Change { endpoint: name.to_owned(), what }));
    }

    fn remove_all(&self, why: DeleteReason, changes: &mut Vec<ChangeKind>) {
        changes.extend(self.candidates.iter().map(|endpoint| delete(endpoint, why)));
    }

    fn register(&self, wanted: &DesiredEndpoint, changes: &mut Vec<ChangeKind>, notes: &mut Vec<String>) {
        for event in wanted.events.iter().flatten().filter(|event| !EventType::new(event.as_str()).is_known()) {
            notes.push(format!(
                "{}: {event} is not an event type that this version knows; HeyGen may refuse it",
                self.name
            ));
        }
        let registered = self.stored.and_then(|stored| stored.registered.as_ref());
        let known =
            registered.and_then(|known| self.candidates.iter().copied().find(|one| one.id == known.endpoint_id));
        let Some(primary) = known.or_else(|| self.likeliest()) else {
            let DesiredEndpoint { events, entity_id, .. } = wanted.clone();
            changes.push(ChangeKind::Create { url: self.seen.deployment.url_of(self.name), events, entity_id });
            return;
        };

        let scope = known.and(registered).map(|known| &known.entity_id);
        let why = unfit(primary, wanted, scope);
        if !why.is_empty() {
            let DesiredEndpoint { events, entity_id, .. } = wanted.clone();
            changes.push(ChangeKind::Replace { endpoint_id: primary.id.clone(), why, events, entity_id });
        } else {
            changes.extend(self.secret_of(primary, known.is_some()));
            changes.extend(self.update_of(primary, wanted));
            if known.is_none() && wanted.entity_id.is_some() {
                notes.push(format!(
                    "{}: HeyGen does not show for which entity {} is; it is taken to be as wanted",
                    self.name, primary.id
                ));
            }
        }

        // Until the one that we know is there, nothing tells which of the others was its predecessor.
        let predecessor = known.and(registered).and_then(|known| known.replaces.as_ref());
        for other in self.candidates.iter().filter(|other| other.id != primary.id) {
            let why = if predecessor == Some(&other.id) { DeleteReason::Replaced } else { DeleteReason::Duplicate };
            changes.push(delete(other, why));
        }
    }

    /// Of those that are there, the one to go on with: one that gets deliveries, one whose secret
    /// we have, else the latest.
    fn likeliest(&self) -> Option<&'a Endpoint> {
        let current = self.stored.and_then(|stored| stored.current.as_ref());
        let ours = |endpoint: &Endpoint| endpoint.secret.is_some() && endpoint.secret.as_ref() == current;
        self.candidates.iter().copied().max_by_key(|one| (!is_disabled(one), ours(one)))
    }

    /// What it takes to know the endpoint's secret.
    fn secret_of(&self, primary: &Endpoint, is_known: bool) -> Option<ChangeKind> {
        let current = self.stored.and_then(|stored| stored.current.as_ref());
        let adopt = |secret| Some(ChangeKind::Adopt { endpoint_id: primary.id.clone(), secret });
        let was_known = self.stored.is_some_and(|stored| stored.registered.is_some());
        match (&primary.secret, current) {
            (Some(listed), Some(current)) if listed == current && is_known => None,
            (Some(_), _) => adopt(SecretFrom::List),
            (None, Some(_)) if is_known => None,
            // Whoever stored it by hand had one endpoint in mind: there must be no doubt which.
            (None, Some(_)) if !was_known && self.candidates.len() == 1 => adopt(SecretFrom::Store),
            (None, None) if is_known => {
                Some(ChangeKind::Rotate { endpoint_id: primary.id.clone(), why: Rotation::Unknown })
            }
            (None, _) => adopt(SecretFrom::Rotation),
        }
    }

    fn update_of(&self, primary: &Endpoint, wanted: &DesiredEndpoint) -> Option<ChangeKind> {
        let url = Some(self.seen.deployment.url_of(self.name)).filter(|url| *url != primary.url);
        let (added, removed) = match (&wanted.events, &primary.events) {
            (Some(wanted), Some(present)) => (missing(wanted, present), Some(missing(present, wanted))),
            (Some(wanted), None) => (missing(wanted, &[]), None),
            (None, _) => (Vec::new(), Some(Vec::new())),
        };
        let same_events = added.is_empty() && removed.as_ref().is_some_and(Vec::is_empty);
        let update = ChangeKind::Update { endpoint_id: primary.id.clone(), url: url.clone(), added, removed };
        (url.is_some() || !same_events).then_some(update)
    }
}

/// What no update brings about. `scope` is the entity that it was registered for, if that is known.
fn unfit(endpoint: &Endpoint, wanted: &DesiredEndpoint, scope: Option<&Option<String>>) -> Vec<ReplaceReason> {
    let checks = [
        (is_disabled(endpoint), ReplaceReason::Disabled),
        (endpoint.events.is_some() && wanted.events.is_none(), ReplaceReason::AllEvents),
        (scope.is_some_and(|scope| *scope != wanted.entity_id), ReplaceReason::EntityScope),
    ];
    checks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, why)| why).collect()
}

fn is_disabled(endpoint: &Endpoint) -> bool {
    endpoint.status == Some(EndpointStatus::Disabled)
}

fn missing(these: &[String], those: &[String]) -> Vec<String> {
    let set: BTreeSet<_> = these.iter().filter(|one| !those.contains(one)).cloned().collect();
    set.into_iter().collect()
}

fn delete(endpoint: &Endpoint, why: DeleteReason) -> ChangeKind {
    ChangeKind::Delete { endpoint_id: endpoint.id.clone(), why }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            let Change { endpoint, what } = change;
            let prune = if change.needs_prune() { " (only with prune)" } else { "" };
            writeln!(f, "  {} {endpoint}  {}  {what}{prune}", what.sign(), what.name())?;
        }
        for name in &self.unchanged {
            writeln!(f, "  = {name}  as wanted")?;
        }
        for note in &self.notes {
            writeln!(f, "  ! {note}")?;
        }
        if self.foreign > 0 {
            writeln!(f, "  · {} of others, not touched", endpoints(self.foreign))?;
        }
        match self.changes.len() {
            0 => write!(f, "Nothing to do.")?,
            1 => write!(f, "1 change.")?,
            changes => write!(f, "{changes} changes.")?,
        }
        write!(f, " Checksum {}.", self.checksum())
    }
}

fn endpoints(count: usize) -> String {
    if count == 1 { "1 endpoint".to_owned() } else { format!("{count} endpoints") }
}
