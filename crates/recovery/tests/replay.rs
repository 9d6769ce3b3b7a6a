//! What is recorded is told or processed once more, whatever interrupts it, and nothing else changes.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use aws::envelope::Delivery;
use common::dynamo::text;
use common::memory::{World, on};
use common::{Cut, QUEUE, UNDELIVERED, ask};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use webhook::Verified;

const LIMIT: Duration = Duration::from_secs(300);

#[expect(clippy::disallowed_methods, reason = "no request is involved")]
fn verified(body: &str) -> Verified {
    Verified::assume_authentic(body.as_bytes().to_vec())
}

/// Eight jobs, which changed at 01:00 to 08:00, with their events: of three, the first succeeded, the second failed, and
/// the third is pending.
fn world() -> Arc<Mutex<World>> {
    let mut world = World::default();
    for hour in 1..=8 {
        let id = format!("v{hour}");
        let (word, status) = [("success", "succeeded"), ("fail", "failed"), ("pending", "pending")][(hour - 1) % 3];
        let (event_type, at) = (format!("avatar_video.{word}"), format!("2026-11-22T0{hour}:00:00.000Z"));
        let data =
            json!({"video_id": id, "callback_id": format!("order_{hour}"), "url": "https://x.invalid/canary-link"});
        let body = json!({"event_type": event_type, "event_data": data}).to_string();
        let event = heygen::read(&verified(&body));
        let mut job = json!({
            "id": text(&id), "item": text(&format!("job#avatar_video#{id}")), "kind": text("avatar_video"),
            "entity_id": text(&id), "status": text(status), "previous_status": text("none"), "job_event": {"M": {}},
            "event_type": text(&event_type), "updated_at": text(&at), "note": text("your own"),
        });
        if status == "pending" {
            job.as_object_mut().unwrap().remove("job_event");
        }
        world.table.put(&job);
        let order = text(&format!("order_{hour}"));
        world
            .table
            .put(&json!({"id": order, "item": text(&format!("pointer#job#avatar_video#{id}")), "partition": text(&id),
            "job": job["item"]}));
        let mut item = json!({
            "id": text(&id), "item": text(&event.item_key()), "event_type": text(&event_type), "entity_id": text(&id),
            "job": text(&format!("job#avatar_video#{id}")), "endpoint": text("main"), "via": text("delivery"),
            "received_at": text(&at), "body": text(&body), "request_id": text("request-1"),
        });
        if hour == 8 {
            item.as_object_mut().unwrap().remove("body");
        }
        world.table.put(&item);
    }
    Arc::new(Mutex::new(world))
}

/// A replay of all since 00:00 to the bus, with other fields.
fn request(other: &Value) -> Value {
    let mut request = json!({"action": "replay", "to": "bus", "dry_run": false, "since": "2026-11-22T00:00:00Z"});
    request.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    request
}

fn told(world: &Mutex<World>) -> Vec<String> {
    world.lock().unwrap().told()
}

fn report(at: &str) -> String {
    let batch = json!({"approximateArrivalOfFirstRecord": at, "approximateArrivalOfLastRecord": at});
    json!({ "DDBStreamBatchInfo": batch }).to_string()
}

#[test]
fn each_job_that_ended_is_told_once_and_is_as_it_was() {
    let world = world();
    let before = world.lock().unwrap().table.items.clone();
    let dry = ask(&on(&world), request(&json!({"dry_run": true})), LIMIT).unwrap();
    assert_eq!((&dry["matching"], &dry["replayed"], told(&world).len()), (&json!(6), &json!(0), 0));

    let reply = ask(&on(&world), request(&json!({})), LIMIT).unwrap();
    assert_eq!(told(&world), ["v1", "v2", "v4", "v5", "v7", "v8"]);
    assert_eq!((&reply["replayed"], &reply["more"]), (&json!(6), &json!(false)));
    assert_eq!(world.lock().unwrap().table.items, before);
}

#[test]
fn only_what_is_asked_for_is_told() {
    for (fields, expected) in [
        (json!({"since": "2026-11-22T04:00:00Z", "until": "2026-11-22T07:00:00Z"}), &["v4", "v5", "v7"][..]),
        (json!({"status": "failed"}), &["v2", "v5", "v8"]),
        (json!({"event_type": "avatar_video.success", "until": "2026-11-22T03:00:00Z"}), &["v1"]),
        (json!({"entity_id": "v5", "since": null}), &["v5"]),
        (json!({"entity_id": "v3", "since": null}), &[]),
        (json!({"correlation_id": "v5", "since": null}), &["v5"]),
        (json!({"correlation_id": "order_5", "since": null}), &["v5"]),
    ] {
        let world = world();
        ask(&on(&world), request(&fields), LIMIT).unwrap();
        assert_eq!(told(&world), expected, "{fields}");
    }
}

