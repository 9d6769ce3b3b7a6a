//! A stack's creation and deletion.

use super::SIGNED;
use super::server::Fault;
use super::world::Others;
use axum::http::Method;
use serde_json::json;

const ALL: &str = "synthesia/main,elevenlabs/main,tavus/main";

fn assert_everything_is_deleted(world: &Others) {
    assert_eq!(world.webhooks(), []);
    let memory = world.memory.lock().unwrap();
    for secret in ["secret/synthesia/main", "secret/elevenlabs/main", "callback/tavus/main"] {
        assert!(memory.is_deleted(secret), "{secret}");
    }
}

#[test]
fn a_stack_that_is_created_registers_and_one_that_is_deleted_deletes_its_own_if_so_configured() {
    let mut world = Others::new(ALL);
    let (status, response) = world.cloudformation("Create", None);
    assert_eq!(status, "SUCCESS");
    assert!(response.contains("synthesia/main"), "{response}");
    SIGNED.into_iter().for_each(|endpoint| drop(world.settled(endpoint).unwrap()));
    assert_eq!(world.cloudformation("Delete", Some("heygen-endpoints")).0, "SUCCESS");
    assert_eq!(world.webhooks().len(), 2, "they stay");
    world.config.deregister_on_delete = true;
    assert_eq!(world.cloudformation("Delete", Some("heygen-endpoints")).0, "SUCCESS");
    assert_everything_is_deleted(&world);
    // A stack of the same name later restores the secrets.
    assert_eq!(world.cloudformation("Create", None).0, "SUCCESS");
    SIGNED.into_iter().for_each(|endpoint| drop(world.settled(endpoint).unwrap()));
}

#[test]
fn a_creation_that_fails_at_heygen_leaves_no_webhook_at_another_platform() {
    let mut world = Others::new(ALL);
    // Its answer is lost, so its id is not known.
    world.server.account.lock().unwrap().faults.push((Method::POST, Fault::Lost));
    world.config.api_key_secret = Some("no-key".to_owned());
    let (status, _) = world.cloudformation("Create", None);
    assert_eq!(status, "FAILED");
    assert_everything_is_deleted(&world);
}

#[test]
fn a_platform_that_fails_makes_neither_a_creation_nor_a_deletion_of_the_stack_fail() {
    let mut world = Others::new(ALL);
    let down = || (Method::GET, Fault::Answer(403, json!({"error": "Forbidden"})));
    world.server.account.lock().unwrap().faults.extend([down(), down()]);
    let (status, response) = world.cloudformation("Create", None);
    assert_eq!(status, "SUCCESS");
    assert!(response.contains("rejects the API key"), "{response}");
    world.config.deregister_on_delete = true;
    world.server.account.lock().unwrap().faults.extend([down(), down()]);
    assert_eq!(world.cloudformation("Delete", Some("heygen-endpoints")).0, "SUCCESS");
}

#[test]
fn nothing_is_registered_before_the_domain_of_the_stack_leads_here() {
    for endpoint in SIGNED {
        let mut world = Others::new(endpoint);
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", nobody.local_addr().unwrap());
        drop(nobody);
        world.config.deployment = admin::Deployment::new("https://api.example.invalid", Some(&url), "main");
        world.config.domain_target = Some("d-1.example.invalid".to_owned());
        let reply = world.sync();
        assert_eq!(world.calls("POST"), 0);
        let notes = super::world::report(&reply, endpoint)["notes"].to_string();
        assert!(notes.contains("points to d-1.example.invalid"), "{notes}");
    }
}
