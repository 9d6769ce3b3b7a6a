//! The plan: a pure function of what is configured and what exists.

use crate::change::{Change, ChangeKind, DeleteReason, ReplaceReason, RotateReason, SecretSource};
use crate::deployment::Deployment;
use crate::desired::DesiredEndpoint;
use crate::ownership::{is_noted, owner};
use crate::urls;
use aws::secrets::EndpointSecret;
use heygen::EventType;
use heygen::api::{Endpoint, EndpointStatus};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;
use time::OffsetDateTime;

/// Everything that a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    pub deployment: &'a Deployment,
    pub desired: &'a [DesiredEndpoint],
    /// Everything that HeyGen has, endpoints that are not ours included.
    pub endpoints: &'a [Endpoint],
    /// By the endpoint's name.
    pub stored: &'a BTreeMap<String, EndpointSecret>,
    /// The endpoints whose stored secret could not be parsed: they are left alone.
    pub unreadable: &'a BTreeSet<String>,
    /// The endpoints whose secret is scheduled for deletion.
    pub deleted: &'a BTreeSet<String>,
    /// v1 cannot.
    pub can_rotate: bool,
    /// Secrets that are as old are rotated, and so are those of unknown age; `None` rotates none.
    pub max_secret_age: Option<Duration>,
    pub now: OffsetDateTime,
}

/// What would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Identifies these changes: 16 hex digits.
    pub checksum: String,
    /// In the order in which they are made.
    pub changes: Vec<Change>,
    /// What cannot be known, or cannot be done.
    pub notes: Vec<String>,
    /// The names of the endpoints that are up to date.
    pub unchanged: Vec<String>,
    /// The names of the endpoints that are left alone, because their stored secret could not be parsed.
    pub unreadable: Vec<String>,
    /// How many endpoints at HeyGen are ours.
    pub owned: usize,
    /// How many are not.
    pub foreign: usize,
}

impl Plan {
    /// Of a deployment that leaves HeyGen alone.
    pub(crate) fn none() -> Self {
        let note = "HeyGen's endpoints are left alone, because no API key of HeyGen is configured";
        Plan {
            checksum: checksum(&[]),
            changes: Vec::new(),
            notes: vec![note.to_owned()],
            unchanged: Vec::new(),
            unreadable: Vec::new(),
            owned: 0,
            foreign: 0,
        }
    }

    /// How many differences there are between what is configured and what exists.
    pub fn drift(&self) -> usize {
        self.changes.len() + self.unreadable.len()
    }

    /// The plan without the changes that were made.
    pub(crate) fn without(self, done: &[Change]) -> Self {
        let changes: Vec<_> = self.changes.into_iter().filter(|change| !done.contains(change)).collect();
        Plan { checksum: checksum(&changes), changes, ..self }
    }

    /// The plan without the changes of `hidden` names, if some endpoints at HeyGen could not be read.
    pub(crate) fn leaving_alone(mut self, hidden: &BTreeSet<String>, unreadable: usize) -> Self {
        if unreadable > 0 {
            let endpoints = if unreadable == 1 { "endpoint" } else { "endpoints" };
            self.notes.push(format!("{unreadable} {endpoints} at HeyGen could not be read, left alone"));
        }
        for name in hidden {
            self.notes.push(format!("{name} is left alone, because it may be an endpoint that could not be read"));
        }
        self.changes.retain(|change| !hidden.contains(&change.endpoint));
        self.unchanged.retain(|name| !hidden.contains(name));
        Plan { checksum: checksum(&self.changes), ..self }
    }
}

fn checksum(changes: &[Change]) -> String {
    hex::encode(&Sha256::digest(serde_json::to_vec(changes).unwrap_or_default())[..8])
}

