//! The endpoints at HeyGen, kept in sync by the deployed admin function.

use crate::deployed::{A, B, Deployed};
use crate::support::{TIMEOUT, now};
use serde_json::{Value, json};
use simulator::{Existing, Options};

fn plan() -> Value {
    json!({"action": "plan"})
}

fn sync_with(flags: Value) -> Value {
    let mut request = json!({"action": "sync"});
    request.as_object_mut().unwrap().extend(flags.as_object().unwrap().clone());
    request
}

fn text(reply: &Value) -> &str {
    reply["text"].as_str().unwrap()
}

#[test]
fn a_second_sync_changes_nothing() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    let done = admin.sync();
    assert_eq!(done["done"].as_array().unwrap().len(), 2, "{}", text(&done));
    admin.works(A);
    admin.works(B);
    let (calls, stored) = (admin.mutating_calls(), (admin.stored(A), admin.stored(B)));
    assert_eq!(calls, 2);
    let again = admin.sync();
    assert!(text(&again).contains("Nothing to do."), "{}", text(&again));
    assert_eq!(admin.mutating_calls(), calls);
    assert_eq!((admin.stored(A), admin.stored(B)), stored);
    assert_eq!(admin.ask(plan()).unwrap()["changes"], json!([]));
}

#[test]
fn an_endpoints_life() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.configure(json!([{"name": A, "events": ["avatar_video.success"]}]));
    admin.sync();
    let created = admin.works(A);
    assert!(admin.at_heygen(B).is_empty(), "it is not configured");

    admin.configure(json!([{"name": A, "events": ["avatar_video.success", "avatar_video.fail"]}]));
    assert_eq!(admin.ask(plan()).unwrap()["changes"][0]["change"], "update");
    admin.sync();
    let updated = admin.works(A);
    assert_eq!(updated.endpoint_id, created.endpoint_id);
    assert_eq!(updated.events.unwrap().len(), 2);

    // HeyGen cannot change a list to all events, so the endpoint is replaced.
    admin.configure(json!([{"name": A, "events": null}]));
    admin.sync();
    let replaced = admin.works(A);
    assert_ne!(replaced.endpoint_id, created.endpoint_id);
    let stored = admin.stored(A);
    assert!(
        stored.valid_at(time::OffsetDateTime::now_utc()).contains(&&created.secret),
        "retries may be signed with the old one"
    );

    // Nothing is deleted without prune.
    admin.configure(json!([{"name": A, "enabled": false}]));
    let calls = admin.mutating_calls();
    let left = admin.sync();
    assert!(text(&left).contains("only with \"prune\": true"), "{}", text(&left));
    admin.ask(sync_with(json!({"force": true}))).unwrap();
    assert_eq!((admin.mutating_calls(), admin.at_heygen(A).len()), (calls, 1));
    admin.ask(sync_with(json!({"prune": true}))).unwrap();
    assert!(admin.at_heygen(A).is_empty());
    assert_eq!(admin.ask(plan()).unwrap()["changes"], json!([]));
}

#[test]
fn the_secret_of_a_removed_name_is_kept_until_its_endpoint_is_pruned_and_restored_when_the_name_is_back() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.sync();
    let before = admin.works(B);
    admin.set_variables(&[("ENDPOINTS", A)]);
    admin.sync();
    assert_eq!((admin.at_heygen(B).len(), admin.has_deleted_secret(B)), (1, false));
    admin.ask(sync_with(json!({"prune": true, "force": true}))).unwrap();
    assert_eq!((admin.at_heygen(B).len(), admin.has_deleted_secret(B)), (0, true));
    admin.works(A);

    admin.set_variables(&[("ENDPOINTS", &format!("{A},{B}"))]);
    let planned = admin.ask(plan()).unwrap();
    assert!(text(&planned).contains("managed-b  restore"), "{}", text(&planned));
    assert!(admin.has_deleted_secret(B), "a plan changes nothing");
    let done = admin.sync();
    let changes: Vec<_> = done["done"].as_array().unwrap().iter().map(|change| &change["change"]).collect();
    assert_eq!(changes, ["restore", "create"]);
    assert_ne!(admin.works(B).secret, before.secret);
    assert_eq!(admin.stored(B).previous[0].secret, before.secret, "retries may be signed with the old one");
}

#[test]
fn what_was_disabled_is_replaced_by_the_scheduled_sync() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.configure(json!([{"name": A}]));
    admin.sync();
    let before = admin.works(A);
    assert!(admin.disable(&before.endpoint_id));
    let planned = admin.ask(plan()).unwrap();
    assert!(text(&planned).contains("HeyGen disabled it"), "{}", text(&planned));
    admin.sync();
    assert_ne!(admin.works(A).endpoint_id, before.endpoint_id);
}

