//! The note of a change is kept until its result is known.

use crate::world::World;
use admin::Error;
use serde_json::{Value, json};
use simulator::{Fault, When};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use webhook::ErrorClass;

pub const CREATE: When = When::Next("POST", "/v3/webhooks/endpoints");
pub const ROTATE: When = When::Next("POST", "/v3/webhooks/endpoints/*/rotate-secret");

/// What is wrong with a response to a change that HeyGen has made.
pub fn odd_responses() -> [Fault; 7] {
    [
        Fault::edit(|_, body| drop(body["data"].as_object_mut().unwrap().remove("secret"))),
        Fault::edit(|_, body| body["data"]["secret"] = json!(5)),
        Fault::edit(|_, body| body["data"] = Value::Null),
        Fault::edit(|_, body| *body = json!({"result": body["data"]})),
        Fault::edit(|_, body| body["data"]["endpoint_id"] = json!(7)),
        Fault::edit(|status, _| *status = 404),
        Fault::edit(|status, body| (*status, *body) = (500, json!({"error": {"code": "internal_error"}}))),
    ]
}

pub fn registered() -> World {
    let world = World::new("v3", "main");
    world.sync().unwrap();
    world.settled("main").unwrap();
    world
}

pub fn disabled() -> World {
    let world = registered();
    world.disable(&world.endpoints()[0].endpoint_id);
    world
}

pub fn rotate() -> Value {
    json!({"action": "rotate", "endpoint": "main"})
}

#[test]
fn a_rotation_whose_response_is_odd_is_recovered_by_the_next_sync() {
    for (number, fault) in odd_responses().into_iter().enumerate() {
        let world = registered();
        world.inject(ROTATE, fault);
        world.run(rotate()).unwrap_err();
        assert!(world.has_note("main"), "response {number}");
        world.sync().unwrap();
        world.settled("main").unwrap_or_else(|why| panic!("response {number}: {why}"));
    }
}

#[test]
fn a_create_whose_response_is_odd_is_recovered_by_the_next_sync() {
    for (number, fault) in odd_responses().into_iter().enumerate() {
        let world = World::new("v3", "main");
        world.inject(CREATE, fault);
        let _ = world.sync();
        world.sync().unwrap();
        world.settled("main").unwrap_or_else(|why| panic!("response {number}: {why}"));
    }
}

#[test]
fn a_replacement_whose_response_is_odd_is_recovered_by_the_next_sync() {
    for (number, fault) in odd_responses().into_iter().enumerate() {
        let world = disabled();
        world.inject(CREATE, fault);
        let _ = world.sync();
        for _ in 0..2 {
            world.sync().unwrap();
        }
        let endpoint = world.settled("main").unwrap_or_else(|why| panic!("response {number}: {why}"));
        assert!(endpoint.enabled);
    }
}

#[test]
fn an_odd_response_to_a_change_is_an_error_of_its_own() {
    let world = registered();
    world.inject(ROTATE, Fault::edit(|_, body| body["data"] = json!({})));
    let Error::Partial { failed, .. } = world.run(rotate()).unwrap_err() else { panic!("not partial") };
    assert!(matches!(failed[0].1, Error::UnknownResult(_)), "{failed:?}");
}

#[test]
fn a_rejected_change_leaves_no_note() {
    let world = registered();
    world.inject(ROTATE, Fault::Error { status: 403, code: "forbidden", retry_after: None });
    world.run(rotate()).unwrap_err();
    assert!(!world.has_note("main"));
    world.settled("main").unwrap();
}

#[test]
fn a_rejection_during_recovery_does_not_drop_the_note() {
    let world = registered();
    world.inject(ROTATE, Fault::edit(|_, body| body["data"] = json!({})));
    world.run(rotate()).unwrap_err();
    // The repetition gets the same response, and the rotation with a new key is rejected.
    world
        .inject(When::Nth(world.calls().len() + 3), Fault::Error { status: 403, code: "forbidden", retry_after: None });
    world.sync().unwrap_err();
    assert!(world.has_note("main"));
    world.sync().unwrap();
    world.settled("main").unwrap();
}

#[test]
fn a_failure_that_heygen_replays_is_overcome_with_a_new_key() {
    let failure = || {
        Fault::edit(|status, body| {
            (*status, *body) = (500, json!({"error": {"code": "internal_error", "message": "-"}}))
        })
    };
    let world = World::new("v3", "main");
    world.inject(CREATE, failure());
    world.sync().unwrap_err();
    world.sync().unwrap();
    world.settled("main").unwrap();

    world.inject(ROTATE, failure());
    world.run(rotate()).unwrap_err();
    world.sync().unwrap();
    world.settled("main").unwrap();
    assert_eq!(world.endpoints().len(), 1);
}

#[test]
fn a_repetition_is_the_same_request_although_the_configuration_has_changed() {
    let mut world = World::new("v3", "main");
    world.configure(json!([{"name": "main", "events": ["avatar_video.success"]}]));
    world.inject(CREATE, Fault::DropRequest);
    world.inject(CREATE, Fault::DropRequest);
    world.inject(CREATE, Fault::DropRequest);
    world.sync().unwrap_err();
    world.configure(json!([{"name": "main", "events": ["avatar_video.fail"]}]));
    let reply = world.sync().unwrap();
    let changes: Vec<_> = reply["done"].as_array().unwrap().iter().map(|change| change["change"].clone()).collect();
    assert_eq!(changes, ["finish", "update"], "created as asked for first, and then updated");
    assert_eq!(world.settled("main").unwrap().events.unwrap(), ["avatar_video.fail"]);
}

#[test]
fn a_key_that_is_rejected_for_another_body_is_given_up() {
    let world = World::new("v3", "main");
    world.inject(CREATE, Fault::DropResponse);
    world.inject(CREATE, Fault::DropRequest);
    world.inject(CREATE, Fault::DropRequest);
    world.sync().unwrap_err();
    assert_eq!(world.endpoints().len(), 1);
    world.inject(CREATE, Fault::Error { status: 422, code: "idempotency_key_reused", retry_after: None });
    world.sync().unwrap();
    world.settled("main").unwrap();
}

#[test]
fn a_run_whose_note_was_replaced_while_it_waited_sends_nothing() {
    let mut world = World::new("v3", "main");
    world.sync().unwrap();
    let stored = world.stored("main");
    world.config.settle = Duration::from_millis(500);
    let memory = Arc::clone(&world.memory);
    let without_note = serde_json::to_string(&stored).unwrap();
    let other = thread::spawn(move || {
        while !memory.lock().unwrap().get("secret/main").unwrap().contains("pending") {
            thread::sleep(Duration::from_millis(1));
        }
        memory.lock().unwrap().put("secret/main", &without_note);
    });
    let before = world.mutating_calls();
    let error = world.run(json!({"action": "rotate", "endpoint": "main"})).unwrap_err();
    other.join().unwrap();
    assert_eq!((error.class(), world.mutating_calls()), (ErrorClass::Transient, before));
    assert!(error.to_string().contains("changed by someone else meanwhile"), "{error}");
    assert_eq!(world.stored("main"), stored);
}
