//! Webhooks are created once, and again where the platform no longer has them.

use super::SIGNED;
use super::server::{Cut, Fault};
use super::world::{Others, report};
use axum::http::Method;
use serde_json::json;

#[test]
fn a_sync_registers_a_webhook_with_its_settings_and_the_next_one_changes_nothing() {
    for endpoint in SIGNED {
        let world = Others::new(endpoint);
        let reply = world.sync();
        let webhook = world.settled(endpoint).unwrap();
        assert_eq!(report(&reply, endpoint)["webhook_id"], webhook.id, "{reply}");
        assert_eq!(webhook.retry, endpoint.starts_with("eleven"));
        assert_eq!(webhook.events.len(), if webhook.retry { 4 } else { 2 });
        let again = world.sync();
        assert_eq!(report(&again, endpoint)["done"], json!([]), "{again}");
        assert_eq!((world.calls("POST"), world.settled(endpoint).unwrap()), (1, webhook));
        let text = again["text"].as_str().unwrap();
        assert!(text.contains(&format!("\n  {endpoint}  wh-1, secret stored")), "{text}");
    }
}

#[test]
fn a_plan_and_a_list_change_nothing_and_say_what_a_sync_would_do() {
    for endpoint in SIGNED {
        let world = Others::new(endpoint);
        for action in ["plan", "list"] {
            let reply = world.run(json!({ "action": action })).unwrap();
            assert_eq!(report(&reply, endpoint)["left"][0]["change"], "create", "{reply}");
        }
        assert_eq!((world.calls("POST"), world.secret(&format!("secret/{endpoint}"))), (0, None));
    }
}

#[test]
fn a_plan_shows_what_would_change_if_other_endpoints_were_configured() {
    let world = Others::new("elevenlabs/main");
    world.sync();
    let entry = json!({"platform": "elevenlabs", "name": "main", "events": ["flows"]});
    let reply = world.run(json!({"action": "plan", "endpoints": [{"name": "main"}, entry]})).unwrap();
    assert_eq!(report(&reply, "elevenlabs/main")["left"][0]["reason"], "events_changed", "{reply}");
    assert_eq!(reply["unchanged"], json!(["main"]));
    let wrong = json!({"platform": "synthesia", "name": "main"});
    let error = world.run(json!({"action": "plan", "endpoints": [wrong]})).unwrap_err().to_string();
    assert!(error.contains("PlatformEndpoints"), "{error}");
}

#[test]
fn a_webhook_that_is_gone_is_created_again_and_the_old_secret_stays_valid_for_the_overlap() {
    for endpoint in SIGNED {
        let world = Others::new(endpoint);
        world.sync();
        world.server.account.lock().unwrap().webhooks.clear();
        let reply = world.sync();
        assert_eq!(world.settled(endpoint).unwrap().id, "wh-2");
        assert_eq!(report(&reply, endpoint)["done"][0]["reason"], "gone", "{reply}");
        assert_eq!(world.stored(endpoint).previous.len(), 1);
        let again = world.sync();
        assert_eq!(report(&again, endpoint)["done"], json!([]), "{again}");
    }
}

#[test]
fn a_new_url_gets_a_new_webhook_and_the_old_one_is_deleted() {
    for endpoint in SIGNED {
        let mut world = Others::new(endpoint);
        world.sync();
        world.config.deployment = admin::Deployment::new("https://new.example.invalid", None, "main");
        world.sync();
        world.settled(endpoint).unwrap();
        assert_eq!(world.webhooks().len(), 1);
    }
}

#[test]
fn a_run_that_ends_at_any_call_leaves_nothing_that_the_next_ones_do_not_complete() {
    for (endpoint, again) in SIGNED.into_iter().flat_map(|endpoint| [(endpoint, false), (endpoint, true)]) {
        for cut in [Cut::Before, Cut::After] {
            let mut number = 0;
            loop {
                let world = Others::new(&format!("{endpoint},tavus/main"));
                let mut action = json!({"action": "sync"});
                if again {
                    world.sync();
                    action = json!({"action": "rotate", "endpoint": endpoint});
                }
                if !world.cut(&action, number, cut) {
                    break;
                }
                for _ in 0..2 {
                    world.sync();
                }
                let place = format!("{endpoint}, call {number}, {cut:?}");
                world.settled(endpoint).unwrap_or_else(|why| panic!("{place}: {why}"));
                assert!(world.secret("callback/tavus/main").unwrap().current.is_some(), "{place}");
                assert!(!report(&world.sync(), endpoint)["pending"].as_bool().unwrap(), "{place}");
                number += 1;
            }
            assert!(number > 8, "{endpoint}: only {number} calls");
        }
    }
}

