//! Reading the record, from a table with one item to a page.

#![allow(clippy::unwrap_used, clippy::panic)]

use aws::error::{AwsError, ErrorClass};
use aws::jobs::{Jobs, Record};
use aws::sdk::Timeouts;
use aws::stub::{self, Reply};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Items with these attributes, all of them texts.
fn items(items: &Value) -> Vec<Value> {
    let typed = |item: &Value| {
        let attributes = item.as_object().unwrap().iter();
        attributes.map(|(name, text)| (name.clone(), json!({ "S": text }))).collect()
    };
    items.as_array().unwrap().iter().map(typed).collect()
}

/// Reads from a table with these items, in the order of their keys. Each page has one item.
fn table(items: Vec<Value>) -> Jobs {
    let sdk = stub::sdk(Timeouts::LONG, move |operation, input| {
        assert_eq!((operation, &input["ConsistentRead"]), ("Query", &json!(true)));
        let id = &input["ExpressionAttributeValues"][":id"];
        let found: Vec<_> = items.iter().filter(|item| item["id"] == *id).collect();
        let key = |item: &Value| json!({"id": item["id"], "item": item["item"]});
        let after = &input["ExclusiveStartKey"];
        let at = found.iter().position(|item| key(item) == *after).map_or(0, |at| at + 1);
        let mut page = json!({"Items": found.iter().skip(at).take(1).collect::<Vec<_>>()});
        if at + 1 < found.len() {
            page["LastEvaluatedKey"] = key(found[at]);
        }
        Reply::Ok(page)
    });
    Jobs::new(sdk.dynamodb(), "table".to_owned())
}

/// The keys of the jobs and the events.
fn keys(record: &Record) -> BTreeSet<(&str, &str)> {
    let jobs = record.jobs.iter().map(|job| (job.id.as_str(), job.item.as_str()));
    jobs.chain(record.events.iter().map(|event| (event.id.as_str(), event.item.as_str()))).collect()
}

fn orders() -> Jobs {
    table(items(&json!([
        {"id": "one", "item": "event#1#b", "callback_id": "one", "entity_id": "group"},
        {"id": "one", "item": "job#train#group#callback_id=one", "callback_id": "one", "entity_id": "group"},
        {"id": "one", "item": "pointer#job#avatar_video#v", "partition": "v", "job": "job#avatar_video#v"},
        {"id": "one", "item": "pointer#job#video_translate#t", "partition": "t", "job": "job#video_translate#t"},
        {"id": "two", "item": "job#train#group#callback_id=two", "callback_id": "two", "entity_id": "group"},
        {"id": "two", "item": "pointer#job#avatar_video#v", "partition": "v", "job": "job#avatar_video#v"},
        {"id": "group", "item": "job#train#group", "callback_id": "", "entity_id": "group"},
        {"id": "group", "item": "pointer#job#train#group#callback_id=one", "partition": "one", "job": "job#train#group#callback_id=one"},
        {"id": "group", "item": "pointer#job#train#group#callback_id=two", "partition": "two", "job": "job#train#group#callback_id=two"},
        {"id": "t", "item": "job#video_translate#t", "callback_id": "one", "entity_id": "t"},
        {"id": "v", "item": "event#2#b", "callback_id": "one", "entity_id": "v", "body": "body"},
        {"id": "v", "item": "event#3#b", "entity_id": "v"},
        {"id": "v", "item": "event#4#b", "callback_id": "two", "entity_id": "v"},
        {"id": "v", "item": "job#avatar_video#v", "callback_id": "one", "entity_id": "v"},
        {"id": "v", "item": "job#avatar_video_caption#v", "callback_id": "", "entity_id": "v"},
        {"id": "v", "item": "job#avatar_video_gif#v", "callback_id": "zero", "entity_id": "v"},
    ])))
}

#[tokio::test]
async fn an_order_has_its_jobs_and_events_and_those_that_name_no_order() {
    let record = orders().of_callback_id("one").await.unwrap();
    let expected = [
        ("one", "event#1#b"),
        ("one", "job#train#group#callback_id=one"),
        ("t", "job#video_translate#t"),
        ("v", "event#2#b"),
        ("v", "event#3#b"),
        ("v", "job#avatar_video#v"),
        ("v", "job#avatar_video_caption#v"),
    ];
    assert_eq!(keys(&record), expected.into());
    assert_eq!(record.jobs.len() + record.events.len(), expected.len(), "each of them once");
}

#[tokio::test]
async fn a_job_of_two_orders_is_found_by_both() {
    let record = orders().of_callback_id("two").await.unwrap();
    let expected = [
        ("two", "job#train#group#callback_id=two"),
        ("v", "event#3#b"),
        ("v", "event#4#b"),
        // It has the other order's callback_id, but this one's pointer names it.
        ("v", "job#avatar_video#v"),
        ("v", "job#avatar_video_caption#v"),
    ];
    assert_eq!(keys(&record), expected.into());
}

#[tokio::test]
async fn an_entity_that_is_used_again_has_the_jobs_of_all_orders() {
    let record = orders().of_entity("group").await.unwrap();
    let expected = [
        ("group", "job#train#group"),
        ("one", "event#1#b"),
        ("one", "job#train#group#callback_id=one"),
        ("two", "job#train#group#callback_id=two"),
    ];
    assert_eq!(keys(&record), expected.into());
    assert_eq!(orders().of_entity("v").await.unwrap().events.len(), 3);
    assert_eq!(orders().of_entity("unknown").await.unwrap(), Record::default());
}

#[tokio::test]
async fn bodies_are_left_out_if_they_are_not_needed() {
    let bodies = |record: Record| record.events.into_iter().filter_map(|event| event.body).collect::<Vec<_>>();
    assert_eq!(bodies(orders().of_entity("v").await.unwrap()), ["body"]);
    let without = orders().without_bodies().of_entity("v").await.unwrap();
    assert!(without.events.iter().all(|event| event.attributes["body"].is_null()));
    assert_eq!((without.events.len(), bodies(without).len()), (3, 0));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_whole_is_an_error() {
    let page = json!({
        "Items": [{"id": {"S": "c"}, "item": {"S": "job#x#v"}}],
        "LastEvaluatedKey": {"id": {"S": "c"}, "item": {"S": "job#x#v"}},
    });
    let sdk = stub::sdk(Timeouts::LONG, move |_, input| match &input["ExclusiveStartKey"] {
        Value::Null => Reply::Ok(page.clone()),
        _ => Reply::error(400, "AccessDeniedException"),
    });
    let read = Jobs::new(sdk.dynamodb(), "table".to_owned()).of_callback_id("c").await;
    assert!(matches!(read, Err(AwsError { class: ErrorClass::Denied, .. })), "{read:?}");
}
