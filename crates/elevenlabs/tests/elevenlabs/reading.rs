//! Deliveries, as they are and as they might be.

use serde_json::{Value, json};
use webhook::Status::{Failed, Pending, Succeeded};
use webhook::{Event, Job};
use webhook_testing::authentic;

const LINK: &str = "https://x.invalid/v?sig=1";

fn read(body: impl Into<Vec<u8>>) -> Event {
    elevenlabs::read(&authentic(body))
}

fn delivery(event_type: &str, data: Value) -> Event {
    read(json!({"type": event_type, "event_timestamp": 1_760_000_000, "data": data}).to_string())
}

fn failure(event: &Event) -> (Option<&str>, Option<&str>) {
    let failure = event.failure.as_ref();
    (failure.and_then(|failure| failure.code.as_deref()), failure.and_then(|failure| failure.message.as_deref()))
}

#[test]
fn a_status_counts_where_it_is_worse_than_the_type() {
    for (event_type, id, status, expected) in [
        ("flows_generation", "id", json!("completed"), Some(Succeeded)),
        ("flows_generation", "id", json!("failed"), Some(Failed)),
        ("flows_generation", "id", json!("generating"), None),
        ("flows_generation", "id", json!("done"), None),
        ("flows_generation", "id", json!(null), None),
        ("flows_template_run", "id", json!("failed"), Some(Failed)),
        ("dubbing_language_completed", "language_id", json!(null), Some(Succeeded)),
        ("dubbing_language_completed", "language_id", json!("stale"), Some(Succeeded)),
        ("dubbing_language_completed", "language_id", json!("failed"), Some(Failed)),
        ("dubbing_language_completed", "language_id", json!("processing"), None),
        ("dubbing_language_failed", "language_id", json!("completed"), Some(Failed)),
        ("dubbing_project_ready", "project_id", json!("ready"), Some(Pending)),
        ("dubbing_project_ready", "project_id", json!("failed"), Some(Failed)),
        ("dubbing_project_failed", "project_id", json!(null), Some(Failed)),
        ("speech_to_text_transcription", "request_id", json!(null), Some(Succeeded)),
        ("speech_to_text_transcription", "request_id", json!("failed"), Some(Failed)),
        ("post_call_transcription", "conversation_id", json!("done"), Some(Succeeded)),
        ("post_call_transcription", "conversation_id", json!("failed"), Some(Failed)),
        ("post_call_transcription", "conversation_id", json!("processing"), None),
        ("post_call_transcription", "conversation_id", json!(null), None),
        ("call_initiation_failure", "conversation_id", json!("done"), Some(Failed)),
        ("post_call_audio", "conversation_id", json!("done"), None),
        ("voice_removed", "voice_id", json!("failed"), None),
        ("flows_generation_started", "id", json!("completed"), None),
        ("Flows_generation", "id", json!("completed"), None),
    ] {
        let event = delivery(event_type, json!({id: "e1", "status": status}));
        assert_eq!(event.entity_id.as_deref(), Some("e1"), "{event_type}");
        assert_eq!(event.status, expected, "{event_type} {status}");
        assert_eq!(event.job().map(|job| job.status), expected, "{event_type} {status}");
    }
}

#[test]
fn failure_and_success_of_one_generation_are_two_events() {
    let of = |status: &str| delivery("flows_generation", json!({"id": "g1", "status": status}));
    assert_ne!(of("completed").identity, of("failed").identity);
}

