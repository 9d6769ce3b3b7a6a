//! The queue between receiver and processor, and its dead letters.

use super::{Findings, Observed, duration};
use crate::doctor::measured::Measured;
use crate::doctor::observed::{Depth, Polling};
use crate::doctor::remedy::{Remedy, Request};
use aws::jobs::printable;
use serde_json::json;

/// So many messages are on the queue only if the processor does not keep up, or fails.
const MANY: u64 = 1_000;
/// As for the alarms: no delivery needs so many seconds.
const OLD: i64 = 900;

pub(super) fn find(all: &mut Findings, observed: &Observed) {
    // That they could not be read is found elsewhere.
    let measured = observed.measured.as_ref().cloned().unwrap_or_default();
    if let Some(depth) = all.seen("the dead-letter queue", &observed.dead_letters) {
        dead_letters(all, *depth, measured.dead_letter_age);
    }
    if let Some(depth) = all.seen("the queue", &observed.queue) {
        waiting(all, *depth, &measured);
    }
    if let Some(found) = all.seen_if_any("the processor's event source", observed.polling.as_ref()) {
        polling(all, found);
    }
}

fn dead_letters(all: &mut Findings, Depth { waiting, hidden }: Depth, age: Option<i64>) {
    let count = waiting + hidden;
    if count > 0 {
        let age = age.map_or_else(String::new, |age| format!("; the oldest is {} old", duration(age)));
        let redrive = |dry_run| Request::recovery(json!({"action": "redrive", "dry_run": dry_run}));
        let counted = Request::recovery(json!({"action": "redrive"}));
        all.error(
            "dead-letters",
            format!(
                "{count} dead letters: deliveries that could not be recorded{age}. SQS deletes them after 14 days."
            ),
            Remedy::run(redrive(false))
                .first(&format!("See the reasons with {counted}. When they are gone, send the letters back:")),
        );
    }
}

/// After a failure, messages are hidden until their next attempt: so what is hidden counts, too.
fn waiting(all: &mut Findings, Depth { waiting, hidden }: Depth, measured: &Measured) {
    let remedy = "See docs/operations.md#still-waiting and the processor's errors (on a local stack `make logs`); if there are none, raise the parameter ProcessorConcurrency.";
    if waiting + hidden > MANY {
        all.warning(
            "queue-behind",
            format!("{waiting} deliveries wait, and {hidden} are being recorded or wait for another attempt: the processor does not keep up, or fails."),
            remedy,
        );
    }
    // An age that was measured says nothing of a queue that is empty by now.
    let age = measured.queue_age.max(measured.retried_for).filter(|age| *age > OLD && waiting + hidden > 0);
    if let Some(age) = age {
        all.error(
            "queue-old",
            format!("A delivery has been on the queue for {}: it is not received, or cannot be recorded. SQS deletes it after 14 days.", duration(age)),
            remedy,
        );
    }
}

fn polling(all: &mut Findings, polling: &Polling) {
    match polling.state.as_str() {
        "Disabled" | "Disabling" => all.error(
            "queue-not-read",
            "The processor's event source is disabled: deliveries wait, and after 14 days are lost.",
            format!("aws lambda update-event-source-mapping --uuid {} --enabled", printable(&polling.id)),
        ),
        _ => {
            if let Some(result) = polling.last_processing_result.as_ref().filter(|result| result.contains("PROBLEM")) {
                all.error(
                    "queue-reading-fails",
                    format!("Lambda cannot read the queue: {}.", printable(result)),
                    "Compare the processor's role and concurrency with template.yaml.",
                );
            }
        }
    }
}