#[test]
fn a_replay_without_time_says_where_it_continues() {
    let world = world();
    let mut asked = request(&json!({}));
    let mut runs = 0;
    loop {
        let reply = ask(&on(&world), asked.clone(), Duration::from_secs(30)).unwrap();
        runs += 1;
        if reply["more"] == false {
            break;
        }
        asked["continue_from"] = reply["continue_from"].clone();
    }
    assert!(runs > 3, "{runs}");
    assert_eq!(told(&world), ["v1", "v2", "v4", "v5", "v7", "v8"]);
}

#[test]
fn events_go_through_the_queue_as_they_were_delivered() {
    let world = world();
    let reply = ask(&on(&world), request(&json!({"to": "processor"})), LIMIT).unwrap();
    assert_eq!((&reply["replayed"], &reply["skipped"]), (&json!(7), &json!(1)), "one has no body: {reply}");
    assert!(!reply.to_string().contains("canary"));
    let world = world.lock().unwrap();
    let sent: Vec<_> = world.sqs.bodies(QUEUE).iter().map(|message| Delivery::open(message).unwrap()).collect();
    for delivery in &sent {
        assert_eq!((delivery.via.as_str(), delivery.request_id.as_str()), ("replay", "request-1"));
        let event = heygen::read(&delivery.body);
        let recorded = world.table.items.values().find(|item| item["item"] == text(&event.item_key())).unwrap();
        assert_eq!(recorded["received_at"], text(&aws::clock::to_text(delivery.received_at)));
    }
    assert_eq!(sent.len(), 7);
    assert_eq!(world.table.told.len(), 0);
}

#[test]
fn events_are_chosen_by_what_they_say_of_their_job() {
    for (fields, expected) in [(json!({"status": "failed"}), 2), (json!({"entity_id": "v4", "since": null}), 1)] {
        let world = world();
        let mut asked = request(&fields);
        asked["to"] = json!("processor");
        ask(&on(&world), asked, LIMIT).unwrap();
        assert_eq!(world.lock().unwrap().sqs.bodies(QUEUE).len(), expected, "{fields}");
    }
}

#[test]
fn jobs_of_undelivered_events_are_told_and_their_reports_deleted() {
    let world = world();
    {
        let mut world = world.lock().unwrap();
        for at in ["2026-11-22T04:00:01Z", "2026-11-22T05:00:01Z"] {
            world.sqs.put(UNDELIVERED, report(at), None, Duration::from_hours(1));
        }
        // Its links were renewed at 08:00, after it had ended.
        world.table.items.values_mut().filter(|item| item["item"] == text("job#avatar_video#v8")).for_each(|item| {
            item.insert("previous_status".to_owned(), text("failed"));
        });
    }
    let asked = json!({"action": "replay", "undelivered": true});
    let dry = ask(&on(&world), asked, LIMIT).unwrap();
    assert_eq!((&dry["matching"], &dry["reports"]), (&json!(3), &json!(2)), "{dry}");
    assert_eq!(world.lock().unwrap().sqs.hidden(UNDELIVERED), 0);

    let asked = json!({"action": "replay", "undelivered": true, "dry_run": false});
    let reply = ask(&on(&world), asked.clone(), LIMIT).unwrap();
    assert_eq!((told(&world), &reply["more"]), (vec!["v4".into(), "v5".into(), "v8".into()], &json!(false)));
    assert!(world.lock().unwrap().sqs.bodies(UNDELIVERED).is_empty());
    let nothing = ask(&on(&world), asked, LIMIT).unwrap();
    assert_eq!((&nothing["reports"], &nothing["replayed"]), (&json!(0), &json!(0)));
}

#[test]
fn cut_at_any_call_and_run_again_a_replay_tells_every_job_and_leaves_nothing_behind() {
    let asked = json!({"action": "replay", "undelivered": true, "dry_run": false});
    let prepared = || {
        let world = world();
        world.lock().unwrap().sqs.put(UNDELIVERED, report("2026-11-22T04:00:00Z"), None, Duration::from_hours(1));
        world
    };
    let whole = prepared();
    let before = whole.lock().unwrap().table.items.clone();
    ask(&on(&whole), asked.clone(), LIMIT).unwrap();
    let calls = whole.lock().unwrap().calls;
    assert!(calls > 8, "{calls}");
    for way in Cut::all(calls) {
        let world = prepared();
        let shared = Arc::clone(&world);
        let dying = way.app(move |operation, input| shared.lock().unwrap().call(operation, input));
        let _ = ask(&dying, asked.clone(), LIMIT);
        world.lock().unwrap().sqs.show_all();
        let reports = world.lock().unwrap().sqs.bodies(UNDELIVERED).len();
        if reports > 0 {
            ask(&on(&world), asked.clone(), LIMIT).unwrap();
        }
        let told: BTreeSet<_> = told(&world).into_iter().collect();
        assert_eq!(told, BTreeSet::from(["v4".to_owned()]), "{way:?}");
        assert_eq!(world.lock().unwrap().table.items, before, "{way:?}");
        assert!(world.lock().unwrap().sqs.bodies(UNDELIVERED).is_empty());
    }
}
