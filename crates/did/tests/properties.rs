//! Properties that hold for every answer, not only for the samples.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use did::{BASE_URL, KINDS, claimed_ids, echoed, paths, read};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use webhook::callback::{Callback, is_entity_id};
use webhook::{Event, Job, LookUp, Platform, Secret, Status, Unverified, Verified};

fn event(kind: &str, answer: &str) -> Event {
    let look_up = LookUp {
        kind: format!("did.{kind}"),
        entity_id: "x_1".to_owned(),
        callback_id: None,
        answer: serde_json::from_str(answer).ok(),
        failure: None,
    };
    read(&look_up.to_verified())
}

fn text() -> impl Strategy<Value = String> {
    let words = select(vec!["done", "error", "rejected", "created", "ready", "partial-done", "draft"]);
    prop_oneof![3 => words.prop_map(str::to_owned), 1 => "https?://.*", 1 => ".*"]
}

/// Field names that mean something, so that arbitrary JSON reaches the code that reads them.
fn field() -> impl Strategy<Value = String> {
    let meaningful = select(vec![
        "status",
        "user_data",
        "result_url",
        "subtitles_url",
        "pending_url",
        "duration",
        "error",
        "error_kind",
        "kind",
        "description",
        "details",
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
    let nested = (select(vec![("[", "]"), (r#"{"status":"#, "}"), (r#"{"error":"#, "}")]), 0..100_000_usize);
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

fn answer() -> impl Strategy<Value = String> {
    let states = select(vec!["created", "started", "done", "error", "rejected", "other"]);
    (states, 0..4_u8).prop_map(|(state, number)| {
        let link = format!("https://x.invalid/{number}?Expires=17603500{number}0");
        let error = json!({"kind": "FaceError", "description": format!("no {number}")});
        json!({"status": state, "error": error, "result_url": link}).to_string()
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
        kind in select(KINDS), (answers, again) in vec(answer(), 1..10).prop_flat_map(repeated)
    ) {
        prop_assert_eq!(fold(kind, &answers), fold(kind, &again));
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
        let fields = r#""status":"done","user_data":"order","result_url":"https://x.invalid/1""#;
        let done = event("talk", &with(fields));
        prop_assert_eq!((done.status, done.links.len()), (Some(Status::Succeeded), 1));
        prop_assert_eq!(done.callback_id.as_deref(), Some("order"));

        let failure = with(&format!(r#""status":"error","error":{}"#, with(r#""kind":"FaceError""#)));
        let failure = event("talk", &failure).failure.unwrap();
        prop_assert_eq!(failure.code.as_deref(), Some("FaceError"));
    }

    #[test]
    fn nothing_of_an_id_changes_the_target_of_a_request(kind in select(KINDS), id in odd_id()) {
        let paths = paths(kind, &id);
        prop_assert_eq!(paths.is_empty(), !is_entity_id(&id));
        for (path, plain) in paths.iter().zip(self::paths(kind, "x")) {
            prop_assert_eq!(path, &format!("{}{id}", plain.strip_suffix('x').unwrap()));
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte)));
            prop_assert!(path.starts_with('/') && !path.starts_with("//") && BASE_URL.ends_with(".com"));
        }
    }

    #[test]
    fn no_event_of_one_platform_is_one_of_another(kind in ".{0,12}", id in ".{0,12}", answer in any_json()) {
        let look_up = |kind: &str| LookUp {
            kind: kind.to_owned(),
            entity_id: id.clone(),
            callback_id: None,
            answer: serde_json::from_str(&answer.to_string()).ok(),
            failure: None,
        };
        for body in [look_up(&kind), look_up("did.talk"), look_up("tavus.video")].map(|look_up| look_up.to_verified()) {
            prop_assert_ne!(read(&body).identity, tavus::read(&body).identity);
        }
        let body = Verified::assume_authentic(answer.to_string().into_bytes());
        prop_assert_ne!(read(&body).identity, tavus::read(&body).identity);
        let (talk, video) = (look_up("did.talk").to_verified(), look_up("tavus.video").to_verified());
        prop_assert_ne!(read(&talk).identity, tavus::read(&video).identity);
    }

    #[test]
    fn a_forged_callback_claims_a_plain_id_or_none(kind in select(KINDS), id in odd_id(), more in any_json()) {
        let secret = Secret::new("k").unwrap();
        let text = |text: &str| text.to_owned();
        let (platform, endpoint) = (Platform::Did, text("main"));
        let path = Callback { platform, endpoint, kind: text(kind), correlation: text("order") }.path(&secret);
        for body in [json!({"id": id, "more": more}), json!({"more": more, "id": [id]}), more] {
            let (callback, token) = Callback::read(platform, path.strip_prefix("/webhooks/did/").unwrap()).unwrap();
            let body = Unverified::new(body.to_string().into_bytes());
            let claimed = callback.claim(&token, &[&secret], body, claimed_ids(kind)).unwrap();
            prop_assert!(claimed.entity_id().is_none_or(is_entity_id));
            prop_assert!(claimed.entity_id().is_none_or(|id| !paths(kind, id).is_empty()));
        }
    }
}