#[test]
fn a_language_that_is_made_again_is_completed_again() {
    let at = |time: Value, link: &str| {
        let data = json!({"project_id": "p1", "language_id": "l1", "outputs": {"lossless_audio": link}});
        read(json!({"type": "dubbing_language_completed", "event_timestamp": time, "data": data}).to_string())
    };
    let (first, second) = (at(json!(1_760_000_000), LINK), at(json!(1_760_000_900), "https://x.invalid/w"));
    assert_ne!(first.identity, second.identity);
    assert_eq!(
        first.identity,
        at(json!("1760000000"), "https://x.invalid/other").identity,
        "a repetition, with the time as text"
    );
    let (first, second) = (first.job().unwrap(), second.job().unwrap());
    assert_eq!(Job::merge(Some(second.clone()), first.clone()), second);
    assert_eq!(Job::merge(Some(first), second.clone()), second);

    let (a, b) = (at(json!(null), LINK), at(json!(null), "https://x.invalid/w"));
    assert_ne!(a.identity, b.identity, "without a time, by its content");
    assert_eq!(a.identity, at(json!(null), "https://x.invalid/v?sig=2").identity);
}

#[test]
fn fields_of_dubbing_may_stand_at_the_top() {
    let event = read(
        r#"{"type":"dubbing_project_failed","event_timestamp":1760000000,"project_id":"p1","reference":"order","error":"why"}"#,
    );
    assert_eq!((event.entity_id.as_deref(), event.callback_id.as_deref()), (Some("p1"), Some("order")));
    assert_eq!((event.status, failure(&event)), (Some(Failed), (None, Some("why"))));
    let event = read(json!({"type": "dubbing_language_completed", "event_timestamp": 1, "language_id": "l1", "project_id": "p1", "data": null}).to_string());
    assert_eq!((event.entity_id.as_deref(), event.callback_id.as_deref()), (Some("l1"), Some("p1")));
}

#[test]
fn a_language_is_found_by_its_own_id_before_that_of_its_project() {
    for (data, entity_id, callback_id) in [
        (json!({"language_id": "l", "id": "i", "project_id": "p", "reference": "r"}), "l", Some("r")),
        (json!({"language_id": "l", "id": "i", "project_id": "p"}), "l", Some("p")),
        (json!({"id": "i", "project_id": "p"}), "i", Some("p")),
        (json!({"project_id": "p"}), "p", None),
    ] {
        let event = delivery("dubbing_language_completed", data.clone());
        assert_eq!(
            (event.entity_id.as_deref(), event.callback_id.as_deref()),
            (Some(entity_id), callback_id),
            "{data}"
        );
    }
    assert_eq!(delivery("dubbing_project_ready", json!({"id": "i"})).entity_id.as_deref(), Some("i"));
}

