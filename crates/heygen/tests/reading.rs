//! Properties of reading bodies that no serializer would write.

use std::fmt::Debug;

use heygen::Event;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::json;
use webhook_testing::authentic;
use webhook_testing::canonical::{LINK, exact_json, only_content_counts};
use webhook_testing::fields::{Field, object, owned};
use webhook_testing::json::odd_value as leaf;

/// Fields at the top of a body, and in its `event_data`.
type Fields = (Vec<Field>, Vec<Field>);

fn read(body: &str) -> Event {
    heygen::read(&authentic(body))
}

fn ids(event: &Event) -> impl PartialEq + Debug {
    let event_type = event.event_type.as_deref();
    let entity = (&event.entity_id, event.entity_is_reused, &event.output_language);
    (event_type, &event.event_id, &event.created_at, &event.callback_id, entity)
}

fn body((top, data): &Fields) -> String {
    object(top).replacen("\"DATA\"", &object(data), 1)
}

/// JSON text, some of which serde_json reads as no value.
fn odd_value() -> impl Strategy<Value = String> {
    leaf(&["video_id"]).prop_recursive(3, 12, 4, |inner| {
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
        let event_type = json!(event_type).to_string();
        let always = [("event_type", &*event_type), ("event_data", "\"DATA\"")];
        (owned(always.into_iter().chain(top)), owned(data))
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
            only_content_counts(heygen::read, &event, "event_data", seeds)?;
        }
    }
}
