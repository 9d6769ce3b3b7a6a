//! Properties that hold for every answer, not only for the samples.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use tavus::{BASE_URL, KINDS, claimed_ids, echoed, paths, read};
use webhook::callback::{Callback, is_entity_id};
use webhook::{Event, Job, LookUp, Platform, Secret, Status, Unverified};

fn event(kind: &str, answer: &str) -> Event {
    let look_up = LookUp {
        kind: format!("tavus.{kind}"),
        entity_id: "x_1".to_owned(),
        callback_id: None,
        answer: serde_json::from_str(answer).ok(),
        failure: None,
    };
    read(&look_up.to_verified())
}

fn text() -> impl Strategy<Value = String> {
    let words = select(vec![
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
    ]);
    prop_oneof![3 => words.prop_map(str::to_owned), 1 => "https?://.*", 1 => ".*"]
}

/// Field names that mean something, so that arbitrary JSON reaches the code that reads them.
fn field() -> impl Strategy<Value = String> {
    let meaningful = select(vec![
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
    ]);
    prop_oneof![4 => meaningful.prop_map(str::to_owned), 1 => ".*"]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        4 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(field(), inner, 0..8).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// JSON text, some of which serde_json reads as no [`Value`].
fn odd_value() -> impl Strategy<Value = String> {
    let nested = (select(vec![("[", "]"), (r#"{"status":"#, "}"), (r#"{"events":"#, "}")]), 0..100_000_usize);
    prop_oneof![
        select(vec![
            r#""\ud83d""#,
            r#""\udc00\ud83d""#,
            "1e400",
            "-1e-400",
            r#""\u0000""#,
            r#""}""#,
            r#"{"\ud83d":1}"#
        ])
        .prop_map(str::to_owned),
        "-?[1-9][0-9]{0,400}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,9})?",
        nested.prop_map(|((open, close), depth)| format!("{}0{}", open.repeat(depth), close.repeat(depth))),
    ]
}

/// A text like an id, of the characters that could lead a request elsewhere.
fn odd_id() -> impl Strategy<Value = String> {
    let parts = select(vec![
        "v1",
        "/",
        "..",
        "%2e",
        "%2F",
        "?",
        "#",
        "@",
        ":",
        "//",
        "\\",
        ";",
        "&",
        " ",
        "\n",
        "\0",
        "evil.invalid",
        "é",
        "%",
    ]);
    prop_oneof![vec(parts, 0..6).prop_map(|parts| parts.concat()), "[A-Za-z0-9_-]{1,140}", ".*"]
}

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

fn fold(kind: &str, answers: &[String]) -> Option<Job> {
    let jobs = answers.iter().filter_map(|answer| event(kind, answer).job());
    jobs.fold(None, |job, next| Some(Job::merge(job, next)))
}

/// Everything at least once, some of it more often, in any order.
fn repeated(answers: Vec<String>) -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    let again = vec(select(answers.clone()), 0..8).prop_map({
        let answers = answers.clone();
        move |more| [answers.clone(), more].concat()
    });
    (Just(answers), again.prop_shuffle())
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
        prop_assert_eq!(fold(&kind, &answers), fold(&kind, &again));
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
        let (one, other) = (event("conversation", &answer), event("conversation", &value.to_string()));
        prop_assert_eq!((&one.identity, one.status, &one.failure), (&other.identity, other.status, &other.failure));
        prop_assert_eq!((one.occurred_at, one.event_type), (other.occurred_at, other.event_type));
    }

    #[test]
    fn any_answer_is_read_and_only_a_success_has_links(kind in select(KINDS), answer in any_json()) {
        let event = event(kind, &answer.to_string());
        prop_assert!(event.job().is_some());
        prop_assert!(event.links.is_empty() || event.status == Some(Status::Succeeded));
        prop_assert!(event.links.values().all(|link| link.starts_with("http://") || link.starts_with("https://")));
        prop_assert!(event.failure.is_none() || event.status == Some(Status::Failed));
        echoed(kind, &answer);
    }

    #[test]
    fn no_value_of_another_field_hides_what_is_read(odd in odd_value(), name in "odd[a-z]{0,4}", first: bool) {
        let with = |fields: &str| match first {
            true => format!(r#"{{"{name}":{odd},{fields}}}"#),
            false => format!(r#"{{{fields},"{name}":{odd}}}"#),
        };
        let fields = r#""status":"ready","video_name":"order","download_url":"https://x.invalid/1""#;
        let video = event("video", &with(fields));
        prop_assert_eq!(video.status, Some(Status::Succeeded));
        prop_assert_eq!((video.links.len(), video.callback_id.as_deref()), (1, Some("order")));

        let ready = with(r#""event_type":"application.transcription_ready""#);
        let list = with(&format!(r#""events":[{odd},{ready}]"#));
        prop_assert_eq!(event("conversation", &list).status, Some(Status::Succeeded));
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
    fn a_forged_callback_claims_a_plain_id_or_none(kind in select(KINDS), id in odd_id(), more in any_json()) {
        let secret = Secret::new("k").unwrap();
        let text = |text: &str| text.to_owned();
        let (platform, endpoint) = (Platform::Tavus, text("main"));
        let path = Callback { platform, endpoint, kind: text(kind), correlation: text("order") }.path(&secret);
        let name = claimed_ids(kind)[0];
        for body in [json!({name: id, "more": more}), json!({"more": more, name: [id]}), more] {
            let (callback, token) = Callback::read(platform, path.strip_prefix("/webhooks/tavus/").unwrap()).unwrap();
            let body = Unverified::new(body.to_string().into_bytes());
            let claimed = callback.claim(&token, &[&secret], body, claimed_ids(kind)).unwrap();
            prop_assert!(claimed.entity_id().is_none_or(is_entity_id));
            prop_assert_eq!(claimed.entity_id().map(|id| paths(kind, id).len()).unwrap_or(1), 1);
        }
    }
}
