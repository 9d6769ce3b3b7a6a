//! What this version reads.

use crate::{elements, sha256};
use aws::envelope::Delivery;
use aws::jobs::{EventItem, FailureItem, JobItem, Jobs};
use aws::sdk::Timeouts;
use aws::secrets::EndpointSecret;
use aws::stub::{Reply, sdk};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use webhook::Status;

#[test]
fn every_message_of_a_released_version_is_read_completely() {
    for element in elements("envelopes.json") {
        let text = element["message"].as_str().unwrap();
        let message: Value = serde_json::from_str(text).unwrap();
        let Delivery { platform, endpoint, received_at, request_id, via, advisory, body } =
            Delivery::open(text).unwrap();
        let mut read = json!({
            "version": message["version"],
            "encoding": message["encoding"],
            "body": message["body"],
            "endpoint": endpoint,
            "received_at": aws::clock::to_text(received_at),
            "request_id": request_id,
            "via": via,
            "advisory": {},
        });
        if let Some(platform) = message.get("platform") {
            read["platform"] = platform.clone();
        }
        assert_eq!(platform, serde_json::from_value(message["platform"].clone()).unwrap_or_default());
        for (name, value) in [("event_id", advisory.event_id), ("timestamp", advisory.timestamp)] {
            if let Some(value) = value {
                read["advisory"][name] = json!(value);
            }
        }
        assert_eq!(read, message);
        let body = (json!(body.body().len()), json!(sha256(body.body())));
        assert_eq!(body, (element["body_bytes"].clone(), element["body_sha256"].clone()));
    }
}

#[test]
fn every_secret_of_a_released_version_is_read_completely() {
    for element in elements("secrets.json") {
        let read: EndpointSecret = serde_json::from_value(element.clone()).unwrap();
        let lost = missing(&element, &serde_json::to_value(&read).unwrap());
        assert!(lost.is_empty(), "{lost:?} of {element}");
    }
}

/// The paths in `whole` that have another value, or none, in `part`.
fn missing(whole: &Value, part: &Value) -> Vec<String> {
    let below = |name: &str, value: &Value, other: &Value| -> Vec<String> {
        missing(value, other).into_iter().map(|path| format!("{name}.{path}")).collect()
    };
    match (whole, part) {
        (Value::Object(fields), Value::Object(others)) => fields
            .iter()
            .flat_map(|(name, value)| below(name, value, others.get(name).unwrap_or(&Value::Null)))
            .collect(),
        (Value::Array(values), Value::Array(others)) if values.len() == others.len() => {
            values.iter().zip(others).flat_map(|(value, other)| below("[]", value, other)).collect()
        }
        _ if whole == part => Vec::new(),
        _ => vec![whole.to_string()],
    }
}

/// The same JSON, with a field in each of its objects that this version does not know.
fn with_later_fields(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), with_later_fields(value)));
            Value::Object(fields.chain([("of_a_later_version".to_owned(), json!({"x": 1}))]).collect())
        }
        Value::Array(values) => values.iter().map(with_later_fields).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_field_of_a_later_version_is_ignored() {
    for element in elements("secrets.json") {
        let known: EndpointSecret = serde_json::from_value(element.clone()).unwrap();
        assert_eq!(serde_json::from_value::<EndpointSecret>(with_later_fields(&element)).unwrap(), known);
    }
    for element in elements("envelopes.json") {
        let message: Value = serde_json::from_str(element["message"].as_str().unwrap()).unwrap();
        let read = Delivery::open(&with_later_fields(&message).to_string()).unwrap();
        assert_eq!(element["body_sha256"], sha256(read.body.body()));
    }
}

/// An item of DynamoDB's JSON as plain JSON.
fn plain(item: &Value) -> Value {
    let value = |(name, typed): (&String, &Value)| {
        let (kind, value) = typed.as_object().unwrap().iter().next().unwrap();
        let value = match kind.as_str() {
            "N" => serde_json::from_str(value.as_str().unwrap()).unwrap(),
            "M" => plain(value),
            _ => value.clone(),
        };
        (name.clone(), value)
    };
    Value::Object(item.as_object().unwrap().iter().map(value).collect::<Map<_, _>>())
}

