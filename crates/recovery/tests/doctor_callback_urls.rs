//! The doctor asks the platforms where the callbacks of tracked jobs go.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::elsewhere::Elsewhere;
use serde_json::{Value, json};

const ELSEWHERE: &str = "https://canary.example.invalid/hook";

/// Tracks a job; the reply's callback URL.
fn tracked(world: &Elsewhere, order: &str, kind: &str, id: Option<&str>) -> String {
    let request = json!({"action": "track", "callback_id": order, "kind": kind, "entity_id": id});
    world.ask(request).unwrap()["callback_url"].as_str().unwrap().to_owned()
}

fn talk(world: &Elsewhere, id: &str, webhook: &Value) {
    let answer = json!({"id": id, "status": "started", "webhook": webhook});
    world.apis.answers(&format!("/did/talks/{id}"), 200, &answer.to_string());
}

/// The findings about callback URLs, as `code: message`. None shows a URL.
fn found(world: &Elsewhere) -> Vec<String> {
    let reply: Value = world.ask(json!({"action": "doctor", "verify": false})).unwrap();
    assert!(!reply.to_string().contains("canary") && !reply.to_string().contains("/webhooks/"), "{reply}");
    let findings = reply["findings"].as_array().unwrap().iter();
    let all = findings.map(|one| format!("{}: {}", one["code"].as_str().unwrap(), one["message"].as_str().unwrap()));
    all.filter(|one| one.starts_with("callback-url") || one.contains("callback URL")).collect()
}

#[test]
fn a_job_whose_callbacks_go_elsewhere_is_named_and_one_with_its_own_url_is_not() {
    let world = Elsewhere::new();
    let ours = tracked(&world, "order_1", "did.talk", Some("tlk_1"));
    tracked(&world, "order_2", "did.talk", Some("tlk_2"));
    talk(&world, "tlk_1", &json!(ours));
    talk(&world, "tlk_2", &json!(ours));
    assert_eq!(found(&world).len(), 1, "that of order_1 is not that of order_2");

    talk(&world, "tlk_2", &json!(ELSEWHERE));
    let [elsewhere] = &found(&world)[..] else { panic!("one finding") };
    assert!(elsewhere.starts_with("callback-url-elsewhere") && elsewhere.contains("jobs order_2 do"), "{elsewhere}");
}

#[test]
fn each_way_to_go_astray_has_its_finding() {
    let world = Elsewhere::new();
    let ours = tracked(&world, "order_1", "did.talk", Some("tlk_1"));
    for (webhook, expected) in [
        (json!(ours), None),
        (json!(ELSEWHERE), Some("callback-url-elsewhere")),
        (json!("not a URL"), Some("callback-url-elsewhere")),
        (json!(ours.replace("/main/", "/second/")), Some("callback-url-refused")),
        (json!(tracked(&world, "order_2", "did.talk", None)), Some("callback-url-of-another-job")),
        (json!(tracked(&world, "order_1", "did.clip", None)), Some("callback-url-of-another-job")),
        (Value::Null, Some("callback-url-missing")),
    ] {
        talk(&world, "tlk_1", &webhook);
        let found = found(&world);
        assert_eq!(found.first().and_then(|one| one.split(':').next()), expected, "{webhook} {found:?}");
        assert!(found.len() <= 1, "{found:?}");
    }
}

#[test]
fn a_url_made_with_a_secret_that_is_still_accepted_is_ours() {
    let world = Elsewhere::new();
    let ours = tracked(&world, "order_1", "did.talk", Some("tlk_1"));
    talk(&world, "tlk_1", &json!(ours));
    for (valid_until, count) in [("2099-01-01T00:00:00Z", 0), ("2026-01-01T00:00:00Z", 1)] {
        let previous = json!([{"secret": common::elsewhere::CALLBACK_SECRET, "valid_until": valid_until}]);
        let stored = json!({"current": "capability-key-2", "previous": previous}).to_string();
        world.aws.lock().unwrap().secrets.insert("shop/callbacks/did/main".to_owned(), stored);
        assert_eq!(found(&world).len(), count, "{valid_until}");
    }
}

