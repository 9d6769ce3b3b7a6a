//! Identities are stored: a new version must compute the same. The digests were made without this code.

use did::read;
use webhook::{Event, Failure, LookUp, Status};
use webhook_testing::{authentic, look_up};

fn event(kind: &str, entity_id: &str, answer: &str) -> Event {
    read(&look_up(kind, entity_id, answer).to_verified())
}

#[test]
fn the_identity_of_a_stored_answer_never_changes() {
    for (kind, entity_id, answer, identity) in [
        ("talk", "tlk_1", r#"{"status": "done"}"#, "36135a2e493be0640f7fc65a18740400fdba76ffd715f940790ce6dbe918d518"),
        (
            "translation",
            "trl_1",
            r#"{"status": "partial-done"}"#,
            "5c41dc61433f32cafdecff520abb54bee695f86978f355687079bff951bf7e0c",
        ),
        ("talk", "tlk_1", "[]", "e0bee1acf5b3c943da72085901ee2d36adab5e68eec16a58765d4ee14b491950"),
    ] {
        assert_eq!(event(&format!("did.{kind}"), entity_id, answer).identity.as_str(), identity, "{kind} {answer}");
    }
}

#[test]
fn the_identity_of_any_other_stored_body_never_changes() {
    for (body, identity) in [
        ("{ }", "abe37ebba50debaa4ac08928bdc3e5b88ef737897f9c4d41b88f30642feb6a10"),
        ("not json", "4dbebafa3b969ee370caaf6d0eb933bea6ed551d3372e0ee87a795cd296c51c4"),
    ] {
        let event = read(&authentic(body));
        assert_eq!((event.identity.as_str(), event.job()), (identity, None), "{body}");
    }
}

#[test]
fn a_job_that_d_id_does_not_know_has_failed_whatever_else_is_there() {
    let code = "heygen_webhooks.unknown_job";
    for kind in ["did.talk", "did.translation", "did.agent"] {
        for answer in ["null", r#"{"status": "done", "result_url": "https://x.invalid/1"}"#] {
            let failure = Failure::of(Some(code.to_owned()), Some("why".to_owned()));
            let event = read(&LookUp { failure, ..look_up(kind, "tlk_1", answer) }.to_verified());
            let job = event.job().unwrap();
            assert_eq!((job.status, job.links.len()), (Status::Failed, 0), "{kind} {answer}");
            assert_eq!(job.failure.unwrap().code.as_deref(), Some(code));
            if kind == "did.talk" {
                let expected = "5117c6732fc6298787713734d5de41cd8082f16298dff9711975a547c06ade5a";
                assert_eq!(event.identity.as_str(), expected);
            }
        }
    }
}

#[test]
fn an_answer_about_an_unknown_kind_is_recorded_and_moves_nothing() {
    for kind in ["did.agent", "talk", "tavus.video", ""] {
        let event = event(kind, "x_1", r#"{"status": "done"}"#);
        assert_eq!((event.status, event.job(), event.is_known_type), (None, None, false), "{kind}");
    }
}

#[test]
fn a_state_that_is_not_known_is_pending_and_no_label() {
    for answer in [
        r#"{"status": "DONE"}"#,
        r#"{"status": "completed", "result_url": "https://x.invalid/1"}"#,
        r#"{"status": "a state\nof more#than %one word"}"#,
        r#"{"status": ["done"]}"#,
        r#"{"talks": [{"status": "done"}]}"#,
        "null",
        "7",
    ] {
        let event = event("did.talk", "x_1", answer);
        assert_eq!((event.status, event.type_label()), (Some(Status::Pending), "unknown"), "{answer}");
        assert!(event.links.is_empty() && event.failure.is_none());
        assert!(event.event_type.unwrap().bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'));
    }
}

#[test]
fn an_error_may_have_any_shape() {
    for (fields, code, message) in [
        (r#""error": "no face""#, None, Some("no face")),
        (r#""error": {"kind": "FaceError"}"#, Some("FaceError"), None),
        (r#""error": {"kind": "", "details": "no face", "description": null}"#, None, Some("no face")),
        (r#""error": {"description": {"en": "no face"}}, "error_kind": "FaceError""#, Some("FaceError"), None),
        (r#""error": {"kind": "FaceError"}, "error_kind": "Other""#, Some("FaceError"), None),
    ] {
        let failure = event("did.scene", "x_1", &format!(r#"{{"status": "error", {fields}}}"#)).failure.unwrap();
        assert_eq!((failure.code.as_deref(), failure.message.as_deref()), (code, message), "{fields}");
    }
    for none in ["null", "[]", r#"["no face"]"#, "{}", r#""""#, "true"] {
        let event = event("did.scene", "x_1", &format!(r#"{{"status": "error", "error": {none}}}"#));
        assert_eq!((event.status, event.failure), (Some(Status::Failed), None), "{none}");
    }
}
