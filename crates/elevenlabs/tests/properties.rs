//! Properties that hold for every body, not only for the samples.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};
use webhook::{Event, Job, LookUp, Verified};

const LINK: &str = "https://files.example.invalid/";

fn read(body: &str) -> Event {
    elevenlabs::read(&Verified::assume_authentic(body.as_bytes().to_vec()))
}

/// Field names that mean something, so that arbitrary JSON reaches the code that reads them.
fn field() -> impl Strategy<Value = String> {
    let meaningful = select(vec![
        "type",
        "data",
        "event_timestamp",
        "id",
        "status",
        "content_url",
        "content_mime_type",
        "failure_reason",
        "error",
        "code",
        "message",
        "project_id",
        "language_id",
        "reference",
        "outputs",
        "lossless_audio",
        "request_id",
        "webhook_metadata",
        "callback_id",
        "conversation_id",
        "user_id",
        "conversation_initiation_client_data",
        "dynamic_variables",
        "metadata",
        "body",
        "look_up",
        "answer",
        "kind",
        "entity_id",
    ]);
    prop_oneof![4 => meaningful.prop_map(str::to_owned), 1 => ".*"]
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = select(
        [elevenlabs::KNOWN, &["completed", "failed", "done", "generating", "elevenlabs.flows", "video/mp4"]].concat(),
    );
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
    let names = select(vec![
        r"\ud83d",
        "",
        r"\u0000",
        "title",
        "event",
        "type ",
        "ID",
        "data.id",
        "odd",
        "words",
        "full_audio",
    ]);
    let nested = (select(vec![("[", "]"), (r#"{"id":"#, "}")]), 0..50_000_usize);
    let value = prop_oneof![
        select(vec![r#""\ud83d""#, "1e400", "-1e-400", "null", r#""\u0000""#, r#""}""#, r#"{"\udc00":[]}"#])
            .prop_map(str::to_owned),
        any_json().prop_map(|value| value.to_string()),
        nested.prop_map(|((open, close), depth)| format!("{}0{}", open.repeat(depth), close.repeat(depth))),
    ];
    vec((names.prop_map(str::to_owned), value), 0..3)
}

/// A type that moves a job, and some of the fields of its data that are read.
fn known() -> impl Strategy<Value = (&'static str, Vec<Field>)> {
    let types = select(vec![
        ("flows_generation", "id"),
        ("flows_template_run", "id"),
        ("dubbing_language_completed", "language_id"),
        ("dubbing_project_failed", "project_id"),
        ("speech_to_text_transcription", "request_id"),
        ("post_call_transcription", "conversation_id"),
        ("call_initiation_failure", "conversation_id"),
    ]);
    let fields = vec![
        ("content_url", r#""https://x.invalid/1""#),
        ("content_mime_type", r#""video/mp4""#),
        ("failure_reason", r#""moder\ud83dated""#),
        ("error_message", "7"),
        ("error", r#"{"code":"c","message":"m"}"#),
        ("outputs", r#"{"a":{"content_url":"https://x.invalid/2"},"lossless_audio":"https://x.invalid/3"}"#),
        ("reference", r#""order \"1\"""#),
        ("webhook_metadata", r#""{\"callback_id\": \"order\"}""#),
        ("user_id", "18446744073709551617"),
        ("conversation_initiation_client_data", r#"{"dynamic_variables":{"callback_id":"order"}}"#),
        ("metadata", r#"{"call_duration_secs":22,"termination_reason":"why"}"#),
    ];
    let count = fields.len();
    (types, select(vec!["completed", "failed", "done"]), subsequence(fields, 0..=count)).prop_filter_map(
        "it moves a job",
        |((event_type, id), status, fields)| {
            let status = format!("\"{status}\"");
            let always = [(id, r#""e1""#), ("status", status.as_str())];
            let fields: Vec<Field> =
                always.into_iter().chain(fields).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let body = format!(r#"{{"type":"{event_type}","event_timestamp":1760000000,"data":{}}}"#, object(&fields));
            read(&body).status.map(|_| (event_type, fields))
        },
    )
}

/// The body of a job's delivery; and one of the same fields and others, in any order.
fn plain_and_odd() -> impl Strategy<Value = (String, String)> {
    (known(), odd_fields(), odd_fields()).prop_flat_map(|((event_type, fields), top, data)| {
        let body = |mut top: Vec<Field>, data: &[Field]| {
            top.push(("data".to_owned(), object(data)));
            top
        };
        let text = |text: &str| text.to_owned();
        let typed = vec![(text("type"), json!(event_type).to_string()), (text("event_timestamp"), text("1760000000"))];
        let plain = object(&body(typed.clone(), &fields));
        let data = Just([&fields[..], &data].concat()).prop_shuffle();
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

/// Deliveries and answers about one job: some fail it, some finish it, some say that it is running.
fn events_of_one_job() -> impl Strategy<Value = Vec<Event>> {
    let jobs = select(vec![
        ("flows", "id", vec!["flows_generation"], vec!["completed", "failed", "generating"]),
        (
            "dubbing",
            "project_id",
            vec!["dubbing_project_ready", "dubbing_project_failed"],
            vec!["ready", "failed", "queued"],
        ),
        (
            "dubbing_language",
            "language_id",
            vec!["dubbing_language_completed", "dubbing_language_failed"],
            vec!["completed", "stale", "failed", "processing"],
        ),
        (
            "conversation",
            "conversation_id",
            vec!["post_call_transcription", "call_initiation_failure"],
            vec!["done", "failed", "initiated"],
        ),
    ]);
    jobs.prop_flat_map(|(kind, id, types, states)| {
        let event = (0..2_u8, select(types), select(states), 0..3_i64, 0..3_u8).prop_map(
            move |(how, event_type, state, time, link)| {
                let link = format!("{LINK}v?Expires=176000{link}300");
                let data = json!({id: "e1", "status": state, "content_url": link, "error": format!("reason {time}"),
                "outputs": {"lossless_audio": link}});
                if how == 0 {
                    return read(
                        &json!({"type": event_type, "event_timestamp": 1_760_000_000 + time, "data": data}).to_string(),
                    );
                }
                let (kind, entity_id) = (format!("elevenlabs.{kind}"), "e1".to_owned());
                let answer = serde_json::value::to_raw_value(&data).ok();
                elevenlabs::read(&LookUp { kind, entity_id, callback_id: None, answer, failure: None }.to_verified())
            },
        );
        vec(event, 1..12)
    })
}

fn fold(events: &[Event]) -> Option<Job> {
    events.iter().filter_map(Event::job).fold(None, |job, next| Some(Job::merge(job, next)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_can_be_read(body: Vec<u8>) {
        let event = elevenlabs::read(&Verified::assume_authentic(body));
        prop_assert!(event.correlation_id().as_str().len() <= 1024);
    }

    #[test]
    fn any_json_can_be_read(
        event_type in select(elevenlabs::KNOWN.to_vec()), kind in select(elevenlabs::KINDS.to_vec()), data in any_json(), other in any_json(),
    ) {
        let look_up = json!({"look_up": {"kind": format!("elevenlabs.{kind}"), "entity_id": "v"}, "answer": data});
        for body in [json!({"type": event_type, "data": data}), look_up, other] {
            let event = read(&body.to_string());
            prop_assert!(event.is_json);
            if let Some(job) = event.job() {
                prop_assert!(job.item_key().len() <= 1024);
                prop_assert_eq!(job.decided_by, event.item_key());
            }
            let _ = elevenlabs::page(body.to_string().as_bytes());
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
            json!({"type": "agent_qa", "data": {"conversation_id": "c", "content": content, "link": LINK}}),
            json!({"type": "post_call_audio", "event_timestamp": 1, "data": {"conversation_id": "c", "content": content}}),
            json!({"type": "flows_generation", "data": {"content": content, "link": LINK}}),
            json!({"type": "dubbing_language_completed", "data": {"language_id": "l", "content": content, "link": LINK}}),
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
