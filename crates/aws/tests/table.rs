//! The table with DynamoDB responses that no local AWS produces on demand.

#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use aws::envelope::{Advisory, Delivery};
use aws::error::{AwsError, ErrorClass};
use aws::sdk::Timeouts;
use aws::stub::{self, Reply};
use aws::table::{Recorded, Table};
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;
use webhook::Verified;

const BODY: &str = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v","callback_id":"c"}}"#;
const WITHOUT_CALLBACK_ID: &str = r#"{"event_type":"avatar_video_gif.success","event_data":{"video_id":"v"}}"#;

/// Records `body` while DynamoDB responds with `replies` in turn; the last one repeats.
async fn record(body: &str, replies: Vec<Reply>) -> (Result<Recorded, AwsError>, Vec<(String, Value)>) {
    record_via("delivery", body, replies).await
}

async fn record_via(via: &str, body: &str, replies: Vec<Reply>) -> (Result<Recorded, AwsError>, Vec<(String, Value)>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let replies = Mutex::new(VecDeque::from(replies));
    let sdk = stub::sdk(Timeouts::LONG, move |operation, input| {
        seen.lock().unwrap().push((operation.to_owned(), input));
        let mut replies = replies.lock().unwrap();
        if replies.len() > 1 { replies.pop_front().unwrap() } else { replies[0].clone() }
    });
    let table = Table::new(sdk.dynamodb(), "table".into(), Duration::from_secs(90 * 86_400));
    let delivery = Delivery {
        platform: webhook::Platform::HeyGen,
        endpoint: "main".into(),
        received_at: OffsetDateTime::UNIX_EPOCH,
        request_id: "request".into(),
        via: via.into(),
        advisory: Advisory::default(),
        body: Verified::assume_authentic(body.into()),
    };
    let event = heygen::read(&delivery.body);
    let deadline = Instant::now() + Duration::from_secs(20);
    let recorded = table.record(&delivery, &event, OffsetDateTime::UNIX_EPOCH, deadline).await;
    assert!(Instant::now() <= deadline + Duration::from_secs(10), "no call is begun after the deadline");
    let calls = calls.lock().unwrap().clone();
    (recorded, calls)
}

fn done() -> Reply {
    Reply::Ok(json!({}))
}

fn cancelled(event: &str, job: &str) -> Reply {
    let reasons = json!([{"Code": event}, {"Code": job}, {"Code": "None"}]);
    Reply::Error(400, json!({"__type": "TransactionCanceledException", "CancellationReasons": reasons}))
}

