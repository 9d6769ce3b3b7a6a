//! Events, retries and what a platform disables.

use super::server::{Fault, Webhook};
use super::world::{Others, report};
use axum::http::Method;
use serde_json::{Value, json};

fn elevenlabs() -> Others {
    let world = Others::new("elevenlabs/main");
    world.sync();
    world.settled("elevenlabs/main").unwrap();
    world
}

fn change(world: &Others, change: impl FnOnce(&mut Webhook)) {
    change(&mut world.server.account.lock().unwrap().webhooks[0]);
}

fn sync(world: &Others) -> Value {
    report(&world.sync(), "elevenlabs/main").clone()
}

#[test]
fn a_webhook_that_is_disabled_is_enabled_with_a_warning() {
    for is_auto in [false, true] {
        let world = elevenlabs();
        change(&world, |webhook| (webhook.is_disabled, webhook.is_auto_disabled) = (true, is_auto));
        let report = sync(&world);
        assert_eq!(report["done"][0]["reason"], "disabled", "{report}");
        assert!(report["notes"][0].as_str().unwrap().starts_with("warning: "), "{report}");
        world.settled("elevenlabs/main").unwrap();
        assert_eq!(world.calls("POST"), 1, "it keeps its secret");
    }
}

#[test]
fn what_is_disabled_or_fails_is_in_the_metrics_of_its_platform_and_no_secret_is_in_the_log() {
    let world = Others::new("elevenlabs/main,tavus/main");
    let first = world.log_of_sync();
    change(&world, |webhook| webhook.is_auto_disabled = true);
    let second = world.log_of_sync();
    let rejected = Fault::Answer(403, json!({"error": super::server::KEY}));
    world.server.account.lock().unwrap().faults.push((Method::GET, rejected));
    let third = world.log_of_sync();
    let metrics = |log: &str| {
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let line =
            lines.into_iter().find(|line| line["Platform"] == "elevenlabs" && line.get("EndpointDrift").is_some());
        let line = line.unwrap();
        (line["Outcome"].clone(), line["EndpointDrift"].clone(), line["EndpointsDisabled"].clone())
    };
    assert_eq!(metrics(&first), (json!("changed"), json!(0), json!(0)));
    assert_eq!(metrics(&second), (json!("changed"), json!(1), json!(1)));
    assert_eq!(metrics(&third), (json!("failed"), json!(1), json!(0)));
    let token = serde_json::to_value(world.secret("callback/tavus/main").unwrap()).unwrap();
    let log = first + &second + &third;
    for secret in ["wsec_canary", super::server::KEY, token["current"].as_str().unwrap()] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn events_and_retries_are_set_as_configured() {
    let mut world = elevenlabs();
    change(&world, |webhook| webhook.events.clear());
    assert_eq!(sync(&world)["done"][0]["reason"], "events_changed");
    assert_eq!(world.settled("elevenlabs/main").unwrap().events.len(), 4);

    let entry = json!({"platform": "elevenlabs", "name": "main", "events": ["flows"], "retry": false});
    world.configure(json!([{"name": "main"}, entry]));
    sync(&world);
    let webhook = world.settled("elevenlabs/main").unwrap();
    assert_eq!((webhook.events, webhook.retry), (vec!["flows".to_owned()], false));

    // Whether it tries again is not shown, but what was set last is known.
    world.configure(json!([{"platform": "elevenlabs", "name": "main", "events": ["flows"]}]));
    assert_eq!(sync(&world)["done"][0]["reason"], "settings_changed");
    assert!(world.settled("elevenlabs/main").unwrap().retry);
    assert_eq!(sync(&world)["done"], json!([]));
}

#[test]
fn a_list_without_usages_is_no_reason_to_update_again_and_again() {
    let world = Others::new("elevenlabs/main");
    world.server.account.lock().unwrap().hides_usages = true;
    world.sync();
    world.settled("elevenlabs/main").unwrap();
    assert_eq!(sync(&world)["done"], json!([]));
}

#[test]
fn an_update_that_has_no_effect_is_made_once_and_said() {
    let world = elevenlabs();
    change(&world, |webhook| webhook.is_auto_disabled = true);
    let confirmed = Fault::Answer(200, json!({"status": "ok"}));
    world.server.account.lock().unwrap().faults.push((Method::PATCH, confirmed));
    let patches = world.calls("PATCH");
    let report = sync(&world);
    assert_eq!((world.calls("PATCH") - patches, &report["left"][0]["change"]), (1, &json!("update")), "{report}");
    assert!(report["notes"].to_string().contains("the list does not show it"), "{report}");
}

#[test]
fn other_events_at_synthesia_get_a_new_webhook() {
    let mut world = Others::new("synthesia/main");
    world.sync();
    world.configure(json!([{"platform": "synthesia", "name": "main", "events": ["video.completed"]}]));
    world.sync();
    let webhook = world.settled("synthesia/main").unwrap();
    assert_eq!((webhook.id.as_str(), webhook.events.len()), ("wh-2", 1));
}

#[test]
fn a_webhook_that_is_not_enabled_is_deleted_with_prune_only() {
    for endpoint in super::SIGNED {
        let mut world = Others::new(endpoint);
        world.sync();
        let platform = endpoint.split('/').next().unwrap();
        world.configure(json!([{"platform": platform, "name": "main", "enabled": false}]));
        let reply = world.sync();
        assert_eq!(report(&reply, endpoint)["left"][0]["reason"], "not_enabled", "{reply}");
        assert_eq!(world.webhooks().len(), 1);
        world.run(json!({"action": "sync", "prune": true})).unwrap();
        assert_eq!((world.webhooks().len(), world.stored(endpoint).registered), (0, None));
        world.configure(json!([{"platform": platform, "name": "main"}]));
        world.sync();
        world.settled(endpoint).unwrap();
    }
}

#[test]
fn a_webhook_whose_secret_was_stored_by_hand_is_taken_over() {
    for endpoint in super::SIGNED {
        let world = Others::new(endpoint);
        world.sync();
        let secret = json!({"current": world.webhooks()[0].secret}).to_string();
        world.memory.lock().unwrap().put(&format!("secret/{endpoint}"), &secret);
        let reply = world.sync();
        assert_eq!(report(&reply, endpoint)["done"][0]["change"], "adopt", "{reply}");
        assert_eq!(world.settled(endpoint).unwrap().id, "wh-1");
    }
}

#[test]
fn a_checksum_is_of_heygens_changes_and_lets_a_sync_change_nothing_else() {
    let world = Others::new("synthesia/main,tavus/main");
    let plan = world.run(json!({"action": "plan"})).unwrap();
    world.run(json!({"action": "sync", "checksum": plan["checksum"]})).unwrap();
    assert_eq!((world.calls("POST"), world.secret("callback/tavus/main")), (0, None));
}
