//! Properties that hold for every body, not only for the samples.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::json;
use webhook::Event;
use webhook_testing::canonical::{LINK, exact_json, only_content_counts};
use webhook_testing::fields::{self, Field, odd_fields, owned};
use webhook_testing::json::Vocabulary;
use webhook_testing::order::{fold, repeated};
use webhook_testing::signed::can_be_read;
use webhook_testing::{authentic, look_up};

fn read(body: &str) -> Event {
    synthesia::read(&authentic(body))
}

const VOCABULARY: Vocabulary = Vocabulary {
    fields: &[
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
    ],
    texts: &[&["video.completed", "video.failed", "complete", "error", "in_progress", "synthesia.video", "0:00:01.5"]],
};

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
    let id = [("id", "18446744073709551617")];
    subsequence(fields, 0..=count).prop_map(move |fields| owned(id.into_iter().chain(fields)))
}

/// The body of a video's delivery; and one of the same fields and others, in any order.
fn plain_and_odd() -> impl Strategy<Value = (String, String)> {
    let odd = || odd_fields(&[], VOCABULARY);
    (select(synthesia::KNOWN), video(), [odd(), odd()]).prop_flat_map(|(event_type, data, odd)| {
        fields::plain_and_odd(owned([("type", &*json!(event_type).to_string())]), data, odd)
    })
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
                _ => synthesia::read(&look_up("synthesia.video", "v1", &video.to_string()).to_verified()),
            }
        });
    vec(event, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_can_be_read(body: Vec<u8>) {
        let event = synthesia::read(&authentic(body));
        prop_assert!(event.correlation_id().as_str().len() <= 1024);
    }

    #[test]
    fn any_json_can_be_read(event_type in select(synthesia::KNOWN), data in VOCABULARY.any_json(), other in VOCABULARY.any_json()) {
        let look_up = json!({"look_up": {"kind": "synthesia.video", "entity_id": "v"}, "answer": data});
        for body in [json!({"type": event_type, "data": data}), look_up, other] {
            can_be_read(synthesia::read, &body)?;
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
            only_content_counts(synthesia::read, &event, "data", seeds)?;
        }
    }

    #[test]
    fn any_order_and_any_repetition_of_events_results_in_the_same_job(
        (events, again) in events_of_one_job().prop_flat_map(repeated)
    ) {
        prop_assert_eq!(fold(&events), fold(&again));
    }
}
