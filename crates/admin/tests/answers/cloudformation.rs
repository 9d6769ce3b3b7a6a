//! CloudFormation's requests.

use crate::world::World;
use serde_json::{Value, json};
use simulator::{Fault, Receiver, When};
use std::time::Duration;

const CREATE: When = When::Next("POST", "/v3/webhooks/endpoints");
const LIST: When = When::Next("GET", "/v3/webhooks/endpoints");
const MINUTES: Duration = Duration::from_secs(300);

/// Status, physical id and reason of the response to a request.
fn ask(world: &World, request_type: &str, physical_id: Option<&str>, time: Duration) -> (String, String, String) {
    let cloudformation = Receiver::start().unwrap();
    let mut request: Value =
        serde_json::from_str(include_str!("../../../../events/cloudformation/create.json")).unwrap();
    request["RequestType"] = json!(request_type);
    request["ResponseURL"] = json!(cloudformation.url());
    request["PhysicalResourceId"] = json!(physical_id);
    world.invoke(request, time);
    let response: Value = serde_json::from_slice(&cloudformation.received()[0].body).unwrap();
    let text = |field: &str| response[field].as_str().unwrap_or_default().to_owned();
    (text("Status"), text("PhysicalResourceId"), text("Reason"))
}

fn lose_all_responses_to_a_create(world: &World) {
    for _ in 0..3 {
        world.inject(CREATE, Fault::DropResponse);
    }
}

#[test]
fn an_unknown_request_type_is_rejected_and_changes_nothing() {
    let world = World::new("v3", "main");
    let (status, _, reason) = ask(&world, "Migrate", None, MINUTES);
    assert_eq!((status.as_str(), world.calls().len()), ("FAILED", 0));
    assert!(reason.contains("Migrate") && reason.contains("Create, Update or Delete"), "{reason}");
}

#[test]
fn a_creation_whose_responses_are_all_lost_leaves_no_endpoint() {
    let world = World::new("v3", "main");
    lose_all_responses_to_a_create(&world);
    let (status, id, _) = ask(&world, "Create", None, MINUTES);
    assert_eq!((status.as_str(), id.as_str()), ("FAILED", "heygen-endpoints:none"));
    assert_eq!(world.endpoints(), []);
}

#[test]
fn what_a_failed_creation_could_not_delete_is_deleted_by_the_rollback() {
    for first_fails in [false, true] {
        let world = World::new("v3", "main,second");
        if first_fails {
            lose_all_responses_to_a_create(&world);
        } else {
            // The second endpoint fails, so the first, which is complete, has to be deleted.
            world.inject(When::Nth(3), Fault::Error { status: 400, code: "invalid_parameter", retry_after: None });
        }
        // No list can be read while the creation deletes.
        world.inject(LIST, Fault::edit(|_, _| {}));
        world.inject(LIST, Fault::edit(|_, body| body["data"] = Value::Null));
        let (status, id, _) = ask(&world, "Create", None, MINUTES);
        assert_eq!(status, "FAILED");
        assert!(!world.endpoints().is_empty());
        let (status, ..) = ask(&world, "Delete", Some(&id), MINUTES);
        assert_eq!((status.as_str(), world.endpoints()), ("SUCCESS", Vec::new()), "{id}");
    }
}

#[test]
fn a_creation_without_time_to_clean_up_registers_nothing() {
    let world = World::new("v3", "main");
    // 5 s for the response, 30 s for deleting, 5 s for the slowest response.
    let (status, id, _) = ask(&world, "Create", None, Duration::from_secs(39));
    assert_eq!((status.as_str(), id.as_str()), ("FAILED", "heygen-endpoints:none"));
    assert_eq!((world.mutating_calls(), world.has_note("main")), (0, false));
    assert_eq!(ask(&world, "Create", None, Duration::from_secs(45)).0, "SUCCESS");
    world.settled("main").unwrap();
}
