//! The metrics.

use crate::reply::{CreditReply, SweepReply, Swept};
use aws::telemetry::{Metrics, TARGET, Unit, measure};
use webhook::Platform;

/// The number of events that a platform has and that were never received, as soon as they are on the queue. One metric for
/// all platforms, so that one alarm watches it.
pub(crate) fn missed(count: usize) {
    measure("MissedEvents", count, Unit::Count, &[]);
}

/// What became of the jobs that should have ended.
pub(crate) fn swept(reply: &SweepReply) {
    let elsewhere = reply.platforms.iter().map(|(platform, swept)| (*platform, &swept.jobs));
    for (platform, swept) in [(Platform::HeyGen, &reply.heygen)].into_iter().chain(elsewhere) {
        let Swept { finished, running, unknown, failed, refreshed: _ } = swept;
        for (outcome, count) in [("finished", finished), ("running", running), ("unknown", unknown), ("failed", failed)]
        {
            if *count > 0 {
                let mut metrics = Metrics::of(platform);
                metrics.measure("OverdueJobs", *count, Unit::Count, &[("Outcome", outcome)]);
                tracing::info!(target: TARGET, %metrics);
            }
        }
    }
}

/// What is left of HeyGen's credit, one metric per unit.
pub(crate) fn credit(credit: &CreditReply) {
    for (metric, remaining) in [("RemainingCredits", credit.credits), ("RemainingUsd", credit.usd)] {
        if let Some(remaining) = remaining {
            measure(metric, remaining, Unit::None, &[]);
        }
    }
}

/// A dead letter that left the dead-letter queue, with its line.
pub(crate) fn letter(outcome: &str, reason: Option<&str>, identity: Option<&str>, correlation_id: Option<&str>) {
    let mut metrics = Metrics::default();
    metrics.count("DeadLetters", &[("Outcome", outcome)]);
    tracing::info!(target: TARGET, outcome, reason, identity, correlation_id, %metrics, "dead letter taken");
}
