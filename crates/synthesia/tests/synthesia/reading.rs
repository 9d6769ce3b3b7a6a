//! Deliveries and answers of the API, as they are and as they might be.

use serde_json::{Value, json};
use webhook::{Event, Failure, Job, LookUp, Status};
use webhook_testing::authentic;

fn read(body: impl Into<Vec<u8>>) -> Event {
    synthesia::read(&authentic(body))
}

fn delivery(event_type: &str, data: Value) -> Event {
    read(json!({"type": event_type, "data": data}).to_string())
}

fn look_up(answer: &str) -> LookUp {
    LookUp {
        kind: "synthesia.video".to_owned(),
        entity_id: "v1".to_owned(),
        callback_id: Some("tracked".to_owned()),
        answer: serde_json::from_str(answer).unwrap(),
        failure: None,
    }
}

fn answer(answer: Value) -> Event {
    synthesia::read(&look_up(&answer.to_string()).to_verified())
}

fn video(status: &str) -> Value {
    json!({"id": "v1", "status": status, "callbackId": "order", "createdAt": 1, "lastUpdatedAt": 1_760_000_300,
           "download": "https://x.invalid/v.mp4?sig=1", "duration": "0:00:42.500000"})
}

#[test]
fn the_videos_own_word_counts_where_it_is_worse_than_the_type() {
    use Status::{Failed, Succeeded};
    for (event_type, status, expected) in [
        ("video.completed", json!("complete"), Some(Succeeded)),
        ("video.completed", json!("approved"), Some(Succeeded)),
        ("video.completed", json!("unheard of"), Some(Succeeded)),
        ("video.completed", json!(null), Some(Succeeded)),
        ("video.completed", json!(["error"]), Some(Succeeded)),
        ("video.completed", json!("error"), Some(Failed)),
        ("video.completed", json!("rejected"), Some(Failed)),
        ("video.completed", json!("in_progress"), None),
        ("video.failed", json!("error"), Some(Failed)),
        ("video.failed", json!("complete"), Some(Failed)),
        ("video.failed", json!("in_progress"), Some(Failed)),
        ("video.failed", json!(null), Some(Failed)),
        ("video.created", json!("complete"), None),
        ("Video.completed", json!("complete"), None),
        ("video.completed ", json!("complete"), None),
    ] {
        let event = delivery(event_type, json!({"id": "v1", "status": status}));
        assert_eq!(event.status, expected, "{event_type} {status}");
        assert_eq!(event.job().map(|job| job.status), expected, "{event_type} {status}");
    }
}

#[test]
fn a_finished_video_is_the_delivery_whether_it_is_sent_or_looked_up() {
    let (sent, found) = (delivery("video.completed", video("complete")), answer(video("complete")));
    assert_eq!(sent.identity, found.identity);
    assert_eq!(
        (&sent.event_type, sent.is_known_type, sent.status),
        (&found.event_type, found.is_known_type, found.status)
    );
    assert_eq!((&sent.links, sent.duration_seconds, sent.occurred_at), (&found.links, Some(43), Some(1_760_000_300)));
    assert_eq!(sent.place(), found.place());
    assert_eq!(sent.job().unwrap().item_key(), found.job().unwrap().item_key());
    assert_ne!(sent.item_key(), found.item_key(), "both bodies are kept");
}

#[test]
fn a_failed_video_is_the_delivery_whether_it_is_sent_or_looked_up() {
    let sent = delivery("video.failed", json!({"id": "v1", "status": "error", "createdAt": 1, "message": "why"}));
    for state in ["error", "rejected"] {
        let found = answer(video(state));
        assert_eq!((found.identity.clone(), found.status), (sent.identity.clone(), Some(Status::Failed)), "{state}");
        assert_eq!(found.event_type.as_deref(), Some("video.failed"));
        let (sent, found) = (sent.job().unwrap(), found.job().unwrap());
        for [first, second] in [[&sent, &found], [&found, &sent]] {
            let job = Job::merge(Some(first.clone()), second.clone());
            assert_eq!(job.failure.unwrap().message.as_deref(), Some("why"), "the reason stays, in any order");
        }
    }
    let rejected = delivery("video.completed", json!({"id": "v1", "status": "rejected"}));
    assert_eq!(rejected.identity, sent.identity, "whatever the type is that is sent then");
}

