//! Messages that cannot be recorded yet: they wait on the queue, ever longer, and none is lost when it has waited too long.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use aws::stub::Reply;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use common::{Calls, QUEUE_URL, app};
use processor::{App, process};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

/// The wait that was set for each message, by its receipt handle, in seconds.
fn waits(calls: &Calls) -> Vec<(String, u64)> {
    let wait = |input: &Value| {
        assert_eq!(input["QueueUrl"], QUEUE_URL);
        (input["ReceiptHandle"].as_str().unwrap().to_owned(), input["VisibilityTimeout"].as_u64().unwrap())
    };
    calls.of("ChangeMessageVisibility").iter().map(wait).collect()
}

/// Table writes fail with this code; everything else works.
fn broken(code: &'static str) -> impl Fn(&str, &Value) -> Reply {
    move |operation, _| match operation {
        "TransactWriteItems" => Reply::error(400, code),
        _ => Reply::Ok(json!({})),
    }
}

/// A message about the video of this name, received so often.
fn message(name: &str, receives: u32, age: Duration) -> SqsMessage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/sqs/batch.json");
    let batch: SqsEvent = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut message = batch.records[0].clone();
    message.message_id = Some(name.into());
    message.receipt_handle = Some(format!("handle-{name}"));
    message.body = message.body.map(|body| body.replace("vid_12345", name));
    let sent = (SystemTime::now() - age).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    message.attributes.insert("ApproximateReceiveCount".into(), receives.to_string());
    message.attributes.insert("SentTimestamp".into(), sent.to_string());
    message
}

fn fresh(name: &str) -> SqsMessage {
    message(name, 1, Duration::ZERO)
}

