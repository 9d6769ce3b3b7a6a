//! What is brought back: what had not ended before the first run, by its id, and with its order.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::world::{HOUR, LIMIT, World, hours_ago, missed, rejected};
use serde_json::json;
use simulator::{Fault, JobKind, JobOutcome, Options, StartJob, When};
use std::time::Duration;

#[test]
fn an_entity_is_brought_back_by_its_id_although_the_cursor_has_passed_it() {
    for kind in [JobKind::Video, JobKind::Translation("Spanish".to_owned()), JobKind::Lipsync, JobKind::VideoAgent] {
        let world = World::new(Options::default());
        world.has_read_until(0);
        let lost = world.lost(&kind, 1, HOUR * 200);
        world.backfill();
        assert_eq!(world.sent(), <[&str; 0]>::default());
        let request = json!({"action": "backfill", "entity_id": lost[0]});
        let reply = world.ask(request.clone()).unwrap();
        assert_eq!((missed(&reply), world.sent()), (1, lost), "{kind:?}: {reply}");
        assert_eq!(missed(&world.ask(request).unwrap()), 0);
    }
    let world = World::new(Options::default());
    let reply = world.ask(json!({"action": "backfill", "entity_id": "unknown"})).unwrap();
    assert_eq!(missed(&reply), 0);
    let failed = StartJob::ended(JobKind::Video, JobOutcome::Fails("no credit".to_owned()), HOUR * 200);
    let ids = world.start_jobs(vec![failed]);
    world.ask(json!({"action": "backfill", "entity_id": ids[0], "event_type": "avatar_video.success"})).unwrap();
    assert_eq!(world.sent(), <[&str; 0]>::default(), "it is of another type");
}

#[test]
fn a_video_of_the_list_gets_its_order_from_v1_as_long_as_that_answers() {
    let orders = |world: &World| {
        let mut orders: Vec<_> = world.sent_events().into_iter().map(|event| event.callback_id).collect();
        orders.sort();
        orders
    };
    let order = |number: usize| Some(format!("order_{number}"));
    let world = World::new(Options::default());
    world.has_read_until(5);
    world.lost(&JobKind::Video, 3, HOUR);
    world.inject(When::Next("GET", "/v1/video_status.get"), rejected());
    world.backfill();
    let found = orders(&world);
    assert_eq!((found.len(), found.iter().flatten().count()), (3, 2), "an error stops nothing");
    assert!(found.contains(&order(1)) || found.contains(&order(2)));

    let world = World::new(Options::default());
    world.has_read_until(5);
    world.lost(&JobKind::Video, 30, HOUR);
    for _ in 0..30 {
        let gone = Fault::Error { status: 410, code: "gone", retry_after: None };
        world.inject(When::Next("GET", "/v1/video_status.get"), gone);
    }
    world.backfill();
    assert_eq!(orders(&world), vec![None; 30]);
    assert!(world.asked("/v1/video_status.get") < 8, "those that were asked at once");
}

#[test]
fn of_a_tracked_video_heygen_is_not_asked_for_the_order() {
    let world = World::new(Options::default());
    world.has_read_until(5);
    let ids = world.lost(&JobKind::Video, 1, HOUR);
    let text = |text: &str| json!({ "S": text });
    world.put(&json!({
        "id": text(&ids[0]), "item": text(&format!("job#avatar_video#{}", ids[0])), "kind": text("avatar_video"),
        "entity_id": text(&ids[0]), "status": text("pending"), "callback_id": text("order_7"),
    }));
    world.backfill();
    assert_eq!((world.sent(), world.asked("/v1/video_status.get")), (ids, 0));
}

#[test]
fn of_a_list_without_times_all_that_an_outage_lost_is_brought_back() {
    let world = World::new(Options::default());
    world.has_read_until(5);
    let lost = world.lost(&JobKind::AiClipping(1), 650, HOUR);
    world.ask(json!({"action": "backfill"})).unwrap();
    assert_eq!(world.sent().len(), lost.len());
    let before = world.asked("/v3/ai-clipping");
    assert_eq!(missed(&world.backfill()), 0);
    assert_eq!(world.asked("/v3/ai-clipping") - before, 5, "then, it is not read to its end");
}

fn every_kind() -> [JobKind; 4] {
    [JobKind::Video, JobKind::Translation("Spanish".to_owned()), JobKind::Lipsync, JobKind::AiClipping(1)]
}

#[test]
fn what_had_ended_before_the_first_run_is_not_brought_back_and_what_ends_later_is() {
    let [_, translation, _, clipping] = every_kind();
    let kinds = every_kind().into_iter().map(|kind| (kind, 20)).chain([(translation, 520), (clipping, 520)]);
    for (kind, count) in kinds {
        let world = World::new(Options { list_undelivered: true, ..Options::default() });
        world.lost(&kind, count, HOUR / 2);
        let running = StartJob {
            ends: simulator::Ends::After(Duration::from_millis(900)),
            disturbance: Some(simulator::Disturbance::Lost),
            ..StartJob::ended(kind.clone(), JobOutcome::Succeeds, HOUR)
        };
        let running = if count < 500 { world.start_jobs(vec![running]) } else { Vec::new() };
        for run in 1..=if count < 500 { 3 } else { 1 } {
            assert_eq!(missed(&world.backfill()), 0, "{kind:?} {count} in run {run}");
        }
        world.wait_until_delivered(LIMIT).unwrap();
        let mut later = world.lost(&kind, count.min(110), Duration::ZERO);
        later.extend(running);
        later.sort();
        std::thread::sleep(Duration::from_millis(1_100));
        world.backfill();
        assert_eq!(world.sent(), later, "{kind:?} {count}");
        assert_eq!(missed(&world.backfill()), 0);
        if count < 500 {
            let since = world.ask(json!({"action": "backfill", "since": hours_ago(2)})).unwrap();
            assert!(missed(&since) >= count.try_into().unwrap(), "unless it is asked for");
        }
    }
}
