//! The story of an order is told over all its platforms, and what is missing of it can be brought back.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::elsewhere::Elsewhere;
use serde_json::{Value, json};

const LINK: &str = "https://files.example.invalid/v1.mp4?Signature=canary-link";
const KINDS: [(&str, &str); 4] =
    [("synthesia.video", "s1"), ("elevenlabs.flows", "e1"), ("tavus.video", "t1"), ("did.talk", "d1")];

/// One order with a job on each platform. Synthesia's has ended; Tavus does not know its own.
fn world() -> Elsewhere {
    let world = Elsewhere::new();
    for (kind, entity) in KINDS {
        world.track("order_1", kind, Some(entity));
    }
    world.apis.answers("/synthesia/v2/videos/s1", 200, &json!({"status": "complete", "download": LINK}).to_string());
    world.apis.answers("/elevenlabs/v1/flows/video/e1", 200, r#"{"status": "generating"}"#);
    world.apis.answers(
        "/did/talks/d1",
        200,
        &json!({"status": "done", "result_url": LINK, "user": {"email": "canary"}}).to_string(),
    );
    let ended = Elsewhere::new();
    ended.track("order_1", "synthesia.video", Some("s1"));
    ended.apis.answers("/synthesia/v2/videos/s1", 200, &json!({"status": "complete", "download": LINK}).to_string());
    ended.sweep();
    let (event, _) = ended.sent().remove(0);
    world.aws.lock().unwrap().record(&event, "delivery");
    world
}

fn explain(world: &Elsewhere) -> Value {
    world.ask(json!({"action": "explain", "callback_id": "order_1"})).unwrap()
}

#[test]
fn one_orders_story_is_told_over_all_its_platforms() {
    let reply = explain(&world());
    assert!(!reply.to_string().contains("canary"), "{reply}");
    let jobs = reply["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 4);
    for (job, (kind, entity)) in
        jobs.iter().map(|job| (job, (job["kind"].as_str().unwrap(), job["entity_id"].as_str().unwrap())))
    {
        assert!(KINDS.contains(&(kind, entity)));
        assert_eq!(job["platform"], kind.split_once('.').unwrap().0);
    }
    assert_eq!(reply["events"][0]["platform"], "synthesia");
    let says: Vec<_> = reply["at_platforms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|at| (at["entity_id"].as_str().unwrap(), at["status"].as_str().unwrap()))
        .collect();
    for expected in [("s1", "succeeded"), ("e1", "pending"), ("t1", "not_found"), ("d1", "succeeded")] {
        assert!(says.contains(&expected), "{expected:?} is not in {says:?}");
    }
    assert_eq!((&reply["at_heygen"], &reply["not_read"]), (&json!([]), &json!([])), "HeyGen has no part in it");
    let text = reply["text"].as_str().unwrap();
    for line in [
        "Synthesia: video.completed",
        "  D-ID: did.talk d1: succeeded",
        "synthesia.video s1: succeeded, decided by video.completed",
        "elevenlabs.flows e1: not finished. ElevenLabs says pending: its webhook comes when it ends.",
        "tavus.video t1: not finished. Tavus does not know it: check the id and Tavus's workspace.",
        "did.talk d1: D-ID says succeeded, this deployment says pending: run {\"action\":\"backfill\",\"entity_id\":\"d1\"}",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[test]
fn a_platform_that_cannot_be_asked_is_reported_once_and_stops_nothing_else() {
    let world = world();
    world.track("order_1", "did.clip", Some("c1"));
    for path in ["/did/talks/d1", "/did/clips/c1"] {
        world.apis.answers(path, 403, "{}");
    }
    let reply = explain(&world);
    let problems = reply["not_read"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{reply}");
    assert!(
        problems[0].as_str().unwrap().starts_with("what D-ID says: D-ID could not be asked: it rejects the API key")
    );
    assert!(reply["text"].as_str().unwrap().contains("did.talk d1: not finished. D-ID could not be asked."), "{reply}");
    assert_eq!(reply["at_platforms"].as_array().unwrap().len(), 3);
}

#[test]
fn what_the_conclusion_says_brings_the_end_back_once() {
    let world = world();
    let backfill = |entity: &str| world.ask(json!({"action": "backfill", "entity_id": entity})).unwrap();
    assert_eq!(backfill("d1")["sources"][0]["missed"], 1);
    let (event, via) = world.record().remove(0);
    assert_eq!((via.as_str(), event.callback_id.as_deref()), ("backfill", Some("order_1")));
    assert_eq!(world.job("d1")["status"], "succeeded");
    for entity in ["d1", "e1", "s1", "t1"] {
        let reply = backfill(entity);
        assert_eq!((&reply["sources"][0]["missed"], world.sent().len()), (&json!(0), 0), "{entity}: {reply}");
    }
}
