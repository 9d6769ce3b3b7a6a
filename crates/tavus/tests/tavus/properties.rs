//! Properties that hold for every answer, not only for the samples.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use tavus::{BASE_URL, KINDS, paths};
use webhook::callback::is_entity_id;
use webhook::{Job, Status};
use webhook_testing::asked::with;
use webhook_testing::json::{Vocabulary, odd_id, odd_value};
use webhook_testing::order::{fold, repeated};

use crate::TAVUS;

const VOCABULARY: Vocabulary = Vocabulary {
    fields: &[
        "status",
        "events",
        "event_type",
        "timestamp",
        "properties",
        "shutdown_reason",
        "video_id",
        "video_name",
        "download_url",
        "hosted_url",
        "status_details",
        "error_details",
        "error_message",
    ],
    texts: &[&[
        "ready",
        "error",
        "deleted",
        "queued",
        "generating",
        "completed",
        "started",
        "active",
        "ended",
        "system.pal_joined",
        "system.replica_joined",
        "system.shutdown",
        "application.transcription_ready",
        "internal error occurred at step x",
        "2026-10-01T09:20:01Z",
    ]],
};

/// The events of one conversation as one answer lists them: some of them, in any order, some of them twice.
fn conversation() -> impl Strategy<Value = String> {
    let all = vec![
        ("system.replica_joined", "2026-10-01T09:10:00.1Z", ""),
        ("system.pal_joined", "2026-10-01T09:10:00.1Z", ""),
        ("system.shutdown", "2026-10-01T09:20:00Z", "participant_left_timeout"),
        ("system.shutdown", "2026-10-01T09:20:00Z", "internal error occurred at step x"),
        ("application.transcription_ready", "2026-10-01T09:20:01Z", ""),
        ("application.transcription_ready", "2026-10-01T09:20:05Z", ""),
        ("application.recording_ready", "2026-10-01T09:30:00Z", ""),
    ];
    vec(select(all), 0..8).prop_map(|events| {
        let event = |(event_type, timestamp, reason)| {
            json!({"event_type": event_type, "timestamp": timestamp, "properties": {"shutdown_reason": reason}})
        };
        let events: Vec<_> = events.into_iter().map(event).collect();
        json!({"status": "ended", "events": events}).to_string()
    })
}

fn video() -> impl Strategy<Value = String> {
    let states = select(vec!["queued", "generating", "ready", "error", "deleted", "other"]);
    (states, 0..4_u8).prop_map(|(state, number)| {
        let link = format!("https://x.invalid/{number}?Expires=17603500{number}0");
        json!({"status": state, "status_details": format!("no {number}"), "download_url": link}).to_string()
    })
}

/// The job after these answers.
fn after(kind: &str, answers: &[String]) -> Option<Job> {
    fold(&answers.iter().map(|answer| TAVUS.event(kind, answer)).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_order_and_any_repetition_of_answers_results_in_the_same_job(
        (kind, (answers, again)) in prop_oneof![
            ("video", vec(video(), 1..10).prop_flat_map(repeated)),
            ("conversation", vec(conversation(), 1..10).prop_flat_map(repeated)),
        ]
    ) {
        prop_assert_eq!(after(&kind, &answers), after(&kind, &again));
    }

    #[test]
    fn the_order_of_a_conversations_events_does_not_matter(answer in conversation(), seed: u64) {
        let mut value: Value = serde_json::from_str(&answer).unwrap();
        let events = value["events"].as_array_mut().unwrap();
        let half = events.len() / 2;
        events.rotate_left(half);
        if seed.is_multiple_of(2) {
            events.reverse();
            events.extend(events.clone());
        }
        let (one, other) = (TAVUS.event("conversation", &answer), TAVUS.event("conversation", &value.to_string()));
        prop_assert_eq!((&one.identity, one.status, &one.failure), (&other.identity, other.status, &other.failure));
        prop_assert_eq!((one.occurred_at, one.event_type), (other.occurred_at, other.event_type));
    }

    #[test]
    fn any_answer_is_read_and_only_a_success_has_links(kind in select(KINDS), answer in VOCABULARY.any_json()) {
        TAVUS.any_answer_is_read_and_only_a_success_has_links(kind, &answer)?;
    }

    #[test]
    fn no_value_of_another_field_hides_what_is_read(odd in odd_value(&["status", "events"]), name in "odd[a-z]{0,4}", first: bool) {
        let with = |fields: &str| with(fields, &name, &odd, first);
        let fields = r#""status":"ready","video_name":"order","download_url":"https://x.invalid/1""#;
        let video = TAVUS.event("video", &with(fields));
        prop_assert_eq!(video.status, Some(Status::Succeeded));
        prop_assert_eq!((video.links.len(), video.callback_id.as_deref()), (1, Some("order")));

        let ready = with(r#""event_type":"application.transcription_ready""#);
        let list = with(&format!(r#""events":[{odd},{ready}]"#));
        prop_assert_eq!(TAVUS.event("conversation", &list).status, Some(Status::Succeeded));
    }

    #[test]
    fn nothing_of_an_id_changes_the_target_of_a_request(kind in select(KINDS), id in odd_id()) {
        let paths = paths(kind, &id);
        prop_assert_eq!(paths.is_empty(), !is_entity_id(&id));
        for path in paths {
            let plain = self::paths(kind, "x").remove(0);
            let (before, after) = plain.split_at(plain.rfind("/x").unwrap() + 1);
            prop_assert_eq!(&path, &format!("{before}{id}{}", &after[1..]));
            let (path, _) = path.split_once('?').unwrap_or((&path, ""));
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte)));
            prop_assert!(path.starts_with("/v2/") && path.split('/').count() == 4 && BASE_URL.ends_with(".com"));
        }
    }

    #[test]
    fn a_forged_callback_claims_a_plain_id_or_none(kind in select(KINDS), id in odd_id(), more in VOCABULARY.any_json()) {
        TAVUS.a_forged_callback_claims_a_plain_id_or_none(kind, &id, &more)?;
    }
}