#[test]
fn where_an_answer_need_not_repeat_the_url_its_absence_says_nothing() {
    let world = Elsewhere::new();
    for (kind, path, id) in [
        ("tavus.video", "/tavus/v2/videos/", "v1"),
        ("tavus.replica", "/tavus/v2/replicas/", "r1"),
        ("did.scene", "/did/scenes/", "s1"),
        ("tavus.conversation", "/tavus/v2/conversations/", "c1"),
    ] {
        tracked(&world, "order_1", kind, Some(id));
        world.apis.answers(&format!("{path}{id}"), 200, r#"{"status": "x"}"#);
    }
    let found = found(&world);
    assert!(found.len() == 1 && found[0].contains("Tavus's jobs order_1"), "the conversation's: {found:?}");
}

#[test]
fn an_odd_answer_is_no_finding_and_a_platform_that_does_not_answer_is_asked_no_more() {
    let world = Elsewhere::new();
    for id in ["tlk_1", "tlk_2", "tlk_3"] {
        tracked(&world, id, "did.talk", Some(id));
    }
    for (status, body) in [
        (200, "[]"),
        (200, "null"),
        (200, r#""x""#),
        (404, "{}"),
        (429, "{}"),
        (401, "{}"),
        (503, "{}"),
        (200, "<html>"),
    ] {
        for id in ["tlk_1", "tlk_2", "tlk_3"] {
            world.apis.answers(&format!("/did/talks/{id}"), status, body);
        }
        world.apis.calls();
        assert_eq!(found(&world), Vec::<String>::new(), "{status} {body}");
        let asked = world.apis.calls().iter().filter(|path| path.contains("/tlk_")).count();
        let is_answer = matches!((status, body), (200, "[]" | "null" | r#""x""#) | (404, _));
        assert_eq!(asked, if is_answer { 3 } else { 1 }, "{status} {body}");
    }
}

#[test]
fn few_jobs_of_a_platform_are_asked_for_the_telling_kinds_first() {
    let world = Elsewhere::new();
    for number in 0..9 {
        tracked(&world, "order_1", "did.scene", Some(&format!("s{number}")));
        tracked(&world, &format!("order_{number}"), "tavus.conversation", None);
    }
    tracked(&world, "order_1", "did.talk", Some("tlk_1"));
    talk(&world, "tlk_1", &json!(ELSEWHERE));
    world.apis.calls();
    assert_eq!(found(&world).len(), 1);
    let calls = world.apis.calls();
    let of = |part: &str| calls.iter().filter(|path| path.contains(part)).count();
    assert_eq!((of("/did/talks/tlk_1"), of("/did/scenes/s"), of("/tavus/v2/conversations/")), (1, 4, 0), "{calls:?}");
}

#[test]
fn without_an_endpoint_or_a_working_key_no_job_is_asked_for() {
    for (name, value) in [("PLATFORM_ENDPOINTS", "tavus/main"), ("DID_API_KEY_SECRET", "none-such")] {
        let world = Elsewhere::new();
        tracked(&world, "order_1", "did.talk", Some("tlk_1"));
        talk(&world, "tlk_1", &json!(ELSEWHERE));
        let world = world.with(name, value);
        assert_eq!(found(&world), Vec::<String>::new(), "{name}");
        assert!(!world.apis.calls().iter().any(|path| path.contains("tlk_1")), "{name}");
    }
}

#[test]
fn tracked_jobs_that_cannot_be_read_are_not_checked() {
    let world = Elsewhere::new();
    tracked(&world, "order_1", "did.talk", Some("tlk_1"));
    talk(&world, "tlk_1", &json!(ELSEWHERE));
    world.aws.lock().unwrap().secrets.insert("shop/callbacks/did/main".to_owned(), "canary".to_owned());
    let found = found(&world);
    assert!(found.iter().any(|one| one.starts_with("not-checked: the callback URLs of D-ID's jobs")), "{found:?}");
}
