//! Callbacks that nobody signed: what the platform is asked, and what becomes of its answer.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::callbacks::{Callbacks, claim, failures, invoke};
use common::elsewhere::LONG_AGO;
use serde_json::json;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use webhook::{Platform, Status};

const ENDED: &str = "https://files.example.invalid/v1.mp4?sig=canary";

fn minute() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp() / 60
}

/// Tavus has one video that is ready.
fn with_video() -> Callbacks {
    let callbacks = Callbacks::new();
    callbacks.tavus_says("v1", &json!({"video_id": "v1", "status": "ready", "download_url": ENDED}));
    callbacks
}

#[test]
fn the_platforms_answer_becomes_the_event() {
    let mut callbacks = with_video();
    callbacks.video("order", "v1");
    callbacks.deliver();
    assert_eq!(callbacks.calls(), ["/tavus/v2/videos/v1?verbose=true"]);
    let [delivery] = &callbacks.deliveries()[..] else { panic!("one delivery is expected") };
    assert_eq!((delivery.platform, delivery.endpoint.as_str()), (Platform::Tavus, "main"));
    assert_eq!((delivery.via.as_str(), delivery.request_id.as_str()), ("confirm", "gateway-1"));
    let job = platforms::read(delivery.platform, &delivery.body).job().unwrap();
    assert_eq!((job.kind.as_str(), job.entity_id.as_str()), ("tavus.video", "v1"));
    assert_eq!((job.status, job.links["video"].as_str()), (Status::Succeeded, ENDED));
    assert!(callbacks.waiting.is_empty());
}

#[test]
fn a_forged_body_changes_nothing_that_the_platform_does_not_say() {
    let mut callbacks = Callbacks::new();
    callbacks.tavus_says("v1", &json!({"video_id": "v1", "status": "error", "status_details": "no face"}));
    // It says that the video is ready.
    callbacks.video("order", "v1");
    callbacks.deliver();
    let [delivery] = &callbacks.deliveries()[..] else { panic!("one delivery is expected") };
    assert!(!String::from_utf8_lossy(delivery.body.body()).contains("forged"));
    let job = platforms::read(delivery.platform, &delivery.body).job().unwrap();
    assert_eq!((job.status, job.links.len()), (Status::Failed, 0));
}

