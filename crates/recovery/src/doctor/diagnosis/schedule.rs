//! What the schedule does: reading the platforms' lists, and looking after tracked jobs.

use super::{Findings, Observed, duration};
use crate::doctor::observed::ReadList;
use crate::doctor::remedy::{Remedy, Request};
use serde_json::json;
use webhook::Platform;

const HOUR: i64 = 3_600;
/// What was missed is reported for so long.
const DAY: i64 = 24 * HOUR;
/// The clocks of two functions may differ by so much.
const TOLERANCE: i64 = 300;

pub(super) fn find(all: &mut Findings, observed: &Observed) {
    for list in all.seen_if_any("how far the lists were read", observed.cursors.as_ref()).into_iter().flatten() {
        missed(all, observed, list);
        read(all, observed, list);
    }
    if let Some(Some(due)) = all.seen_if_any("the tracked jobs", observed.oldest_due.as_ref()) {
        due_since(all, observed, *due);
    }
}

fn missed(all: &mut Findings, observed: &Observed, list: &ReadList) {
    let Some(missed) = list.missed.filter(|missed| observed.now - missed.at < DAY) else { return };
    all.warning(
        "deliveries-missed",
        format!(
            "Events that were never received, and were brought back from {} within the last day: {}.",
            title(list),
            missed.count
        ),
        "See docs/operations.md#missed-events for the cause. This finding ends a day after the last one.",
    );
}

fn read(all: &mut Findings, observed: &Observed, list: &ReadList) {
    let ReadList { list: list_name, read_until, scanning_until, missed: _ } = list;
    let name = title(list);
    if let Some(ahead) = read_until.map(|until| until - observed.now).filter(|ahead| *ahead > TOLERANCE) {
        let key = json!({"id": {"S": observed.partition}, "item": {"S": format!("cursor#{list_name}")}});
        let since = json!({"action": "backfill", "since": "2026-11-21T00:00:00Z"});
        all.warning(
            "cursor-ahead",
            format!(
                "{name} counts as read until {} from now, so what ends before is not brought back.",
                duration(ahead)
            ),
            format!(
                "Delete that mark: aws dynamodb delete-item --table-name {} --key '{key}'. Then bring back what was missed since it was wrong, such as with recovery '{since}'.",
                observed.table
            ),
        );
        return;
    }
    let limit = limit(observed);
    let late = match (read_until, scanning_until, observed.period) {
        // It does not get to the end.
        (_, Some(until), _) if observed.now - until > limit => "a run that began long ago has not read it to its end",
        (Some(until), None, Some(_)) if observed.now - until > limit => {
            "it was not read to its end for more than two runs"
        }
        // HeyGen does not show every list to every key.
        (None, None, Some(_)) if *list_name == "events" => "it was never read",
        _ => return,
    };
    all.warning(
        "backfill-late",
        format!("{name}: {late}, so missed events are not brought back."),
        Remedy::run(Request::recovery(json!({"action": "backfill"}))).then("It says why if it cannot."),
    );
}

/// Such as `HeyGen's list of video translations`.
fn title(list: &ReadList) -> String {
    let platform = Platform::of_kind(list.list);
    let name = list.list.strip_prefix(&format!("{platform}.")).unwrap_or(list.list);
    format!("{}'s list of {}", platform.title(), name.replace('_', " "))
}

/// How long ago the last run may have been, if all is well.
fn limit(observed: &Observed) -> i64 {
    observed.delay + observed.period.map_or(HOUR, |period| period.saturating_mul(2).max(HOUR))
}

fn due_since(all: &mut Findings, observed: &Observed, due: i64) {
    let late = observed.now - due;
    if observed.period.is_some_and(|period| late > period.saturating_mul(2).saturating_add(HOUR)) {
        all.warning(
            "sweep-late",
            format!("A tracked job has been due for {}, and no run has looked at it.", duration(late)),
            Remedy::run(Request::recovery(json!({"action": "sweep"}))).then("It says why if it cannot."),
        );
    }
}
