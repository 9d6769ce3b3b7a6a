//! What this version writes.

use crate::sha256;
use aws::envelope::{Advisory, Delivery};
use aws::sdk::Timeouts;
use aws::secrets::{EndpointSecret, Pending, PendingChange, Previous, Registered};
use aws::stub::{Reply, sdk};
use aws::table::Table;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::time::Instant;
use webhook::{Secret, Verified};

const NOW: OffsetDateTime = datetime!(2026-11-21 03:40:00.123 UTC);

fn delivery(body: impl Into<Vec<u8>>, advisory: Advisory) -> Delivery {
    Delivery {
        platform: webhook::Platform::HeyGen,
        endpoint: "main".into(),
        received_at: NOW,
        request_id: "request-1".into(),
        via: "delivery".into(),
        advisory,
        body: Verified::assume_authentic(body.into()),
    }
}

/// Each encoding of a body, with each of the headers.
pub(crate) fn envelopes() -> Value {
    let headers = |event_id: Option<&str>, timestamp: Option<&str>| Advisory {
        event_id: event_id.map(str::to_owned),
        timestamp: timestamp.map(str::to_owned),
    };
    let json = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v","title":"“ü”\n"}}"#;
    let bodies: [(Vec<u8>, Advisory); 6] = [
        (json.into(), headers(None, None)),
        (json.into(), headers(Some("evt_1"), Some("1763696400"))),
        (json.into(), headers(None, Some("not a number"))),
        (vec![0xff, 0x00, b'{'], headers(Some("evt_2"), None)),
        ("a character that SQS does not accept: \u{FFFF}".into(), headers(None, None)),
        ("a body that repeats itself, ".repeat(50_000).into(), headers(None, None)),
    ];
    let sealed = |(body, advisory): (Vec<u8>, Advisory)| {
        let message = delivery(body.clone(), advisory).seal().unwrap();
        json!({"message": message, "body_bytes": body.len(), "body_sha256": sha256(&body)})
    };
    bodies.into_iter().map(sealed).collect()
}

/// The items of events with every shape of job.
pub(crate) async fn items() -> Value {
    let link = "https://files.example.invalid/v.mp4?Expires=1795000000&Signature=s";
    let mut items = Vec::new();
    for body in [
        json!({"event_type": "avatar_video.success", "event_data": {"video_id": "v1", "callback_id": "c", "url": link}}),
        json!({"event_type": "avatar_video.success", "event_data": {"video_id": "v2", "url": "https://files.example.invalid/v"}}),
        json!({"event_type": "avatar_video.fail", "event_id": "evt_1", "created_at": "2026-11-21T03:40:00Z",
            "event_data": {"video_id": "v3", "callback_id": "c", "error": {"code": "no_voice", "message": "There is no voice"}}}),
        json!({"event_type": "video_translate.success", "event_data":
            {"video_translate_id": "t1", "callback_id": "c", "output_language": "French", "url": link}}),
        json!({"event_type": "photo_avatar_train.success", "event_data": {"group_id": "g1", "callback_id": "c"}}),
        json!({"event_type": "hologram.ready", "event_data": {"odd": 1}}),
    ] {
        items.extend(written(delivery(body.to_string(), Advisory::default())).await);
    }
    items.extend(
        written(delivery(vec![0xff, 0x00], Advisory { event_id: Some("e".into()), timestamp: Some("1".into()) })).await,
    );
    Value::Array(items)
}

/// The items that recording this delivery writes to an empty table.
async fn written(delivery: Delivery) -> Vec<Value> {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let sdk = sdk(Timeouts::LONG, move |_, input| {
        seen.lock().unwrap().push(input);
        Reply::Ok(json!({}))
    });
    let table = Table::new(sdk.dynamodb(), "table".into(), Duration::from_hours(24 * 90));
    let event = heygen::read(&delivery.body);
    table.record(&delivery, &event, NOW, Instant::now() + Duration::from_secs(3)).await.unwrap();
    let calls = calls.lock().unwrap();
    let call = &calls[0];
    let writes = call["TransactItems"].as_array().cloned().unwrap_or_else(|| vec![json!({ "Put": call })]);
    writes
        .iter()
        .map(|write| if write["Put"].is_null() { updated(&write["Update"]) } else { write["Put"]["Item"].clone() })
        .collect()
}

/// The item that an update makes of nothing.
fn updated(update: &Value) -> Value {
    let values = update["ExpressionAttributeValues"].as_object().unwrap();
    let mut item = update["Key"].as_object().unwrap().clone();
    item.extend(
        values.iter().filter_map(|(name, value)| Some((name.strip_prefix(":set_")?.to_owned(), value.clone()))),
    );
    item.insert("previous_status".into(), values[":none"].clone());
    item.insert("callback_id".into(), values.get(":callback_id").unwrap_or(&values[":no_callback_id"]).clone());
    Value::Object(item)
}

/// Each state that admin leaves a secret in.
pub(crate) fn secrets() -> Value {
    let secret = |text: &str| Secret::new(text).unwrap();
    let previous = vec![Previous { secret: secret("whsec_old"), valid_until: datetime!(2026-11-23 03:40 UTC) }];
    let registered = Some(Registered { endpoint_id: "ep_1".into(), ..Registered::default() });
    let noted =
        |change, revoke| Some(Pending { idempotency_key: "heygen-webhooks:key".into(), since: NOW, revoke, change });
    let pending = |change| noted(change, false);
    let known = vec!["ep_0".to_owned()];
    let create = pending(PendingChange::Create { entity_id: None, replaces: None, known: Vec::new(), request: None });
    let replace =
        PendingChange::Create { entity_id: Some("g1".into()), replaces: Some("ep_1".into()), known, request: None };
    let by_hand = EndpointSecret { current: Some(secret("whsec_new")), ..EndpointSecret::default() };
    let stored = EndpointSecret { current_since: Some(NOW), registered: registered.clone(), ..by_hand.clone() };
    let rotated = EndpointSecret { previous: previous.clone(), ..stored.clone() };
    let replaced =
        Registered { endpoint_id: "ep_2".into(), entity_id: Some("g1".into()), replaces: Some("ep_1".into()) };
    let rotating = PendingChange::Rotate { endpoint_id: "ep_1".into() };
    let all = [
        EndpointSecret::default(),
        EndpointSecret { pending: create, ..EndpointSecret::default() },
        EndpointSecret { pending: pending(rotating.clone()), ..rotated.clone() },
        EndpointSecret { pending: noted(rotating, true), ..rotated.clone() },
        EndpointSecret { pending: pending(replace), ..rotated.clone() },
        EndpointSecret { registered: Some(replaced), ..rotated.clone() },
        // Its new secret is unknown.
        EndpointSecret { previous, registered, ..EndpointSecret::default() },
        by_hand,
        stored,
        rotated,
    ];
    serde_json::to_value(all).unwrap()
}