/// Compares what is configured with what exists.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    let mut ours: BTreeMap<String, Vec<&Endpoint>> = BTreeMap::new();
    for endpoint in input.endpoints {
        if let Some(name) = owner(input.deployment, input.stored, endpoint) {
            ours.entry(name).or_default().push(endpoint);
        }
    }
    let owned = ours.values().map(Vec::len).sum();
    let desired = input.desired.iter().map(|desired| desired.name.as_str());
    // Sorted, so that the plan does not depend on the order of HeyGen's list.
    let names: BTreeSet<_> =
        ours.keys().map(String::as_str).chain(input.deployment.names().iter().map(String::as_str)).collect();
    let others = names.into_iter().filter(|name| input.desired.iter().all(|desired| desired.name != *name));

    let (mut changes, mut notes, mut unchanged) = (Vec::new(), Vec::new(), Vec::new());
    for name in desired.chain(others) {
        let candidates = ours.get(name).cloned().unwrap_or_default();
        let planner = EndpointPlanner::new(input, name, candidates);
        let kinds = planner.changes(&mut notes);
        if kinds.is_empty() && planner.is_up_to_date() {
            unchanged.push(name.to_owned());
        }
        changes.extend(kinds.into_iter().map(|kind| Change { endpoint: name.to_owned(), kind }));
    }
    // Nothing is deleted before everything else is in place.
    changes.sort_by_key(|change| match &change.kind {
        first if first.comes_first() => 0,
        ChangeKind::Delete { .. } => 2,
        _ => 1,
    });
    let (unreadable, foreign) = (input.unreadable.iter().cloned().collect(), input.endpoints.len() - owned);
    Plan { checksum: checksum(&changes), changes, notes, unchanged, unreadable, owned, foreign }
}

/// Plans the changes of one endpoint name.
struct EndpointPlanner<'a> {
    input: &'a PlanInput<'a>,
    name: &'a str,
    desired: Option<&'a DesiredEndpoint>,
    /// What HeyGen has for the name, the oldest first.
    candidates: Vec<&'a Endpoint>,
    stored: Option<&'a EndpointSecret>,
}

impl<'a> EndpointPlanner<'a> {
    fn new(input: &'a PlanInput<'a>, name: &'a str, mut candidates: Vec<&'a Endpoint>) -> Self {
        candidates.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        let desired = input.desired.iter().find(|desired| desired.name == name);
        EndpointPlanner { input, name, desired, candidates, stored: input.stored.get(name) }
    }

    fn is_unreadable(&self) -> bool {
        self.input.unreadable.contains(self.name)
    }

    /// Whether an endpoint without changes is one to report.
    fn is_up_to_date(&self) -> bool {
        self.desired.is_some() && !self.is_unreadable()
    }

    fn changes(&self, notes: &mut Vec<String>) -> Vec<ChangeKind> {
        if self.is_unreadable() {
            notes.push(format!(
                "{} is left alone: its stored secret is not of the form {{\"current\": \"whsec_...\"}}, and may be the only \
                 copy of a secret; correct or delete it",
                self.name
            ));
            return Vec::new();
        }
        match (self.stored.and_then(|stored| stored.pending.as_ref()), self.desired) {
            (Some(pending), _) => vec![ChangeKind::finish(pending, false)],
            // The value decides what else has to be done.
            (None, Some(desired)) if desired.enabled && self.input.deleted.contains(self.name) => {
                vec![ChangeKind::Restore {}]
            }
            (None, Some(desired)) if desired.enabled => self.register(desired, notes),
            (None, Some(_)) => self.delete_all(DeleteReason::NotEnabled),
            (None, None) => self.delete_all(DeleteReason::NotInFile),
        }
    }

    fn delete_all(&self, reason: DeleteReason) -> Vec<ChangeKind> {
        self.candidates.iter().map(|endpoint| delete(endpoint, reason)).collect()
    }

