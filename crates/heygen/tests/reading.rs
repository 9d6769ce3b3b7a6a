//! Properties of reading bodies that no serializer would write.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use std::fmt::Debug;

use heygen::{Event, Identity, Verified};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// A name without its quotes, and a value, both as JSON text.
type Field = (String, String);

/// Fields at the top of a body, and in its `event_data`.
type Fields = (Vec<Field>, Vec<Field>);

fn read(body: &str) -> Event {
    heygen::read(&Verified::assume_authentic(body.as_bytes().to_vec()))
}

fn ids(event: &Event) -> impl PartialEq + Debug {
    let event_type = event.event_type.as_deref();
    let entity = (&event.entity_id, event.entity_is_reused, &event.output_language);
    (event_type, &event.event_id, &event.created_at, &event.callback_id, entity)
}

fn body((top, data): &Fields) -> String {
    let object = |fields: &[Field]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
        format!("{{{}}}", fields.join(","))
    };
    object(top).replacen("\"DATA\"", &object(data), 1)
}

/// JSON text, some of which serde_json reads as no [`Value`].
fn odd_value() -> impl Strategy<Value = String> {
    let nested = (select(vec![("[", "]"), (r#"{"video_id":"#, "}")]), 0..100_000_usize);
    let leaf = prop_oneof![
        select(vec![r#""\ud83d""#, r#""\udc00\ud83d""#, "1e400", "-1e-400", "null", "true", r#""\u0000""#, r#""}""#])
            .prop_map(str::to_owned),
        "-?[1-9][0-9]{0,400}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,9})?",
        ".*".prop_map(|text| json!(text).to_string()),
        nested.prop_map(|((open, close), depth)| format!("{}0{}", open.repeat(depth), close.repeat(depth))),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| format!("[ {}\n]", values.join(" ,\t"))),
            vec((odd_name(), inner), 0..4).prop_map(|fields| body(&(fields, Vec::new()))),
        ]
    })
}

/// The name of a field that is not read.
fn odd_name() -> impl Strategy<Value = String> {
    let known =
        select(vec![r"\ud83d", "", r"\u0000", "title", "event", "event_type ", "VIDEO_ID", "odd_id", "odd_url"]);
    prop_oneof![known.prop_map(str::to_owned), "odd[a-z_]{0,9}"]
}

fn odd_fields() -> impl Strategy<Value = Vec<Field>> {
    vec((odd_name(), odd_value()), 0..3)
}

/// A body of some of the fields that are read.
fn plain() -> impl Strategy<Value = Fields> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let event_type =
        select(vec!["avatar_video.success", "ai_clipping.fail", "hologram.success", "photo_avatar_train.fail"]);
    let top = subsequence(vec![("event_id", r#""e1""#), ("created_at", r#""2026-11-21T00:00:00Z""#)], 0..=2);
    let data = vec![
        ("callback_id", r#""order \"1\"""#),
        ("video_id", "18446744073709551617"),
        ("hologram_id", r#""h""#),
        ("group_id", r#""g""#),
        ("id", r#""é""#),
        ("output_language", r#""Spanish""#),
        ("url", r#""https://x.invalid/1""#),
        ("gif_url", r#""https://x.invalid/2""#),
        ("msg", r#""no face""#),
        ("error", r#"{"code":7,"message":"no face"}"#),
        ("clips", r#"[{"id":1,"video_url":"https://x.invalid/3"},7]"#),
    ];
    let count = data.len();
    (event_type, top, subsequence(data, 0..=count)).prop_map(move |(event_type, top, data)| {
        let always = [("event_type".to_owned(), json!(event_type).to_string()), owned(("event_data", "\"DATA\""))];
        let top = always.into_iter().chain(top.into_iter().map(owned)).collect();
        (top, data.into_iter().map(owned).collect())
    })
}

/// The same fields, and others that are not read, in any order.
fn plain_and_odd() -> impl Strategy<Value = (Fields, Fields)> {
    (plain(), odd_fields(), odd_fields()).prop_flat_map(|(plain, odd_top, odd_data)| {
        let top = Just([&plain.0[..], &odd_top].concat()).prop_shuffle();
        let data = Just([&plain.1[..], &odd_data].concat()).prop_shuffle();
        (Just(plain), (top, data))
    })
}

/// JSON that has a canonical form.
fn exact_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(|number| json!(f64::from(number) / 8.0)),
        any::<i32>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        "[a-z]{0,9}".prop_map(|path| json!(format!("{LINK}{path}"))),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let fields = vec((".*", inner.clone()), 0..6).prop_map(|fields| Value::Object(Map::from_iter(fields)));
        prop_oneof![vec(inner, 0..6).prop_map(Value::from), fields]
    })
}

const LINK: &str = "https://files.example.invalid/";

/// The value with its fields in a random order, random white space, and random signatures of its links.
fn rewritten(value: &Value, random: &mut fastrand::Rng) -> String {
    let space = |random: &mut fastrand::Rng| [" ", "\n", "\t", "\r", ""][random.usize(..5)];
    let joined = |mut parts: Vec<String>, random: &mut fastrand::Rng| {
        for part in &mut parts {
            *part = format!("{}{part}{}", space(random), space(random));
        }
        parts.join(",")
    };
    match value {
        Value::Array(values) => {
            let values = values.iter().map(|value| rewritten(value, random)).collect();
            format!("[{}]", joined(values, random))
        }
        Value::Object(fields) => {
            let field = |(name, value)| format!("{}{}: {}", json!(name), space(random), rewritten(value, random));
            let mut fields: Vec<_> = fields.iter().map(field).collect();
            random.shuffle(&mut fields);
            format!("{{{}}}", joined(fields, random))
        }
        Value::String(text) if text.starts_with(LINK) => {
            json!(format!("{text}?signature={}", random.u64(..))).to_string()
        }
        other => other.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_value_name_or_order_of_other_fields_changes_what_is_read((plain, odd) in plain_and_odd()) {
        let (plain, odd) = (read(&body(&plain)), read(&body(&odd)));
        // An event that only its content identifies is another one with other content.
        let ends_a_job_once = plain.entity_id.is_some() && !plain.entity_is_reused;
        if plain.event_id.is_some() || ends_a_job_once {
            prop_assert_eq!(&plain.identity, &odd.identity);
        }
        prop_assert!(odd.is_json);
        prop_assert_eq!(ids(&plain), ids(&odd));
        prop_assert_eq!((&plain.links, &plain.failure), (&odd.links, &odd.failure));
    }

    #[test]
    fn content_is_the_same_in_any_order_with_any_spacing_and_any_signature(content in exact_json(), seeds: [u64; 2]) {
        for (event_type, id) in [("hologram.progress", "hologram_id"), ("photo_avatar_train.success", "group_id")] {
            let event = json!({"event_type": event_type, "event_data": {id: "1", "content": content, "link": LINK}});
            let identity = |event: &Value, seed| -> Identity {
                read(&rewritten(event, &mut fastrand::Rng::with_seed(seed))).identity
            };
            prop_assert_eq!(identity(&event, seeds[0]), identity(&event, seeds[1]));

            let mut other = event.clone();
            other["event_data"]["content"] = json!([content]);
            prop_assert_ne!(identity(&event, seeds[0]), identity(&other, seeds[0]));
        }
    }
}
