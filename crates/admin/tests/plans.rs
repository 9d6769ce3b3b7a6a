//! Plans as people read them, for what is configured, stored and at HeyGen.

#![allow(clippy::unwrap_used, clippy::panic)]

use admin::{Change, Deployment, DesiredEndpoint, Plan, PlanInput, desired_endpoints, plan};
use aws::secrets::EndpointSecret;
use heygen::api::{Endpoint, EndpointStatus};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::macros::datetime;
use webhook::Secret;

const URL: &str = "https://abc.execute-api.invalid";

/// What a plan is made from.
struct World {
    deployment: Deployment,
    desired: Vec<DesiredEndpoint>,
    endpoints: Vec<Endpoint>,
    stored: BTreeMap<String, EndpointSecret>,
    unreadable: BTreeSet<String>,
    deleted: BTreeSet<String>,
    can_rotate: bool,
    max_secret_days: Option<u64>,
}

impl World {
    /// A deployment with `main` and `second`, and this configuration.
    fn desiring(endpoints: Value) -> Self {
        let deployment = Deployment::new(URL, None, "main,second");
        World {
            desired: desired_endpoints(&json!({ "endpoints": endpoints }).to_string(), deployment.names()).unwrap(),
            deployment,
            endpoints: Vec::new(),
            stored: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            deleted: BTreeSet::new(),
            can_rotate: true,
            max_secret_days: None,
        }
    }

    /// HeyGen has an endpoint for this name.
    fn having(self, id: &str, name: &str) -> Self {
        self.having_at(id, &format!("{URL}/webhooks/heygen/{name}"))
    }

    fn having_at(mut self, id: &str, url: &str) -> Self {
        self.endpoints.push(Endpoint {
            id: id.to_owned(),
            url: url.to_owned(),
            status: Some(EndpointStatus::Enabled),
            events: None,
            // In the order of the calls.
            created_at: Some(format!("2026-11-21T00:00:{:02}Z", self.endpoints.len())),
            secret: None,
        });
        self
    }

    /// Changes the last endpoint.
    fn like(mut self, change: impl FnOnce(&mut Endpoint)) -> Self {
        change(self.endpoints.last_mut().unwrap());
        self
    }

    fn storing(mut self, name: &str, value: Value) -> Self {
        self.stored.insert(name.to_owned(), serde_json::from_value(value).unwrap());
        self
    }

    /// The endpoint is registered, and its secret is stored.
    fn knowing(self, id: &str, name: &str) -> Self {
        self.storing(name, json!({"current": "whsec_known", "registered": {"endpoint_id": id}}))
    }

    fn plan(&self) -> Plan {
        plan(&PlanInput {
            deployment: &self.deployment,
            desired: &self.desired,
            endpoints: &self.endpoints,
            stored: &self.stored,
            unreadable: &self.unreadable,
            deleted: &self.deleted,
            can_rotate: self.can_rotate,
            max_secret_age: self.max_secret_days.map(|days| Duration::from_hours(24 * days)),
            now: datetime!(2026-11-21 12:00 UTC),
        })
    }
}

