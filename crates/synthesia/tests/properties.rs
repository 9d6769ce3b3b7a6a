//! Properties that hold for every body, not only for the samples.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};
use webhook::{Event, Job, LookUp, Verified};

const LINK: &str = "https://files.example.invalid/";

fn read(body: &str) -> Event {
    synthesia::read(&Verified::assume_authentic(body.as_bytes().to_vec()))
}

/// Field names that mean something, so that arbitrary JSON reaches the code that reads them.
fn field() -> impl Strategy<Value = String> {
    let meaningful = select(vec![
        "type",
        "data",
        "id",
        "status",
        "callbackId",
        "createdAt",
        "lastUpdatedAt",
        "duration",
        "message",
        "download",
        "captions",
        "srt",
        "thumbnail",
        "gif",
        "look_up",
        "answer",
        "kind",
        "entity_id",
        "failure",
        "code",
    ]);
    prop_oneof![4 => meaningful.prop_map(str::to_owned), 1 => ".*"]
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = select(vec![
        "video.completed",
        "video.failed",
        "complete",
        "error",
        "in_progress",
        "synthesia.video",
        "0:00:01.5",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
        prop_oneof!["https?://.*", ".*"].prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(field(), inner, 0..8).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A name without its quotes, and a value, both as JSON text.
type Field = (String, String);

fn object(fields: &[Field]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    format!("{{{}}}", fields.join(","))
}

/// Fields that are not read, with JSON text some of which serde_json reads as no [`Value`].
fn odd_fields() -> impl Strategy<Value = Vec<Field>> {
    let names = select(vec![r"\ud83d", "", r"\u0000", "title", "event", "type ", "ID", "data.id", "odd"]);
    let nested = (select(vec![("[", "]"), (r#"{"id":"#, "}")]), 0..50_000_usize);
    let value = prop_oneof![
        select(vec![r#""\ud83d""#, "1e400", "-1e-400", "null", r#""\u0000""#, r#""}""#, r#"{"\udc00":[]}"#])
            .prop_map(str::to_owned),
        any_json().prop_map(|value| value.to_string()),
        nested.prop_map(|((open, close), depth)| format!("{}0{}", open.repeat(depth), close.repeat(depth))),
    ];
    vec((names.prop_map(str::to_owned), value), 0..3)
}

/// Some of the fields of a video that are read.
fn video() -> impl Strategy<Value = Vec<Field>> {
    let fields = vec![
        ("status", r#""complete""#),
        ("callbackId", r#""order \"1\"""#),
        ("lastUpdatedAt", "1760000300"),
        ("createdAt", r#""2025-10-09T08:53:20Z""#),
        ("duration", r#""0:00:42.5""#),
        ("message", r#""no \ud83d face""#),
        ("download", r#""https://x.invalid/1""#),
        ("captions", r#"{"vtt":"https://x.invalid/2","srt":null}"#),
        ("thumbnail", r#"{"image":"https://x.invalid/3"}"#),
    ];
    let count = fields.len();
    subsequence(fields, 0..=count).prop_map(|fields| {
        let id = [("id", "18446744073709551617")];
        id.into_iter().chain(fields).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    })
}

/// The body of a video's delivery; and one of the same fields and others, in any order.
fn plain_and_odd() -> impl Strategy<Value = (String, String)> {
    let types = select(vec!["video.completed", "video.failed"]);
    (types, video(), odd_fields(), odd_fields()).prop_flat_map(|(event_type, video, top, data)| {
        let body = |mut top: Vec<Field>, data: &[Field]| {
            top.push(("data".to_owned(), object(data)));
            top
        };
        let typed = vec![("type".to_owned(), json!(event_type).to_string())];
        let plain = object(&body(typed.clone(), &video));
        let data = Just([&video[..], &data].concat()).prop_shuffle();
        let odd = data.prop_flat_map(move |data| Just(body([&typed[..], &top].concat(), &data)).prop_shuffle());
        (Just(plain), odd.prop_map(|fields| object(&fields)))
    })
}

/// JSON that has a canonical form.
fn exact_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(|number| json!(f64::from(number) / 8.0)),
        ".*".prop_map(Value::from),
        "[a-z]{0,9}".prop_map(|path| json!(format!("{LINK}{path}"))),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let fields = vec((".*", inner.clone()), 0..6).prop_map(|fields| Value::Object(Map::from_iter(fields)));
        prop_oneof![vec(inner, 0..6).prop_map(Value::from), fields]
    })
}

/// The value with its fields in a random order, random white space, and random signatures of its links.
fn rewritten(value: &Value, random: &mut fastrand::Rng) -> String {
    let joined = |parts: Vec<String>, random: &mut fastrand::Rng| {
        let space = |random: &mut fastrand::Rng| [" ", "\n", "\t", "\r", ""][random.usize(..5)];
        let spaced = parts.iter().map(|part| format!("{}{part}{}", space(random), space(random)));
        spaced.collect::<Vec<_>>().join(",")
    };
    match value {
        Value::Array(values) => {
            let values = values.iter().map(|value| rewritten(value, random)).collect();
            format!("[{}]", joined(values, random))
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{}: {}", json!(name), rewritten(value, random))).collect();
            random.shuffle(&mut fields);
            format!("{{{}}}", joined(fields, random))
        }
        Value::String(text) if text.starts_with(LINK) => {
            json!(format!("{text}?signature={}", random.u64(..))).to_string()
        }
        other => other.to_string(),
    }
}

/// Deliveries and answers about one video: some fail it, some finish it, some say that it is running.
fn events_of_one_job() -> impl Strategy<Value = Vec<Event>> {
    let event = (0..3_u8, select(vec!["complete", "error", "rejected", "in_progress", "approved"]), 0..3_i64, 0..3_u8)
        .prop_map(|(how, status, time, link)| {
            let video = json!({"id": "v1", "status": status, "createdAt": 1, "lastUpdatedAt": 1_760_000_300 + time,
                "message": format!("reason {link}"), "download": format!("{LINK}v?Expires=176000{link}300")});
            match how {
                0 => read(&json!({"type": "video.completed", "data": video}).to_string()),
                1 => read(&json!({"type": "video.failed", "data": video}).to_string()),
                _ => {
                    let (kind, entity_id) = ("synthesia.video".to_owned(), "v1".to_owned());
                    let answer = serde_json::value::to_raw_value(&video).ok();
                    synthesia::read(&LookUp { kind, entity_id, callback_id: None, answer, failure: None }.to_verified())
                }
            }
        });
    vec(event, 1..12)
}

fn fold(events: &[Event]) -> Option<Job> {
    events.iter().filter_map(Event::job).fold(None, |job, next| Some(Job::merge(job, next)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_can_be_read(body: Vec<u8>) {
        let event = synthesia::read(&Verified::assume_authentic(body));
        prop_assert!(event.correlation_id().as_str().len() <= 1024);
    }

    #[test]
    fn any_json_can_be_read(event_type in select(synthesia::KNOWN.to_vec()), data in any_json(), other in any_json()) {
        let look_up = json!({"look_up": {"kind": "synthesia.video", "entity_id": "v"}, "answer": data});
        for body in [json!({"type": event_type, "data": data}), look_up, other] {
            let event = read(&body.to_string());
            prop_assert!(event.is_json);
            if let Some(job) = event.job() {
                prop_assert!(job.item_key().len() <= 1024);
                prop_assert_eq!(job.decided_by, event.item_key());
            }
            let _ = synthesia::page(body.to_string().as_bytes());
        }
    }

    #[test]
    fn no_value_name_or_order_of_other_fields_changes_what_is_read((plain, odd) in plain_and_odd()) {
        let odd = read(&odd);
        let plain = read(&plain);
        let (identity, body_sha256) = (odd.identity.clone(), odd.body_sha256.clone());
        prop_assert_eq!(&plain.identity, &odd.identity);
        prop_assert_eq!(Event { identity, body_sha256, ..plain }, odd);
    }

    #[test]
    fn content_is_the_same_in_any_order_with_any_spacing_and_any_signature(content in exact_json(), seeds: [u64; 2]) {
        for event in [
            json!({"type": "video.archived", "data": {"id": "v", "content": content, "link": LINK}}),
            json!({"type": "video.completed", "data": {"content": content, "link": LINK}}),
            json!({"type": "video.completed", "data": {"id": "v", "status": "in_progress", "content": content}}),
        ] {
            let identity = |event: &Value, seed| read(&rewritten(event, &mut fastrand::Rng::with_seed(seed))).identity;
            prop_assert_eq!(identity(&event, seeds[0]), identity(&event, seeds[1]));
            let mut other = event.clone();
            other["data"]["content"] = json!([content]);
            prop_assert_ne!(identity(&event, seeds[0]), identity(&other, seeds[0]));
        }
    }

    #[test]
    fn any_order_and_any_repetition_of_events_results_in_the_same_job(
        (events, again) in events_of_one_job().prop_flat_map(|events| {
            // Everything at least once, some of it more often, in any order.
            let repeated = vec(select(events.clone()), 0..8);
            let again = repeated.prop_map({
                let events = events.clone();
                move |more| [events.clone(), more].concat()
            });
            (Just(events), again.prop_shuffle())
        })
    ) {
        prop_assert_eq!(fold(&events), fold(&again));
    }
}
