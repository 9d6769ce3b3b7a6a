//! A new secret is a new webhook.

use super::SIGNED;
use super::server::Fault;
use super::world::{Others, report};
use admin::Error;
use axum::http::Method;
use serde_json::{Value, json};
use std::time::Duration as Settle;
use time::{Duration, OffsetDateTime};

fn rotate(endpoint: &str) -> Value {
    json!({"action": "rotate", "endpoint": endpoint})
}

#[test]
fn a_rotation_creates_a_webhook_stores_its_secret_and_then_deletes_the_old_one() {
    for endpoint in SIGNED {
        let world = Others::new(endpoint);
        world.sync();
        world.server.account.lock().unwrap().calls.clear();
        let reply = world.run(rotate(endpoint)).unwrap();
        assert_eq!(world.settled(endpoint).unwrap().id, "wh-2");
        assert_eq!(world.stored(endpoint).previous.len(), 1);
        assert!(reply["old_secret_valid_until"].is_string(), "{reply}");
        let calls = world.server.account.lock().unwrap().calls.clone();
        let place = |method: &str| calls.iter().position(|call| call.starts_with(method)).unwrap();
        assert!(place("POST") < place("DELETE"), "{calls:?}");
    }
}

#[test]
fn every_receiver_has_the_new_secret_before_the_old_webhook_is_deleted_or_the_new_one_gets_its_events() {
    for endpoint in SIGNED {
        let mut world = Others::new(endpoint);
        world.sync();
        world.config.settle = Settle::from_millis(400);
        let earlier = world.server.account.lock().unwrap().calls.len();
        world.run(rotate(endpoint)).unwrap();
        let account = world.server.account.lock().unwrap();
        let calls: Vec<_> = account.calls.iter().zip(&account.times).skip(earlier).collect();
        let at = |method: &str| calls.iter().find(|(call, _)| call.starts_with(method)).map(|(_, time)| **time);
        let created = at("POST").unwrap();
        for later in [at("DELETE"), at("PATCH")].into_iter().flatten() {
            assert!(later - created >= world.config.settle, "{endpoint}: {:?}", later - created);
        }
    }
}

#[test]
fn a_rotation_that_revokes_leaves_no_earlier_secret() {
    for endpoint in SIGNED {
        let world = Others::new(endpoint);
        world.sync();
        let reply = world.run(json!({"action": "rotate", "endpoint": endpoint, "revoke": true})).unwrap();
        assert!(reply["old_secret_rejected_from"].is_string(), "{reply}");
        world.settled(endpoint).unwrap();
        assert_eq!(world.stored(endpoint).previous, []);
        // One whose answer is lost revokes in the end as well.
        world.server.account.lock().unwrap().faults.push((Method::POST, Fault::Lost));
        let error = world.run(json!({"action": "rotate", "endpoint": endpoint, "revoke": true})).unwrap_err();
        assert!(matches!(error, Error::NotRevoked { .. }), "{error}");
        world.sync();
        world.settled(endpoint).unwrap();
        assert_eq!(world.stored(endpoint).previous, []);
    }
}

#[test]
fn a_webhook_that_a_product_uses_stays_and_its_secret_stays_valid_until_it_can_be_deleted() {
    let world = Others::new("elevenlabs/main");
    world.sync();
    world.server.account.lock().unwrap().webhooks[0].is_used = true;
    let reply = world.run(rotate("elevenlabs/main")).unwrap();
    let note = reply["notes"][0].as_str().unwrap();
    assert!(note.contains("wh-1 could not be deleted") && note.contains("choose wh-2"), "{note}");
    assert_eq!(world.webhooks().len(), 2);

    // Long after: the overlap is over, and the old webhook still signs with its secret.
    let mut stored = world.stored("elevenlabs/main");
    let now = OffsetDateTime::now_utc();
    stored.previous[0].valid_until = now + Duration::minutes(5);
    world.memory.lock().unwrap().put("secret/elevenlabs/main", &serde_json::to_string(&stored).unwrap());
    let reply = world.sync();
    assert_eq!(report(&reply, "elevenlabs/main")["problem"], Value::Null, "{reply}");
    assert!(world.stored("elevenlabs/main").previous[0].valid_until > now + Duration::hours(24));

    world.server.account.lock().unwrap().webhooks[0].is_used = false;
    world.sync();
    world.settled("elevenlabs/main").unwrap();
}

#[test]
fn a_revoked_secret_is_not_accepted_for_a_product_that_uses_it_and_the_reply_says_so() {
    let world = Others::new("elevenlabs/main");
    world.sync();
    world.server.account.lock().unwrap().webhooks[0].is_used = true;
    let reply = world.run(json!({"action": "rotate", "endpoint": "elevenlabs/main", "revoke": true})).unwrap();
    assert!(reply["notes"][0].as_str().unwrap().contains("what it sends is rejected"), "{reply}");
    assert_eq!(world.stored("elevenlabs/main").valid_at(OffsetDateTime::now_utc()).len(), 1);
}

#[test]
fn the_old_webhook_stays_if_the_new_one_cannot_be_created() {
    for endpoint in SIGNED {
        let world = Others::new(endpoint);
        world.sync();
        let rejected = Fault::Answer(409, json!({"error": "already exists"}));
        world.server.account.lock().unwrap().faults.push((Method::POST, rejected));
        world.run(rotate(endpoint)).unwrap_err();
        assert_eq!(world.settled(endpoint).unwrap().id, "wh-1");
    }
}

#[test]
fn an_unknown_endpoint_is_named_with_those_that_exist() {
    let world = Others::new("synthesia/main");
    let error = world.run(rotate("synthesia/second")).unwrap_err().to_string();
    assert!(error.contains("configured: main, synthesia/main"), "{error}");
}
