//! ElevenLabs' webhooks.

use crate::elevenlabs::{misshapen, refused, subscribe};
use crate::support::*;
use serde_json::{Value, json};
use simulator::{Platform, Progress, Receiver};
use std::time::Duration;

const ELEVENLABS: Platform = Platform::ElevenLabs;
const WEBHOOKS: &str = "/v1/workspace/webhooks";

fn settings(url: &str) -> Value {
    json!({"settings": {"auth_type": "hmac", "name": "ours", "webhook_url": url, "request_headers": {"X-Own": "v"}}})
}

fn listed(api: &Api) -> Value {
    ok(&api.get_at(ELEVENLABS, &format!("{WEBHOOKS}?include_usages=true")))["webhooks"][0].clone()
}

#[test]
fn a_webhook_is_created_then_subscribed_and_its_secret_shown_once() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    let created = ok(&api.at(ELEVENLABS, "POST", WEBHOOKS, settings(&receiver.url())));
    let id = created["webhook_id"].as_str().unwrap();
    assert!(created["webhook_secret"].as_str().unwrap().starts_with("wsec_"));
    assert_eq!(serde_json::to_value(&api.api(ELEVENLABS).webhooks()[0].secret).unwrap(), created["webhook_secret"]);
    assert_eq!(listed(&api)["events"], json!([]), "a new webhook subscribes to nothing");

    let path = format!("{WEBHOOKS}/{id}");
    let update = json!({"is_disabled": false, "name": "ours", "events": ["flows"], "retry_enabled": true});
    ok(&api.at(ELEVENLABS, "PATCH", &path, update));
    let webhook = listed(&api);
    assert_eq!((&webhook["events"], &webhook["usage"]), (&json!(["flows"]), &json!([])));
    assert_eq!((&webhook["webhook_url"], &webhook["auth_type"]), (&json!(receiver.url()), &json!("hmac")));
    assert!(!webhook.to_string().contains("wsec_"));
    let plain = ok(&api.get_at(ELEVENLABS, WEBHOOKS))["webhooks"][0].clone();
    assert!(plain.get("events").is_none() && plain.get("usage").is_none(), "{plain}");

    receiver.respond_next(200);
    api.api(ELEVENLABS).emit("flows_generation", json!({}));
    api.api(ELEVENLABS).emit("speech_to_text_transcription", json!({}));
    api.wait_until_delivered(TIMEOUT).unwrap();
    let [delivery] = &receiver.deliveries()[..] else { panic!("one delivery") };
    assert_eq!(delivery.header("x-own"), Some("v"));

    api.api(ELEVENLABS).change_webhook(id, |webhook| webhook.workspace.is_used = true);
    refused(&api.at(ELEVENLABS, "DELETE", &path, Value::Null), 400, "webhook_in_use");
    api.api(ELEVENLABS).change_webhook(id, |webhook| webhook.workspace.is_used = false);
    assert_eq!(ok(&api.at(ELEVENLABS, "DELETE", &path, Value::Null)), json!({"status": "ok"}));
    refused(&api.at(ELEVENLABS, "DELETE", &path, Value::Null), 404, "not_found");
}

#[test]
fn an_update_needs_both_required_fields_and_cannot_change_the_url() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    let path = format!("{WEBHOOKS}/{}", subscribe(&api, &receiver));
    for body in [
        json!({"is_disabled": false}),
        json!({"name": "ours"}),
        json!({"is_disabled": false, "name": "ours", "webhook_url": "https://a.example.com"}),
        json!({"is_disabled": false, "name": "ours", "events": ["post_call_transcription"]}),
        json!({"is_disabled": false, "name": "ours", "request_headers": {"a b": "v"}}),
    ] {
        misshapen(&api.at(ELEVENLABS, "PATCH", &path, body));
    }
    let update = json!({"is_disabled": true, "name": "renamed"});
    refused(&api.at(ELEVENLABS, "PATCH", &format!("{WEBHOOKS}/unknown"), update.clone()), 404, "not_found");
    ok(&api.at(ELEVENLABS, "PATCH", &path, update));
    let webhook = listed(&api);
    assert_eq!([&webhook["name"], &webhook["is_disabled"]], [&json!("renamed"), &json!(true)]);
    assert_eq!(webhook["events"], json!(["flows", "speech_to_text"]), "what an update leaves out stays");
    api.api(ELEVENLABS).emit("flows_generation", json!({}));
    assert!(api.deliveries().is_empty());
}

#[test]
fn a_webhook_of_the_wrong_shape_is_refused() {
    let api = api();
    let with = |field: &str, value: Value| {
        let mut body = settings("https://hooks.example.com/x");
        body["settings"][field] = value;
        body
    };
    for body in [
        json!({"name": "ours"}),
        with("auth_type", json!("oauth2")),
        with("webhook_url", json!("http://hooks.example.com/x")),
        with("events", json!(["flows"])),
        with("retry_enabled", json!(true)),
        with("name", Value::Null),
    ] {
        misshapen(&api.at(ELEVENLABS, "POST", WEBHOOKS, body));
    }
    ok(&api.at(ELEVENLABS, "POST", WEBHOOKS, with("request_headers", Value::Null)));
}

#[test]
fn ten_failures_in_a_row_disable_a_webhook_that_has_not_worked_lately() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    let id = subscribe(&api, &receiver);
    let deliver = |status: u16| {
        let before = api.deliveries().len();
        receiver.respond_next(status);
        api.api(ELEVENLABS).emit("flows_generation", json!({}));
        let settled = || api.deliveries().iter().all(|one| one.progress != Progress::InFlight);
        wait_for("the delivery", settled);
        api.deliveries().len() - before
    };
    for _ in 0..9 {
        assert_eq!(deliver(503), 1);
    }
    assert_eq!(listed(&api)["is_auto_disabled"], json!(false));
    deliver(503);
    let webhook = listed(&api);
    assert_eq!([&webhook["is_auto_disabled"], &webhook["is_disabled"]], [&json!(true), &json!(false)]);
    assert_eq!(webhook["most_recent_failure_error_code"], json!(503));
    assert!(webhook["most_recent_failure_timestamp"].is_i64());
    assert_eq!(deliver(200), 0, "nothing is delivered to it");

    let path = format!("{WEBHOOKS}/{id}");
    ok(&api.at(ELEVENLABS, "PATCH", &path, json!({"is_disabled": false, "name": "ours"})));
    assert_eq!(listed(&api)["is_auto_disabled"], json!(false));
    // The response that was not used above comes now.
    assert_eq!(deliver(503), 1);
    for _ in 0..12 {
        deliver(503);
    }
    assert_eq!(listed(&api)["is_auto_disabled"], json!(false), "it has worked within a week");
    api.advance(Duration::from_hours(24 * 8));
    deliver(503);
    assert_eq!(listed(&api)["is_auto_disabled"], json!(true));
}
