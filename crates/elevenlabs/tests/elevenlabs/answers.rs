//! Answers of the API, as they are and as they might be.

use serde_json::{Value, json};
use webhook::Status::{Failed, Pending, Succeeded};
use webhook::{Event, Failure, LookUp};
use webhook_testing::authentic;

const LINK: &str = "https://x.invalid/v?sig=1";

fn delivery(event_type: &str, data: Value) -> Event {
    let body = json!({"type": event_type, "event_timestamp": 1_760_000_000, "data": data}).to_string();
    elevenlabs::read(&authentic(body))
}

fn look_up(kind: &str, entity_id: &str, answer: &str) -> LookUp {
    LookUp {
        kind: format!("elevenlabs.{kind}"),
        entity_id: entity_id.to_owned(),
        callback_id: Some("tracked".to_owned()),
        answer: serde_json::from_str(answer).unwrap(),
        failure: None,
    }
}

fn answer(kind: &str, entity_id: &str, answer: Value) -> Event {
    elevenlabs::read(&look_up(kind, entity_id, &answer.to_string()).to_verified())
}

fn failure(event: &Event) -> (Option<&str>, Option<&str>) {
    let failure = event.failure.as_ref();
    (failure.and_then(|failure| failure.code.as_deref()), failure.and_then(|failure| failure.message.as_deref()))
}

#[test]
fn a_generation_is_the_delivery_whether_it_is_sent_or_looked_up() {
    for data in [
        json!({"id": "g1", "status": "completed", "content_url": LINK, "content_mime_type": "video/mp4"}),
        json!({"id": "g1", "status": "failed", "failure_reason": "moderated", "error_message": "why"}),
    ] {
        let (sent, found) = (delivery("flows_generation", data.clone()), answer("flows", "g1", data));
        assert_eq!(sent.identity, found.identity);
        assert_eq!((&sent.event_type, &sent.kind, sent.status), (&found.event_type, &found.kind, found.status));
        assert_eq!((&sent.links, &sent.failure, found.is_known_type), (&found.links, &found.failure, true));
        assert_eq!(sent.job().unwrap().item_key(), found.job().unwrap().item_key());
        assert_eq!(sent.place().partition, found.place().partition);
        assert_ne!(sent.item_key(), found.item_key(), "both bodies are kept");
    }
    let without_id = answer("flows", "g1", json!({"status": "completed"}));
    assert_eq!(without_id.identity, delivery("flows_generation", json!({"id": "g1", "status": "completed"})).identity);
}

#[test]
fn a_template_run_is_the_delivery_whether_it_is_sent_or_looked_up() {
    let data = json!({"id": "r1", "template_id": "t1", "status": "completed",
        "outputs": {"film": {"status": "completed", "content_url": LINK}}});
    let (sent, found) = (delivery("flows_template_run", data.clone()), answer("flows_template_run", "r1", data));
    assert_eq!((sent.identity, sent.links.len()), (found.identity, 1));
    assert_eq!(sent.links, found.links);
}

#[test]
fn an_answer_says_where_the_job_is() {
    for (kind, state, expected) in [
        ("flows", "pending", Some(Pending)),
        ("flows", "generating", Some(Pending)),
        ("flows", "unheard of", None),
        ("dubbing", "queued", Some(Pending)),
        ("dubbing", "preparing", Some(Pending)),
        ("dubbing", "ready", Some(Pending)),
        ("dubbing", "failed", Some(Failed)),
        ("dubbing_language", "queued", Some(Pending)),
        ("dubbing_language", "stale", Some(Succeeded)),
        ("dubbing_language", "failed", Some(Failed)),
        ("conversation", "initiated", Some(Pending)),
        ("conversation", "in-progress", Some(Pending)),
        ("conversation", "processing", Some(Pending)),
        ("conversation", "done", Some(Succeeded)),
        ("conversation", "failed", Some(Failed)),
        ("speech_to_text", "done", None),
    ] {
        let event = answer(kind, "e1", json!({"status": state}));
        assert_eq!((event.status, event.job().map(|job| job.status)), (expected, expected), "{kind} {state}");
        assert_eq!((event.callback_id.as_deref(), event.entity_id.as_deref()), (Some("tracked"), Some("e1")), "{kind}");
        assert_eq!(event.kind, Some(format!("elevenlabs.{kind}")));
    }
}

