//! The table with DynamoDB responses that no local AWS produces on demand.

#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use aws::envelope::{Advisory, Delivery};
use aws::error::{AwsError, ErrorClass};
use aws::sdk::Timeouts;
use aws::stub::{self, Reply};
use aws::table::{Recorded, Table};
use heygen::{Event, Verified};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;

const BODY: &str = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v","callback_id":"c"}}"#;
const WITHOUT_CALLBACK_ID: &str = r#"{"event_type":"avatar_video_gif.success","event_data":{"video_id":"v"}}"#;

/// Records `body` while DynamoDB responds with `replies` in turn; the last one repeats.
async fn record(body: &str, replies: Vec<Reply>) -> (Result<Recorded, AwsError>, Vec<(String, Value)>) {
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
        endpoint: "main".into(),
        received_at: OffsetDateTime::UNIX_EPOCH,
        request_id: "request".into(),
        via: "delivery".into(),
        advisory: Advisory::default(),
        body: Verified::assume_authentic(body.into()),
    };
    let event = Event::read(&delivery.body);
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
    let reasons = json!([{"Code": event}, {"Code": job}]);
    Reply::Error(400, json!({"__type": "TransactionCanceledException", "CancellationReasons": reasons}))
}

fn operations(calls: &[(String, Value)]) -> Vec<&str> {
    calls.iter().map(|(operation, _)| operation.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn one_transaction_writes_the_event_and_the_job() {
    let (recorded, calls) = record(BODY, vec![done()]).await;
    assert_eq!(recorded, Ok(Recorded::JobUpdated));
    let writes = &calls[0].1["TransactItems"];
    assert_eq!(calls.len(), 1);
    assert_eq!(writes[0]["Put"]["Item"]["correlation_id"]["S"], "c");
    assert_eq!(writes[1]["Update"]["Key"]["item"]["S"], "job#avatar_video#v");
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_recognised_without_a_read() {
    let (recorded, calls) = record(BODY, vec![cancelled("ConditionalCheckFailed", "ConditionalCheckFailed")]).await;
    assert_eq!(recorded, Ok(Recorded::Duplicate));
    assert_eq!(operations(&calls), ["TransactWriteItems"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_job_is_ahead_is_stored_alone() {
    let (recorded, calls) = record(BODY, vec![cancelled("None", "ConditionalCheckFailed"), done()]).await;
    assert_eq!(recorded, Ok(Recorded::EventOnly));
    assert_eq!(operations(&calls), ["TransactWriteItems", "PutItem"]);
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

#[tokio::test(start_paused = true)]
async fn an_event_without_callback_id_goes_to_the_job_that_is_known() {
    let found = json!({"Items": [
        {"correlation_id": {"S": "v"}, "item": {"S": "job#avatar_video_caption#v"}, "entity_id": {"S": "v"}},
        {"correlation_id": {"S": "c"}, "item": {"S": "job#avatar_video#v"}, "entity_id": {"S": "v"}},
    ]});
    let (recorded, calls) = record(WITHOUT_CALLBACK_ID, vec![Reply::Ok(found), done()]).await;
    assert_eq!(recorded, Ok(Recorded::JobUpdated));
    assert_eq!(calls[1].1["TransactItems"][0]["Put"]["Item"]["correlation_id"]["S"], "c");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_began_without_callback_id_stays_where_its_events_are_known() {
    let found = json!({"Items": [
        {"correlation_id": {"S": "c"}, "item": {"S": "job#avatar_video#v"}, "entity_id": {"S": "v"}},
        {"correlation_id": {"S": "v"}, "item": {"S": "job#avatar_video_gif#v"}, "entity_id": {"S": "v"}},
    ]});
    let (_, calls) = record(WITHOUT_CALLBACK_ID, vec![Reply::Ok(found), done()]).await;
    assert_eq!(calls[1].1["TransactItems"][0]["Put"]["Item"]["correlation_id"]["S"], "v");
}

#[tokio::test(start_paused = true)]
async fn an_event_without_callback_id_or_known_job_is_found_by_its_entity() {
    let (_, calls) = record(WITHOUT_CALLBACK_ID, vec![Reply::Ok(json!({"Items": []})), done()]).await;
    assert_eq!(calls[1].1["TransactItems"][1]["Update"]["Key"]["correlation_id"]["S"], "v");
}

#[tokio::test(start_paused = true)]
async fn an_event_with_callback_id_costs_no_query() {
    let (_, calls) = record(BODY, vec![done()]).await;
    assert_eq!(operations(&calls), ["TransactWriteItems"]);
}
