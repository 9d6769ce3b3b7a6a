//! A request that runs out of time is noted, and the schedule goes on with it until it is done, whatever interrupts it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::dynamo::text;
use common::memory::{World, on};
use common::{Cut, DEAD, QUEUE, app, ask, message};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The invocation's time, of which all but this second is kept for its end.
const A_SECOND: Duration = Duration::from_secs(61);
/// No second step begins.
const NO_TIME: Duration = Duration::from_secs(30);

/// Jobs that ended, on one page. Ten of them are told in a second.
fn world(jobs: usize) -> Arc<Mutex<World>> {
    let mut world = World::default();
    world.table.page = 1_000;
    for number in 0..jobs {
        let id = format!("v{number}");
        world.table.put(&json!({
            "id": text(&id), "item": text(&format!("job#avatar_video#{id}")), "kind": text("avatar_video"),
            "entity_id": text(&id), "status": text("succeeded"), "previous_status": text("none"), "job_event": {"M": {}},
            "event_type": text("avatar_video.success"), "updated_at": text("2026-11-22T03:00:00.000Z"),
        }));
    }
    Arc::new(Mutex::new(world))
}

fn replay() -> Value {
    json!({"action": "replay", "to": "bus", "dry_run": false, "since": "2026-11-22T00:00:00Z"})
}

fn notes(world: &Mutex<World>) -> Vec<Value> {
    let world = world.lock().unwrap();
    let of_recovery = world.table.items.values().filter(|item| item["id"] == text("recovery#shop"));
    of_recovery.map(|item| Value::Object(item.clone())).collect()
}

/// Without an API key, so everything else of it fails.
fn run_schedule(world: &Arc<Mutex<World>>) {
    let error = ask(&on(world), json!({"action": "recover"}), A_SECOND).unwrap_err();
    assert!(error.contains("ApiKeySecret"), "{error}");
}

fn run_schedule_until_done(world: &Arc<Mutex<World>>) {
    for _ in 0..10 {
        if notes(world).is_empty() {
            return;
        }
        run_schedule(world);
    }
    panic!("it does not end: {:?}", notes(world));
}

fn all_are_told(world: &Mutex<World>, jobs: usize) {
    let told: BTreeSet<_> = world.lock().unwrap().told().into_iter().collect();
    assert_eq!(told, (0..jobs).map(|number| format!("v{number}")).collect());
}

#[test]
fn a_replay_that_runs_out_of_time_is_finished_by_the_schedule_alone() {
    let world = world(55);
    let reply = ask(&on(&world), replay(), NO_TIME).unwrap();
    assert_eq!((&reply["replayed"], &reply["more"], &reply["goes_on"]), (&json!(10), &json!(true), &json!(true)));
    assert!(reply["text"].as_str().unwrap().ends_with("To be continued. The schedule goes on with it."), "{reply}");
    assert_eq!(notes(&world).len(), 1);
    run_schedule(&world);
    assert_eq!(notes(&world).len(), 1, "it takes more than one run");
    run_schedule_until_done(&world);
    all_are_told(&world, 55);
    assert_eq!(world.lock().unwrap().told().len(), 55, "uninterrupted, each is told once");
}

#[test]
fn a_redrive_that_runs_out_of_time_is_finished_by_the_schedule_alone() {
    let world = world(0);
    for order in 0..3 {
        world.lock().unwrap().sqs.put(DEAD, message(order), Some("planted"), Duration::from_hours(1));
    }
    let reply = ask(&on(&world), json!({"action": "redrive", "dry_run": false}), NO_TIME).unwrap();
    assert_eq!((&reply["redriven"], &reply["goes_on"]), (&json!(0), &json!(true)));
    let noted: Value = serde_json::from_str(notes(&world)[0]["request"]["S"].as_str().unwrap()).unwrap();
    assert_eq!(noted["sent_before"], reply["sent_before"], "what comes back later is left out");
    let later = Duration::ZERO;
    std::thread::sleep(Duration::from_millis(2));
    world.lock().unwrap().sqs.put(DEAD, message(9), Some("new"), later);
    run_schedule_until_done(&world);
    let sqs = &world.lock().unwrap().sqs;
    assert_eq!((sqs.bodies(QUEUE).len(), sqs.bodies(DEAD)), (3, vec![message(9)]));
}

#[test]
fn what_is_finished_by_hand_is_noted_no_longer() {
    let world = world(15);
    let reply = ask(&on(&world), replay(), NO_TIME).unwrap();
    let mut continued = replay();
    continued["continue_from"] = reply["continue_from"].clone();
    ask(&on(&world), continued, Duration::from_secs(300)).unwrap();
    assert!(notes(&world).is_empty());
    ask(&on(&world), json!({"action": "replay", "to": "bus", "since": "2026-11-22T00:00:00Z"}), NO_TIME).unwrap();
    assert!(notes(&world).is_empty(), "a dry run is not continued");
}

#[test]
fn two_scheduled_runs_at_once_finish_it_together() {
    let world = world(55);
    ask(&on(&world), replay(), NO_TIME).unwrap();
    for _ in 0..5 {
        std::thread::scope(|scope| {
            scope.spawn(|| run_schedule(&world));
            scope.spawn(|| run_schedule(&world));
        });
    }
    assert!(notes(&world).is_empty());
    all_are_told(&world, 55);
}

