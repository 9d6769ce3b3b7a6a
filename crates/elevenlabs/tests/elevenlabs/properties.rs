//! Properties that hold for every body, not only for the samples.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::json;
use webhook::Event;
use webhook_testing::canonical::{LINK, exact_json, only_content_counts};
use webhook_testing::fields::{self, Field, object, odd_fields, owned};
use webhook_testing::json::Vocabulary;
use webhook_testing::order::{fold, repeated};
use webhook_testing::signed::can_be_read;
use webhook_testing::{authentic, look_up};

fn read(body: &str) -> Event {
    elevenlabs::read(&authentic(body))
}

const VOCABULARY: Vocabulary = Vocabulary {
    fields: &[
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
    ],
    texts: &[elevenlabs::KNOWN, &["completed", "failed", "done", "generating", "elevenlabs.flows", "video/mp4"]],
};

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
            let fields = owned(always.into_iter().chain(fields));
            let body = format!(r#"{{"type":"{event_type}","event_timestamp":1760000000,"data":{}}}"#, object(&fields));
            read(&body).status.map(|_| (event_type, fields))
        },
    )
}

/// The body of a job's delivery; and one of the same fields and others, in any order.
fn plain_and_odd() -> impl Strategy<Value = (String, String)> {
    let odd = || odd_fields(&["words", "full_audio"], VOCABULARY);
    (known(), [odd(), odd()]).prop_flat_map(|((event_type, data), odd)| {
        let top = owned([("type", &*json!(event_type).to_string()), ("event_timestamp", "1760000000")]);
        fields::plain_and_odd(top, data, odd)
    })
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
                elevenlabs::read(&look_up(format!("elevenlabs.{kind}"), "e1", &data.to_string()).to_verified())
            },
        );
        vec(event, 1..12)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_can_be_read(body: Vec<u8>) {
        let event = elevenlabs::read(&authentic(body));
        prop_assert!(event.correlation_id().as_str().len() <= 1024);
    }

    #[test]
    fn any_json_can_be_read(
        event_type in select(elevenlabs::KNOWN), kind in select(elevenlabs::KINDS), data in VOCABULARY.any_json(), other in VOCABULARY.any_json(),
    ) {
        let look_up = json!({"look_up": {"kind": format!("elevenlabs.{kind}"), "entity_id": "v"}, "answer": data});
        for body in [json!({"type": event_type, "data": data}), look_up, other] {
            can_be_read(elevenlabs::read, &body)?;
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
            only_content_counts(elevenlabs::read, &event, "data", seeds)?;
        }
    }

    #[test]
    fn any_order_and_any_repetition_of_events_results_in_the_same_job(
        (events, again) in events_of_one_job().prop_flat_map(repeated)
    ) {
        prop_assert_eq!(fold(&events), fold(&again));
    }
}
