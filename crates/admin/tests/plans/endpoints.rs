//! Plans that register, change and delete endpoints.

use crate::world::{URL, World, events};
use admin::Deployment;
use heygen::api::EndpointStatus;
use insta::assert_snapshot;
use serde_json::json;

#[test]
fn what_is_up_to_date_stays() {
    let world = World::desiring(json!([{"name": "main"}, {"name": "second", "events": ["avatar_video.success"]}]))
        .having("ep_1", "main")
        .knowing("ep_1", "main")
        .having("ep_2", "second")
        .like(|endpoint| endpoint.events = events(&["avatar_video.success"]))
        .knowing("ep_2", "second");
    assert!(world.plan().changes.is_empty());
    assert_snapshot!(world.plan(), @r#"
      = main  up to date
      = second  up to date
    Nothing to do. Checksum 4f53cda18c2baa0c.
    "#);
}

#[test]
fn the_order_of_events_and_of_heygens_list_is_no_difference() {
    let desired = json!([{"name": "main", "events": ["avatar_video.success", "avatar_video.fail"]}]);
    let mut world = World::desiring(desired)
        .having("ep_1", "main")
        .like(|endpoint| endpoint.events = events(&["avatar_video.fail", "avatar_video.success"]))
        .knowing("ep_1", "main")
        .having("ep_2", "old")
        .having("ep_3", "older");
    let first = world.plan();
    world.endpoints.reverse();
    assert_eq!(first, world.plan());
    assert_eq!(first.unchanged, ["main"]);
}

#[test]
fn what_is_missing_is_created() {
    let desired =
        json!([{"name": "main"}, {"name": "second", "events": ["avatar_video.fail"], "entity_id": "brand_1"}]);
    assert_snapshot!(World::desiring(desired).plan(), @r#"
      + main  create  https://abc.execute-api.invalid/webhooks/heygen/main, all events
      + second  create  https://abc.execute-api.invalid/webhooks/heygen/second, avatar_video.fail of brand_1
    2 changes. Checksum b1a319784b59a84b.
    "#);
}

#[test]
fn what_someone_else_deleted_is_created_again() {
    assert_snapshot!(World::desiring(json!([{"name": "main"}])).knowing("ep_gone", "main").plan(), @r#"
      + main  create  https://abc.execute-api.invalid/webhooks/heygen/main, all events
    1 change. Checksum 1c2cbd3d0a051896.
    "#);
}

#[test]
fn other_events_and_another_url_are_an_update() {
    let mut world = World::desiring(json!([
        {"name": "main", "events": ["avatar_video.success", "hologram.success"]},
        {"name": "second", "events": ["avatar_video.fail"]},
    ]))
    .having("ep_1", "main")
    .like(|endpoint| endpoint.events = events(&["avatar_video.success", "avatar_video.fail"]))
    .knowing("ep_1", "main")
    .having("ep_2", "second")
    .knowing("ep_2", "second");
    assert_snapshot!(world.plan(), @r#"
      ~ main  update  ep_1 +hologram.success -avatar_video.fail
      ~ second  update  ep_2, instead of all events only avatar_video.fail
      ! main: hologram.success is not an event type that this version knows; HeyGen may reject it
    2 changes. Checksum e95a21b6b6f70ec2.
    "#);
    world.deployment = Deployment::new(URL, Some("https://hooks.team.invalid"), "main,second");
    assert_snapshot!(world.plan(), @r#"
      ~ main  update  ep_1, new URL https://hooks.team.invalid/webhooks/heygen/main +hologram.success -avatar_video.fail
      ~ second  update  ep_2, new URL https://hooks.team.invalid/webhooks/heygen/second, instead of all events only avatar_video.fail
      ! main: hologram.success is not an event type that this version knows; HeyGen may reject it
    2 changes. Checksum a317ffa36fc68bff.
    "#);
}

#[test]
fn what_heygen_cannot_change_is_replaced() {
    let world = World::desiring(json!([{"name": "main"}, {"name": "second", "entity_id": "brand_2"}]))
        .having("ep_1", "main")
        .like(|endpoint| {
            endpoint.events = events(&["avatar_video.success"]);
            endpoint.status = Some(EndpointStatus::Disabled);
        })
        .knowing("ep_1", "main")
        .having("ep_2", "second")
        .storing(
            "second",
            json!({"current": "whsec_x", "registered": {"endpoint_id": "ep_2", "entity_id": "brand_1"}}),
        );
    assert_snapshot!(world.plan(), @r#"
      ± main  replace  ep_1 with a new endpoint for all events: HeyGen disabled it and cannot enable it again; HeyGen cannot change a list of events to all events; deletes ep_1 first if HeyGen accepts only one endpoint per URL
      ± second  replace  ep_2 with a new endpoint for all events of brand_2: HeyGen cannot change the entity; deletes ep_2 first if HeyGen accepts only one endpoint per URL
    2 changes. Checksum c230048659667090.
    "#);
}

#[test]
fn what_was_replaced_is_deleted_without_prune() {
    let registered = json!({"endpoint_id": "ep_2", "replaces": "ep_1"});
    let world = World::desiring(json!([{"name": "main"}]))
        .having("ep_1", "main")
        .having("ep_2", "main")
        .storing("main", json!({"current": "whsec_x", "registered": registered}));
    assert_snapshot!(world.plan(), @r#"
      - main  delete  ep_1: it was replaced
    1 change. Checksum 17e7baff68a7c1d3.
    "#);
}

#[test]
fn what_is_ours_and_not_configured_goes_only_with_prune_and_what_is_not_ours_stays() {
    let world = World::desiring(json!([{"name": "main"}, {"name": "second", "enabled": false}]))
        .having("ep_1", "main")
        .having("ep_2", "main")
        .knowing("ep_1", "main")
        .having("ep_3", "second")
        .knowing("ep_3", "second")
        .having("ep_4", "of-an-earlier-version")
        .having_at("ep_5", "https://other.team.invalid/webhooks/heygen/main")
        .having_at("ep_6", "https://abc.execute-api.invalid/other");
    assert_snapshot!(world.plan(), @r#"
      - main  delete  ep_2: another endpoint has the same URL (only with "prune": true)
      - second  delete  ep_3: not enabled in endpoints.json (only with "prune": true)
      - of-an-earlier-version  delete  ep_4: not in endpoints.json (only with "prune": true)
      · 2 endpoints are not ours, left alone
    3 changes. Checksum 10c1b79e55b2518f.
    "#);
}

#[test]
fn a_pending_change_is_finished_before_anything_else() {
    let since = "2026-11-21T00:00:00Z";
    let rotate = json!({"change": "rotate", "endpoint_id": "ep_1", "idempotency_key": "k", "since": since});
    let create = json!({"change": "create", "idempotency_key": "k", "since": since});
    let world = World::desiring(json!([{"name": "main", "events": ["avatar_video.fail"]}]))
        .having("ep_1", "main")
        .storing("main", json!({"current": "whsec_x", "registered": {"endpoint_id": "ep_1"}, "pending": rotate}))
        .storing("second", json!({ "pending": create }))
        .having("ep_2", "old");
    assert_snapshot!(world.plan(), @r#"
      ~ main  finish  the rotation started at 2026-11-21T00:00:00.000Z
      ~ second  finish  the registration started at 2026-11-21T00:00:00.000Z
      - old  delete  ep_2: not in endpoints.json (only with "prune": true)
    3 changes. Checksum 68fe264fa4130948.
    "#);
}

#[test]
fn a_plan_has_a_checksum_of_its_own() {
    let world = World::desiring(json!([{"name": "main"}]));
    let create = world.plan();
    assert_eq!(create.checksum, world.plan().checksum);
    let nothing = world.having("ep_1", "main").knowing("ep_1", "main").plan();
    assert_ne!(create.checksum, nothing.checksum);
    assert_eq!(nothing.checksum.len(), 16);
}
