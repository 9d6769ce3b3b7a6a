//! Tracked jobs of other platforms than HeyGen end as their platforms say, although nothing reported them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::elsewhere::Elsewhere;
use serde_json::{Value, json};
use webhook::Status;

const LINK: &str = "https://files.example.invalid/v1.mp4?Expires=4102444800&Signature=canary-link";

/// A kind of a job of each platform, where it is asked for, and the answer that it succeeded.
fn succeeded() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("synthesia.video", "/synthesia/v2/videos/", json!({"status": "complete", "download": LINK})),
        (
            "elevenlabs.flows",
            "/elevenlabs/v1/flows/video/",
            json!({"status": "completed", "content_url": LINK, "content_mime_type": "video/mp4"}),
        ),
        ("tavus.video", "/tavus/v2/videos/", json!({"status": "ready", "download_url": LINK})),
        ("did.talk", "/did/talks/", json!({"status": "done", "result_url": LINK})),
    ]
}

fn world_of(kind: &str, path: &str, count: usize, answer: &Value) -> Elsewhere {
    let world = Elsewhere::new();
    for number in 0..count {
        world.track(&format!("order_{number}"), kind, Some(&format!("v{number}")));
        world.apis.answers(&format!("{path}v{number}"), 200, &answer.to_string());
    }
    world
}

fn platform(kind: &str) -> &str {
    kind.split_once('.').unwrap().0
}

#[test]
fn a_job_whose_webhook_was_lost_ends_as_its_platform_says() {
    for (kind, path, answer) in succeeded() {
        let world = world_of(kind, path, 3, &answer);
        let reply = world.sweep();
        assert_eq!(reply["platforms"][platform(kind)]["finished"], 3, "{reply}");
        assert_eq!((&reply["finished"], &reply["more"]), (&json!(0), &json!(false)), "HeyGen's jobs: {reply}");
        let sent = world.record();
        for (event, via) in &sent {
            assert_eq!((via.as_str(), event.platform.name()), ("sweep", platform(kind)));
            assert_eq!(event.callback_id, Some(event.entity_id.clone().unwrap().replace('v', "order_")));
        }
        assert_eq!((sent.len(), world.job("v1")["status"].as_str()), (3, Some("succeeded")), "{kind}");
        assert_eq!(
            (world.apis.calls().len(), world.apis.most_at_once()),
            (3, 1),
            "one call each, one at a time: {kind}"
        );

        world.is_due();
        let reply = world.sweep();
        assert!(world.apis.calls().is_empty() && world.sent().is_empty(), "it is looked after no more: {reply}");
    }
}

#[test]
fn a_job_that_failed_fails_with_its_platforms_reason() {
    for (kind, path, answer) in [
        ("synthesia.video", "/synthesia/v2/videos/", json!({"status": "error"})),
        ("elevenlabs.flows", "/elevenlabs/v1/flows/video/", json!({"status": "failed", "error_message": "No voice."})),
        ("tavus.video", "/tavus/v2/videos/", json!({"status": "error", "status_details": "No voice."})),
        ("did.talk", "/did/talks/", json!({"status": "rejected", "error": {"description": "No voice."}})),
    ] {
        let world = world_of(kind, path, 1, &answer);
        world.sweep();
        let sent = world.sent();
        let job = sent[0].0.job().unwrap();
        let message = job.failure.and_then(|failure| failure.message);
        let expected = (kind != "synthesia.video").then(|| "No voice.".to_owned());
        assert_eq!((job.status, message), (Status::Failed, expected), "{kind}");
    }
}

#[test]
fn a_job_that_runs_or_says_nothing_readable_stays_pending() {
    for (kind, path, _) in succeeded() {
        for answer in [
            json!({"status": "generating"}),
            json!({"status": "started"}),
            json!({}),
            json!([]),
            json!(null),
            json!("done"),
        ] {
            let world = world_of(kind, path, 1, &answer);
            let reply = world.sweep();
            assert_eq!(reply["platforms"][platform(kind)]["running"], 1, "{kind} {answer}: {reply}");
            assert!(world.sent().is_empty(), "{kind} {answer}");
            world.sweep();
            assert_eq!(world.apis.calls().len(), 1, "it is asked for later: {kind} {answer}");
        }
    }
}

