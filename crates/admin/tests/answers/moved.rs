//! Endpoints that HeyGen still has under a former URL of the deployment.

use crate::world::World;
use serde_json::{Value, json};
use simulator::Existing;

const OLD: &str = "https://old.example.invalid";

fn moved() -> World {
    let mut world = World::new("v3", "main");
    world.config.deployment = world.config.deployment.clone().with_former_urls(OLD);
    world.register(Existing::new(format!("{OLD}/webhooks/heygen/main")));
    world.register(Existing::new("https://older.example.invalid/webhooks/heygen/main"));
    world
}

fn changes(changes: &Value) -> Vec<&str> {
    changes.as_array().unwrap().iter().map(|change| change["change"].as_str().unwrap()).collect()
}

#[test]
fn an_endpoint_below_a_former_url_is_adopted_on_request_and_given_the_current_url() {
    let world = moved();
    let before = world.endpoints();
    let reply = world.sync().unwrap();
    assert_eq!((changes(&reply["done"]), changes(&reply["held_back"])), (vec![], vec!["adopt"]));
    assert_eq!(world.endpoints(), before);

    let reply = world.run(json!({"action": "sync", "adopt": true})).unwrap();
    assert_eq!(changes(&reply["done"]), ["adopt", "update"]);
    let endpoint = world.settled("main").unwrap();
    assert_eq!(endpoint.endpoint_id, before[0].endpoint_id);
    assert_ne!(endpoint.secret, before[0].secret);
    assert_eq!(world.endpoints()[1], before[1], "not named in FormerUrls");
}

#[test]
fn an_endpoint_below_a_former_url_whose_secret_is_known_keeps_it() {
    let world = moved();
    let before = world.endpoints();
    world.put("secret/main", &json!({"current": before[0].secret}).to_string());
    assert_eq!(changes(&world.sync().unwrap()["done"]), ["adopt", "update"]);
    let endpoint = world.settled("main").unwrap();
    assert_eq!((&endpoint.endpoint_id, &endpoint.secret), (&before[0].endpoint_id, &before[0].secret));
}