    fn register(&self, desired: &DesiredEndpoint, notes: &mut Vec<String>) -> Vec<ChangeKind> {
        for event in desired.events.iter().flatten().filter(|event| !EventType::new(event.as_str()).is_known()) {
            notes.push(format!(
                "{}: {event} is not an event type that this version knows; HeyGen may reject it",
                self.name
            ));
        }
        let noted = self.stored.and_then(|stored| stored.registered.as_ref());
        let registered =
            noted.and_then(|noted| self.candidates.iter().copied().find(|other| other.id == noted.endpoint_id));
        let Some(primary) = registered.or_else(|| self.best_candidate()) else { return vec![self.create(desired)] };
        let is_ours = self.stored.is_some_and(|stored| is_noted(stored, &primary.id));
        if is_disabled(primary) && !is_ours {
            // All of them are disabled, and may be another deployment's.
            let duplicates = self.candidates.iter().map(|endpoint| delete(endpoint, DeleteReason::Duplicate));
            return [self.create(desired)].into_iter().chain(duplicates).collect();
        }
        let noted = registered.and(noted);
        let is_too_old = registered.is_some() && self.is_secret_too_old();
        let mut reasons = replace_reasons(primary, desired, noted.map(|noted| &noted.entity_id));
        reasons.extend((is_too_old && !self.input.can_rotate).then_some(ReplaceReason::SecretAge));
        let secret = self.secret_change(primary, registered.is_some(), is_ours);
        let takes_over = secret.as_ref().is_some_and(ChangeKind::takes_a_secret_away);
        if let (None, Some(entity_id)) = (registered, &desired.entity_id)
            && (reasons.is_empty() || takes_over)
        {
            notes.push(format!(
                "{}: HeyGen does not show which entity {} is limited to; assuming {entity_id}",
                self.name, primary.id
            ));
        }
        if takes_over {
            // Until it is adopted it may be another deployment's, so nothing else is done to it.
            return secret.into_iter().collect();
        }
        let mut changes = Vec::new();
        if reasons.is_empty() {
            let by_age = ChangeKind::Rotate { endpoint_id: primary.id.clone(), reason: RotateReason::Age };
            changes.extend(secret.or(is_too_old.then_some(by_age)));
            changes.extend(self.update(primary, desired));
        } else {
            let DesiredEndpoint { events, entity_id, .. } = desired.clone();
            changes.push(ChangeKind::Replace { endpoint_id: primary.id.clone(), reasons, events, entity_id });
        }

        // Only the registered endpoint's note says which of the others it replaces.
        let predecessor = noted.and_then(|noted| noted.replaces.as_ref());
        for other in self.candidates.iter().filter(|other| other.id != primary.id) {
            let reason = if predecessor == Some(&other.id) { DeleteReason::Replaced } else { DeleteReason::Duplicate };
            changes.push(delete(other, reason));
        }
        changes
    }

    fn create(&self, desired: &DesiredEndpoint) -> ChangeKind {
        let DesiredEndpoint { events, entity_id, .. } = desired.clone();
        ChangeKind::Create { url: self.input.deployment.url_of(self.name), events, entity_id }
    }

