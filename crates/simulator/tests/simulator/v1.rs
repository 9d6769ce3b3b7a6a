//! The API v1.

use crate::support::*;
use serde_json::{Value, json};
use simulator::Existing;

#[test]
fn v1_has_its_own_envelope_and_always_returns_secrets() {
    let api = api();
    let added = api.call("POST", "/v1/webhook/endpoint.add", json!({"url": SOME_URL, "events": null}));
    assert_eq!((added.status, &added.json()["code"]), (201, &json!(100)));
    let added = added.json()["data"].clone();
    assert_eq!(added["secret"], json!(api.secret(0)));
    assert!(!added["created_at"].as_str().unwrap().ends_with('Z'));
    let list = ok(&api.get("/v1/webhook/endpoint.list"));
    assert_eq!(list, json!({"code": 100, "data": [added], "message": null}));
    let types = ok(&api.get("/v1/webhook/webhook.list"));
    assert_eq!(types["data"].as_array().unwrap().len(), heygen::EventType::KNOWN.len());

    let id = api.id(0);
    let path = format!("/v1/webhook/endpoint.delete?endpoint_id={id}");
    assert_eq!(ok(&api.call("DELETE", &path, Value::Null))["code"], 100);
    rejected_by_v1(&api.call("DELETE", &path, Value::Null), 404, 400_131);
    let update = json!({"endpoint_id": id, "url": SOME_URL});
    rejected_by_v1(&api.call("PATCH", "/v1/webhook/endpoint.update", update), 404, 400_131);
    assert_eq!(api.endpoints(), []);
}

#[test]
fn v1_ignores_an_update_without_a_url_and_reports_no_error() {
    let api = api();
    let id = api.register(Existing::new(SOME_URL));
    let path = "/v1/webhook/endpoint.update";
    let unchanged = ok(&api.call("PATCH", path, json!({"endpoint_id": id, "events": ["batch.finished"]})));
    assert_eq!((&unchanged["code"], &unchanged["data"]["events"]), (&json!(100), &Value::Null));
    let body = json!({"endpoint_id": id, "url": "https://other.example.invalid/", "events": ["batch.finished"]});
    let changed = ok(&api.call("PATCH", path, body));
    assert_eq!(changed["data"]["events"], json!(["batch.finished"]));
    assert_eq!(changed["data"]["url"], "https://other.example.invalid/");
}
