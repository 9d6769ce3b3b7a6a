//! A rotation with `revoke`: once it has succeeded, or a sync has completed it, no secret from before is accepted.

use crate::notes::{CREATE, ROTATE, disabled, odd_responses, registered, rotate};
use crate::world::World;
use serde_json::{Value, json};
use simulator::{Fault, When};
use webhook::Secret;

fn revoke() -> Value {
    json!({"action": "rotate", "endpoint": "main", "revoke": true})
}

/// Every secret that is stored, accepted or not.
fn known(world: &World) -> Vec<Secret> {
    let stored = world.stored("main");
    stored.current.into_iter().chain(stored.previous.into_iter().map(|previous| previous.secret)).collect()
}

fn has_any(world: &World, secrets: &[Secret]) -> bool {
    secrets.iter().any(|secret| world.stored("main").has(secret))
}

/// A deployment in v1 or v3 that has rotated once, so that an earlier secret is still accepted.
fn rotated(version: &str) -> World {
    let world = World::new(version, "main");
    world.sync().unwrap();
    world.run(rotate()).unwrap();
    assert_eq!(known(&world).len(), 2);
    world
}

/// Runs the revocation, which fails. Its error says that the old secret may still be accepted.
fn fails(world: &World) {
    let error = world.run(revoke()).unwrap_err().to_string();
    assert!(error.contains("The old secret of main may still be accepted: repeat the request"), "{error}");
}

#[test]
fn it_leaves_no_earlier_secret() {
    for version in ["v3", "v1"] {
        let world = rotated(version);
        let before = known(&world);
        let reply = world.run(revoke()).unwrap();
        assert!(!has_any(&world, &before), "{version}");
        assert_eq!(reply["old_secret_valid_until"], Value::Null);
        assert!(reply["old_secret_rejected_from"].is_string(), "{reply}");
        world.settled("main").unwrap();
    }
}

#[test]
fn a_rotation_without_it_keeps_the_old_secret_for_a_while() {
    let world = rotated("v3");
    let before = known(&world);
    let reply = world.run(rotate()).unwrap();
    assert!(world.stored("main").has(&before[0]) && world.stored("main").has(&before[1]));
    assert!(reply["old_secret_valid_until"].is_string());
    assert_eq!(reply["old_secret_rejected_from"], Value::Null);
}

#[test]
fn after_an_odd_response_the_next_sync_revokes() {
    for (number, fault) in odd_responses().into_iter().enumerate() {
        let world = rotated("v3");
        let before = known(&world);
        world.inject(ROTATE, fault);
        fails(&world);
        assert!(world.stored("main").has(&before[0]), "response {number}: HeyGen may still sign with it");
        world.sync().unwrap();
        assert!(!has_any(&world, &before), "response {number}");
        world.settled("main").unwrap_or_else(|why| panic!("response {number}: {why}"));
    }
}

#[test]
fn a_pending_rotation_that_was_not_to_revoke_revokes_when_it_is_asked_to() {
    for (number, fault) in odd_responses().into_iter().enumerate() {
        let world = rotated("v3");
        let before = known(&world);
        world.inject(ROTATE, fault);
        world.run(rotate()).unwrap_err();
        // The first attempt fails as well: what it was asked for is noted, and the sync does it.
        world.inject(ROTATE, Fault::Error { status: 429, code: "rate_limited", retry_after: None });
        for _ in 0..2 {
            world.inject(ROTATE, Fault::DropRequest);
        }
        fails(&world);
        world.sync().unwrap();
        assert!(!has_any(&world, &before), "response {number}");
        world.settled("main").unwrap_or_else(|why| panic!("response {number}: {why}"));
    }
}

#[test]
fn a_pending_replacement_revokes_as_well() {
    for (number, fault) in odd_responses().into_iter().enumerate() {
        let world = disabled();
        let before = known(&world);
        world.inject(CREATE, fault);
        world.sync().unwrap_err();
        let _ = world.run(revoke());
        assert!(!has_any(&world, &before), "response {number}");
        for _ in 0..2 {
            world.sync().unwrap();
        }
        assert!(!has_any(&world, &before), "response {number}");
        world.settled("main").unwrap_or_else(|why| panic!("response {number}: {why}"));
    }
}

#[test]
fn a_replacement_that_was_never_made_is_made_by_the_next_sync() {
    let world = rotated("v1");
    let before = known(&world);
    world.inject(When::Next("POST", "/v1/webhook/endpoint.add"), Fault::DropRequest);
    fails(&world);
    assert!(has_any(&world, &before));
    // HeyGen's list shows that there is no new endpoint.
    world.sync().unwrap();
    assert!(!has_any(&world, &before));
    world.settled("main").unwrap();
}

#[test]
fn a_secret_that_is_not_new_is_an_error() {
    let world = registered();
    let before = known(&world);
    let same = json!(before[0]);
    world.inject(ROTATE, Fault::edit(move |_, body| body["data"]["secret"] = same.clone()));
    fails(&world);
    world.run(revoke()).unwrap();
    assert!(!has_any(&world, &before));
    world.settled("main").unwrap();
}

#[test]
fn a_rejected_revocation_says_that_the_old_secret_is_still_accepted() {
    let world = registered();
    let before = known(&world);
    world.inject(ROTATE, Fault::Error { status: 403, code: "forbidden", retry_after: None });
    fails(&world);
    assert!(has_any(&world, &before) && !world.has_note("main"));
    let error = world.run(json!({"action": "rotate", "endpoint": "other", "revoke": true})).unwrap_err().to_string();
    assert!(error.starts_with("unknown endpoint") && !error.contains("accepted"), "{error}");
}
