//! Identities are stored: a new version must compute the same. The digests were made without this code.

use tavus::read;
use webhook::{Event, Failure, LookUp, Status};
use webhook_testing::{authentic, look_up};

fn event(kind: &str, entity_id: &str, answer: &str) -> Event {
    read(&look_up(kind, entity_id, answer).to_verified())
}

const TRANSCRIPT: &str =
    r#"{"events": [{"event_type": "application.transcription_ready", "timestamp": "2026-10-01T09:20:01.123456Z"}]}"#;

#[test]
fn the_identity_of_a_stored_answer_never_changes() {
    for (kind, entity_id, answer, identity) in [
        (
            "video",
            "vid_1",
            r#"{"status": "ready"}"#,
            "6d41e2ccb0feea76442bf5bc611ca34687659df3370366b9afbc58afb7c47f9a",
        ),
        (
            "replica",
            "r_1",
            r#"{"status": "error"}"#,
            "9dbd1aef1fd8a2160984df512d4a743d42252aff2a8606e03bb25f8bfe4f5781",
        ),
        ("conversation", "c_1", TRANSCRIPT, "d063333f745acf050707acba84237dbc28173cb06d7973c2ddbfe442d867c8a5"),
        ("video", "vid_1", "[]", "9d2bc7973fc7695bdb93b096a38b9b7037e06ee4d13326de76e79636fd25fa77"),
    ] {
        assert_eq!(event(&format!("tavus.{kind}"), entity_id, answer).identity.as_str(), identity, "{kind} {answer}");
    }
}

#[test]
fn the_identity_of_any_other_stored_body_never_changes() {
    for (body, identity) in [
        ("{ }", "d10bdc5fe3fff168a27410cf11271566857c3c61c19f75fb9c0bd5c228649bd8"),
        ("not json", "5df04080a5c65980b4084ddbbd15a202fe64eeddbc402965f4c296168097a003"),
    ] {
        let event = read(&authentic(body));
        assert_eq!((event.identity.as_str(), event.job()), (identity, None), "{body}");
    }
}

#[test]
fn a_job_that_tavus_does_not_know_has_failed_whatever_else_is_there() {
    let code = "heygen_webhooks.unknown_job";
    for kind in ["tavus.video", "tavus.replica", "tavus.conversation", "tavus.document"] {
        for answer in ["null", r#"{"status": "ready", "download_url": "https://x.invalid/1"}"#, TRANSCRIPT] {
            let failure = Failure::of(Some(code.to_owned()), Some("why".to_owned()));
            let event = read(&LookUp { failure, ..look_up(kind, "vid_1", answer) }.to_verified());
            let job = event.job().unwrap();
            assert_eq!((job.status, job.links.len()), (Status::Failed, 0), "{kind} {answer}");
            assert_eq!(job.failure.unwrap().code.as_deref(), Some(code));
            if kind == "tavus.video" {
                let expected = "a10c1b521fefc5e5b8550205385edc03e3d3039a4b4bb4166105a1403222a338";
                assert_eq!(event.identity.as_str(), expected);
            }
        }
    }
}

#[test]
fn an_answer_about_an_unknown_kind_is_recorded_and_moves_nothing() {
    for kind in ["tavus.document", "video", "did.talk", ""] {
        let event = event(kind, "x_1", r#"{"status": "ready"}"#);
        assert_eq!((event.status, event.job(), event.is_known_type), (None, None, false), "{kind}");
    }
}

#[test]
fn a_state_that_is_not_known_is_pending_and_no_label() {
    for (kind, answer) in [
        ("tavus.video", r#"{"status": "READY"}"#),
        ("tavus.video", r#"{"status": "completed", "download_url": "https://x.invalid/1"}"#),
        ("tavus.replica", r#"{"status": "a state\nof more#than %one word"}"#),
        ("tavus.video", r#"{"status": ["ready"]}"#),
        ("tavus.video", r#"{"data": {"status": "ready"}}"#),
        ("tavus.video", "null"),
        ("tavus.conversation", r#"{"status": "ready"}"#),
        ("tavus.conversation", r#"[{"event_type": "application.transcription_ready"}]"#),
    ] {
        let event = event(kind, "x_1", answer);
        assert_eq!((event.status, event.type_label()), (Some(Status::Pending), "unknown"), "{kind} {answer}");
        assert!(event.links.is_empty() && event.failure.is_none());
        assert!(event.event_type.unwrap().bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'));
    }
}
