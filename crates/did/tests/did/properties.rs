//! Properties that hold for every answer, not only for the samples.

use did::{BASE_URL, KINDS, paths, read};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use webhook::callback::is_entity_id;
use webhook::{Job, Status};
use webhook_testing::asked::with;
use webhook_testing::authentic;
use webhook_testing::json::{Vocabulary, odd_id, odd_value};
use webhook_testing::order::{fold, repeated};

use crate::DID;

const VOCABULARY: Vocabulary = Vocabulary {
    fields: &[
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
    ],
    texts: &[&["done", "error", "rejected", "created", "ready", "partial-done", "draft"]],
};

fn answer() -> impl Strategy<Value = String> {
    let states = select(vec!["created", "started", "done", "error", "rejected", "other"]);
    (states, 0..4_u8).prop_map(|(state, number)| {
        let link = format!("https://x.invalid/{number}?Expires=17603500{number}0");
        let error = json!({"kind": "FaceError", "description": format!("no {number}")});
        json!({"status": state, "error": error, "result_url": link}).to_string()
    })
}

/// The job after these answers.
fn after(kind: &str, answers: &[String]) -> Option<Job> {
    fold(&answers.iter().map(|answer| DID.event(kind, answer)).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_order_and_any_repetition_of_answers_results_in_the_same_job(
        kind in select(KINDS), (answers, again) in vec(answer(), 1..10).prop_flat_map(repeated)
    ) {
        prop_assert_eq!(after(kind, &answers), after(kind, &again));
    }

    #[test]
    fn any_answer_is_read_and_only_a_success_has_links(kind in select(KINDS), answer in VOCABULARY.any_json()) {
        DID.any_answer_is_read_and_only_a_success_has_links(kind, &answer)?;
    }

    #[test]
    fn no_value_of_another_field_hides_what_is_read(odd in odd_value(&["status", "error"]), name in "odd[a-z]{0,4}", first: bool) {
        let with = |fields: &str| with(fields, &name, &odd, first);
        let fields = r#""status":"done","user_data":"order","result_url":"https://x.invalid/1""#;
        let done = DID.event("talk", &with(fields));
        prop_assert_eq!((done.status, done.links.len()), (Some(Status::Succeeded), 1));
        prop_assert_eq!(done.callback_id.as_deref(), Some("order"));

        let failure = with(&format!(r#""status":"error","error":{}"#, with(r#""kind":"FaceError""#)));
        let failure = DID.event("talk", &failure).failure.unwrap();
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
    fn no_event_of_one_platform_is_one_of_another(kind in ".{0,12}", id in ".{0,12}", answer in VOCABULARY.any_json()) {
        let look_up = |kind: &str| webhook_testing::look_up(kind, &id, &answer.to_string());
        for body in [look_up(&kind), look_up("did.talk"), look_up("tavus.video")].map(|look_up| look_up.to_verified()) {
            prop_assert_ne!(read(&body).identity, tavus::read(&body).identity);
        }
        let body = authentic(answer.to_string());
        prop_assert_ne!(read(&body).identity, tavus::read(&body).identity);
        let (talk, video) = (look_up("did.talk").to_verified(), look_up("tavus.video").to_verified());
        prop_assert_ne!(read(&talk).identity, tavus::read(&video).identity);
    }

    #[test]
    fn a_forged_callback_claims_a_plain_id_or_none(kind in select(KINDS), id in odd_id(), more in VOCABULARY.any_json()) {
        DID.a_forged_callback_claims_a_plain_id_or_none(kind, &id, &more)?;
    }
}