/// Everything in a table with the released items.
async fn read_items(items: &[Value]) -> (BTreeMap<String, JobItem>, BTreeMap<String, EventItem>) {
    let all = items.to_vec();
    let sdk = sdk(Timeouts::LONG, move |_, input| {
        let id = &input["ExpressionAttributeValues"][":id"];
        Reply::Ok(json!({"Items": all.iter().filter(|item| item["id"] == *id).collect::<Vec<_>>()}))
    });
    let jobs = Jobs::new(sdk.dynamodb(), "table".to_owned());
    let (mut found, mut events) = (BTreeMap::new(), BTreeMap::new());
    let ids: BTreeSet<_> = items.iter().map(|item| item["id"]["S"].as_str().unwrap()).collect();
    for id in ids {
        for record in [jobs.of_callback_id(id).await.unwrap(), jobs.of_entity(id).await.unwrap()] {
            found.extend(record.jobs.into_iter().map(|job| (format!("{} {}", job.id, job.item), job)));
            events.extend(record.events.into_iter().map(|event| (format!("{} {}", event.id, event.item), event)));
        }
    }
    (found, events)
}

#[tokio::test]
async fn every_item_of_a_released_version_is_read_completely() {
    let items = elements("items.json");
    let (jobs, events) = read_items(&items).await;
    let plain: Vec<_> = items.iter().map(plain).collect();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for item in &plain {
        let key = format!("{} {}", item["id"].as_str().unwrap(), item["item"].as_str().unwrap());
        match item["item"].as_str().unwrap().split('#').next().unwrap() {
            "job" => {
                let expected = JobItem {
                    id: text(&item["id"]).unwrap(),
                    item: text(&item["item"]).unwrap(),
                    platform: serde_json::from_value(item["platform"].clone()).unwrap_or_default(),
                    kind: text(&item["kind"]).unwrap(),
                    entity_id: text(&item["entity_id"]).unwrap(),
                    status: [Status::Pending, Status::Failed, Status::Succeeded]
                        .into_iter()
                        .find(|status| item["status"] == status.as_str()),
                    status_rank: item["status_rank"].as_u64().map(|rank| u8::try_from(rank).unwrap()),
                    previous_status: text(&item["previous_status"]).unwrap(),
                    identity: text(&item["identity"]).unwrap(),
                    decided_by: text(&item["decided_by"]).unwrap(),
                    event_type: text(&item["event_type"]).unwrap(),
                    links: serde_json::from_value(item["links"].clone()).unwrap_or_default(),
                    failure: item["failure"].as_object().map(|failure| FailureItem {
                        code: failure.get("code").and_then(text),
                        message: failure.get("message").and_then(text),
                    }),
                    reason: text(&item["reason"]),
                    output_language: text(&item["output_language"]),
                    callback_id: text(&item["callback_id"]).filter(|id| !id.is_empty()),
                    links_expire_at: item["links_expire_at"].as_i64(),
                    occurred_at: item["occurred_at"].as_i64(),
                    received_at: text(&item["received_at"]).unwrap(),
                    updated_at: text(&item["updated_at"]).unwrap(),
                    tracked_at: text(&item["tracked_at"]),
                    tracked_as: text(&item["tracked_as"]),
                    endpoint: text(&item["endpoint"]).unwrap(),
                    attributes: item.clone(),
                };
                assert!(jobs[&key] == expected, "{key}: {:#}", jobs[&key].attributes);
                assert!(expected.status.is_some() && expected.status_rank.is_some());
            }
            "event" => {
                let expected = EventItem {
                    id: text(&item["id"]).unwrap(),
                    item: text(&item["item"]).unwrap(),
                    platform: serde_json::from_value(item["platform"].clone()).unwrap_or_default(),
                    event_type: text(&item["event_type"]),
                    callback_id: text(&item["callback_id"]),
                    entity_id: text(&item["entity_id"]),
                    job: text(&item["job"]),
                    job_omitted: text(&item["job_omitted"]),
                    endpoint: text(&item["endpoint"]).unwrap(),
                    via: text(&item["via"]).unwrap(),
                    body: text(&item["body"]),
                    received_at: text(&item["received_at"]).unwrap(),
                    expires_at: item["expires_at"].as_i64(),
                    attributes: item.clone(),
                };
                assert!(events[&key] == expected, "{key}: {:#}", events[&key].attributes);
                assert!(expected.expires_at.is_some());
            }
            "pointer" => {
                // The order finds the job through it.
                let job = format!("{} {}", item["partition"].as_str().unwrap(), item["job"].as_str().unwrap());
                assert!(jobs.contains_key(&job), "{job}");
            }
            other => panic!("an item of another kind: {other}"),
        }
    }
    assert!(jobs.len() >= 5 && events.len() >= 7, "{} jobs, {} events", jobs.len(), events.len());
}