#[test]
fn a_forged_id_never_chooses_a_url() {
    let mut callbacks = with_video();
    for id in ["../replicas/r1", "v1?x=1", "v1/..", "@host.invalid", "v1#", "", "."] {
        callbacks.video("order", id);
    }
    let tampered = claim(Platform::Tavus, "video", "order", r#"{"video_id": "v1"}"#, OffsetDateTime::now_utc());
    callbacks.put(tampered.replace(r#""v1""#, r#""../../v1""#));
    callbacks.deliver();
    assert_eq!(callbacks.calls(), Vec::<String>::new());
    assert!(callbacks.waiting.is_empty() && callbacks.deliveries().is_empty());
}

#[test]
fn a_thousand_callbacks_for_one_job_cause_one_request() {
    let mut callbacks = with_video();
    (0..1_000).for_each(|_| callbacks.video("order", "v1"));
    callbacks.deliver();
    assert_eq!(callbacks.calls().len(), 1);
    assert_eq!(callbacks.deliveries().len(), 1);
    assert!(callbacks.waiting.is_empty(), "{} wait", callbacks.waiting.len());
}

#[test]
fn a_thousand_forged_ids_cause_no_more_requests_than_an_endpoint_may_and_those_that_are_left_wait() {
    let mut callbacks = with_video();
    (0..1_000).for_each(|number| callbacks.video("order", &format!("forged{number}")));
    callbacks.video("order", "v1");
    let first = minute();
    callbacks.deliver();
    let asked = callbacks.calls().len();
    assert!(asked > 0 && asked <= 30 * usize::try_from(minute() - first + 1).unwrap(), "{asked}");
    assert_eq!(callbacks.waiting.len(), 1_001 - asked, "what was not asked for waits");
    assert!(callbacks.elsewhere.aws.lock().unwrap().waits.values().all(|wait| *wait >= 1));
    // The true one, which is the last, has its turn.
    callbacks.waiting.drain(..callbacks.waiting.len() - 50);
    for _ in 0..3 {
        callbacks.pass(1);
        callbacks.deliver();
    }
    assert!(callbacks.waiting.is_empty());
    assert_eq!(callbacks.deliveries().len(), 1);
}

#[test]
fn an_answer_of_another_order_is_never_filed() {
    let mut callbacks = Callbacks::new();
    let others = json!({"video_id": "v1", "status": "ready", "video_name": "order_b", "download_url": ENDED});
    callbacks.tavus_says("v1", &others);
    callbacks.video("order_a", "v1");
    callbacks.deliver();
    assert!(callbacks.deliveries().is_empty() && callbacks.waiting.is_empty());
    assert_eq!(callbacks.calls().len(), 1);
    // The request for the wrong order does not answer the callback for the right one, which waits for its own.
    callbacks.put(claim(
        Platform::Tavus,
        "video",
        "order_b",
        r#"{"video_id": "v1"}"#,
        OffsetDateTime::now_utc() - time::Duration::SECOND,
    ));
    callbacks.deliver();
    assert_eq!((callbacks.calls().len(), callbacks.waiting.len()), (0, 1));
    callbacks.pass(1);
    callbacks.deliver();
    let [delivery] = &callbacks.deliveries()[..] else { panic!("one delivery is expected") };
    assert_eq!(platforms::read(Platform::Tavus, &delivery.body).callback_id.as_deref(), Some("order_b"));
}

#[test]
fn a_job_that_runs_is_asked_for_again_until_it_has_ended() {
    let mut callbacks = Callbacks::new();
    callbacks.tavus_says("v1", &json!({"video_id": "v1", "status": "generating"}));
    callbacks.video("order", "v1");
    callbacks.deliver();
    assert!((60..=900).contains(&callbacks.wait()));
    callbacks.deliver();
    assert_eq!(callbacks.calls().len(), 1, "not before a minute has passed");
    callbacks.pass(1);
    callbacks.tavus_says("v1", &json!({"video_id": "v1", "status": "ready", "download_url": ENDED}));
    callbacks.deliver();
    assert_eq!((callbacks.calls().len(), callbacks.deliveries().len(), callbacks.waiting.len()), (1, 1, 0));
}

#[test]
fn a_job_that_runs_for_too_long_is_left_to_the_sweep() {
    let mut callbacks = Callbacks::new();
    callbacks.tavus_says("v1", &json!({"video_id": "v1", "status": "generating"}));
    let long_ago = OffsetDateTime::now_utc() - time::Duration::hours(3);
    callbacks.put(claim(Platform::Tavus, "video", "order", r#"{"video_id": "v1"}"#, long_ago));
    callbacks.deliver();
    assert_eq!((callbacks.calls().len(), callbacks.waiting.len()), (1, 0));
}

#[test]
fn answers_of_other_shapes_end_nothing() {
    for (status, body, waits) in [
        (200, "[]", true),
        (200, "{}", true),
        (200, r#""ready""#, true),
        (200, r#"{"status": {"status": "ready"}}"#, true),
        (200, r#"{"error": "internal"}"#, true),
        (200, "<html>ready</html>", true),
        (200, "", true),
        (200, r#"{"status": "ready""#, true),
        (404, "<html>no such page</html>", true),
        (404, "", false),
        (404, r#"{"message": "no such video"}"#, false),
        (400, r#"{"error": "invalid id"}"#, false),
        (500, r#"{"status": "ready"}"#, true),
        (503, "", true),
    ] {
        let mut callbacks = Callbacks::new();
        callbacks.elsewhere.apis.answers_with("/tavus/v2/videos/v1", status, "", body);
        callbacks.video("order", "v1");
        callbacks.deliver();
        assert_eq!(callbacks.calls().len(), 1, "{status} {body}");
        assert!(callbacks.deliveries().is_empty(), "{status} {body}");
        assert_eq!(!callbacks.waiting.is_empty(), waits, "{status} {body}");
    }
}

#[test]
fn a_redirect_is_not_followed_and_the_callback_waits() {
    let mut callbacks = with_video();
    let elsewhere = format!("location: {}/v2/videos/v1\r\n", callbacks.elsewhere.apis.url("tavus"));
    callbacks.elsewhere.apis.answers_with("/tavus/v2/videos/v2", 302, &elsewhere, "{}");
    callbacks.video("order", "v2");
    callbacks.deliver();
    assert_eq!(callbacks.calls(), ["/tavus/v2/videos/v2?verbose=true"]);
    assert_eq!((callbacks.deliveries().len(), callbacks.waiting.len()), (0, 1));
}

#[test]
fn without_a_valid_key_callbacks_wait() {
    let replace = |secret: Option<&str>| {
        let mut callbacks = with_video();
        callbacks.video("order", "v1");
        let aws = std::sync::Arc::clone(&callbacks.elsewhere.aws);
        let secrets = &mut aws.lock().unwrap().secrets;
        secrets.remove("tavus-key");
        secrets.extend(secret.map(|secret| ("tavus-key".to_owned(), secret.to_owned())));
        callbacks
    };
    for (secret, requests) in [(Some("another-key"), 1), (Some("two words"), 0), (None, 0)] {
        let mut callbacks = replace(secret);
        callbacks.deliver();
        assert_eq!((callbacks.calls().len(), callbacks.wait()), (requests, 900), "{secret:?}");
        callbacks.elsewhere.aws.lock().unwrap().secrets.insert("tavus-key".to_owned(), "api-key-1".to_owned());
        callbacks.pass(15);
        callbacks.deliver();
        assert_eq!((callbacks.deliveries().len(), callbacks.waiting.len()), (1, 0), "{secret:?}");
    }
}

#[test]
fn a_platform_that_asks_for_a_wait_is_left_alone_until_then() {
    for header in ["retry-after: 300\r\n", "ratelimit-reset: 300\r\n"] {
        let mut callbacks = with_video();
        callbacks.elsewhere.apis.answers_with("/tavus/v2/videos/v2", 429, header, r#"{"error": "slow down"}"#);
        callbacks.video("order", "v2");
        callbacks.deliver();
        assert!(callbacks.wait() >= 300, "{header}");
        callbacks.video("order", "v1");
        callbacks.deliver();
        assert_eq!(callbacks.calls().len(), 1, "{header}: the one that was told to wait");
        assert_eq!(callbacks.waiting.len(), 2);
        callbacks.pass(6);
        callbacks.deliver();
        assert_eq!((callbacks.deliveries().len(), callbacks.waiting.len()), (1, 1), "{header}");
    }
}

#[test]
fn a_request_that_failed_answers_nothing() {
    let mut callbacks = Callbacks::new();
    callbacks.elsewhere.apis.answers_with("/tavus/v2/videos/v1", 500, "", "{}");
    (0..3).for_each(|_| callbacks.video("order", "v1"));
    callbacks.deliver();
    assert_eq!((callbacks.calls().len(), callbacks.waiting.len()), (1, 1), "the one that has asked goes on");
    callbacks.deliver();
    assert_eq!((callbacks.calls().len(), callbacks.waiting.len()), (0, 1), "its own request is no answer to it");
    callbacks.pass(1);
    callbacks.tavus_says("v1", &json!({"status": "ready", "download_url": ENDED}));
    callbacks.deliver();
    assert_eq!((callbacks.deliveries().len(), callbacks.waiting.len()), (1, 0));
}

#[test]
fn a_callback_that_came_after_the_last_request_has_one_of_its_own() {
    let mut callbacks = with_video();
    callbacks.video("order", "v1");
    callbacks.deliver();
    std::thread::sleep(std::time::Duration::from_millis(2));
    callbacks.video("order", "v1");
    callbacks.deliver();
    assert_eq!((callbacks.calls().len(), callbacks.waiting.len()), (1, 1));
    callbacks.pass(1);
    callbacks.deliver();
    assert_eq!((callbacks.calls().len(), callbacks.waiting.len()), (1, 0));
}

#[test]
fn a_callback_that_is_delivered_twice_leads_to_the_same_event() {
    let mut callbacks = with_video();
    callbacks.video("order", "v1");
    let message = callbacks.waiting.clone();
    callbacks.deliver();
    callbacks.pass(1);
    callbacks.waiting = message;
    callbacks.deliver();
    let deliveries = callbacks.deliveries();
    let events = deliveries.iter().map(|delivery| platforms::read(delivery.platform, &delivery.body));
    let keys: BTreeSet<_> = events.map(|event| event.item_key()).collect();
    assert_eq!((deliveries.len(), keys.len()), (2, 1));
}

#[test]
fn two_runs_at_once_keep_to_the_limits_together() {
    let mut callbacks = with_video();
    (0..10).for_each(|_| callbacks.video("order", "v1"));
    (0..50).for_each(|number| callbacks.video("order", &format!("forged{number}")));
    let first = minute();
    let runs: Vec<_> = callbacks.waiting.chunks(15).map(|run| (callbacks.elsewhere.app(), run.to_vec())).collect();
    let again: usize = std::thread::scope(|scope| {
        let runs: Vec<_> =
            runs.iter().map(|(app, run)| scope.spawn(|| failures(&invoke(app, run).unwrap()).len())).collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    let calls = callbacks.calls();
    assert!(calls.len() <= 30 * usize::try_from(minute() - first + 1).unwrap(), "{}", calls.len());
    assert!(calls.iter().filter(|call| call.contains("/v1?")).count() <= 1);
    assert!(again >= 60 - 10 - calls.len(), "nothing but what was asked for is settled");
}

#[test]
fn a_run_that_meets_another_at_the_limits_tries_again() {
    let mut callbacks = with_video();
    callbacks.elsewhere.aws.lock().unwrap().conflicts = 3;
    callbacks.video("order", "v1");
    callbacks.deliver();
    assert_eq!((callbacks.deliveries().len(), callbacks.waiting.len()), (1, 0));
}

#[test]
fn an_endpoint_does_not_use_up_what_the_others_may() {
    let mut callbacks = Callbacks::new();
    let now = OffsetDateTime::now_utc();
    (0..40).for_each(|number| callbacks.video("order", &format!("forged{number}")));
    callbacks.elsewhere.apis.answers_with("/did/talks/tlk_1", 200, "", r#"{"id": "tlk_1", "status": "done"}"#);
    callbacks.put(claim(Platform::Did, "talk", "order", r#"{"id": "tlk_1"}"#, now));
    callbacks.deliver();
    assert_eq!(callbacks.deliveries().len(), 1);
}

#[test]
fn what_is_no_callback_is_dropped_and_stops_no_other() {
    let mut callbacks = with_video();
    for poison in ["", "{}", "[1]", r#"{"version": 9}"#, "\u{0}"] {
        callbacks.put(poison.to_owned());
    }
    callbacks.video("order", "v1");
    callbacks.deliver();
    assert_eq!((callbacks.deliveries().len(), callbacks.waiting.len()), (1, 0));
}

#[test]
fn a_message_stays_until_its_answer_is_on_the_queue() {
    let calls = {
        let mut callbacks = with_video();
        callbacks.video("order", "v1");
        callbacks.deliver();
        callbacks.elsewhere.aws.lock().unwrap().calls.len()
    };
    for at in 1..=calls {
        let mut callbacks = with_video();
        callbacks.video("order", "v1");
        callbacks.elsewhere.aws.lock().unwrap().dies_at = Some(at);
        callbacks.deliver();
        assert_eq!((callbacks.deliveries().len(), callbacks.waiting.len()), (0, 1), "cut at call {at}");
        callbacks.elsewhere.aws.lock().unwrap().dies_at = None;
        callbacks.pass(1);
        callbacks.deliver();
        assert_eq!((callbacks.deliveries().len(), callbacks.waiting.len()), (1, 0), "cut at call {at}");
    }
}

#[test]
fn a_tracked_job_is_asked_for_whatever_id_a_callback_claims() {
    let mut callbacks = with_video();
    callbacks.tavus_says("strangers", &json!({"status": "ready", "download_url": "https://files.example.invalid/x"}));
    let request = json!({"action": "track", "callback_id": "order", "kind": "tavus.video", "entity_id": "v1", "expected_by": LONG_AGO});
    callbacks.elsewhere.ask(request).unwrap();
    callbacks.video("order", "strangers");
    callbacks.deliver();
    assert_eq!(callbacks.calls(), ["/tavus/v2/videos/v1?verbose=true"]);
    // The same for a body that claims none.
    callbacks.pass(1);
    callbacks.put(claim(Platform::Tavus, "video", "order", "{}", OffsetDateTime::now_utc()));
    callbacks.deliver();
    assert_eq!(callbacks.calls(), ["/tavus/v2/videos/v1?verbose=true"]);
}

#[test]
fn a_body_without_an_id_for_a_job_that_nobody_tracks_is_dropped() {
    let mut callbacks = with_video();
    for body in ["{}", "not json", "[]", r#"{"id": "v1"}"#] {
        callbacks.put(claim(Platform::Tavus, "video", "order", body, OffsetDateTime::now_utc()));
    }
    callbacks.deliver();
    assert!(callbacks.calls().is_empty() && callbacks.waiting.is_empty());
}

#[test]
fn heygens_callbacks_are_confirmed_with_its_own_client() {
    let mut callbacks = Callbacks::new();
    let url = callbacks.elsewhere.apis.url("heygen");
    callbacks.elsewhere = callbacks.elsewhere.with("HEYGEN_BASE_URL", &url).with("API_KEY_SECRET", "heygen-key");
    callbacks.elsewhere.aws.lock().unwrap().secrets.insert("heygen-key".to_owned(), "api-key-1".to_owned());
    let video = json!({"data": {"id": "v1", "status": "completed", "video_url": ENDED}});
    callbacks.elsewhere.apis.answers_with("/heygen/v3/videos/v1", 200, "", &video.to_string());
    let body = r#"{"event_type": "avatar_video.fail", "event_data": {"video_id": "v1", "callback_id": "forged"}}"#;
    callbacks.put(claim(Platform::HeyGen, "avatar_video", "order", body, OffsetDateTime::now_utc()));
    callbacks.deliver();
    let [delivery] = &callbacks.deliveries()[..] else { panic!("one delivery is expected") };
    assert_eq!((delivery.platform, delivery.via.as_str()), (Platform::HeyGen, "confirm"));
    let event = heygen::read(&delivery.body);
    assert_eq!((event.status, event.callback_id.as_deref()), (Some(Status::Succeeded), Some("order")));
    assert_eq!(callbacks.calls().len(), 1);
}