#[test]
fn the_schedule_runs_nothing_but_what_is_continued() {
    let world = world(0);
    world.lock().unwrap().sqs.put(DEAD, message(1), Some("planted"), Duration::from_hours(1));
    let purge = json!({"action": "purge", "count": 1});
    world.lock().unwrap().table.put(&json!({
        "id": text("recovery#shop"), "item": text("unfinished#1"), "request": text(&purge.to_string()),
        "noted_at": text("2026-11-22T03:00:00.000Z"), "version": {"N": "1"},
    }));
    run_schedule(&world);
    assert_eq!(world.lock().unwrap().sqs.bodies(DEAD), [message(1)]);
    assert!(notes(&world)[0]["error"]["S"].as_str().unwrap().contains("purge is never continued"));
}

#[test]
fn what_was_finished_or_asked_for_meanwhile_stands() {
    for is_asked_again in [false, true] {
        let world = world(55);
        ask(&on(&world), replay(), NO_TIME).unwrap();
        let newer = json!({
            "id": text("recovery#shop"), "item": notes(&world)[0]["item"], "request": text(&replay().to_string()),
            "noted_at": text("2026-11-22T03:00:00.000Z"), "version": {"N": "7"},
        });
        let (shared, other) = (Arc::clone(&world), newer.clone());
        let app = app(move |operation, input| {
            let mut world = shared.lock().unwrap();
            if operation == "Scan" {
                world.table.items.retain(|_, item| item["id"] != text("recovery#shop"));
                if is_asked_again {
                    world.table.put(&other);
                }
            }
            world.call(operation, &input)
        });
        ask(&app, json!({"action": "recover"}), A_SECOND).unwrap_err();
        let expected = if is_asked_again { vec![newer] } else { vec![] };
        assert_eq!(notes(&world), expected);
    }
}

#[test]
fn cut_at_any_call_an_unfinished_replay_is_finished_by_the_next_runs() {
    let prepared = || {
        let world = world(12);
        ask(&on(&world), replay(), NO_TIME).unwrap();
        world.lock().unwrap().calls = 0;
        world
    };
    let whole = prepared();
    let before = whole.lock().unwrap().table.items.values().filter(|item| item.contains_key("status")).count();
    run_schedule(&whole);
    let calls = whole.lock().unwrap().calls;
    assert!(calls >= 7, "{calls}");
    for way in Cut::all(calls) {
        let world = prepared();
        let shared = Arc::clone(&world);
        let dying = way.app(move |operation, input| shared.lock().unwrap().call(operation, input));
        let _ = ask(&dying, json!({"action": "recover"}), A_SECOND);
        run_schedule_until_done(&world);
        all_are_told(&world, 12);
        let world = world.lock().unwrap();
        assert_eq!(world.table.items.len(), before, "{way:?}");
        assert!(world.table.items.values().all(|item| !item.contains_key("replayed_at")), "{way:?}");
    }
}

#[test]
fn cut_at_any_call_a_request_and_the_schedule_do_all_of_it() {
    let whole = world(12);
    ask(&on(&whole), replay(), NO_TIME).unwrap();
    let calls = whole.lock().unwrap().calls;
    for way in Cut::all(calls) {
        let world = world(12);
        let shared = Arc::clone(&world);
        let dying = way.app(move |operation, input| shared.lock().unwrap().call(operation, input));
        let asked = ask(&dying, replay(), NO_TIME);
        // Either it says that it is not done, or the schedule knows.
        let goes_on = asked.is_ok_and(|reply| reply["goes_on"] == true);
        assert!(!goes_on || !notes(&world).is_empty(), "{way:?}");
        if !goes_on {
            ask(&on(&world), replay(), NO_TIME).unwrap();
        }
        run_schedule_until_done(&world);
        all_are_told(&world, 12);
    }
}

#[test]
fn a_request_that_fails_stops_no_other_and_is_given_up_after_a_week() {
    let world = world(12);
    let broken = |name: &str, failing_since: Option<&str>| {
        let mut item = json!({
            "id": text("recovery#shop"), "item": text(&format!("unfinished#{name}")), "request": text("{\"action\": \"sing\"}"),
            "noted_at": text("2026-11-22T03:00:00.000Z"), "version": {"N": "1"},
        });
        if let Some(since) = failing_since {
            item["failing_since"] = text(since);
        }
        world.lock().unwrap().table.put(&item);
    };
    broken("broken", None);
    ask(&on(&world), replay(), NO_TIME).unwrap();
    run_schedule(&world);
    all_are_told(&world, 12);
    let notes_left = notes(&world);
    assert_eq!(notes_left.len(), 1, "{notes_left:?}");
    assert_eq!(
        (&notes_left[0]["class"], &notes_left[0]["noted_at"]),
        (&text("permanent"), &text("2026-11-22T03:00:00.000Z"))
    );
    assert!(notes_left[0]["error"]["S"].as_str().unwrap().contains("sing"));
    let since = notes_left[0]["failing_since"].clone();
    run_schedule(&world);
    assert_eq!(notes(&world)[0]["failing_since"], since, "the first failure counts");

    world.lock().unwrap().table.items.retain(|_, item| item["id"] != text("recovery#shop"));
    let days_ago = |days| aws::clock::to_text(time::OffsetDateTime::now_utc() - time::Duration::days(days));
    broken("old", Some(&days_ago(7)));
    broken("broken", Some(&days_ago(6)));
    run_schedule(&world);
    let left = notes(&world);
    assert_eq!(left.iter().map(|note| &note["item"]).collect::<Vec<_>>(), [&text("unfinished#broken")]);
}