/// The ids of the messages that are to be delivered again.
async fn failures(app: Arc<App>, messages: Vec<SqsMessage>) -> Vec<String> {
    let mut batch = SqsEvent::default();
    batch.records = messages;
    let response = process(app, batch, SystemTime::now() + Duration::from_secs(30)).await.unwrap();
    let mut failures: Vec<_> = response.batch_item_failures.into_iter().map(|one| one.item_identifier).collect();
    failures.sort();
    failures
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("video-{number}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_recorded_yet_waits_longer_after_each_attempt() {
    for code in ["AccessDeniedException", "ThrottlingException"] {
        for (receives, expected) in [(1, 1..=2), (3, 4..=8), (8, 128..=256), (11, 450..=900), (400, 450..=900)] {
            let (app, calls) = app(broken(code));
            assert_eq!(failures(app, vec![message("one", receives, Duration::from_secs(60))]).await, ["one"]);
            let [(handle, wait)] = &waits(&calls)[..] else { panic!("one message, one wait") };
            assert_eq!(handle, "handle-one");
            assert!(expected.contains(wait), "{wait} s after {receives} attempts");
            assert!(calls.of("SendMessage").is_empty(), "{code}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_a_later_release_waits_for_it() {
    let newer = |receives, age| {
        let mut newer = message("newer", receives, age);
        newer.body = newer.body.map(|body| body.replace("\"version\":1", "\"version\":2"));
        newer
    };
    let (app, calls) = app(|_, _| Reply::Ok(json!({})));
    assert_eq!(failures(Arc::clone(&app), vec![newer(11, DAY)]).await, ["newer"]);
    assert!((450..=900).contains(&waits(&calls)[0].1));
    assert!(calls.of("TransactWriteItems").is_empty() && calls.of("SendMessage").is_empty());
    assert!(failures(app, vec![newer(900, DAY * 27 / 2)]).await.is_empty());
    let reason = calls.of("SendMessage")[0]["MessageAttributes"]["reason"]["StringValue"].to_string();
    assert!(reason.contains("envelope version 2 is newer than this release"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_recorded_is_not_made_to_wait() {
    let (app, calls) = app(|operation, input| match input.to_string().contains("bad") {
        true => broken("AccessDeniedException")(operation, input),
        false => Reply::Ok(json!({})),
    });
    assert_eq!(failures(app, vec![fresh("good"), fresh("bad")]).await, ["bad"]);
    assert_eq!(waits(&calls).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_cannot_be_set_loses_no_message() {
    for reply in
        [Reply::error(400, "AccessDenied"), Reply::error(503, "ServiceUnavailable"), Reply::Broken, Reply::Silent]
    {
        let (app, _) = app(move |operation, input| match operation {
            "ChangeMessageVisibility" => reply.clone(),
            _ => broken("AccessDeniedException")(operation, input),
        });
        let start = tokio::time::Instant::now();
        assert_eq!(failures(app, vec![fresh("one")]).await, ["one"]);
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_fails_for_every_message_is_not_tried_with_the_whole_batch() {
    for code in ["AccessDeniedException", "ThrottlingException"] {
        let (app, calls) = app(broken(code));
        assert_eq!(failures(app, names(10).iter().map(|name| fresh(name)).collect()).await, names(10));
        let tried = calls.of("TransactWriteItems");
        let tried = names(10).iter().filter(|name| tried.iter().any(|call| call.to_string().contains(*name))).count();
        assert!((3..=5).contains(&tried), "{tried} of 10 were tried: {code}");
        assert_eq!(waits(&calls).len(), 10, "all of them wait");
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_works_for_some_messages_is_tried_with_all() {
    // The first two fail, then every other one.
    let bad = ["video-0", "video-1", "video-3", "video-5", "video-7", "video-9"];
    let (app, calls) = app(move |operation, input| {
        let input = input.to_string();
        match operation == "TransactWriteItems" && bad.iter().any(|name| input.contains(name)) {
            true => Reply::error(400, "AccessDeniedException"),
            false => Reply::Ok(json!({})),
        }
    });
    assert_eq!(failures(app, names(10).iter().map(|name| fresh(name)).collect()).await, bad);
    assert_eq!(calls.of("TransactWriteItems").len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_message_is_retried_for_seconds_within_an_invocation_and_then_waits_on_the_queue() {
    let (app, calls) = app(|operation, _| match operation {
        // Unlike throttling, the SDK does not retry this.
        "TransactWriteItems" => Reply::error(400, "ResourceNotFoundException"),
        _ => Reply::Ok(json!({})),
    });
    let start = tokio::time::Instant::now();
    assert_eq!(failures(app, vec![fresh("one")]).await, ["one"]);
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    let attempts = calls.of("TransactWriteItems").len();
    assert!((3..30).contains(&attempts), "{attempts} attempts");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_would_soon_expire_is_dead_lettered_with_the_reason() {
    let (app, calls) = app(broken("AccessDeniedException"));
    let old = message("old", 900, DAY * 27 / 2);
    let often = message("often", 990, 2 * DAY);
    let young = message("young", 900, 13 * DAY);
    assert_eq!(failures(app, vec![old.clone(), often, young]).await, ["young"]);
    let mut dead = calls.of("SendMessage");
    dead.sort_by_key(|letter| letter["MessageBody"].to_string());
    assert_eq!(dead.len(), 2);
    assert_eq!(dead[1]["MessageBody"].as_str(), old.body.as_deref());
    let reason = |letter: &Value| letter["MessageAttributes"]["reason"]["StringValue"].as_str().unwrap().to_owned();
    let why = "dynamodb:TransactWriteItems failed: AccessDeniedException (canary-message)";
    assert_eq!(reason(&dead[0]), format!("gave up after 990 attempts in 48 hours: {why}"));
    assert_eq!(reason(&dead[1]), format!("gave up after 900 attempts in 324 hours: {why}"));
    assert_eq!(waits(&calls).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_long_reason_leaves_room_for_the_longest_message() {
    let (app, calls) = app(|operation, _| match operation {
        "TransactWriteItems" => {
            Reply::Error(400, json!({"__type": "AccessDeniedException", "message": "é".repeat(1_000)}))
        }
        _ => Reply::Ok(json!({})),
    });
    assert!(failures(app, vec![message("old", 990, DAY)]).await.is_empty());
    let reason = calls.of("SendMessage")[0]["MessageAttributes"]["reason"]["StringValue"].clone();
    let reason = reason.as_str().unwrap();
    assert!(reason.starts_with("gave up after 990 attempts in 24 hours: dynamodb:"), "{reason}");
    assert!((590..=600).contains(&reason.len()), "{} bytes", reason.len());
}

#[tokio::test(start_paused = true)]
async fn an_old_message_that_can_be_recorded_at_last_is_recorded() {
    let (app, calls) = app(|_, _| Reply::Ok(json!({})));
    assert!(failures(app, vec![message("old", 989, DAY * 139 / 10)]).await.is_empty());
    assert!(calls.of("SendMessage").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_old_message_that_cannot_be_dead_lettered_either_waits_on() {
    let (app, calls) = app(|operation, _| match operation {
        "ChangeMessageVisibility" => Reply::Ok(json!({})),
        _ => Reply::error(400, "AccessDeniedException"),
    });
    assert_eq!(failures(app, vec![message("old", 900, DAY * 27 / 2)]).await, ["old"]);
    assert_eq!(waits(&calls).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_message_that_panics_or_gets_no_response_is_dead_lettered_too() {
    type Failing = fn() -> Reply;
    let failing: [(Failing, &str); 2] =
        [(|| panic!("a bug that this message brings to light"), "panicked"), (|| Reply::Silent, "timeout")];
    for (reply, why) in failing {
        let (app, calls) = app(move |operation, _| match operation {
            "TransactWriteItems" => reply(),
            _ => Reply::Ok(json!({})),
        });
        assert!(failures(app, vec![message("old", 900, DAY * 27 / 2)]).await.is_empty(), "{why}");
        let dead = calls.of("SendMessage");
        assert!(dead[0]["MessageAttributes"]["reason"]["StringValue"].as_str().unwrap().contains(why), "{dead:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_when_no_time_is_left() {
    let (app, calls) = app(|_, _| Reply::Ok(json!({})));
    let mut batch = SqsEvent::default();
    batch.records = vec![fresh("one")];
    let response = process(app, batch, SystemTime::UNIX_EPOCH).await.unwrap();
    assert_eq!(response.batch_item_failures.len(), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(calls.of("TransactWriteItems").is_empty());
}
