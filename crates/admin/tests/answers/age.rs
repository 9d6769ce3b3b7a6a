//! Secrets that are rotated for their age.

use crate::notes::ROTATE;
use crate::world::World;
use serde_json::{Value, json};
use simulator::{Fault, Receiver, When};
use std::time::Duration;
use time::OffsetDateTime;

const DAY: Duration = Duration::from_hours(24);

/// A deployment that rotates after seven days, with a secret that is older.
fn with_old_secret(version: &str) -> World {
    let mut world = World::new(version, "main");
    world.config.max_secret_age = Some(DAY * 7);
    world.sync().unwrap();
    let mut stored = world.stored("main");
    stored.current_since = Some(OffsetDateTime::now_utc() - DAY * 8);
    world.put("secret/main", &json!(stored).to_string());
    world
}

fn changes(reply: &Value) -> Vec<&str> {
    reply["done"].as_array().unwrap().iter().map(|change| change["change"].as_str().unwrap()).collect()
}

#[test]
fn a_sync_rotates_an_old_secret_once_and_keeps_accepting_it_for_a_while() {
    for (version, change) in [("v3", "rotate"), ("v1", "replace")] {
        let world = with_old_secret(version);
        let old = world.settled("main").unwrap().secret;
        assert_eq!(changes(&world.sync().unwrap()), [change]);
        assert_ne!(world.settled("main").unwrap().secret, old);
        assert!(world.stored("main").valid_at(OffsetDateTime::now_utc()).contains(&&old));
        let calls = world.mutating_calls();
        assert!(changes(&world.sync().unwrap()).is_empty());
        assert_eq!(world.mutating_calls(), calls);
    }
}

#[test]
fn a_secret_that_was_stored_by_hand_is_adopted_and_then_rotated() {
    let world = with_old_secret("v3");
    let by_hand = json!({"current": world.settled("main").unwrap().secret});
    world.put("secret/main", &by_hand.to_string());
    assert_eq!(changes(&world.sync().unwrap()), ["adopt"]);
    assert_eq!(changes(&world.sync().unwrap()), ["rotate"]);
    assert!(changes(&world.sync().unwrap()).is_empty());
    world.settled("main").unwrap();
}

/// The status of the response to an update of the stack from the default to these endpoints.
fn update_to(world: &World, endpoints: &str) -> String {
    let cloudformation = Receiver::start().unwrap();
    let mut request: Value =
        serde_json::from_str(include_str!("../../../../events/cloudformation/create.json")).unwrap();
    request["RequestType"] = json!("Update");
    request["ResponseURL"] = json!(cloudformation.url());
    request["PhysicalResourceId"] = json!("heygen-endpoints");
    request["ResourceProperties"] = json!({"Endpoints": "main", "EndpointsJson": endpoints});
    request["OldResourceProperties"] = json!({"Endpoints": "main", "EndpointsJson": ""});
    world.invoke(request, Duration::from_secs(300));
    let response: Value = serde_json::from_slice(&cloudformation.received()[0].body).unwrap();
    response["Status"].as_str().unwrap().to_owned()
}

#[test]
fn an_update_of_the_stack_does_not_rotate_for_age() {
    let world = with_old_secret("v3");
    let calls = world.mutating_calls();
    assert_eq!(update_to(&world, ""), "SUCCESS");
    assert_eq!(world.mutating_calls(), calls);
    assert_eq!(changes(&world.sync().unwrap()), ["rotate"]);
}

#[test]
fn an_old_secret_does_not_keep_an_update_that_heygen_rejects_from_being_rolled_back() {
    let mut world = with_old_secret("v3");
    world.configure(json!([{"name": "main", "events": ["avatar_video.odd"]}]));
    let reject = || Fault::Error { status: 400, code: "invalid_parameter", retry_after: None };
    world.inject(When::Next("PATCH", "/v3/webhooks/endpoints/*"), reject());
    world.inject(ROTATE, reject());
    assert_eq!(update_to(&world, &world.config.endpoints_json), "FAILED");
}