#[test]
fn webhook_metadata_is_read_in_each_of_its_forms() {
    for (metadata, expected) in [
        (json!({"callback_id": "order", "other": {"a": [1]}}), Some("order")),
        (json!({"callback_id": 7}), Some("7")),
        (json!(r#"{"callback_id": "order"}"#), Some("order")),
        (json!(r#" {"odd": 1e400, "callback_id": 7} "#), Some("7")),
        (json!(r#"{"callback_id": "order""#), None),
        (json!("order"), None),
        (json!({"order": "order"}), None),
        (json!({"callback_id": {"id": "order"}}), None),
        (json!(["callback_id"]), None),
        (json!({}), None),
        (json!(""), None),
        (json!(null), None),
    ] {
        let event = delivery("speech_to_text_transcription", json!({"request_id": "r1", "webhook_metadata": metadata}));
        assert_eq!(event.callback_id.as_deref(), expected, "{metadata}");
    }
}

#[test]
fn the_dynamic_variable_comes_before_the_user_id() {
    let of = |client: Value| {
        let data = json!({"conversation_id": "c1", "user_id": "u", "conversation_initiation_client_data": client});
        delivery("post_call_transcription", data).callback_id.unwrap()
    };
    assert_eq!(of(json!({"dynamic_variables": {"callback_id": "order"}})), "order");
    for other in
        [json!({"dynamic_variables": {"callback_id": ""}}), json!({"dynamic_variables": "callback_id"}), json!(null)]
    {
        assert_eq!(of(other.clone()), "u", "{other}");
    }
}

#[test]
fn the_two_names_of_a_transcript_are_one_event() {
    let [one, other] = ["speech_to_text_transcription", "speech_to_text.completed"]
        .map(|event_type| delivery(event_type, json!({"request_id": "r1"})));
    assert_eq!((&one.identity, &one.kind, one.is_known_type), (&other.identity, &other.kind, other.is_known_type));
}

#[test]
fn a_medium_is_told_by_its_mime_type() {
    for (mime, expected) in [
        (json!("video/mp4"), "video"),
        (json!("Image/PNG"), "image"),
        (json!("audio/mpeg; codecs=mp3"), "audio"),
        (json!("application/zip"), "content"),
        (json!("video"), "video"),
        (json!(null), "content"),
        (json!(["video/mp4"]), "content"),
    ] {
        let event = delivery("flows_generation", json!({"id": "g", "content_url": LINK, "content_mime_type": mime}));
        assert_eq!(event.links.into_keys().collect::<Vec<_>>(), [expected], "{mime}");
    }
}

#[test]
fn only_http_links_to_good_outputs_are_links() {
    for link in ["javascript:alert(1)", "s3://b/k", "//x.invalid", "pending", ""] {
        let event =
            delivery("flows_generation", json!({"id": "g", "content_url": link, "content_mime_type": "video/mp4"}));
        assert!(event.links.is_empty(), "{link}");
    }
    let outputs = json!({"good": {"status": "completed", "content_url": LINK}, "silent": {"content_url": LINK},
        "failed": {"status": "failed", "content_url": LINK}, "running": {"status": "generating", "content_url": LINK},
        "odd": {"status": "completed", "content_url": "file:///x"}, "text": LINK, "list": [{"content_url": LINK}], "null": null});
    let links = delivery("flows_template_run", json!({"id": "r", "status": "completed", "outputs": outputs})).links;
    assert_eq!(links.into_keys().collect::<Vec<_>>(), ["output.good", "output.silent"]);
    for outputs in [json!(null), json!([]), json!("text"), json!({})] {
        assert!(delivery("flows_template_run", json!({"id": "r", "outputs": outputs})).links.is_empty());
    }
}

#[test]
fn an_error_is_read_in_both_shapes() {
    for (data, expected) in [
        (json!({"error": {"code": "c", "message": "m", "retryable": true}}), (Some("c"), Some("m"))),
        (json!({"error": {"message_type": "t", "error": "e"}}), (Some("t"), Some("e"))),
        (json!({"error": "why"}), (None, Some("why"))),
        (json!({"error": 7}), (None, Some("7"))),
        (json!({"error": null}), (None, None)),
        (json!({"error": {"code": {"a": 1}, "message": ["m"]}}), (None, None)),
        (
            json!({"failure_reason": "f", "error_message": "e", "error": {"code": "c", "message": "m"}}),
            (Some("f"), Some("e")),
        ),
    ] {
        assert_eq!(failure(&delivery("dubbing_project_failed", data.clone())), expected, "{data}");
    }
}

#[test]
fn the_end_of_a_call_is_no_failure_unless_it_failed() {
    let of = |status: &str| {
        delivery(
            "post_call_transcription",
            json!({"conversation_id": "c", "status": status,
        "metadata": {"termination_reason": "Client ended the call."}}),
        )
    };
    assert_eq!(failure(&of("done")), (None, None));
    assert_eq!(failure(&of("failed")), (None, Some("Client ended the call.")));
}

#[test]
fn nothing_in_an_unread_field_hides_the_others() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for odd in [r#""\ud83d""#, "1e400", r#"{"\ud83d": 1}"#, &deep] {
        let outputs = format!(r#"{{"\ud83d": {odd}, "a": {{"x": {odd}, "content_url": "{LINK}"}}}}"#);
        let data = format!(r#"{{"title": {odd}, "id": "g1", "status": "completed", "outputs": {outputs}}}"#);
        let event = read(format!(r#"{{"odd": {odd}, "data": {data}, "type": "flows_template_run"}}"#));
        assert_eq!(
            (event.is_json, event.status, event.links.len()),
            (true, Some(Succeeded), 1),
            "{}",
            &odd[..8.min(odd.len())]
        );
    }
}

#[test]
fn an_unreadable_body_is_an_event_with_an_identity_and_no_other_field() {
    for (body, is_json) in [
        ("", false),
        ("not json", false),
        (r#"{"type":"#, false),
        ("null", true),
        ("[]", true),
        (r#"{"type":{},"data":"text"}"#, true),
        (r#"{"look_up": {"kind": "elevenlabs.flows"}}"#, true),
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
    let whole =
        format!(r#"{{"type":"flows_generation","data":{{"id":"g1","status":"completed","content_url":"{LINK}"}}}}"#);
    let (cut, whole) = (read(&whole[..whole.len() - 5]), read(whole.clone()));
    assert_eq!((cut.is_json, cut.correlation_id().as_str(), cut.type_label()), (false, "g1", "flows_generation"));
    assert_eq!((cut.status, cut.job()), (None, None));
    assert_ne!(cut.identity, whole.identity);
}

/// Identities are stored for months: if they were computed differently, old events would be recorded again. The digests
/// were computed without this code.
#[test]
fn identities_never_change() {
    for (body, expected) in [
        (
            r#"{"type":"flows_generation","data":{"id":"gen_1","status":"completed"}}"#,
            "f0656c93d7e99281e4a9aa85804b3377e7359b487aee5b979f107e9ef3c91a16",
        ),
        (
            r#"{"type":"flows_generation","data":{"id":"gen_1","status":"failed"}}"#,
            "630d34a88f67086fbaa6f42f399c4e730b05bc0cadc3e02904569f6d2493445e",
        ),
        (
            r#"{"type":"flows_template_run","data":{"id":"run_1","status":"failed"}}"#,
            "cd1aa77f1cb12c027d9da7d1e4e41a6414306b269f78bc4c7bd924dfe6dfec5a",
        ),
        (
            r#"{"type":"dubbing_language_completed","event_timestamp":1760000000,"data":{"language_id":"lang_1"}}"#,
            "d81ae99784bbd6b16831bc03473856bb4d822ba99559d19eba88feaddb125341",
        ),
        (
            r#"{"type":"dubbing_project_ready","event_timestamp":1760000000,"data":{"project_id":"dub_1"}}"#,
            "3737bd47bd4ed788dc2ab9d6e57fbf06bdc6f27a412e0455e46697a7b9aae728",
        ),
        (
            r#"{"type":"speech_to_text.completed","data":{"request_id":"req_1"}}"#,
            "aa7c59cae58f183b6e6640a999fa00d53c948ad13343113d80507e0583704cc9",
        ),
        (
            r#"{"type":"post_call_transcription","event_timestamp":"1760000000","data":{"conversation_id":"conv_1","status":"done"}}"#,
            "2185c48fc408c91057ad5bf27357c7591637d6645ca939dfbe28f3dfda5cbea7",
        ),
        (
            r#"{"type":"call_initiation_failure","event_timestamp":1760000000,"data":{"conversation_id":"conv_1"}}"#,
            "5bcb2e38ab7f2ec0aa6605bdad06d371650f2067345be35eed4d3ff13e06ba70",
        ),
        (r#"{ "type": "voice_removed" }"#, "4953dfe74a4a05b465d85efcabed2acfd97dc86eac2702a265652fc341570cf2"),
        ("not json", "9026267c805ad4a95074fb3eb19e0f84925f9add8f0770c4ba61ba5a80f61e0a"),
        (
            r#"{"look_up":{"kind":"elevenlabs.conversation","entity_id":"conv_1"},"answer":{"status":"done"}}"#,
            "66e1c668f6f7099e575008048317c8cbb9e1c0ed2380dc0b0a26792559ecd6e4",
        ),
    ] {
        assert_eq!(read(body).identity.as_str(), expected, "{body}");
    }
}