fn events(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn secret(text: &str) -> Option<Secret> {
    Some(Secret::new(text).unwrap())
}

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
fn an_existing_endpoint_is_adopted() {
    // A secret that was stored by hand belongs to the only endpoint that there is,
    let world = World::desiring(json!([{"name": "main", "entity_id": "brand_1"}])).having("ep_1", "main");
    assert_snapshot!(world.plan(), @r#"
      + main  adopt  ep_1 already exists at HeyGen; this deployment does not have its secret, so it gets a new one; another deployment that has the old one can no longer verify its deliveries (only with "adopt": true)
      ! main: HeyGen does not show which entity ep_1 is limited to; assuming brand_1
    1 change. Checksum cb20898a547e1f36.
    "#);
    let world = world.storing("main", json!({"current": "whsec_by_hand"}));
    assert_snapshot!(world.plan(), @r#"
      + main  adopt  ep_1 already exists at HeyGen; the stored secret is assumed to be its secret
      ! main: HeyGen does not show which entity ep_1 is limited to; assuming brand_1
    1 change. Checksum 743db924aba89867.
    "#);
    // and with two, to either.
    assert_snapshot!(world.having("ep_2", "main").plan(), @r#"
      + main  adopt  ep_2 already exists at HeyGen; this deployment does not have its secret, so it gets a new one; another deployment that has the old one can no longer verify its deliveries (only with "adopt": true)
      ! main: HeyGen does not show which entity ep_2 is limited to; assuming brand_1
    1 change. Checksum 827bd1edbe140203.
    "#);
}

#[test]
fn of_several_the_one_whose_secret_is_stored_is_adopted_else_the_latest_that_is_enabled() {
    let world = World::desiring(json!([{"name": "main"}]))
        .having("ep_1", "main")
        .like(|endpoint| endpoint.secret = secret("whsec_1"))
        .having("ep_2", "main")
        .like(|endpoint| endpoint.secret = secret("whsec_2"))
        .having("ep_3", "main")
        .like(|endpoint| {
            endpoint.secret = secret("whsec_3");
            endpoint.status = Some(EndpointStatus::Disabled);
        });
    assert_snapshot!(world.plan(), @r#"
      + main  adopt  ep_2 already exists at HeyGen; its secret is copied from HeyGen's list
      - main  delete  ep_1: another endpoint has the same URL (only with "prune": true)
      - main  delete  ep_3: another endpoint has the same URL (only with "prune": true)
    3 changes. Checksum 0ca2ef9b18283488.
    "#);
    assert_snapshot!(world.storing("main", json!({"current": "whsec_1"})).plan(), @r#"
      + main  adopt  ep_1 already exists at HeyGen; its secret is copied from HeyGen's list
      - main  delete  ep_2: another endpoint has the same URL (only with "prune": true)
      - main  delete  ep_3: another endpoint has the same URL (only with "prune": true)
    3 changes. Checksum 71208f2b60fbbd82.
    "#);
}

#[test]
fn where_heygen_shows_secrets_a_wrong_one_is_corrected() {
    let world = World::desiring(json!([{"name": "main"}]))
        .having("ep_1", "main")
        .like(|endpoint| endpoint.secret = secret("whsec_other"))
        .knowing("ep_1", "main");
    assert_snapshot!(world.plan(), @r#"
      + main  adopt  ep_1 already exists at HeyGen; its secret is copied from HeyGen's list
    1 change. Checksum 347ee211e3e5ec90.
    "#);
}

#[test]
fn an_unknown_secret_is_rotated() {
    let world = World::desiring(json!([{"name": "main"}]))
        .having("ep_1", "main")
        .storing("main", json!({"registered": {"endpoint_id": "ep_1"}}));
    assert_snapshot!(world.plan(), @r#"
      ~ main  rotate  ep_1: its secret is unknown
    1 change. Checksum 457189dd884b1791.
    "#);
}

/// `main` is registered, with a secret from this time.
fn with_secret_since(since: Value) -> World {
    let stored = json!({"current": "whsec_known", "current_since": since, "registered": {"endpoint_id": "ep_1"}});
    let mut world = World::desiring(json!([{"name": "main"}])).having("ep_1", "main").storing("main", stored);
    world.max_secret_days = Some(30);
    world
}

#[test]
fn a_secret_that_is_too_old_or_of_unknown_age_is_rotated() {
    let world = with_secret_since(json!("2026-10-22T12:00:00Z"));
    assert_snapshot!(world.plan(), @r#"
      ~ main  rotate  ep_1: its secret is older than MaxSecretDays, or of unknown age
    1 change. Checksum ed85ccdbc37eae6d.
    "#);
    let unknown = with_secret_since(Value::Null);
    assert_eq!(unknown.plan().changes, world.plan().changes);
    let young = with_secret_since(json!("2026-10-22T12:00:01Z"));
    assert!(young.plan().changes.is_empty());
    for mut off in [world, unknown] {
        off.max_secret_days = None;
        assert!(off.plan().changes.is_empty());
    }
}

#[test]
fn an_endpoint_whose_secret_is_too_old_is_replaced_in_v1() {
    let mut world = with_secret_since(Value::Null).like(|endpoint| endpoint.secret = secret("whsec_known"));
    world.can_rotate = false;
    assert_snapshot!(world.plan(), @r#"
      ± main  replace  ep_1 with a new endpoint for all events: its secret is older than MaxSecretDays, or of unknown age, and API v1 cannot rotate it; deletes ep_1 first if HeyGen accepts only one endpoint per URL
    1 change. Checksum 78f19e2ba7da89a6.
    "#);
}

#[test]
fn only_the_secret_of_a_registered_endpoint_is_rotated_for_its_age() {
    let not_noted = |mut world: World| {
        world.stored.get_mut("main").unwrap().registered = None;
        world.plan()
    };
    for can_rotate in [true, false] {
        let adopted = not_noted(World { can_rotate, ..with_secret_since(Value::Null) });
        let names: Vec<_> = adopted.changes.iter().map(|change| change.kind.name()).collect();
        assert_eq!(names, ["adopt"], "{adopted}");
    }
    let other = with_secret_since(Value::Null).like(|endpoint| endpoint.id = "ep_2".to_owned());
    let only = other.plan();
    assert!(only.changes.iter().all(Change::needs_adopt) && only.changes.len() == 1, "{only}");
    let replaced = with_secret_since(Value::Null).like(|endpoint| endpoint.status = Some(EndpointStatus::Disabled));
    let names: Vec<_> = replaced.plan().changes.iter().map(|change| change.kind.name()).collect();
    assert_eq!(names, ["replace"], "a new endpoint has a new secret");
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
fn what_cannot_be_read_is_left_alone() {
    let mut world = World::desiring(json!([{"name": "main"}])).having("ep_1", "main");
    world.unreadable.insert("main".to_owned());
    assert_snapshot!(world.plan(), @r#"
      ! main is left alone: its stored secret is not of the form {"current": "whsec_..."}, and may be the only copy of a secret; correct or delete it
    Nothing to do, but 1 secret cannot be read. Checksum 4f53cda18c2baa0c.
    "#);
    assert_eq!((world.plan().unreadable, world.plan().drift()), (vec!["main".to_owned()], 1));
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

#[test]
fn no_plan_shows_a_secret() {
    let world = World::desiring(json!([{"name": "main"}]))
        .having("ep_1", "main")
        .like(|endpoint| endpoint.secret = secret("whsec_listed"))
        .knowing("ep_1", "main");
    let shown = format!("{0} {0:?} {1}", world.plan(), serde_json::to_string(&world.plan().changes).unwrap());
    assert!(!shown.contains("whsec_"), "{shown}");
}

#[test]
fn a_deleted_secret_is_restored_before_anything_else_is_decided_and_only_for_an_endpoint_that_is_enabled() {
    let mut world =
        World::desiring(json!([{"name": "main"}, {"name": "second", "enabled": false}])).having("ep_1", "main");
    world.deleted = ["main".to_owned(), "second".to_owned()].into();
    assert_snapshot!(world.plan(), @r"
      + main  restore  its secret, which is scheduled for deletion
      = second  up to date
    1 change. Checksum 4b680d32e6fcffba.
    ");
}