#[test]
fn what_heygen_disabled_is_counted_before_and_after_it_is_replaced() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    for version in ["v3", "v1"] {
        admin.set_variables(&[("HEYGEN_API_VERSION", version)]);
        admin.configure(json!([{"name": A}]));
        admin.sync();
        let since = now();
        assert!(admin.disable(&admin.at_heygen(A)[0].endpoint_id));
        admin.ask(plan()).unwrap();
        admin.logged(since, &["\"EndpointsDisabled\":1"]);
        let since = now();
        admin.sync();
        admin.logged(since, &["\"EndpointsDisabled\":1"]);
        admin.logged(since, &["\"EndpointsDisabled\":0"]);
    }
}

#[test]
fn of_250_endpoints_only_ours_are_touched() {
    let foreign = Existing::foreign(250);
    let Some(mut admin) = Deployed::new(Options { endpoints: foreign, ..Options::default() }) else { return };
    let others = admin.endpoints();
    // Left by earlier deployments; their secrets are unknown.
    let old = admin.register(Existing::new(admin.url(A)));
    let older = admin.register(Existing { enabled: false, ..Existing::new(admin.url(A)) });
    admin.configure(json!([{"name": A}]));

    let planned = admin.ask(plan()).unwrap();
    assert!(text(&planned).contains("250 endpoints are not ours, left alone"), "{}", text(&planned));
    let pages = admin.calls().iter().filter(|call| call.path == "/v3/webhooks/endpoints").count();
    assert_eq!(pages, 3, "252 endpoints, 100 to a page");
    let changes: Vec<_> = planned["changes"].as_array().unwrap().iter().map(|change| &change["change"]).collect();
    assert_eq!(changes, ["adopt"], "of the duplicate it is not known whose it is");

    admin.ask(sync_with(json!({"adopt": true}))).unwrap();
    assert_eq!(admin.at_heygen(A).len(), 2, "duplicates stay without prune");
    let forced = admin.ask(sync_with(json!({"prune": true, "force": true}))).unwrap();
    assert_eq!(forced["done"][0]["endpoint_id"], json!(older));
    assert_eq!(admin.works(A).endpoint_id, old);
    assert_eq!(admin.endpoints()[..250], others[..]);
    let listed = admin.ask(json!({"action": "list"})).unwrap();
    assert_eq!((&listed["owned"], &listed["foreign"]), (&json!(1), &json!(250)));
    assert_eq!(listed["endpoints"][0]["url"], "team-0.example.invalid", "only the host is shown of what is not ours");
}

#[test]
fn what_someone_stored_by_hand_is_adopted_as_it_is() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.configure(json!([{"name": A}]));
    admin.register(Existing::new(admin.url(A)));
    let secret = admin.at_heygen(A)[0].secret.clone();
    admin.stack.put_secret(A, &json!({ "current": secret })).unwrap();
    admin.sync();
    assert_eq!(admin.mutating_calls(), 0);
    admin.works(A);
}

#[test]
fn v1_is_kept_in_sync_as_well() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.set_variables(&[("HEYGEN_API_VERSION", "v1"), ("MAX_REMOVAL_PERCENT", "100")]);
    admin.configure(json!([{"name": A, "events": ["avatar_video.success"]}]));
    admin.register(Existing::new("https://other.team.invalid/hooks"));
    admin.sync();
    let created = admin.works(A);
    let calls = admin.mutating_calls();
    admin.sync();
    assert_eq!(admin.mutating_calls(), calls);

    admin.configure(json!([{"name": A, "events": ["avatar_video.fail"]}]));
    admin.sync();
    assert_eq!(admin.works(A).endpoint_id, created.endpoint_id);
    // v1 cannot rotate a secret, so the endpoint is replaced.
    let rotated = admin.ask(json!({"action": "rotate", "endpoint": A})).unwrap();
    assert!(text(&rotated).contains("v1 cannot rotate"), "{}", text(&rotated));
    assert_ne!(admin.works(A).secret, created.secret);
    // v1 shows secrets, so a wrong one is corrected without a change at HeyGen.
    let calls = admin.mutating_calls();
    let registered = json!({"endpoint_id": admin.at_heygen(A)[0].endpoint_id});
    admin.stack.put_secret(A, &json!({"current": "whsec_of_someone_else", "registered": registered})).unwrap();
    admin.sync();
    admin.works(A);
    assert_eq!(admin.mutating_calls(), calls);
    assert!(admin.calls().iter().all(|call| call.path.starts_with("/v1/")));
    assert_eq!(admin.endpoints().len(), 2);
}

