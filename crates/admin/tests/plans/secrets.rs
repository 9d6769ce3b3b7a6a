//! Plans that adopt an endpoint, or give one another secret.

use crate::world::{World, secret};
use admin::Change;
use heygen::api::EndpointStatus;
use insta::assert_snapshot;
use serde_json::{Value, json};

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
