//! All that is known of an id is shown, except what gives access to a result.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use aws::stub::Reply;
use common::{DEAD, Sqs, UNDELIVERED, app, ask, message};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);
const LINK: &str = "https://files.example.invalid/v1.mp4?Expires=1763697600&Signature=canary-link";

fn text(text: &str) -> Value {
    json!({ "S": text })
}

/// What the table has of order_1.
fn items() -> Value {
    let job = json!({
        "id": text("v1"), "item": text("job#avatar_video#v1"), "kind": text("avatar_video"), "entity_id": text("v1"),
        "callback_id": text("order_1"), "status": text("failed"), "previous_status": text("none"),
        "decided_by": text("event#i1#b"), "event_type": text("avatar_video.fail"), "identity": text("i1"),
        "links": {"M": {"video": text(LINK)}}, "links_expire_at": {"N": "1763697600"},
        "failure": {"M": {"message": text(&format!("Cannot fetch {LINK}"))}}, "note": text("canary-note"),
        "received_at": text("2026-11-22T03:00:00.000Z"), "updated_at": text("2026-11-22T03:00:05.000Z"),
        "expected_by": text("2026-11-22T04:00:00.000Z"), "attempt": {"N": "2"}, "due_at": {"N": "1763697600"}, "retried_as": text("v2"),
    });
    let event = json!({
        "id": text("v1"), "item": text("event#i1#b"), "event_type": text("avatar_video.fail"), "entity_id": text("v1"),
        "callback_id": text("order_1"), "via": text("delivery"), "endpoint": text("main"), "body": text("canary-body"),
        "request_id": text("request-1"), "header_timestamp": text("1795316398"),
        "received_at": text("2026-11-22T03:00:00.000Z"), "recorded_at": text("2026-11-22T03:00:05.000Z"),
    });
    json!([job, event])
}

/// The response about `order_1`, where these operations fail.
fn explained(failing: &'static [&'static str]) -> Value {
    let mut sqs = Sqs::default();
    sqs.put(DEAD, message(1), Some(&format!("planted at {LINK}")), Duration::from_hours(2));
    sqs.put(DEAD, message(2), Some("another"), Duration::from_hours(1));
    for first in ["2026-11-22T03:00:06Z", "2026-11-22T05:00:06Z"] {
        let report = json!({"DDBStreamBatchInfo": {"approximateArrivalOfFirstRecord": first}, "x": "canary-report"});
        sqs.put(UNDELIVERED, report.to_string(), None, Duration::from_hours(1));
    }
    let sqs = Arc::new(Mutex::new(sqs));
    let shared = Arc::clone(&sqs);
    let app = app(move |operation, input| match operation {
        _ if failing.contains(&operation) => Reply::error(400, "AccessDeniedException"),
        "Query" if input["ExpressionAttributeValues"][":id"] == text("order_1") => {
            let pointer = json!({"id": text("order_1"), "item": text("pointer#job#avatar_video#v1"), "partition": text("v1"), "job": text("job#avatar_video#v1")});
            Reply::Ok(json!({"Items": [pointer], "Count": 1}))
        }
        "Query" => Reply::Ok(json!({"Items": items(), "Count": 2})),
        _ => shared.lock().unwrap().call(operation, &input),
    });
    let reply = ask(&app, json!({"action": "explain", "callback_id": "order_1"}), LIMIT).unwrap();
    let sqs = sqs.lock().unwrap();
    assert_eq!((sqs.hidden(DEAD), sqs.hidden(UNDELIVERED)), (0, 0), "all is visible again");
    reply
}

#[test]
fn everything_is_shown_and_nothing_gives_access_to_a_result() {
    let reply = explained(&[]);
    assert!(!reply.to_string().contains("canary"), "{reply}");
    let job = &reply["jobs"][0];
    assert_eq!(
        (&job["links"]["video"], &job["links_expire"]),
        (&json!("files.example.invalid/v1.mp4"), &json!("expired"))
    );
    assert_eq!(
        job["tracked"],
        json!({"attempt": 2, "due_at": "2025-11-21T04:00:00.000Z", "expected_by": "2026-11-22T04:00:00.000Z", "retried_as": "v2"})
    );
    let event = &reply["events"][0];
    assert_eq!(
        (&event["via"], &event["request_id"], &event["has_decided"]),
        (&json!("delivery"), &json!("request-1"), &json!(true))
    );
    assert_eq!((&event["seconds_to_receive"], &event["seconds_to_record"]), (&json!(2), &json!(5)));
    let letters = reply["dead_letters"].as_array().unwrap();
    assert_eq!((letters.len(), &letters[0]["reason"]), (1, &json!("planted at files.example.invalid/v1.mp4")));
    assert_eq!(reply["undelivered"], 1, "only what was reported when this job changed");
    assert!(reply["log_query"].as_str().unwrap().contains(r#"filter correlation_id in ["order_1", "v1"]"#), "{reply}");
    let text = reply["text"].as_str().unwrap();
    let conclusion = "Conclusion\n  avatar_video v1: failed, decided by avatar_video.fail at 2026-11-22T03:00:00.000Z: Cannot fetch files.example.invalid/v1.mp4.\n  In the dead-letter queue: planted at files.example.invalid/v1.mp4. When the reason is gone, run redrive.";
    assert!(text.ends_with(conclusion), "{text}");
    for line in [
        "    the first link expired at 2025-11-21T04:00:00.000Z",
        "    attempt 2",
        "    expected_by 2026-11-22T04:00:00.000Z",
        "Job events that did not reach the event bus at about the time when these jobs changed: 1. The reports name no job, so they may be about other jobs. To publish all of them: replay, with undelivered.",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
}

#[test]
fn what_cannot_be_read_is_reported_and_stops_nothing_else() {
    let reply = explained(&["ReceiveMessage"]);
    let problems = reply["not_read"].to_string();
    for what in [
        "the dead-letter queue: sqs:ReceiveMessage",
        "undelivered job events: sqs:ReceiveMessage",
        "what HeyGen says: ",
    ] {
        assert!(problems.contains(what), "{what} is not in {problems}");
    }
    assert_eq!(reply["jobs"].as_array().unwrap().len(), 1);

    let reply = explained(&["Query"]);
    assert!(reply["not_read"].to_string().contains("what is recorded: dynamodb:Query"), "{reply}");
    assert_eq!(reply["dead_letters"].as_array().unwrap().len(), 1);
}
