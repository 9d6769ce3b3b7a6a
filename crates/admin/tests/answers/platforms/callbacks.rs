//! The secrets that tokens of callback URLs are made with.

use super::world::{Others, report};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

const ALL: [&str; 3] = ["tavus/main", "did/main", "heygen/main"];

#[test]
fn each_endpoint_of_a_platform_that_takes_callback_urls_gets_one_secret_and_keeps_it() {
    let world = Others::new(&ALL.join(","));
    world.sync();
    let secrets = || ALL.map(|endpoint| world.secret(&format!("callback/{endpoint}")).unwrap().current.unwrap());
    let first = secrets();
    assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
    assert!(first.iter().all(|secret| secret.as_bytes().len() == 64));
    let reply = world.sync();
    assert_eq!((secrets(), &report(&reply, "did/main")["done"]), (first, &json!([])));
    assert_eq!(world.server.account.lock().unwrap().calls.len(), 0, "no platform is asked");
}

#[test]
fn a_rotation_keeps_the_urls_of_running_jobs_valid_for_three_days() {
    let world = Others::new("tavus/main");
    world.sync();
    let before = world.secret("callback/tavus/main").unwrap().current.unwrap();
    let reply = world.run(json!({"action": "rotate", "endpoint": "tavus/main"})).unwrap();
    let stored = world.secret("callback/tavus/main").unwrap();
    assert!(stored.current.as_ref() != Some(&before));
    let in_two_days = OffsetDateTime::now_utc() + Duration::hours(71);
    assert!(stored.valid_at(in_two_days).contains(&&before), "{reply}");
    assert!(!stored.valid_at(in_two_days + Duration::hours(2)).contains(&&before));
    world.run(json!({"action": "rotate", "endpoint": "tavus/main", "revoke": true})).unwrap();
    assert_eq!(world.secret("callback/tavus/main").unwrap().valid_at(OffsetDateTime::now_utc()).len(), 1);
}

#[test]
fn a_secret_that_cannot_be_read_is_never_replaced() {
    let world = Others::new("tavus/main");
    world.memory.lock().unwrap().put("callback/tavus/main", "not JSON");
    let reply = world.sync();
    assert!(report(&reply, "tavus/main")["problem"].as_str().unwrap().contains("callback/tavus/main"), "{reply}");
    assert_eq!(world.memory.lock().unwrap().get("callback/tavus/main"), Some("not JSON"));
    world.run(json!({"action": "rotate", "endpoint": "tavus/main"})).unwrap_err();
}

#[test]
fn without_a_prefix_the_reply_says_what_is_missing() {
    let mut world = Others::new("tavus/main");
    world.config.platforms.callback_prefix = None;
    let reply = world.sync();
    assert!(report(&reply, "tavus/main")["problem"].as_str().unwrap().contains("CALLBACK_PREFIX"));
    assert_eq!(report(&reply, "tavus/main")["secret"], Value::Bool(false));
}
