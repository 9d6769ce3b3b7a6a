//! Jobs of other platforms than HeyGen are tracked where their events find them, with the URL to hand to the platform.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::elsewhere::{CALLBACK_SECRET, Elsewhere, LONG_AGO};
use serde_json::{Value, json};
use webhook::callback::Callback;
use webhook::{LookUp, Platform, Secret, Verified};

#[expect(clippy::disallowed_methods, reason = "no request is involved")]
fn delivery(body: &Value) -> Verified {
    Verified::assume_authentic(body.to_string().into_bytes())
}

fn answer(kind: &str, answer: &Value) -> Verified {
    let answer = Some(serde_json::from_str(&answer.to_string()).unwrap());
    let callback_id = Some("order_1".to_owned());
    LookUp { kind: kind.to_owned(), entity_id: "v1".to_owned(), callback_id, answer, failure: None }.to_verified()
}

/// One event of a job of each platform that says that it succeeded.
fn ended() -> Vec<(&'static str, Verified)> {
    let video = json!({"id": "v1", "status": "complete", "download": "https://files.example.invalid/v1.mp4"});
    let generation = json!({"id": "v1", "status": "completed", "content_url": "https://x.invalid/v1.mp4"});
    let elevenlabs = |event_type: &str, data: Value| {
        delivery(&json!({"type": event_type, "event_timestamp": 1_760_000_000, "data": data}))
    };
    let call = json!({"conversation_id": "v1", "status": "done", "user_id": "order_1"});
    let language = json!({"language_id": "v1", "project_id": "p1", "language": "de", "reference": "order_1"});
    let transcript = json!({"request_id": "v1", "transcription": {"language_code": "de", "text": "a"}});
    vec![
        ("synthesia.video", delivery(&json!({"type": "video.completed", "data": video}))),
        ("synthesia.video", answer("synthesia.video", &video)),
        ("elevenlabs.flows", elevenlabs("flows_generation", generation.clone())),
        ("elevenlabs.flows", answer("elevenlabs.flows", &generation)),
        ("elevenlabs.conversation", elevenlabs("post_call_transcription", call)),
        ("elevenlabs.dubbing_language", elevenlabs("dubbing_language_completed", language)),
        ("elevenlabs.speech_to_text", elevenlabs("speech_to_text_transcription", transcript)),
        ("tavus.video", answer("tavus.video", &json!({"status": "ready", "download_url": "https://x.invalid/v1.mp4"}))),
        ("did.talk", answer("did.talk", &json!({"status": "done", "result_url": "https://x.invalid/v1.mp4"}))),
    ]
}

#[test]
fn a_job_that_is_tracked_before_or_after_its_event_is_that_jobs_item() {
    for (kind, body) in ended() {
        let event = platforms::read(Platform::of_kind(kind), &body);
        for order in ["te", "et", "pte", "pet", "ept", "tet"] {
            let world = Elsewhere::new();
            for step in order.chars() {
                match step {
                    'e' => world.aws.lock().unwrap().record(&event, "delivery"),
                    'p' => drop(world.track("order_1", kind, None)),
                    _ => drop(world.track("order_1", kind, Some("v1"))),
                }
            }
            let job = world.job("v1");
            let is = |name: &str| job[name].as_str().unwrap_or_default().to_owned();
            let (status, platform) = (is("status"), is("platform"));
            assert_eq!(
                (status.as_str(), platform.as_str()),
                ("succeeded", Platform::of_kind(kind).name()),
                "{kind} {order}"
            );
            assert_eq!((is("callback_id"), is("kind")), ("order_1".to_owned(), kind.to_owned()), "{kind} {order}");
            assert!(job.contains_key("tracked_at"), "{kind} {order}");
            let jobs =
                world.aws.lock().unwrap().table.items.keys().filter(|(_, item)| item.starts_with("job#")).count();
            // Without its id, a job waits for a sweep to find what it turned out to be.
            assert_eq!(jobs, 1, "{kind} {order}");
        }
    }
}