#[test]
fn two_runs_at_once_register_one_webhook() {
    for endpoint in SIGNED {
        let mut world = Others::new(endpoint);
        // Long enough that neither takes the other's lease.
        world.config.longest_run = std::time::Duration::from_secs(60);
        world.run_twice(&json!({"action": "sync"}));
        world.settled(endpoint).unwrap();
        assert_eq!(world.calls("POST"), 1);
    }
}

#[test]
fn a_create_without_an_answer_is_not_repeated_but_replaced_by_the_next_sync() {
    for endpoint in SIGNED {
        let world = Others::new(endpoint);
        world.server.account.lock().unwrap().faults.push((Method::POST, Fault::Lost));
        let reply = world.sync();
        assert_eq!(world.calls("POST"), 1, "never twice");
        let problem = report(&reply, endpoint)["problem"].as_str().unwrap();
        assert!(problem.contains("the next sync finds out"), "{problem}");
        assert!(world.stored(endpoint).pending.is_some());
        let reply = world.sync();
        assert_eq!(world.settled(endpoint).unwrap().id, "wh-2");
        let done = &report(&reply, endpoint)["done"];
        assert_eq!(done[0]["reason"], "answer_lost", "{reply}");
        assert!(done.as_array().unwrap().iter().any(|change| change["webhook_id"] == "wh-1"), "{reply}");
    }
}

#[test]
fn a_create_that_the_platform_rejects_leaves_no_note_and_stops_no_other_platform() {
    let world = Others::new("synthesia/main,elevenlabs/main,tavus/main");
    let rejected = Fault::Answer(400, json!({"error": "Invalid url", "context": "url"}));
    world.server.account.lock().unwrap().faults.push((Method::POST, rejected));
    let reply = world.sync();
    let problems: Vec<_> = SIGNED.into_iter().filter(|name| report(&reply, name)["problem"].is_string()).collect();
    assert_eq!(problems.len(), 1, "{reply}");
    let text = report(&reply, problems[0])["problem"].as_str().unwrap();
    assert!(text.contains("status 400: Invalid url"), "{text}");
    assert_eq!(world.stored(problems[0]).pending, None);
    assert_eq!(report(&reply, "tavus/main")["done"][0]["change"], "create_secret");
    assert_eq!(world.heygen.endpoints().len(), 1, "HeyGen's as well");
    world.sync();
    SIGNED.into_iter().for_each(|endpoint| drop(world.settled(endpoint).unwrap()));
}

#[test]
fn a_platform_without_an_api_key_says_what_to_do_and_stops_no_other() {
    let mut world = Others::new("synthesia/main,elevenlabs/main");
    world.config.platforms.api_keys.remove(&webhook::Platform::Synthesia);
    let reply = world.sync();
    let problem = report(&reply, "synthesia/main")["problem"].as_str().unwrap();
    assert!(problem.contains("no Synthesia API key: store it in Secrets Manager"), "{problem}");
    world.settled("elevenlabs/main").unwrap();
    // HeyGen's failure stops no other platform, either.
    let mut world = Others::new("synthesia/main");
    world.config.api_key_secret = Some("no-key".to_owned());
    world.run(json!({"action": "sync"})).unwrap_err();
    world.settled("synthesia/main").unwrap();
}

#[test]
fn without_other_platforms_nothing_is_asked_and_the_reply_has_no_word_of_them() {
    let world = Others::new("");
    let reply = world.sync();
    assert_eq!(reply.get("platforms"), None);
    assert!(!reply["text"].as_str().unwrap().contains("other platforms"));
    assert_eq!(world.server.account.lock().unwrap().calls.len(), 0);
}
