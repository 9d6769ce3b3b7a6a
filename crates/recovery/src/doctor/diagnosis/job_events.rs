//! The pipe that publishes job events, and what it could not publish.

use super::{Findings, Observed};
use crate::doctor::observed::{Depth, Pipe};
use crate::doctor::remedy::{Remedy, Request};
use aws::jobs::printable;
use serde_json::json;

pub(super) fn find(all: &mut Findings, observed: &Observed) {
    if let Some(Depth { waiting, hidden }) = all.seen("the queue of undelivered job events", &observed.undelivered)
        && waiting + hidden > 0
    {
        let replay = Request::recovery(json!({"action": "replay", "undelivered": true, "dry_run": false}));
        all.error(
            "undelivered-job-events",
            format!("{} reports say that job events did not reach the event bus.", waiting + hidden),
            Remedy::run(replay).then("It tells their jobs' outcomes again, and deletes the reports."),
        );
    }
    if let Some(found) = all.seen_if_any("the pipe", observed.pipe.as_ref()) {
        pipe(all, found);
    }
}

fn pipe(all: &mut Findings, pipe: &Pipe) {
    let start = format!(
        "aws pipes start-pipe --name {}; what was recorded more than a day before is not published: replay it.",
        printable(&pipe.name)
    );
    let is_stopped = ["STOPPED", "STOPPING"].contains(&pipe.current_state.as_str());
    if is_stopped || pipe.desired_state.as_deref() == Some("STOPPED") {
        all.error("pipe-stopped", "The pipe is stopped, so that no job events are published.", start);
    } else if pipe.current_state.contains("FAILED") {
        all.error(
            "pipe-failing",
            format!("The pipe is {}, so that no job events are published.", printable(&pipe.current_state)),
            format!("See the pipe's StateReason, and compare the role JobEventsRole with template.yaml. Then {start}"),
        );
    }
}