#[test]
fn a_rate_limit_ends_a_platforms_turn_and_no_others() {
    let world = world_of("tavus.video", "/tavus/v2/videos/", 5, &json!({"status": "ready", "download_url": LINK}));
    for number in 0..5 {
        world.apis.answers(&format!("/tavus/v2/videos/v{number}"), 429, "{}");
        world.track(&format!("order_{number}"), "did.talk", Some(&format!("t{number}")));
        world.apis.answers(&format!("/did/talks/t{number}"), 200, r#"{"status": "done"}"#);
    }
    let reply = world.sweep();
    assert_eq!(reply["platforms"]["tavus"]["stopped"], "rate_limited", "{reply}");
    assert_eq!((&reply["platforms"]["did"]["finished"], &reply["more"]), (&json!(5), &json!(false)), "{reply}");
    let calls = world.apis.calls();
    assert_eq!(calls.iter().filter(|path| path.starts_with("/tavus")).count(), 1, "{calls:?}");
    assert!(
        reply["text"].as_str().unwrap().contains("Tavus: none was looked at; its rate limit is exceeded"),
        "{reply}"
    );

    // The jobs are due still.
    for number in 0..5 {
        world.apis.answers(&format!("/tavus/v2/videos/v{number}"), 200, r#"{"status": "ready"}"#);
    }
    assert_eq!(world.sweep()["platforms"]["tavus"]["finished"], 5);
}

#[test]
fn a_platform_that_rejects_the_key_is_asked_once_and_keeps_no_other_waiting() {
    let world = world_of("tavus.video", "/tavus/v2/videos/", 3, &json!({"status": "ready"}));
    world.track("order", "did.talk", Some("t1"));
    world.apis.answers("/did/talks/t1", 200, r#"{"status": "done"}"#);
    world.aws.lock().unwrap().secrets.insert("tavus-key".to_owned(), "another".to_owned());
    let error = world.ask(json!({"action": "sweep"})).unwrap_err();
    assert!(
        error.contains("Tavus could not be asked: it rejects the API key") && error.lines().count() == 1,
        "{error}"
    );
    assert_eq!(world.apis.calls().iter().filter(|path| path.starts_with("/tavus")).count(), 1);
    assert_eq!(world.sent().len(), 1);

    world.aws.lock().unwrap().secrets.insert("tavus-key".to_owned(), "api-key-1".to_owned());
    assert_eq!(world.sweep()["platforms"]["tavus"]["finished"], 3, "they are due still");
}

#[test]
fn a_platform_that_fails_is_asked_three_times_and_its_other_jobs_come_next() {
    let world = world_of("tavus.video", "/tavus/v2/videos/", 7, &json!({"status": "ready"}));
    for number in 0..7 {
        world.apis.answers(&format!("/tavus/v2/videos/v{number}"), 500, "{}");
    }
    for (asked, left) in [(3, 4), (3, 1), (1, 0)] {
        world.ask(json!({"action": "sweep"})).unwrap_err();
        assert_eq!(world.apis.calls().len(), asked, "{left} are left");
    }
}

#[test]
fn without_a_key_a_job_waits_and_nothing_fails() {
    let world = Elsewhere::new().with("TAVUS_API_KEY_SECRET", "");
    for number in 0..3 {
        world.track(&format!("order_{number}"), "tavus.video", Some(&format!("v{number}")));
    }
    world.track("order", "did.talk", Some("t1"));
    world.apis.answers("/did/talks/t1", 200, r#"{"status": "done"}"#);
    let reply = world.sweep();
    assert_eq!(
        (&reply["platforms"]["tavus"]["stopped"], &reply["platforms"]["did"]["finished"]),
        (&json!("no_key"), &json!(1)),
        "{reply}"
    );
    assert_eq!((world.apis.calls().len(), world.job("v1")["status"].as_str()), (1, Some("pending")));
    assert!(world.sweep().get("platforms").is_none(), "later");
}

#[test]
fn the_schedule_looks_after_other_platforms_whatever_becomes_of_heygen() {
    for (key, is_error) in [("", false), ("heygen-key", true)] {
        let (kind, path, answer) = &succeeded()[2];
        let world = world_of(kind, path, 1, answer).with("API_KEY_SECRET", key);
        let reply = world.ask(json!({"action": "recover"}));
        assert_eq!(world.sent().len(), 1, "{key:?}: {reply:?}");
        match reply {
            // The key is meant to be used, and is not there.
            Err(error) => assert!(is_error && error.contains("no HeyGen API key"), "{error}"),
            Ok(reply) => {
                assert!(!is_error, "{reply}");
                assert_eq!(
                    (&reply["sweep"]["platforms"]["tavus"]["finished"], &reply["backfill"]["sources"][0]["list"]),
                    (&json!(1), &json!("synthesia.video")),
                    "nor do the others' lists need it"
                );
            }
        }
    }
}

#[test]
fn a_job_that_its_platform_does_not_know_fails_with_that_reason_but_not_at_once() {
    for (kind, _, _) in succeeded() {
        let world = Elsewhere::new().with("UNKNOWN_JOB_HOURS", "10");
        let hours_ago = |hours| aws::clock::to_text(time::OffsetDateTime::now_utc() - time::Duration::hours(hours));
        for (entity, hours) in [("new", 9), ("old", 11)] {
            let request = json!({"action": "track", "callback_id": "o", "kind": kind, "entity_id": entity, "expected_by": hours_ago(hours)});
            world.ask(request).unwrap();
        }
        let reply = world.sweep();
        let swept = &reply["platforms"][platform(kind)];
        assert_eq!((&swept["unknown"], &swept["failed"]), (&json!(1), &json!(1)), "{reply}");
        let sent = world.record();
        let failure = sent[0].0.job().unwrap().failure.unwrap();
        assert_eq!(failure.code.as_deref(), Some("heygen_webhooks.unknown_job"));
        assert!(failure.message.unwrap().ends_with("does not know this job"));
        assert_eq!(world.job("old")["status"], "failed", "its own item: {kind}");
    }
}

#[test]
fn a_job_without_an_id_becomes_the_one_that_reported_or_fails() {
    let world = Elsewhere::new();
    world.track("order_1", "tavus.video", None);
    world.track("order_2", "elevenlabs.flows", None);
    let track = json!({"action": "track", "callback_id": "order_1", "kind": "tavus.video", "entity_id": "v1", "expected_by": "2030-01-01T00:00:00Z"});
    let other = Elsewhere::new();
    other.ask(track).unwrap();
    other.is_due();
    other.apis.answers("/tavus/v2/videos/v1", 200, r#"{"status": "ready"}"#);
    other.sweep();
    let (event, _) = other.sent().remove(0);
    world.aws.lock().unwrap().record(&event, "confirm");

    let reply = world.sweep();
    assert_eq!(reply["platforms"]["tavus"]["finished"], 1, "{reply}");
    let job = world.job("v1");
    assert_eq!((&job["status"], &job["times_tracked"]), (&json!("succeeded"), &json!("1")), "{job:?}");
    assert_eq!(reply["platforms"]["elevenlabs"]["failed"], 1, "{reply}");
    let (never, _) = world.sent().remove(0);
    let failure = never.failure.unwrap();
    assert_eq!(failure.code.as_deref(), Some("heygen_webhooks.never_reported"));
    assert!(failure.message.unwrap().contains("track it with ElevenLabs's id"));
    assert!(world.apis.calls().is_empty());
}

#[test]
fn a_job_of_synthesia_without_an_id_is_found_in_its_list() {
    let world = Elsewhere::new();
    for order in ["order_1", "order_2", "twice", "nowhere"] {
        world.track(order, "synthesia.video", None);
    }
    let video = |id: &str, order: &str| json!({"id": id, "callbackId": order, "status": "complete"});
    let videos = [
        video("s1", "order_1"),
        video("t1", "twice"),
        video("t2", "twice"),
        video("s2", "order_2"),
        json!({"id": "other"}),
    ];
    world.apis.answers("/synthesia/v2/videos", 200, &json!({ "videos": videos }).to_string());
    world.apis.answers("/synthesia/v2/videos/s1", 200, &video("s1", "order_1").to_string());
    world.apis.answers("/synthesia/v2/videos/s2", 200, r#"{"status": "in_progress"}"#);
    let reply = world.sweep();
    assert_eq!(
        (&reply["platforms"]["synthesia"]["running"], &reply["platforms"]["synthesia"]["failed"]),
        (&json!(2), &json!(2)),
        "{reply}"
    );
    assert_eq!(world.apis.calls().iter().filter(|path| path.contains('?')).count(), 1, "the list is read once");
    world.sent();
    world.sweep();
    world.record();
    let ended = world.job("s1");
    assert_eq!(
        (&ended["status"], &ended["callback_id"], &ended["tracked_as"]),
        (&json!("succeeded"), &json!("order_1"), &json!("job#synthesia.video#callback_id:order_1"))
    );
    assert_eq!(world.job("s2")["status"], "pending");
}

#[test]
fn a_job_of_d_id_without_an_id_is_found_in_the_list_of_its_kind() {
    let world = Elsewhere::new();
    world.track("order_1", "did.talk", None);
    world.track("order_2", "did.talk", None);
    world.lists("/did/talks", &[json!({"id": "t1", "user_data": "order_1", "status": "created"})]);
    world.lists("/did/clips", &[json!({"id": "c1", "user_data": "order_2", "status": "done"})]);
    let reply = world.sweep();
    let did = &reply["platforms"]["did"];
    assert_eq!((&did["running"], &did["failed"]), (&json!(1), &json!(1)), "{reply}");
    assert_eq!(
        (world.apis.calls(), world.job("t1")["callback_id"].clone()),
        (vec!["/did/talks?limit=100".to_owned()], json!("order_1"))
    );
}

#[test]
fn a_list_that_cannot_be_read_fails_no_job() {
    let world = Elsewhere::new();
    world.track("order_1", "synthesia.video", None);
    world.apis.answers("/synthesia/v2/videos", 429, "{}");
    let reply = world.sweep();
    assert_eq!(
        (&reply["platforms"]["synthesia"]["stopped"], world.sent().len()),
        (&json!("rate_limited"), 0),
        "{reply}"
    );
    for (status, body) in [(401, "{}"), (200, "[]"), (200, "<html>"), (404, "{}")] {
        world.is_due();
        world.apis.answers("/synthesia/v2/videos", status, body);
        world.ask(json!({"action": "sweep"})).unwrap_err();
        assert!(world.sent().is_empty(), "{status} {body}");
    }
}

#[test]
fn cut_at_any_call_and_run_again_a_sweep_ends_each_job_once() {
    let (kind, path, answer) = &succeeded()[2];
    let calls = {
        let world = world_of(kind, path, 2, answer);
        world.aws.lock().unwrap().calls.clear();
        world.sweep();
        world.aws.lock().unwrap().calls.len()
    };
    assert!(calls > 16, "{calls}");
    for at in 1..=calls {
        let world = world_of(kind, path, 2, answer);
        {
            let mut aws = world.aws.lock().unwrap();
            (aws.dies_at, aws.calls) = (Some(at), Vec::new());
        }
        let cut = world.ask(json!({"action": "sweep"}));
        assert!(cut.is_err(), "cut at {at}");
        world.aws.lock().unwrap().dies_at = None;
        world.is_due();
        world.sweep();
        let mut identities: Vec<_> = world.record().into_iter().map(|(event, _)| event.identity).collect();
        identities.sort();
        identities.dedup();
        assert_eq!(identities.len(), 2, "cut at {at}: sent again, it is the same event");
        assert_eq!(world.job("v0")["status"], "succeeded", "cut at {at}");
    }
}

#[test]
fn new_links_never_move_a_state() {
    for (kind, path, answer) in succeeded() {
        let world = world_of(kind, path, 1, &answer);
        let refresh = || world.ask(json!({"action": "refresh", "callback_id": "order_0"})).unwrap();
        assert_eq!((&refresh()["left"], world.sent().len()), (&json!(1), 0), "it is pending here: {kind}");

        world.sweep();
        let identity = world.record()[0].0.identity.clone();
        assert_eq!(refresh()["refreshed"], 1, "{kind}");
        let (event, via) = world.sent().remove(0);
        assert_eq!((via.as_str(), event.identity.clone()), ("refresh", identity), "{kind}");
        assert_eq!(event.job().unwrap().item_key(), world.job("v0")["item"], "{kind}");

        let without_links = json!({"status": answer["status"]});
        for (status, now) in
            [(200, json!({"status": "error"})), (200, without_links), (200, json!([])), (404, json!({}))]
        {
            world.apis.answers(&format!("{path}v0"), status, &now.to_string());
            assert_eq!((&refresh()["left"], world.sent().len()), (&json!(1), 0), "{kind} {now}");
        }
        world.apis.answers(&format!("{path}v0"), 401, "{}");
        let error = world.ask(json!({"action": "refresh", "callback_id": "order_0"})).unwrap_err();
        assert!(error.contains("rejects the API key") && world.sent().is_empty(), "{error}");
    }
}

#[test]
fn links_that_are_kept_fresh_are_replaced_before_they_expire() {
    let in_hours = |hours| (time::OffsetDateTime::now_utc() + time::Duration::hours(hours)).unix_timestamp();
    let answer = |hours: i64| {
        json!({"status": "done", "result_url": format!("https://x.invalid/v.mp4?Expires={}", in_hours(hours))})
            .to_string()
    };
    let world = Elsewhere::new();
    let request = json!({"action": "track", "callback_id": "o", "kind": "did.talk", "entity_id": "v1", "keep_fresh": true, "expected_by": common::elsewhere::LONG_AGO});
    world.ask(request).unwrap();
    world.apis.answers("/did/talks/v1", 200, &answer(24));
    world.sweep();
    world.record();
    world.is_due();
    assert_eq!(world.sweep()["platforms"]["did"]["refreshed"], 0, "half of their life is left");
    assert_eq!(world.apis.calls().len(), 1);
    // As if they had been received a day ago.
    world.aws.lock().unwrap().table.items.values_mut().for_each(|item| {
        item.insert("received_at".to_owned(), json!({"S": "2026-01-01T00:00:00.000Z"}));
        if item.contains_key("links_expire_at") {
            item.insert("links_expire_at".to_owned(), json!({"N": in_hours(2).to_string()}));
        }
    });
    world.is_due();
    world.apis.answers("/did/talks/v1", 200, &answer(25));
    let reply = world.sweep();
    assert_eq!((&reply["platforms"]["did"]["refreshed"], world.sent().len()), (&json!(1), 1), "{reply}");
}
