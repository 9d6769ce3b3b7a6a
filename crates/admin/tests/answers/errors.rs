//! Errors that say what to do.

use crate::world::World;
use serde_json::json;
use simulator::{Fault, When};

#[test]
fn an_api_that_is_gone_is_named_and_so_is_the_parameter() {
    let gone = [
        Fault::Error { status: 410, code: "gone", retry_after: None },
        Fault::Error { status: 404, code: "not_found", retry_after: None },
        Fault::Gateway(404),
    ];
    for fault in gone {
        let world = World::new("v1", "main");
        world.inject(When::Next("GET", "/v1/webhook/endpoint.list"), fault);
        let error = world.sync().unwrap_err().to_string();
        assert!(error.contains("2026-11-01") && error.contains("HeygenApiVersion=v3"), "{error}");
    }
}

#[test]
fn a_stored_key_that_is_not_a_key_is_not_sent_and_not_shown() {
    let world = World::new("v3", "main");
    world.put("api-key", &json!({"HEYGEN_API_KEY": world.api_key(), "OTHER_API_KEY": "canary"}).to_string());
    let error = world.sync().unwrap_err();
    assert_eq!(world.calls().len(), 0);
    let text = format!("{error} {error:?}");
    assert!(text.contains("api-key is not an API key") && !text.contains("canary"), "{text}");
    world.put("api-key", &json!({"HEYGEN_API_KEY": world.api_key()}).to_string());
    world.sync().unwrap();
}

#[test]
fn a_page_of_deliveries_that_leads_to_itself_is_an_error() {
    let world = World::new("v3", "main");
    let events = When::Next("GET", "/v3/webhooks/events");
    let page = || json!({"data": [], "has_more": true, "next_token": "same"});
    for _ in 0..2 {
        world.inject(events.clone(), Fault::edit(move |status, body| (*status, *body) = (200, page())));
    }
    let first = world.run(json!({"action": "deliveries"})).unwrap();
    assert_eq!(first["next_token"], "same");
    let error = world.run(json!({"action": "deliveries", "token": "same"})).unwrap_err().to_string();
    assert!(error.contains("leads back"), "{error}");
}