#[test]
fn a_video_that_is_made_again_succeeds_again() {
    let at = |time: i64| {
        let mut video = video("complete");
        video["lastUpdatedAt"] = json!(time);
        delivery("video.completed", video)
    };
    let (first, second) = (at(1_760_000_300), at(1_760_000_900));
    assert_ne!(first.identity, second.identity);
    let (first, second) = (first.job().unwrap(), second.job().unwrap());
    assert_eq!(Job::merge(Some(second.clone()), first.clone()), second);
    assert_eq!(Job::merge(Some(first), second.clone()), second);
}

#[test]
fn an_answer_says_where_the_job_is() {
    use Status::{Failed, Pending, Succeeded};
    for (state, expected) in [
        ("complete", Some(Succeeded)),
        ("approved", Some(Succeeded)),
        ("error", Some(Failed)),
        ("rejected", Some(Failed)),
        ("deleted", Some(Failed)),
        ("in_progress", Some(Pending)),
        ("queued", None),
        ("", None),
    ] {
        let event = answer(video(state));
        assert_eq!((event.status, event.job().map(|job| job.status)), (expected, expected), "{state}");
        assert_eq!(event.callback_id.as_deref(), Some("order"), "{state}");
    }
    let approved = answer(json!({"id": "v1", "status": "approved"}));
    assert_eq!(approved.status, Some(Pending), "approved, and nothing to download yet");
    assert_eq!(approved.callback_id.as_deref(), Some("tracked"), "the answer has none");
    let deleted = answer(video("deleted")).job().unwrap();
    assert_eq!(deleted.failure.unwrap().code.as_deref(), Some("deleted"));
}

#[test]
fn an_answer_that_is_none_moves_nothing() {
    for odd in [
        json!(null),
        json!([]),
        json!("complete"),
        json!({}),
        json!({"error": "Internal", "context": ""}),
        json!({"status": ["complete"]}),
        json!({"id": "v2", "status": "complete"}),
        json!({"video": video("complete")}),
    ] {
        let event = answer(odd.clone());
        assert_eq!((event.status, event.entity_id.as_deref()), (None, Some("v1")), "{odd}");
    }
    let of_another_kind = LookUp { kind: "tavus.video".to_owned(), ..look_up(&video("complete").to_string()) };
    assert_eq!(synthesia::read(&of_another_kind.to_verified()).status, None);
}

#[test]
fn nothing_in_an_answer_hides_its_state() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for odd in [r#""\ud83d""#, "1e400", r#"{"\ud83d": 1}"#, &deep] {
        let text = format!(r#"{{"title": {odd}, "id": "v1", "status": "complete", "x": {odd}}}"#);
        let event = synthesia::read(&look_up(&text).to_verified());
        assert_eq!(event.status, Some(Status::Succeeded), "{}", &odd[..8]);
    }
}

#[test]
fn a_video_that_synthesia_does_not_know_has_failed() {
    let failure = Failure::of(Some("heygen_webhooks.unknown_job".to_owned()), Some("why".to_owned()));
    for answer in [None, look_up(&video("complete").to_string()).answer] {
        let look_up = LookUp { answer, failure: failure.clone(), ..look_up("{}") };
        let job = synthesia::read(&look_up.to_verified()).job().unwrap();
        assert_eq!((job.status, job.failure), (Status::Failed, failure.clone()));
    }
}