    /// The endpoint to keep: preferably one that is enabled, then one whose secret is stored, then the latest.
    fn best_candidate(&self) -> Option<&'a Endpoint> {
        let current = self.stored.and_then(|stored| stored.current.as_ref());
        let is_stored = |endpoint: &Endpoint| endpoint.secret.is_some() && endpoint.secret.as_ref() == current;
        self.candidates.iter().copied().max_by_key(|endpoint| (!is_disabled(endpoint), is_stored(endpoint)))
    }

    /// The change after which the endpoint's secret is stored.
    fn secret_change(&self, primary: &Endpoint, is_registered: bool, is_ours: bool) -> Option<ChangeKind> {
        let current = self.stored.and_then(|stored| stored.current.as_ref());
        let adopt = |secret| Some(ChangeKind::Adopt { endpoint_id: primary.id.clone(), secret });
        let had_registration = self.stored.is_some_and(|stored| stored.registered.is_some());
        match (&primary.secret, current) {
            (Some(listed), Some(current)) if listed == current && is_registered => None,
            (Some(_), _) => adopt(SecretSource::List),
            (None, Some(_)) if is_registered => None,
            // Stored by hand: it belongs to this endpoint only if there is no other that it could belong to.
            (None, Some(_)) if !had_registration && self.candidates.len() == 1 => adopt(SecretSource::Store),
            (None, _) if is_ours => {
                Some(ChangeKind::Rotate { endpoint_id: primary.id.clone(), reason: RotateReason::SecretUnknown })
            }
            (None, _) => adopt(SecretSource::Rotation),
        }
    }

    /// Whether the current secret is older than secrets may become.
    fn is_secret_too_old(&self) -> bool {
        let Some(stored) = self.stored.filter(|stored| stored.current.is_some()) else { return false };
        let is_older = |limit: Duration| stored.current_since.is_none_or(|since| self.input.now - since >= limit);
        self.input.max_secret_age.is_some_and(is_older)
    }

    fn update(&self, primary: &Endpoint, desired: &DesiredEndpoint) -> Option<ChangeKind> {
        let url = Some(self.input.deployment.url_of(self.name)).filter(|url| !urls::same(url, &primary.url));
        let (added, removed) = match (&desired.events, &primary.events) {
            (Some(desired), Some(present)) => (difference(desired, present), Some(difference(present, desired))),
            (Some(desired), None) => (difference(desired, &[]), None),
            (None, _) => (Vec::new(), Some(Vec::new())),
        };
        let same_events = added.is_empty() && removed.as_ref().is_some_and(Vec::is_empty);
        let update = ChangeKind::Update { endpoint_id: primary.id.clone(), url: url.clone(), added, removed };
        (url.is_some() || !same_events).then_some(update)
    }
}

/// Why no update is enough. `scope` is the entity that the endpoint was registered for, if that is known.
fn replace_reasons(
    endpoint: &Endpoint,
    desired: &DesiredEndpoint,
    scope: Option<&Option<String>>,
) -> Vec<ReplaceReason> {
    let checks = [
        (is_disabled(endpoint), ReplaceReason::Disabled),
        (endpoint.events.is_some() && desired.events.is_none(), ReplaceReason::AllEvents),
        (scope.is_some_and(|scope| *scope != desired.entity_id), ReplaceReason::EntityScope),
    ];
    checks.into_iter().filter_map(|(applies, reason)| applies.then_some(reason)).collect()
}

pub(crate) fn is_disabled(endpoint: &Endpoint) -> bool {
    endpoint.status == Some(EndpointStatus::Disabled)
}

/// What `these` have and `those` have not, sorted.
fn difference(these: &[String], those: &[String]) -> Vec<String> {
    let set: BTreeSet<_> = these.iter().filter(|event| !those.contains(event)).cloned().collect();
    set.into_iter().collect()
}

fn delete(endpoint: &Endpoint, reason: DeleteReason) -> ChangeKind {
    ChangeKind::Delete { endpoint_id: endpoint.id.clone(), reason }
}

/// The plan as text, a line per endpoint.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            let only = match change {
                change if change.needs_prune() => " (only with \"prune\": true)",
                change if change.needs_adopt() => " (only with \"adopt\": true)",
                _ => "",
            };
            writeln!(f, "  {} {change}{only}", change.kind.sign())?;
        }
        for name in &self.unchanged {
            writeln!(f, "  = {name}  up to date")?;
        }
        for note in &self.notes {
            writeln!(f, "  ! {note}")?;
        }
        match self.foreign {
            0 => {}
            1 => writeln!(f, "  · 1 endpoint is not ours, left alone")?,
            foreign => writeln!(f, "  · {foreign} endpoints are not ours, left alone")?,
        }
        match self.changes.len() {
            0 if self.unreadable.len() == 1 => write!(f, "Nothing to do, but 1 secret cannot be read.")?,
            0 if !self.unreadable.is_empty() => {
                write!(f, "Nothing to do, but {} secrets cannot be read.", self.unreadable.len())?
            }
            0 => write!(f, "Nothing to do.")?,
            1 => write!(f, "1 change.")?,
            changes => write!(f, "{changes} changes.")?,
        }
        write!(f, " Checksum {}.", self.checksum)
    }
}