#[test]
fn an_answer_says_what_else_it_says() {
    let done = json!({"conversation_id": "c1", "status": "done", "metadata": {"call_duration_secs": 22.4},
        "conversation_initiation_client_data": {"dynamic_variables": {"callback_id": "order"}}});
    let event = answer("conversation", "c1", done);
    assert_eq!((event.callback_id.as_deref(), event.duration_seconds), (Some("order"), Some(22)));
    let failed =
        json!({"project_id": "p1", "status": "failed", "reference": "order", "error": {"code": "c", "message": "m"}});
    let event = answer("dubbing", "p1", failed);
    assert_eq!((event.callback_id.as_deref(), failure(&event)), (Some("order"), (Some("c"), Some("m"))));
    let language = json!({"language_id": "l1", "status": "completed", "outputs": {"lossless_audio": LINK}});
    assert_eq!(answer("dubbing_language", "l1", language).links["audio"], LINK);
}

#[test]
fn what_a_job_was_tracked_with_comes_before_the_user_and_the_project() {
    let conversation = json!({"conversation_id": "c1", "status": "done", "user_id": "customer"}).to_string();
    let language = json!({"language_id": "l1", "project_id": "p1", "status": "completed"}).to_string();
    for (kind, id, answer, found_by) in
        [("conversation", "c1", conversation, "customer"), ("dubbing_language", "l1", language, "p1")]
    {
        let tracked = look_up(kind, id, &answer);
        assert_eq!(elevenlabs::read(&tracked.to_verified()).callback_id.as_deref(), Some("tracked"));
        let untracked = LookUp { callback_id: None, ..tracked };
        assert_eq!(elevenlabs::read(&untracked.to_verified()).callback_id.as_deref(), Some(found_by));
    }
}

#[test]
fn an_answer_that_is_none_moves_nothing() {
    for odd in [
        json!(null),
        json!([]),
        json!("completed"),
        json!({}),
        json!({"detail": {"status": "generation_not_found", "message": "m"}}),
        json!({"status": ["completed"]}),
        json!({"id": "g2", "status": "completed"}),
        json!({"data": {"id": "g1", "status": "completed"}}),
    ] {
        let event = answer("flows", "g1", odd.clone());
        assert_eq!((event.status, event.entity_id.as_deref()), (None, Some("g1")), "{odd}");
    }
    for kind in ["flows", "synthesia.video", "elevenlabs.", "elevenlabs.voice"] {
        let other = LookUp { kind: kind.to_owned(), ..look_up("flows", "g1", r#"{"status": "completed"}"#) };
        assert_eq!(elevenlabs::read(&other.to_verified()).status, None, "{kind}");
    }
}

#[test]
fn a_job_that_elevenlabs_does_not_know_has_failed() {
    let failure = Failure::of(Some("heygen_webhooks.unknown_job".to_owned()), Some("why".to_owned()));
    for kind in elevenlabs::KINDS {
        for answer in ["null", r#"{"status": "completed"}"#] {
            let look_up = LookUp { failure: failure.clone(), ..look_up(kind, "e1", answer) };
            let job = elevenlabs::read(&look_up.to_verified()).job().unwrap();
            assert_eq!((job.status, job.failure), (Failed, failure.clone()), "{kind}");
        }
    }
}

#[test]
fn nothing_in_an_answer_hides_its_state() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for odd in [r#""\ud83d""#, "1e400", r#"{"\ud83d": 1}"#, &deep] {
        let text = format!(r#"{{"transcript": {odd}, "conversation_id": "c1", "status": "done", "x": {odd}}}"#);
        let event = elevenlabs::read(&look_up("conversation", "c1", &text).to_verified());
        assert_eq!(event.status, Some(Succeeded), "{}", &odd[..8.min(odd.len())]);
    }
}
