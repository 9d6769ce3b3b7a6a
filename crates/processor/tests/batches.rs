//! Whole batches, with the real SDK over a stub for AWS's HTTP side. The batches are the sample
//! events that `cargo lambda invoke` takes, too.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use aws::stub::Reply;
use aws_lambda_events::sqs::SqsEvent;
use common::app;
use processor::{App, process};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

fn works(_: &str, _: &Value) -> Reply {
    Reply::Ok(json!({}))
}

/// Whether the call writes the job of this entity.
fn is_about(input: &Value, entity: &str) -> bool {
    input["TransactItems"][1]["Update"]["Key"]["item"]["S"].as_str().is_some_and(|key| key.ends_with(entity))
}

/// A sample batch, as if it had just been sent.
fn batch(name: &str) -> SqsEvent {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/sqs").join(name);
    let mut batch: SqsEvent = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for message in &mut batch.records {
        message.attributes.remove("SentTimestamp");
    }
    batch
}

fn message_id(batch: &SqsEvent, index: usize) -> String {
    batch.records[index].message_id.clone().unwrap()
}

/// The entity of the batch's first message.
fn first_entity() -> String {
    let envelope: Value = serde_json::from_str(batch("batch.json").records[0].body.as_deref().unwrap()).unwrap();
    let body: Value = serde_json::from_str(envelope["body"].as_str().unwrap()).unwrap();
    body["event_data"]["video_id"].as_str().unwrap().to_owned()
}

/// The ids of the messages that are to be delivered again.
async fn failures(app: Arc<App>, batch: SqsEvent) -> Vec<String> {
    let until = SystemTime::now() + Duration::from_secs(30);
    let response = process(app, batch, until).await.unwrap();
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_works_reports_nothing() {
    let (app, calls) = app(works);
    assert!(failures(app, batch("batch.json")).await.is_empty());
    assert_eq!(calls.of("TransactWriteItems").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn poison_goes_to_the_dead_letter_queue_alone_and_as_it_was() {
    let (app, calls) = app(works);
    let poison = batch("poison.json");
    assert!(failures(app, poison.clone()).await.is_empty());
    let dead_letters = calls.of("SendMessage");
    assert_eq!(dead_letters.len(), 1);
    assert_eq!(dead_letters[0]["MessageBody"].as_str(), poison.records[1].body.as_deref());
    assert_eq!(dead_letters[0]["MessageAttributes"]["reason"]["StringValue"], "not an envelope");
    assert_eq!(calls.of("TransactWriteItems").len(), 2, "its neighbours are recorded");
}

#[tokio::test(start_paused = true)]
async fn poison_that_cannot_be_dead_lettered_is_delivered_again() {
    let (app, _) = app(|operation, _| match operation {
        "SendMessage" => Reply::error(400, "AccessDeniedException"),
        _ => Reply::Ok(json!({})),
    });
    let poison = batch("poison.json");
    assert_eq!(failures(app, poison.clone()).await, [message_id(&poison, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_reported_alone() {
    for code in ["AccessDeniedException", "ThrottlingException", "InternalServerError", "ResourceNotFoundException"] {
        let first = first_entity();
        let (app, calls) = app(move |_, input| match is_about(input, &first) {
            true => Reply::error(400, code),
            false => Reply::Ok(json!({})),
        });
        let batch = batch("batch.json");
        assert_eq!(failures(app, batch.clone()).await, [message_id(&batch, 0)], "{code}");
        assert!(calls.of("SendMessage").is_empty(), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_one_message_only() {
    let first = first_entity();
    let (app, _) = app(move |_, input| {
        assert!(!is_about(input, &first), "a bug that this message alone brings to light");
        Reply::Ok(json!({}))
    });
    let batch = batch("batch.json");
    assert_eq!(failures(app, batch.clone()).await, [message_id(&batch, 0)]);
}

#[tokio::test(start_paused = true)]
async fn silence_is_reported_before_the_invocation_ends() {
    let first = first_entity();
    let (app, _) = app(move |_, input| match is_about(input, &first) {
        true => Reply::Silent,
        false => Reply::Ok(json!({})),
    });
    let batch = batch("batch.json");
    let start = tokio::time::Instant::now();
    assert_eq!(failures(app, batch.clone()).await, [message_id(&batch, 0)]);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_failed_message_without_an_id_fails_the_batch_rather_than_being_lost() {
    for id in [None, Some(String::new())] {
        let (app, _) = app(|_, _| Reply::error(400, "AccessDeniedException"));
        let mut batch = batch("batch.json");
        batch.records[0].message_id = id;
        let until = SystemTime::now() + Duration::from_secs(30);
        assert!(process(app, batch, until).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_dynamodb_will_always_reject_is_dead_lettered_with_the_reason() {
    let (app, calls) = app(|operation, _| match operation {
        "SendMessage" => Reply::Ok(json!({})),
        _ => Reply::error(400, "ValidationException"),
    });
    assert!(failures(app, batch("batch.json")).await.is_empty());
    for dead_letter in calls.of("SendMessage") {
        let reason = &dead_letter["MessageAttributes"]["reason"]["StringValue"];
        assert_eq!(reason, "dynamodb:TransactWriteItems failed: ValidationException");
    }
    assert_eq!(calls.of("SendMessage").len(), 2);
}