fn operations(calls: &[(String, Value)]) -> Vec<&str> {
    calls.iter().map(|(operation, _)| operation.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn one_transaction_writes_the_event_the_job_and_the_pointer() {
    let (recorded, calls) = record(BODY, vec![done()]).await;
    assert_eq!(recorded, Ok(Recorded::JobUpdated));
    let writes = &calls[0].1["TransactItems"];
    assert_eq!(calls.len(), 1);
    assert_eq!(writes[0]["Put"]["Item"]["id"]["S"], "v");
    assert_eq!(writes[1]["Update"]["Key"], json!({"id": {"S": "v"}, "item": {"S": "job#avatar_video#v"}}));
    assert_eq!(
        (&writes[2]["Put"]["Item"]["id"]["S"], &writes[2]["Put"]["Item"]["partition"]["S"]),
        (&json!("c"), &json!("v"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_recognised_without_a_read() {
    let (recorded, calls) = record(BODY, vec![cancelled("ConditionalCheckFailed", "ConditionalCheckFailed")]).await;
    assert_eq!(recorded, Ok(Recorded::Duplicate));
    assert_eq!(operations(&calls), ["TransactWriteItems"]);
}

#[tokio::test(start_paused = true)]
async fn a_known_event_that_is_replayed_changes_its_job_alone() {
    let known = || cancelled("ConditionalCheckFailed", "None");
    // Without the event's write, the job's comes first.
    let job_is_ahead = |callback_id: &str| {
        let item =
            json!({"status_rank": {"N": "2"}, "callback_id": {"S": callback_id}, "decided_by": {"S": "event#0"}});
        let reasons = json!([{"Code": "ConditionalCheckFailed", "Item": item}, {"Code": "None"}]);
        Reply::Error(400, json!({"__type": "TransactionCanceledException", "CancellationReasons": reasons}))
    };
    let (recorded, calls) = record_via("replay", BODY, vec![known(), done()]).await;
    assert_eq!(recorded, Ok(Recorded::JobRestored));
    let writes = calls[1].1["TransactItems"].as_array().unwrap();
    assert_eq!(writes.len(), 2);
    assert_eq!(writes[0]["Update"]["Key"]["item"]["S"], "job#avatar_video#v");
    assert!(writes[0]["Update"]["ConditionExpression"].as_str().unwrap().contains("status_rank < :set_status_rank"));
    assert_eq!(writes[1]["Put"]["Item"]["item"]["S"], "pointer#job#avatar_video#v");
    assert_ne!(calls[0].1["ClientRequestToken"], calls[1].1["ClientRequestToken"]);

    // The job has the change.
    let (recorded, calls) = record_via("replay", BODY, vec![known(), job_is_ahead("c")]).await;
    assert_eq!((recorded, calls.len()), (Ok(Recorded::Duplicate), 2));
    // Only its callback_id is missing.
    let (recorded, calls) = record_via("replay", BODY, vec![known(), job_is_ahead(""), done()]).await;
    assert_eq!((recorded, calls.len()), (Ok(Recorded::EventOnly), 3));
    // A new one is recorded as ever.
    let (recorded, calls) = record_via("replay", BODY, vec![done()]).await;
    assert_eq!((recorded, calls[0].1["TransactItems"].as_array().unwrap().len()), (Ok(Recorded::JobUpdated), 3));
}

#[tokio::test(start_paused = true)]
async fn conflicts_and_throttling_are_retried_with_one_token() {
    let replies = vec![
        cancelled("TransactionConflict", "None"),
        cancelled("None", "ThrottlingError"),
        Reply::error(400, "TransactionInProgressException"),
        Reply::Broken,
        done(),
    ];
    let (recorded, calls) = record(BODY, replies).await;
    assert_eq!(recorded, Ok(Recorded::JobUpdated));
    assert_eq!(calls.len(), 5);
    let token = |call: &(String, Value)| call.1["ClientRequestToken"].clone();
    assert!(calls.iter().all(|call| token(call) == token(&calls[0])), "a lost answer must not count as a duplicate");
}

#[tokio::test(start_paused = true)]
async fn retries_end_before_the_deadline() {
    for reply in [cancelled("None", "TransactionConflict"), Reply::Silent] {
        let (recorded, calls) = record(BODY, vec![reply]).await;
        assert_eq!(recorded.unwrap_err().class, ErrorClass::Transient);
        assert!(calls.len() > 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_written_is_permanent_and_not_quoted() {
    for reply in [Reply::error(400, "ValidationException"), cancelled("ValidationError", "None")] {
        let (recorded, calls) = record(BODY, vec![reply]).await;
        let error = recorded.unwrap_err();
        assert_eq!((error.class, calls.len()), (ErrorClass::Permanent, 1));
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_call_has_aws_own_message() {
    let (recorded, _) = record(BODY, vec![Reply::error(400, "AccessDeniedException")]).await;
    let error = recorded.unwrap_err();
    assert_eq!(error.class, ErrorClass::Denied);
    assert!(error.to_string().contains("canary-message"), "{error}");
}

const FAIL: &str = r#"{"event_type":"avatar_video.fail","event_data":{"video_id":"v","callback_id":"c"}}"#;

/// DynamoDB rejects a job's change, and returns the rank of its status and its `callback_id`; what decided it was in other
/// bytes, with a greater digest.
fn rejected(found: Option<(&str, &str)>) -> Reply {
    rejected_by(found.map(|(rank, id)| (rank, id, "event#f")))
}

fn rejected_by(found: Option<(&str, &str, &str)>) -> Reply {
    let job = found.map(|(rank, id, decided_by)| {
        json!({"status_rank": {"N": rank}, "callback_id": {"S": id}, "decided_by": {"S": decided_by}})
    });
    let reasons = json!([{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": job}, {"Code": "None"}]);
    Reply::Error(400, json!({"__type": "TransactionCanceledException", "CancellationReasons": reasons}))
}

/// What an update of a job sets, and under which condition.
fn update(call: &(String, Value)) -> (&str, &str) {
    let update = &call.1["TransactItems"][1]["Update"];
    (update["UpdateExpression"].as_str().unwrap_or("no update"), update["ConditionExpression"].as_str().unwrap_or(""))
}

#[tokio::test(start_paused = true)]
async fn a_rejected_job_says_what_is_left_to_change() {
    let (id_alone, result) = ("SET callback_id = :callback_id, previous_status = #status", "#status = :set_status");
    for (body, found, left, condition) in [
        // The job succeeded.
        (FAIL, Some(("2", "c")), "no update", ""),
        (FAIL, Some(("2", "")), id_alone, ""),
        (FAIL, Some(("2", "d")), id_alone, ""),
        (FAIL, Some(("2", "b")), result, "status_rank <"),
        // It has the same status.
        (BODY, Some(("2", "c")), result, "status_rank ="),
        (BODY, Some(("2", "b")), result, "status_rank <"),
        // DynamoDB did not return the item.
        (BODY, None, result, "status_rank <"),
    ] {
        let (_, calls) = record(body, vec![rejected(found), done()]).await;
        assert_eq!(calls.len(), 2);
        let (expression, condition_left) = update(&calls[1]);
        assert!(expression.contains(left) && condition_left.contains(condition), "{found:?}: {:?}", update(&calls[1]));
        let sets_id = found.is_some_and(|(_, found)| found != "b");
        assert!(
            left != result || sets_id != expression.contains("if_not_exists(callback_id"),
            "{found:?}: {expression}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn other_links_of_a_job_are_no_new_status() {
    let (recorded, calls) = record(BODY, vec![rejected(Some(("2", "c"))), done()]).await;
    assert_eq!((recorded, calls.len()), (Ok(Recorded::JobRenewed), 2));
    let (recorded, _) = record(BODY, vec![done()]).await;
    assert_eq!(recorded, Ok(Recorded::JobUpdated));
    // The smaller event stands: only this one is left to store.
    let (recorded, calls) = record(BODY, vec![rejected_by(Some(("2", "c", "event#0"))), done()]).await;
    assert_eq!((recorded, update(&calls[1])), (Ok(Recorded::EventOnly), ("no update", "")));
}

#[tokio::test(start_paused = true)]
async fn each_smaller_change_is_tried_once_and_the_event_is_stored_in_the_end() {
    let no = || cancelled("None", "ConditionalCheckFailed");
    let (recorded, calls) = record(BODY, vec![no(), no(), no(), no(), done()]).await;
    assert_eq!((recorded, calls.len()), (Ok(Recorded::EventOnly), 5));
    let tokens: BTreeSet<_> = calls.iter().map(|(_, input)| input["ClientRequestToken"].to_string()).collect();
    assert_eq!(tokens.len(), 5, "another request with the same token is an error");
    let (recorded, calls) = record(WITHOUT_CALLBACK_ID, vec![no(), no(), done()]).await;
    let operations = operations(&calls);
    assert_eq!((recorded, operations.len(), operations[2]), (Ok(Recorded::EventOnly), 3, "PutItem"));
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_entity_is_not_known_is_changed_only_while_it_is_there() {
    let body = r#"{"event_type":"avatar_video.fail","event_data":{"video_id":"callback_id:c","callback_id":"c"}}"#;
    let rejected = || cancelled("None", "ConditionalCheckFailed");
    let (recorded, calls) = record(body, vec![rejected(), rejected(), rejected(), rejected(), done()]).await;
    assert_eq!(recorded, Ok(Recorded::EventOnly));
    for (_, call) in &calls[..2] {
        let condition = call["TransactItems"][1]["Update"]["ConditionExpression"].as_str().unwrap();
        assert!(condition.starts_with("attribute_exists(id) AND "), "{condition}");
    }
    assert_eq!(operations(&calls).last(), Some(&"PutItem"), "nothing leads to an item that is gone");
    let (_, calls) = record(&body.replace("callback_id:c", "v"), vec![done()]).await;
    let condition = calls[0].1["TransactItems"][1]["Update"]["ConditionExpression"].as_str().unwrap();
    assert!(!condition.contains("attribute_exists(id)"), "{condition}");
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_job_has_no_room_is_stored_alone_and_says_so() {
    let (recorded, calls) = record(BODY, vec![cancelled("None", "ValidationError"), done()]).await;
    assert_eq!(recorded, Ok(Recorded::JobOmitted));
    let writes = calls[1].1["TransactItems"].as_array().unwrap();
    assert!(writes.iter().all(|write| write["Put"].is_object()), "the event and its pointer: {writes:?}");
    assert!(writes[0]["Put"]["Item"]["job_omitted"].is_object());
    let condition = writes[0]["Put"]["ConditionExpression"].as_str().unwrap();
    assert!(condition.contains("attribute_exists(job_omitted)"), "delivered again, it is not a duplicate");
}

#[tokio::test(start_paused = true)]
async fn an_event_without_callback_id_costs_no_read_and_no_pointer() {
    let (_, calls) = record(WITHOUT_CALLBACK_ID, vec![done()]).await;
    assert_eq!(operations(&calls), ["TransactWriteItems"]);
    assert_eq!(calls[0].1["TransactItems"].as_array().unwrap().len(), 2);
}
