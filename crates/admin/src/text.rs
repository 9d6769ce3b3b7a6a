//! The replies as text for people.

use crate::change::{Change, ChangeKind, PendingKind};
use crate::plan::Plan;
use crate::platforms::report::Others;
use crate::reply::{
    ChangeReply, CustomResourceReply, DeliveriesReply, EndpointState, EventTypesReply, ListReply, ListedEndpoint,
    ListedEvent, PlanReply, PlatformRotateReply, Reply, RotateReply, SecretState, SyncReply, VerifyReply,
};
use crate::verification::Verification;
use std::fmt;
use time::OffsetDateTime;

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Plan(PlanReply { url, plan, platforms }) => {
                write!(f, "{}{plan}{}", Heading(url), Others(platforms))
            }
            Reply::Sync(SyncReply { url, done, held_back, left, verified, platforms }) => {
                let summary = Summary { done, held_back, left, verified };
                write!(f, "{}{summary}{}", Heading(url), Others(platforms))
            }
            Reply::Rotate(reply) => reply.fmt(f),
            Reply::RotatePlatform(PlatformRotateReply { report, old_secret_valid_until, old_secret_rejected_from }) => {
                write!(f, "{}: it has a new secret.", report.endpoint)?;
                Validity { until: *old_secret_valid_until, rejected_from: *old_secret_rejected_from }.fmt(f)?;
                write!(f, "\n{report}")
            }
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
        let works = self.verified.iter().filter(|found| found.is_verified()).count();
        write!(f, "Verified: {works} of {}.", self.verified.len())
    }
}

impl fmt::Display for RotateReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match &self.done.kind {
            ChangeKind::Finish { pending: PendingKind::Create, .. } => {
                if self.old_secret_rejected_from.is_some() {
                    "the pending registration was completed, with a new secret"
                } else {
                    "the pending registration was completed; ask again for a rotation"
                }
            }
            ChangeKind::Finish { pending: PendingKind::Rotate, .. } => "the pending rotation was completed",
            ChangeKind::Replace { .. } => {
                "it has a new secret; API v1 cannot rotate a secret, so a new endpoint replaced the old one"
            }
            _ => "it has a new secret",
        };
        write!(f, "{}: {outcome}.", self.done.endpoint)?;
        let (until, rejected_from) = (self.old_secret_valid_until, self.old_secret_rejected_from);
        Validity { until, rejected_from }.fmt(f)?;
        self.verified.iter().try_for_each(|found| write!(f, "\n{found}"))
    }
}

/// Until when the old secret is accepted, or from when it is not.
struct Validity {
    until: Option<OffsetDateTime>,
    rejected_from: Option<OffsetDateTime>,
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(until) = self.until {
            write!(f, " The old secret is accepted until {}.", aws::clock::to_text(until))?;
        }
        if let Some(from) = self.rejected_from {
            write!(
                f,
                " Earlier secrets are revoked: a receiver that gets a delivery with the new one rejects them at once, every \
                 other receiver from {} on.",
                aws::clock::to_text(from)
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for ListReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Heading(&self.url))?;
        self.endpoints.iter().try_for_each(|endpoint| endpoint.fmt(f))?;
        self.missing.iter().try_for_each(|name| writeln!(f, "  {name}  configured, but not registered"))?;
        let (unreadable, others) = (Unreadable(self.unreadable), Others(&self.platforms));
        write!(f, "{} ours, {} not ours.{unreadable}{others}", self.owned, self.foreign)
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
