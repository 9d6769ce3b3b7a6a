//! v3.

use crate::support::*;
use heygen::Secret;
use serde_json::{Value, json};
use simulator::{Existing, Options};

#[test]
fn v3_shows_a_secret_when_it_is_made_and_never_again() {
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
fn entity_id_is_taken_and_returned_nowhere() {
    let api = api();
    let created = api.call("POST", ENDPOINTS, json!({"url": SOME_URL, "entity_id": "space_1"}));
    let patched = api.call("PATCH", &format!("{ENDPOINTS}/{}", api.id(0)), json!({"url": SOME_URL}));
    for answer in [created, patched, api.get(ENDPOINTS), api.get("/v1/webhook/endpoint.list")] {
        assert_eq!(answer.status, 200);
        assert!(!String::from_utf8(answer.body).unwrap().contains("space_1"));
    }
    assert_eq!(api.endpoints()[0].entity_id.as_deref(), Some("space_1"));
}

#[test]
fn patch_replaces_the_events_and_delete_ends_it() {
    let api = api();
    let id = api.plant(Existing { events: Some(vec!["avatar_video.fail".into()]), ..Existing::new(SOME_URL) });
    let path = format!("{ENDPOINTS}/{id}");
    let patched = ok(&api.call("PATCH", &path, json!({"events": ["batch.finished"]})));
    assert_eq!(patched["data"]["events"], json!(["batch.finished"]));
    assert_eq!(patched["data"]["url"], SOME_URL);
    assert_eq!(patched["data"]["secret"], Value::Null);
    // All, or unchanged? Nobody knows.
    refused(&api.call("PATCH", &path, json!({"events": null})), 400, "invalid_parameter");
    let patched = ok(&api.call("PATCH", &path, json!({"url": "https://other.example.invalid/"})));
    assert_eq!(patched["data"]["events"], json!(["batch.finished"]));

    assert_eq!(ok(&api.call("DELETE", &path, Value::Null)), json!({"data": {}}));
    for (method, path) in [("DELETE", &path), ("PATCH", &path), ("POST", &format!("{path}/rotate-secret"))] {
        let body = if method == "PATCH" { json!({}) } else { Value::Null };
        refused(&api.call(method, path, body), 404, "not_found");
    }
}

#[test]
fn a_long_list_comes_in_pages_whose_tokens_belong_to_it() {
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
        // What vanishes between two pages makes the next one neither skip nor repeat anything.
        api.call("DELETE", &format!("{ENDPOINTS}/{}", api.id(0)), Value::Null);
    }
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(urls, Existing::foreign(250).into_iter().map(|existing| existing.url).collect::<Vec<_>>());

    for query in ["limit=0", "limit=101", "limit=-1", "limit=many", "token=250", "token="] {
        refused(&api.get(&format!("{ENDPOINTS}?{query}")), 400, "invalid_parameter");
    }
    refused(&api.get(&format!("/v3/webhooks/events?limit=1{token}")), 400, "invalid_parameter");
}

#[test]
fn the_event_types_are_those_of_the_options() {
    let types = ok(&api().get("/v3/webhooks/event-types"));
    assert_eq!((types["data"].as_array().unwrap().len(), &types["has_more"]), (30, &json!(false)));
    let api = Api::start(Options { event_types: vec!["hologram.success".into()], ..Options::default() });
    let types = ok(&api.get("/v3/webhooks/event-types"));
    assert_eq!(types["data"][0]["event_type"], "hologram.success");
    ok(&api.call("POST", ENDPOINTS, json!({"url": SOME_URL, "events": ["hologram.success"]})));
}
