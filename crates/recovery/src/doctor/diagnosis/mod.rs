//! From what was observed to findings. Pure: one file for each subject, with its findings' codes, severities and remedies.

mod alarms;
mod api;
mod deliveries;
mod elsewhere;
mod endpoints;
mod job_events;
mod queues;
mod schedule;
#[cfg(test)]
mod tests;

use crate::doctor::alarm::Alarm;
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::measured::Measured;
use crate::doctor::observed::{
    Depth, Elsewhere, Endpoints, EventTypes, HeyGen, Pipe, Polling, Probes, ReadList, Seen, Topic,
};
use crate::doctor::remedy::Remedy;
use aws::jobs::printable;

/// Everything that a diagnosis is made from. `None` is what this deployment does not have.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    /// In Unix seconds, as all times here.
    pub(crate) now: i64,
    /// The names of the table and of recovery's own partition in it, for commands.
    pub(crate) table: String,
    pub(crate) partition: String,
    /// Whether alarms notify anyone.
    pub(crate) has_alarms: bool,
    /// Whether each sync verifies the endpoints.
    pub(crate) is_verifying: bool,
    /// Between two scheduled runs, in seconds.
    pub(crate) period: Option<i64>,
    /// How much younger than a run the end of what it reads is, in seconds.
    pub(crate) delay: i64,
    pub(crate) heygen: Seen<HeyGen>,
    /// How far HeyGen's clock is ahead of this one, in seconds.
    pub(crate) clock_ahead: Option<i64>,
    pub(crate) endpoints: Option<Seen<Endpoints>>,
    pub(crate) probes: Option<Seen<Probes>>,
    pub(crate) event_types: Option<Seen<EventTypes>>,
    pub(crate) measured: Seen<Measured>,
    pub(crate) queue: Seen<Depth>,
    pub(crate) dead_letters: Seen<Depth>,
    pub(crate) undelivered: Seen<Depth>,
    pub(crate) polling: Option<Seen<Polling>>,
    pub(crate) pipe: Option<Seen<Pipe>>,
    pub(crate) alarms: Option<Seen<Vec<Alarm>>>,
    pub(crate) topic: Option<Seen<Topic>>,
    pub(crate) cursors: Option<Seen<Vec<ReadList>>>,
    /// When the tracked job was due that has waited longest for a sweep.
    pub(crate) oldest_due: Option<Seen<Option<i64>>>,
    /// Those that are used.
    pub(crate) elsewhere: Vec<Elsewhere>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, code: &'static str, message: impl Into<String>, remedy: impl Into<Remedy>) {
        self.0.push(Finding::new(Severity::Error, code, message.into(), remedy.into()));
    }

    fn warning(&mut self, code: &'static str, message: impl Into<String>, remedy: impl Into<Remedy>) {
        self.0.push(Finding::new(Severity::Warning, code, message.into(), remedy.into()));
    }

    fn info(&mut self, code: &'static str, message: impl Into<String>, remedy: impl Into<Remedy>) {
        self.0.push(Finding::new(Severity::Info, code, message.into(), remedy.into()));
    }

    /// The value; or a finding that it could not be checked.
    fn seen<'a, T>(&mut self, what: &str, seen: &'a Seen<T>) -> Option<&'a T> {
        let why = match seen {
            Ok(value) => return Some(value),
            Err(why) => printable(why),
        };
        let remedy =
            "If access was denied, compare the role RecoveryRole with template.yaml; otherwise run doctor again.";
        self.warning("not-checked", format!("{what} could not be checked: {why}"), remedy);
        None
    }

    fn seen_if_any<'a, T>(&mut self, what: &str, seen: Option<&'a Seen<T>>) -> Option<&'a T> {
        self.seen(what, seen?)
    }
}

pub(crate) fn diagnose(observed: &Observed) -> Vec<Finding> {
    let mut all = Findings::default();
    api::find(&mut all, observed);
    endpoints::find(&mut all, observed);
    elsewhere::find(&mut all, observed);
    deliveries::find(&mut all, observed);
    queues::find(&mut all, observed);
    job_events::find(&mut all, observed);
    schedule::find(&mut all, observed);
    alarms::find(&mut all, observed);
    all.0
}

/// `17 minutes`, or hours or days, rounded down.
fn duration(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..7_200 => (seconds / 60, "minutes"),
        7_200..172_800 => (seconds / 3_600, "hours"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}