#[test]
fn only_http_links_are_links() {
    let data = json!({"id": "v1", "download": "javascript:alert(1)", "captions": "https://x.invalid", "thumbnail": {"image": "//x.invalid", "gif": "http://x.invalid/g"}});
    let links = delivery("video.completed", data).links;
    assert_eq!(links.into_iter().collect::<Vec<_>>(), [("gif".to_owned(), "http://x.invalid/g".to_owned())]);
}

#[test]
fn a_time_may_be_a_text_and_a_duration_a_number() {
    let event =
        delivery("video.completed", json!({"id": 7, "callbackId": 8, "lastUpdatedAt": "1760000300", "duration": 42.5}));
    assert_eq!((event.occurred_at, event.duration_seconds), (Some(1_760_000_300), Some(43)));
    assert_eq!((event.entity_id.as_deref(), event.callback_id.as_deref()), (Some("7"), Some("8")));
    let event = delivery("video.completed", json!({"id": 7, "lastUpdatedAt": "later", "duration": "long"}));
    assert_eq!((event.occurred_at, event.duration_seconds), (None, None));
}

#[test]
fn an_unreadable_body_is_an_event_with_an_identity_and_no_other_field() {
    for (body, is_json) in [
        ("", false),
        ("not json", false),
        (r#"{"type":"#, false),
        ("null", true),
        ("[]", true),
        ("7", true),
        (r#"{"type":{},"data":"text"}"#, true),
        (r#"{"look_up": {"kind": "synthesia.video"}}"#, true),
    ] {
        let event = read(body);
        let (identity, body_sha256) = (event.identity.clone(), event.body_sha256.clone());
        let nothing = Event { identity, body_sha256, is_json, ..read("") };
        assert_eq!(event, nothing, "{body}");
        assert_eq!((event.event_type.as_deref(), event.status, event.job()), (None, None, None));
    }
}

#[test]
fn a_body_that_breaks_off_says_where_it_belongs_and_changes_no_job() {
    let whole = r#"{"type":"video.completed","data":{"callbackId":"c","id":"v1","status":"complete","download":"https://x.invalid/1"}}"#;
    let (cut, whole) = (read(&whole[..whole.len() - 5]), read(whole));
    assert_eq!((cut.is_json, cut.correlation_id().as_str(), cut.type_label()), (false, "c", "video.completed"));
    assert_eq!((cut.status, cut.job()), (None, None));
    assert_ne!(cut.identity, whole.identity);
}

/// Identities are stored for months: if they were computed differently, old events would be recorded again. The digests
/// were computed without this code.
#[test]
fn identities_never_change() {
    for (body, expected) in [
        (
            r#"{"type":"video.completed","data":{"id":"v1","lastUpdatedAt":1760000300}}"#,
            "eee4039678b6bbb67de785c572d4fc25b1df54954a38a1b481d6bee45d12149a",
        ),
        (
            r#"{"type":"video.completed","data":{"id":"v1"}}"#,
            "8b18dba4743ddfe429fb188ca1c63210f7989307c6fb716098a2d000304e6c11",
        ),
        (
            r#"{"type":"video.failed","data":{"id":"v1","lastUpdatedAt":1760000300}}"#,
            "aceebb115e1b5f6403f2adcd2114fdb264c11cad69e98555fbe72b2c2c13ec70",
        ),
        (r#"{ "type": "video.archived" }"#, "335535234bc1c3ed1c071a13c1c05b6315a98b0cc5c89f2d97e377f450f43b58"),
        ("not json", "25adf2a29e3455f3d207620a5d5e41de1f6481bedf75bd09dd358d2068e3ec53"),
        (
            r#"{"look_up":{"kind":"synthesia.video","entity_id":"v1"},"answer":{"status":"in_progress"}}"#,
            "0161fa11ab1f009c33031ace1366ff7c7ec0e35f4f5c539dc2551d4c0f4c4827",
        ),
    ] {
        assert_eq!(read(body).identity.as_str(), expected, "{body}");
    }
}