#[test]
fn only_the_plan_that_was_seen_is_carried_out() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let checksum = admin.ask(plan()).unwrap()["checksum"].clone();
    admin.configure(json!([{"name": A}]));
    let rejected = admin.ask(sync_with(json!({ "checksum": checksum }))).unwrap_err().to_string();
    assert!(rejected.contains("no longer has the checksum") && rejected.contains("+ managed-a  create"), "{rejected}");
    assert_eq!(admin.mutating_calls(), 0);
    let checksum = admin.ask(plan()).unwrap()["checksum"].clone();
    admin.ask(sync_with(json!({ "checksum": checksum }))).unwrap();
    admin.works(A);
}

#[test]
fn what_fails_says_what_to_do_and_is_logged() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let since = now();
    admin.configure(json!([{"name": A, "event": []}]));
    let error = admin.ask(plan()).unwrap_err().to_string();
    assert!(error.contains("endpoints.json: endpoints[0].event: unknown field `event`"), "{error}");
    admin.configure(json!([{"name": A}]));
    let error = admin.ask(json!({"action": "rotate", "endpoint": A})).unwrap_err().to_string();
    assert!(error.contains("is not registered") && error.contains("{\"action\": \"sync\"} first"), "{error}");
    let error = admin.ask(json!({"action": "rotate", "endpoint": "nope"})).unwrap_err().to_string();
    assert_eq!(error, "unknown endpoint \"nope\" (configured: managed-a, managed-b)");
    admin.stack.put_secret(B, &json!({})).unwrap();
    admin.set_variables(&[("API_KEY_SECRET", &admin.stack.stack().endpoint(B).unwrap().secret.clone())]);
    let error = admin.ask(json!({"action": "sync"})).unwrap_err().to_string();
    assert!(error.contains("is not an API key. Store the key alone"), "{error}");
    assert!(admin.logged(since, &["action failed", "is not an API key"]).contains("\"denied\""));
    admin.set_variables(&[("HEYGEN_API_VERSION", "v2")]);
    let error = admin.ask(plan()).unwrap_err().to_string();
    assert!(error.contains("HEYGEN_API_VERSION: must be \"v3\" or \"v1\""), "{error}");
}

#[test]
fn what_heygen_has_is_listed() {
    let mut event_types: Vec<_> = heygen::EventType::KNOWN.iter().map(|name| (*name).to_owned()).collect();
    event_types.push("hologram.success".to_owned());
    event_types.retain(|event| event != "live_avatar.fail");
    let Some(mut admin) = Deployed::new(Options { event_types, ..Options::default() }) else { return };
    admin.configure(json!([{"name": A, "events": ["hologram.success"]}, {"name": B}]));
    let done = admin.sync();
    assert!(text(&done).contains("hologram.success is not an event type that this version knows"), "{}", text(&done));
    admin.works(A);

    let types = admin.ask(json!({"action": "event-types"})).unwrap();
    assert_eq!((&types["new"], &types["removed"]), (&json!(["hologram.success"]), &json!(["live_avatar.fail"])));

    let url = "https://files.example.invalid/canary-link";
    for number in 0..120 {
        admin.emit(
            "avatar_video.success",
            json!({"video_id": format!("v{number}"), "callback_id": "order", "url": url}),
        );
    }
    admin.wait_until_delivered(TIMEOUT).unwrap();
    let filter = json!({"action": "deliveries", "event_type": "avatar_video.success"});
    let first = admin.ask(filter.clone()).unwrap();
    assert_eq!(first["events"].as_array().unwrap().len(), 100);
    assert!(!first.to_string().contains("canary"), "an event's data is not shown");
    let mut next = filter;
    next["token"] = first["next_token"].clone();
    let second = admin.ask(next).unwrap();
    assert_eq!((second["events"].as_array().unwrap().len(), &second["next_token"]), (20, &Value::Null));
    assert_eq!(second["events"][0]["correlation_id"], "order");
    let one = admin.ask(json!({"action": "deliveries", "entity_id": "v7"})).unwrap();
    assert_eq!(one["events"].as_array().unwrap().len(), 1);

    let listed = admin.ask(json!({"action": "list"})).unwrap();
    let shown = &listed["endpoints"][0];
    assert_eq!(
        (&shown["state"], &shown["secret"], &shown["drift"]),
        (&json!("registered"), &json!("stored"), &Value::Null)
    );
}
