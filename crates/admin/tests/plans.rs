//! Plans as people see them: what there is on the one side, and what would be done on the other.

#![allow(clippy::unwrap_used, clippy::panic)]

use admin::{Deployment, DesiredEndpoint, Plan, PlanInput, plan, wanted};
use aws::secrets::EndpointSecret;
use heygen::Secret;
use heygen::api::{Endpoint, EndpointStatus};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const URL: &str = "https://abc.execute-api.invalid";

/// What there is.
struct World {
    deployment: Deployment,
    wanted: Vec<DesiredEndpoint>,
    endpoints: Vec<Endpoint>,
    stored: BTreeMap<String, EndpointSecret>,
    unreadable: BTreeSet<String>,
}

impl World {
    /// A deployment with `main` and `second`, which wants this.
    fn wanting(endpoints: Value) -> Self {
        let deployment = Deployment::new(URL, None, "main,second");
        World {
            wanted: wanted(&json!({ "endpoints": endpoints }).to_string(), deployment.names()).unwrap(),
            deployment,
            endpoints: Vec::new(),
            stored: BTreeMap::new(),
            unreadable: BTreeSet::new(),
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
            // The order in which they are given is the order in which they were made.
            created_at: Some(format!("2026-11-21T00:00:{:02}Z", self.endpoints.len())),
            secret: None,
        });
        self
    }

    /// The endpoint that was given last is like this.
    fn like(mut self, change: impl FnOnce(&mut Endpoint)) -> Self {
        change(self.endpoints.last_mut().unwrap());
        self
    }

    fn storing(mut self, name: &str, value: Value) -> Self {
        self.stored.insert(name.to_owned(), serde_json::from_value(value).unwrap());
        self
    }

    /// Registered by us, and its secret stored.
    fn knowing(self, id: &str, name: &str) -> Self {
        self.storing(name, json!({"current": "whsec_known", "registered": {"endpoint_id": id}}))
    }

    fn plan(&self) -> Plan {
        plan(&PlanInput {
            deployment: &self.deployment,
            wanted: &self.wanted,
            endpoints: &self.endpoints,
            stored: &self.stored,
            unreadable: &self.unreadable,
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
fn what_is_as_wanted_stays() {
    let world = World::wanting(json!([{"name": "main"}, {"name": "second", "events": ["avatar_video.success"]}]))
        .having("ep_1", "main")
        .knowing("ep_1", "main")
        .having("ep_2", "second")
        .like(|endpoint| endpoint.events = events(&["avatar_video.success"]))
        .knowing("ep_2", "second");
    assert!(world.plan().changes.is_empty());
    assert_snapshot!(world.plan(), @r#"
      = main  as wanted
      = second  as wanted
    Nothing to do. Checksum 4f53cda18c2baa0c.
    "#);
}

#[test]
fn the_order_of_events_and_of_heygens_list_is_no_difference() {
    let wanted = json!([{"name": "main", "events": ["avatar_video.success", "avatar_video.fail"]}]);
    let mut world = World::wanting(wanted)
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
    let wanted = json!([{"name": "main"}, {"name": "second", "events": ["avatar_video.fail"], "entity_id": "brand_1"}]);
    assert_snapshot!(World::wanting(wanted).plan(), @r#"
      + main  create  https://abc.execute-api.invalid/webhooks/heygen/main, all events
      + second  create  https://abc.execute-api.invalid/webhooks/heygen/second, avatar_video.fail of brand_1
    2 changes. Checksum b1a319784b59a84b.
    "#);
}

#[test]
fn what_was_deleted_by_others_is_created_anew() {
    assert_snapshot!(World::wanting(json!([{"name": "main"}])).knowing("ep_gone", "main").plan(), @r#"
      + main  create  https://abc.execute-api.invalid/webhooks/heygen/main, all events
    1 change. Checksum 1c2cbd3d0a051896.
    "#);
}

#[test]
fn other_events_and_another_url_are_an_update() {
    let mut world = World::wanting(json!([
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
      ~ second  update  ep_2, no longer all events but +avatar_video.fail
      ! main: hologram.success is not an event type that this version knows; HeyGen may refuse it
    2 changes. Checksum e95a21b6b6f70ec2.
    "#);
    world.deployment = Deployment::new(URL, Some("https://hooks.team.invalid"), "main,second");
    assert_snapshot!(world.plan(), @r#"
      ~ main  update  ep_1, now at https://hooks.team.invalid/webhooks/heygen/main +hologram.success -avatar_video.fail
      ~ second  update  ep_2, now at https://hooks.team.invalid/webhooks/heygen/second, no longer all events but +avatar_video.fail
      ! main: hologram.success is not an event type that this version knows; HeyGen may refuse it
    2 changes. Checksum a317ffa36fc68bff.
    "#);
}

#[test]
fn what_heygen_cannot_change_is_replaced() {
    let world = World::wanting(json!([{"name": "main"}, {"name": "second", "entity_id": "brand_2"}]))
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
      ± main  replace  ep_1 by a new one with all events: HeyGen disabled it, and has no call to enable it; HeyGen has no call to go from a list of events to all
      ± second  replace  ep_2 by a new one with all events of brand_2: HeyGen has no call to change the entity
    2 changes. Checksum 7d8d597429d67ce9.
    "#);
}

#[test]
fn what_was_replaced_goes_without_being_asked_about() {
    let registered = json!({"endpoint_id": "ep_2", "replaces": "ep_1"});
    let world = World::wanting(json!([{"name": "main"}]))
        .having("ep_1", "main")
        .having("ep_2", "main")
        .storing("main", json!({"current": "whsec_x", "registered": registered}));
    assert_snapshot!(world.plan(), @r#"
      - main  delete  ep_1: it was replaced
    1 change. Checksum 33d7e05a66156085.
    "#);
}

#[test]
fn what_is_ours_and_not_wanted_goes_only_with_prune_and_others_are_not_touched() {
    let world = World::wanting(json!([{"name": "main"}, {"name": "second", "enabled": false}]))
        .having("ep_1", "main")
        .having("ep_2", "main")
        .knowing("ep_1", "main")
        .having("ep_3", "second")
        .knowing("ep_3", "second")
        .having("ep_4", "of-an-earlier-version")
        .having_at("ep_5", "https://other.team.invalid/webhooks/heygen/main")
        .having_at("ep_6", "https://abc.execute-api.invalid/other");
    assert_snapshot!(world.plan(), @r#"
      - main  delete  ep_2: another endpoint has the same URL (only with prune)
      - second  delete  ep_3: endpoints.json says that it is not enabled (only with prune)
      - of-an-earlier-version  delete  ep_4: endpoints.json does not have it (only with prune)
      · 2 endpoints of others, not touched
    3 changes. Checksum 103327276f63ec8b.
    "#);
}

#[test]
fn one_that_is_there_already_is_adopted() {
    // Its secret was stored by hand, as there is only one endpoint that it can be of.
    let world = World::wanting(json!([{"name": "main", "entity_id": "brand_1"}])).having("ep_1", "main");
    assert_snapshot!(world.plan(), @r#"
      + main  adopt  ep_1 is at HeyGen already; it gets a new secret, since nobody knows the one it has
      ! main: HeyGen does not show for which entity ep_1 is; it is taken to be as wanted
    1 change. Checksum cb20898a547e1f36.
    "#);
    let world = world.storing("main", json!({"current": "whsec_by_hand"}));
    assert_snapshot!(world.plan(), @r#"
      + main  adopt  ep_1 is at HeyGen already; the stored secret is taken to be its own
      ! main: HeyGen does not show for which entity ep_1 is; it is taken to be as wanted
    1 change. Checksum 743db924aba89867.
    "#);
    // With two, it may be of either.
    assert_snapshot!(world.having("ep_2", "main").plan(), @r#"
      + main  adopt  ep_2 is at HeyGen already; it gets a new secret, since nobody knows the one it has
      - main  delete  ep_1: another endpoint has the same URL (only with prune)
      ! main: HeyGen does not show for which entity ep_2 is; it is taken to be as wanted
    2 changes. Checksum a19f508b61facba1.
    "#);
}

#[test]
fn of_several_the_one_whose_secret_we_have_is_adopted_else_the_latest_that_is_enabled() {
    let world = World::wanting(json!([{"name": "main"}]))
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
      + main  adopt  ep_2 is at HeyGen already; its secret is stored
      - main  delete  ep_1: another endpoint has the same URL (only with prune)
      - main  delete  ep_3: another endpoint has the same URL (only with prune)
    3 changes. Checksum 5d9ec846bfbcf6c8.
    "#);
    assert_snapshot!(world.storing("main", json!({"current": "whsec_1"})).plan(), @r#"
      + main  adopt  ep_1 is at HeyGen already; its secret is stored
      - main  delete  ep_2: another endpoint has the same URL (only with prune)
      - main  delete  ep_3: another endpoint has the same URL (only with prune)
    3 changes. Checksum e2fb0e25a461c02e.
    "#);
}

#[test]
fn where_heygen_shows_secrets_a_wrong_one_is_corrected() {
    let world = World::wanting(json!([{"name": "main"}]))
        .having("ep_1", "main")
        .like(|endpoint| endpoint.secret = secret("whsec_other"))
        .knowing("ep_1", "main");
    assert_snapshot!(world.plan(), @r#"
      + main  adopt  ep_1 is at HeyGen already; its secret is stored
    1 change. Checksum 347ee211e3e5ec90.
    "#);
}

#[test]
fn a_secret_that_nobody_knows_is_rotated() {
    let world = World::wanting(json!([{"name": "main"}]))
        .having("ep_1", "main")
        .storing("main", json!({"registered": {"endpoint_id": "ep_1"}}));
    assert_snapshot!(world.plan(), @r#"
      ~ main  rotate  ep_1: nobody knows the secret that it has
    1 change. Checksum e2bd1722cd31c157.
    "#);
}

#[test]
fn what_was_begun_is_finished_before_anything_else() {
    let since = "2026-11-21T00:00:00Z";
    let rotate = json!({"change": "rotate", "endpoint_id": "ep_1", "idempotency_key": "k", "since": since});
    let create = json!({"change": "create", "idempotency_key": "k", "since": since});
    let world = World::wanting(json!([{"name": "main", "events": ["avatar_video.fail"]}]))
        .having("ep_1", "main")
        .storing("main", json!({"current": "whsec_x", "registered": {"endpoint_id": "ep_1"}, "pending": rotate}))
        .storing("second", json!({ "pending": create }))
        .having("ep_2", "old");
    assert_snapshot!(world.plan(), @r#"
      ~ main  finish  the rotation that was begun at 2026-11-21T00:00:00.000Z
      ~ second  finish  the registration that was begun at 2026-11-21T00:00:00.000Z
      - old  delete  ep_2: endpoints.json does not have it (only with prune)
    3 changes. Checksum 81f8987f254fd1e8.
    "#);
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    let mut world = World::wanting(json!([{"name": "main"}])).having("ep_1", "main");
    world.unreadable.insert("main".to_owned());
    assert_snapshot!(world.plan(), @r#"
      ! main is left alone: what is stored as its secret is not of the form {"current": "whsec_..."}, and may be someone's only copy of a secret; correct or remove it
    Nothing to do. Checksum 4f53cda18c2baa0c.
    "#);
}

#[test]
fn a_plan_has_a_checksum_of_its_own() {
    let world = World::wanting(json!([{"name": "main"}]));
    let create = world.plan();
    assert_eq!(create.checksum(), world.plan().checksum());
    let nothing = world.having("ep_1", "main").knowing("ep_1", "main").plan();
    assert_ne!(create.checksum(), nothing.checksum());
    assert_eq!(nothing.checksum().len(), 16);
}

#[test]
fn no_plan_shows_a_secret() {
    let world = World::wanting(json!([{"name": "main"}]))
        .having("ep_1", "main")
        .like(|endpoint| endpoint.secret = secret("whsec_listed"))
        .knowing("ep_1", "main");
    let shown = format!("{0} {0:?} {1}", world.plan(), serde_json::to_string(&world.plan().changes).unwrap());
    assert!(!shown.contains("whsec_"), "{shown}");
}