#[test]
fn a_tracked_job_is_due_sooner_than_heygens_unless_a_time_is_given() {
    let world = Elsewhere::new().with("EXPECTED_MINUTES", "40");
    let minutes = |kind: &str, entity: &str| {
        let reply =
            world.ask(json!({"action": "track", "callback_id": "o", "kind": kind, "entity_id": entity})).unwrap();
        let by = aws::clock::from_text(reply["expected_by"].as_str().unwrap()).unwrap();
        (by - time::OffsetDateTime::now_utc()).as_seconds_f64() / 60.0
    };
    assert!((39.0..=40.0).contains(&minutes("avatar_video", "v")));
    for kind in ["synthesia.video", "elevenlabs.flows", "tavus.video", "did.talk"] {
        assert!((9.0..=10.0).contains(&minutes(kind, "w")), "{kind}");
    }
    let given = world.track("o", "tavus.video", Some("w"));
    assert_eq!(given["expected_by"], LONG_AGO);
}

#[test]
fn heygens_jobs_say_no_platform_and_have_no_callback_url_unless_there_is_an_endpoint_for_them() {
    let world = Elsewhere::new();
    let reply = world.track("order_1", "avatar_video", Some("v1"));
    assert!(reply.get("callback_url").is_none() && !world.job("v1").contains_key("platform"), "{reply}");
}

#[test]
fn the_callback_url_is_the_one_that_the_receiver_accepts() {
    let world = Elsewhere::new();
    let cases = [("tavus.video", Platform::Tavus, "video"), ("did.scene_avatar", Platform::Did, "scene_avatar")];
    for (kind, platform, short) in cases {
        let reply = world.track("Auftrag/ü 1", kind, None);
        let text = |text: &str| text.to_owned();
        let (endpoint, kind) = (text("main"), text(short));
        let callback = Callback { platform, endpoint, kind, correlation: text("Auftrag/ü 1") };
        let path = callback.path(&Secret::new(CALLBACK_SECRET).unwrap());
        assert_eq!(reply["callback_url"], format!("https://api.example.invalid{path}"));
        assert!(reply["text"].as_str().unwrap().ends_with(&path), "{reply}");
    }
    let with_domain = Elsewhere::new().with("PUBLIC_URL", "https://hooks.example.invalid");
    let reply = with_domain.track("o", "tavus.video", None);
    assert!(reply["callback_url"].as_str().unwrap().starts_with("https://hooks.example.invalid/webhooks/"), "{reply}");
    // Synthesia signs, and calls what is registered.
    assert!(with_domain.track("o", "synthesia.video", None).get("callback_url").is_none());
}

#[test]
fn without_a_callback_secret_nothing_is_tracked_and_the_error_says_what_to_do() {
    for secret in [None, Some("{}")] {
        let world = Elsewhere::new();
        let name = "shop/callbacks/tavus/main".to_owned();
        let mut aws = world.aws.lock().unwrap();
        aws.secrets.remove(&name);
        aws.secrets.extend(secret.map(|secret| (name.clone(), secret.to_owned())));
        drop(aws);
        let error = world.ask(json!({"action": "track", "callback_id": "o", "kind": "tavus.video"})).unwrap_err();
        assert!(error.contains(&name) && error.contains(r#"{"action": "sync"} of admin"#), "{error}");
        assert!(world.aws.lock().unwrap().table.items.is_empty());
    }
    let malformed = Elsewhere::new();
    malformed.aws.lock().unwrap().secrets.insert("shop/callbacks/tavus/main".to_owned(), "canary".to_owned());
    let error = malformed.ask(json!({"action": "track", "callback_id": "o", "kind": "tavus.video"})).unwrap_err();
    assert!(!error.contains("canary"), "{error}");
}

#[test]
fn a_request_that_no_event_could_ever_match_is_an_error() {
    let world = Elsewhere::new();
    for (more, word) in [
        (json!({"kind": "tavus.vidoe"}), "tavus.video, tavus.replica, tavus.conversation"),
        (json!({"kind": "synthesia."}), "synthesia.video"),
        (json!({"kind": "did.talk", "entity_id": "../clips/x"}), "no id of D-ID's"),
        (json!({"kind": "did.talk", "entity_id": ""}), "no id of D-ID's"),
        (json!({"kind": "did.translation", "output_language": "de"}), "only HeyGen's kinds"),
        (json!({"kind": "tavus.video", "entity_field": "video_id"}), "only HeyGen's kinds"),
        (json!({"kind": "tavus.video", "attributes": {"platform": "x"}}), "choose another name"),
        (json!({"kind": "tavus.video", "endpoint": "other"}), "none of tavus's: main"),
    ] {
        let mut request = json!({"action": "track", "callback_id": "o"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = world.ask(request).unwrap_err();
        assert!(error.contains(word), "{error}");
    }
    assert!(world.aws.lock().unwrap().table.items.is_empty());
}
