//! The API v3.

use crate::support::*;
use heygen::Secret;
use serde_json::{Value, json};
use simulator::{Existing, Options};

#[test]
fn v3_returns_a_secret_only_when_it_is_created() {
    let api = api();
    let body = json!({"url": SOME_URL, "events": ["avatar_video.fail"], "entity_id": "space_1"});
    let created = ok(&api.call("POST", ENDPOINTS, body))["data"].clone();
    let secret = created["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    assert_eq!(Secret::new(secret.clone()).unwrap(), api.secret(0));
    assert_eq!(created["events"], json!(["avatar_video.fail"]));
    assert_eq!(created["status"], "enabled");

    let mut listed = created.clone();
    listed["secret"] = Value::Null;
    assert_eq!(ok(&api.get(ENDPOINTS)), json!({"data": [listed], "has_more": false, "next_token": null}));

    let rotate = format!("{ENDPOINTS}/{}/rotate-secret", api.id(0));
    let rotated = ok(&api.call("POST", &rotate, Value::Null))["data"].clone();
    assert_eq!(rotated["endpoint_id"], created["endpoint_id"]);
    assert_ne!(rotated["secret"], json!(secret));
    assert_eq!(json!(api.secret(0)), rotated["secret"]);
}

#[test]
fn entity_id_is_accepted_and_never_returned() {
    let api = api();
    let created = api.call("POST", ENDPOINTS, json!({"url": SOME_URL, "entity_id": "space_1"}));
    let patched = api.call("PATCH", &format!("{ENDPOINTS}/{}", api.id(0)), json!({"url": SOME_URL}));
    for response in [created, patched, api.get(ENDPOINTS), api.get("/v1/webhook/endpoint.list")] {
        assert_eq!(response.status, 200);
        assert!(!String::from_utf8(response.body).unwrap().contains("space_1"));
    }
    assert_eq!(api.endpoints()[0].entity_id.as_deref(), Some("space_1"));
}

#[test]
fn patch_replaces_the_events_and_delete_removes_the_endpoint() {
    let api = api();
    let id = api.register(Existing { events: Some(vec!["avatar_video.fail".into()]), ..Existing::new(SOME_URL) });
    let path = format!("{ENDPOINTS}/{id}");
    let patched = ok(&api.call("PATCH", &path, json!({"events": ["batch.finished"]})));
    assert_eq!(patched["data"]["events"], json!(["batch.finished"]));
    assert_eq!(patched["data"]["url"], SOME_URL);
    assert_eq!(patched["data"]["secret"], Value::Null);
    // It could mean all types or no change: not documented.
    rejected(&api.call("PATCH", &path, json!({"events": null})), 400, "invalid_parameter");
    let patched = ok(&api.call("PATCH", &path, json!({"url": "https://other.example.invalid/"})));
    assert_eq!(patched["data"]["events"], json!(["batch.finished"]));

    assert_eq!(ok(&api.call("DELETE", &path, Value::Null)), json!({"data": {}}));
    for (method, path) in [("DELETE", &path), ("PATCH", &path), ("POST", &format!("{path}/rotate-secret"))] {
        let body = if method == "PATCH" { json!({}) } else { Value::Null };
        rejected(&api.call(method, path, body), 404, "not_found");
    }
}

#[test]
fn a_long_list_has_pages_whose_tokens_are_valid_only_for_it() {
    let api = Api::start(Options { endpoints: Existing::foreign(250), ..Options::default() });
    assert_eq!(ok(&api.get(ENDPOINTS))["data"].as_array().unwrap().len(), 10);

    let (mut urls, mut sizes, mut token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = ok(&api.get(&format!("{ENDPOINTS}?limit=100{token}")));
        let items = page["data"].as_array().unwrap();
        sizes.push(items.len());
        urls.extend(items.iter().map(|item| item["url"].as_str().unwrap().to_owned()));
        assert_eq!(page["has_more"], json!(page["next_token"].is_string()));
        let Some(next) = page["next_token"].as_str() else { break };
        token = format!("&token={next}");
        // After an item was deleted between two pages, the next page neither skips nor repeats any.
        api.call("DELETE", &format!("{ENDPOINTS}/{}", api.id(0)), Value::Null);
    }
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(urls, Existing::foreign(250).into_iter().map(|existing| existing.url).collect::<Vec<_>>());

    for query in ["limit=0", "limit=101", "limit=-1", "limit=many", "token=250", "token="] {
        rejected(&api.get(&format!("{ENDPOINTS}?{query}")), 400, "invalid_parameter");
    }
    rejected(&api.get(&format!("/v3/webhooks/events?limit=1{token}")), 400, "invalid_parameter");
}

#[test]
fn the_event_types_are_those_of_the_options() {
    let types = ok(&api().get("/v3/webhooks/event-types"));
    assert_eq!(
        (types["data"].as_array().unwrap().len(), &types["has_more"]),
        (heygen::EventType::KNOWN.len(), &json!(false))
    );
    let api = Api::start(Options { event_types: vec!["hologram.success".into()], ..Options::default() });
    let types = ok(&api.get("/v3/webhooks/event-types"));
    assert_eq!(types["data"][0]["event_type"], "hologram.success");
    ok(&api.call("POST", ENDPOINTS, json!({"url": SOME_URL, "events": ["hologram.success"]})));
}
