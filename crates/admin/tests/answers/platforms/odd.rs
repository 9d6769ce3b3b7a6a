//! Answers that are not as documented, and webhooks that are not ours.

use super::SIGNED;
use super::server::{Fault, Webhook};
use super::world::{Others, report};
use axum::http::Method;
use serde_json::{Value, json};

fn field(body: &mut Value, names: [&str; 2], value: &Value) {
    for name in names {
        if let Some(field) = body.get_mut(name) {
            *field = value.clone();
        }
    }
}

#[test]
fn a_create_whose_answer_is_odd_is_completed_by_the_next_sync() {
    let odd: [fn(&mut Value); 7] = [
        |body| field(body, ["id", "webhook_id"], &Value::Null),
        |body| field(body, ["id", "webhook_id"], &json!("../other")),
        |body| field(body, ["secret", "webhook_secret"], &Value::Null),
        |body| field(body, ["secret", "webhook_secret"], &json!("")),
        |body| field(body, ["secret", "webhook_secret"], &json!(7)),
        |body| *body = Value::Null,
        |body| *body = json!([]),
    ];
    for endpoint in SIGNED {
        for (number, edit) in odd.into_iter().enumerate() {
            let world = Others::new(endpoint);
            world.server.account.lock().unwrap().faults.push((Method::POST, Fault::Edit(edit)));
            assert!(report(&world.sync(), endpoint)["problem"].is_string());
            world.sync();
            world.settled(endpoint).unwrap_or_else(|why| panic!("{endpoint}, answer {number}: {why}"));
        }
    }
}

#[test]
fn a_list_that_is_not_as_documented_changes_nothing() {
    let odd: [fn(&mut Value); 3] =
        [|body| *body = json!({}), |body| *body = json!([]), |body| body["webhooks"] = json!({"0": {}})];
    for endpoint in SIGNED {
        for edit in odd {
            let world = Others::new(endpoint);
            world.sync();
            world.server.account.lock().unwrap().faults.push((Method::GET, Fault::Edit(edit)));
            let reply = world.sync();
            assert!(report(&reply, endpoint)["problem"].as_str().unwrap().contains("not as documented"), "{reply}");
            assert_eq!((world.calls("POST"), world.webhooks().len()), (1, 1));
        }
    }
}

#[test]
fn a_webhook_that_may_be_ours_and_cannot_be_read_is_left_alone() {
    for endpoint in SIGNED {
        let world = Others::new(endpoint);
        world.sync();
        {
            let mut account = world.server.account.lock().unwrap();
            account.webhooks.clear();
            account.odd = vec![json!({"id": 7, "webhook_id": null}), json!(null)];
        }
        let reply = world.sync();
        assert_eq!(world.calls("POST"), 1, "{reply}");
        assert!(report(&reply, endpoint)["notes"][0].as_str().unwrap().contains("left alone"), "{reply}");
        world.run(json!({"action": "rotate", "endpoint": endpoint})).unwrap_err();
        // One that is ours and can be read hides nothing.
        let world = Others::new(endpoint);
        world.sync();
        world.server.account.lock().unwrap().odd = vec![json!(null)];
        assert_eq!(report(&world.sync(), endpoint)["notes"], json!([]));
    }
}

#[test]
fn nothing_that_is_not_ours_is_ever_deleted() {
    for endpoint in SIGNED {
        let world = Others::new(endpoint);
        let url = world.url(endpoint);
        let others =
            ["https://other.example.invalid/x".to_owned(), format!("{url}?x=1"), format!("{url}2"), url.clone()];
        let foreign = others.into_iter().enumerate().map(|(number, url)| Webhook {
            id: format!("foreign-{number}"),
            url,
            secret: "s".to_owned(),
            events: vec!["x".to_owned()],
            retry: false,
            is_disabled: true,
            is_auto_disabled: false,
            is_used: false,
        });
        world.server.account.lock().unwrap().webhooks.extend(foreign);
        world.sync();
        world.run(json!({"action": "rotate", "endpoint": endpoint})).unwrap();
        let reply = world.sync();
        assert_eq!(world.webhooks().len(), 5, "one is ours");
        let left = &report(&reply, endpoint)["left"];
        assert_eq!((&left[0]["webhook_id"], &left[0]["reason"]), (&json!("foreign-3"), &json!("duplicate")));
        // With prune, the one with exactly our URL.
        world.run(json!({"action": "sync", "prune": true})).unwrap();
        assert_eq!(world.webhooks().len(), 4);
        world.settled(endpoint).unwrap();
    }
}

#[test]
fn a_webhook_beyond_the_first_page_is_found() {
    let world = Others::new("synthesia/main");
    {
        let mut account = world.server.account.lock().unwrap();
        account.odd = (0..250).map(|number| json!({"id": format!("o{number}"), "url": "https://o.invalid"})).collect();
        let ours = json!({"id": "ours", "url": "https://hooks.example.invalid/webhooks/synthesia/main"});
        account.odd.push(ours);
    }
    let stored = r#"{"current": "s", "registered": {"endpoint_id": "ours"}}"#;
    world.memory.lock().unwrap().put("secret/synthesia/main", stored);
    let reply = world.sync();
    assert_eq!((world.calls("POST"), world.calls("GET")), (0, 3), "{reply}");
}

#[test]
fn the_old_webhook_is_not_deleted_before_the_list_shows_the_new_one() {
    for endpoint in SIGNED {
        let world = Others::new(endpoint);
        world.sync();
        // The list that follows the create is older than it.
        let old: fn(&mut Value) = |body| drop(body["webhooks"].as_array_mut().unwrap().pop());
        {
            let mut account = world.server.account.lock().unwrap();
            account.faults.push((Method::GET, Fault::Edit(|_| {})));
            account.faults.push((Method::GET, Fault::Edit(old)));
        }
        let reply = world.run(json!({"action": "rotate", "endpoint": endpoint})).unwrap();
        assert_eq!((world.calls("POST"), world.calls("DELETE"), world.webhooks().len()), (2, 0, 2), "{reply}");
        world.sync();
        assert_eq!(world.settled(endpoint).unwrap().id, "wh-2");
    }
}

#[test]
fn a_platform_that_returns_the_existing_webhook_does_not_lose_it() {
    let world = Others::new("synthesia/main");
    world.sync();
    let same: fn(&mut Value) = |body| body["id"] = json!("wh-1");
    world.server.account.lock().unwrap().faults.push((Method::POST, Fault::Edit(same)));
    world.run(json!({"action": "rotate", "endpoint": "synthesia/main"})).unwrap();
    assert!(world.webhooks().iter().any(|webhook| webhook.id == "wh-1"));
}

#[test]
fn no_secret_is_in_a_reply_or_an_error() {
    for endpoint in SIGNED {
        let world = Others::new(&format!("{endpoint},tavus/main"));
        let quotes = Fault::Answer(400, json!({"error": format!("bad {} wsec_canary_9", super::server::KEY)}));
        world.server.account.lock().unwrap().faults.push((Method::POST, quotes));
        let replies = [world.sync(), world.sync(), world.run(json!({"action": "list"})).unwrap()];
        let token = serde_json::to_value(world.secret("callback/tavus/main").unwrap()).unwrap();
        for reply in replies {
            let text = reply.to_string();
            assert!(!text.contains("canary") && !text.contains(super::server::KEY), "{text}");
            assert!(!text.contains(token["current"].as_str().unwrap()), "{text}");
        }
    }
}
