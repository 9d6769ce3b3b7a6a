//! Each call of recovery, to HeyGen and to AWS, fails once: before it arrives, or after it with the response lost. recovery
//! is either killed then or continues. Run again, each action ends as if nothing had happened.

use crate::cut::{Caller, Calls, Cut, Side};
use crate::recovering::Recovering;
use crate::support::unique;
use recovery::Error;
use serde_json::{Value, json};
use simulator::{Disturbance, JobKind, JobOutcome, Options, StartJob};
use std::time::Duration;
use webhook::Status;

const HOUR: Duration = Duration::from_secs(3_600);
const LONG_AGO: &str = "2026-01-01T00:00:00Z";

/// Prepares a state of its own and returns the action with what to check afterwards.
pub type Prepare = fn(&Recovering) -> (Value, Check);
pub type Check = Box<dyn Fn(&Recovering) -> Result<(), String>>;

const DIES: [(Side, Caller); 2] = [(Side::Before, Caller::Dies), (Side::After, Caller::Dies)];
const LIVES: [(Side, Caller); 2] = [(Side::Before, Caller::Lives), (Side::After, Caller::Lives)];

pub fn survives_every_cut(prepare: Prepare) {
    survives_every_cut_if_repeated(prepare, Recovering::run);
}

/// `again` is what an operator does after an interrupted run.
pub fn survives_every_cut_if_repeated(prepare: Prepare, again: fn(&Recovering, Value) -> Result<Value, Error>) {
    survives(&[DIES, LIVES].concat(), Options::default(), again, prepare);
}

fn survives(
    sides: &[(Side, Caller)],
    options: Options,
    again: fn(&Recovering, Value) -> Result<Value, Error>,
    prepare: Prepare,
) {
    let Some(recovering) = Recovering::new(options) else { return };
    let (action, check) = prepare(&recovering);
    let calls = Calls::new(None);
    recovering.run_over(&calls, action).unwrap().unwrap();
    recovering.stack.settled();
    check(&recovering).unwrap();
    let count = calls.count();
    assert!(count >= 1, "too few calls");

    let (mut wrong, mut cuts) = (Vec::new(), 0);
    for at in 1..=count {
        for (side, caller) in sides.iter().copied() {
            cuts += 1;
            let (action, check) = prepare(&recovering);
            let cut = Calls::new(Some(Cut { at, side, caller }));
            let first = recovering.run_over(&cut, action.clone());
            let name = cut.names.lock().unwrap().get(at - 1).cloned().unwrap_or_default();
            if (caller == Caller::Dies) != first.is_none() {
                wrong.push(format!("{at} {side:?} {caller:?} ({name}): {first:?}"));
                continue;
            }
            let again = again(&recovering, action).map_err(|error| format!("again: {error}"));
            recovering.stack.settled();
            if let Err(why) = again.and_then(|_| check(&recovering)) {
                wrong.push(format!("{at} {side:?} {caller:?} ({name}): {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cuts} cuts:\n{}", wrong.len(), wrong.join("\n"));
    println!("{count} calls, {cuts} cuts");
}

/// Jobs whose event was lost.
fn lost(recovering: &Recovering, callback_id: &str, kinds: &[JobKind]) -> Vec<String> {
    recovering.start_jobs(kinds.iter().map(|kind| lost_job(callback_id, kind)).collect())
}

fn lost_job(callback_id: &str, kind: &JobKind) -> StartJob {
    let (callback_id, disturbance) = (Some(callback_id.to_owned()), Some(Disturbance::Lost));
    StartJob { callback_id, disturbance, ..StartJob::ended(kind.clone(), JobOutcome::Succeeds, HOUR / 2) }
}

/// Whether there are these jobs of a `callback_id`, all with this status, and one event of each.
pub fn ends_with(callback_id: String, jobs: usize, status: Status) -> Check {
    Box::new(move |recovering| {
        let record = recovering.stack.record(&callback_id).unwrap();
        let statuses: Vec<_> = record.jobs.iter().map(|job| job.status).collect();
        if statuses != vec![Some(status); jobs] {
            return Err(format!("the jobs of {callback_id} are {statuses:?}"));
        }
        let mut identities: Vec<_> = record.events.iter().map(|event| event.identity().to_owned()).collect();
        identities.dedup();
        let expected = if status == Status::Pending { 0 } else { jobs };
        if identities.len() != expected {
            return Err(format!("{} events of {callback_id}", identities.len()));
        }
        Ok(())
    })
}

#[test]
fn backfill_survives_every_cut() {
    survives_every_cut(|recovering| {
        let order = unique("cut");
        let ids = lost(recovering, &order, &[JobKind::Translation("Spanish".to_owned()), JobKind::Lipsync]);
        recovering.has_read_until(HOUR);
        let ended = ends_with(order, 2, Status::Succeeded);
        let check = move |recovering: &Recovering| {
            let result = ended(recovering);
            // The next cut is about other jobs.
            assert!(ids.iter().all(|id| recovering.forget(id)));
            result
        };
        (json!({"action": "backfill"}), Box::new(check))
    });
}

#[test]
fn the_scheduled_run_survives_every_cut_also_if_heygen_lists_what_it_did_not_deliver() {
    let options = Options { list_undelivered: true, ..Options::default() };
    // It has many calls. That its steps survive a lost response is tested with each.
    survives(&DIES, options, Recovering::run, |recovering| {
        let (order, tracked) = (unique("cut"), unique("cut"));
        recovering.has_read_until(HOUR);
        let ids = lost(recovering, &order, &[JobKind::Lipsync]);
        recovering.track(&tracked, json!({"entity_id": unique("video"), "expected_by": LONG_AGO}));
        let (backfilled, swept) = (ends_with(order, 1, Status::Succeeded), ends_with(tracked, 1, Status::Failed));
        let check = move |recovering: &Recovering| {
            let result = backfilled(recovering).and_then(|()| swept(recovering));
            // The next cut is about other jobs.
            assert!(recovering.forget(&ids[0]));
            result
        };
        (json!({"action": "recover"}), Box::new(check))
    });
}

/// Whether all of these attributes are on the only job.
fn has(callback_id: String, status: Status, attributes: Value) -> Check {
    let ends = ends_with(callback_id.clone(), 1, status);
    Box::new(move |recovering| {
        ends(recovering)?;
        let job = recovering.stack.record(&callback_id).unwrap().jobs.remove(0);
        for (name, value) in attributes.as_object().unwrap() {
            if job.attributes[name] != *value {
                return Err(format!("{name} of {callback_id} is {}", job.attributes[name]));
            }
        }
        Ok(())
    })
}

/// Whether the only job has links that expire later than these, and is in the state that it was in.
fn has_newer_links(callback_id: String, than: Option<i64>) -> Check {
    Box::new(move |recovering| {
        let job = recovering.stack.record(&callback_id).unwrap().jobs.remove(0);
        let is_newer = job.links_expire_at > than && job.status == Some(Status::Succeeded);
        if is_newer { Ok(()) } else { Err(format!("the links of {callback_id} expire at {:?}", job.links_expire_at)) }
    })
}

#[test]
fn tracking_survives_every_cut() {
    survives_every_cut(|recovering| {
        let (order, video) = (unique("cut"), unique("video"));
        let before = json!({"customer": "7", "keep_fresh": true, "expected_by": "2030-01-01T00:00:00.000Z"});
        let own = json!({"customer": "7"});
        recovering.track(&order, json!({"attributes": own, "keep_fresh": true, "expected_by": "2030-01-01T00:00:00Z"}));
        let track = json!({"action": "track", "callback_id": order, "kind": "avatar_video", "entity_id": video});
        (track, has(order, Status::Pending, before))
    });
}

#[test]
fn sweeping_survives_every_cut() {
    survives_every_cut(|recovering| {
        let order = unique("cut");
        let ids = lost(recovering, &order, &[JobKind::Video]);
        recovering.track(&order, json!({"entity_id": ids[0], "expected_by": LONG_AGO}));
        (json!({"action": "sweep"}), ends_with(order, 1, Status::Succeeded))
    });
}

#[test]
fn a_sweep_that_finds_the_job_survives_every_cut() {
    survives_every_cut(|recovering| {
        let (order, video) = (unique("cut"), unique("video"));
        recovering.track(&order, json!({"expected_by": LONG_AGO, "attributes": {"customer": "7"}}));
        recovering.reported("avatar_video.success", &json!({"video_id": video, "callback_id": order}));
        let check = has(order, Status::Succeeded, json!({"customer": "7", "entity_id": video}));
        (json!({"action": "sweep"}), check)
    });
}

#[test]
fn a_sweep_that_gives_a_job_up_survives_every_cut() {
    survives_every_cut(|recovering| {
        let order = unique("cut");
        recovering.track(&order, json!({"entity_id": unique("video"), "expected_by": LONG_AGO}));
        (json!({"action": "sweep"}), ends_with(order, 1, Status::Failed))
    });
}

/// A job that succeeded long ago, with the time when its links expired.
fn expired(recovering: &Recovering, order: &str) -> (String, Option<i64>) {
    let ids = lost(recovering, order, &[JobKind::Video]);
    let url = "https://files.example.invalid/1.mp4?Expires=1763697600";
    recovering.reported("avatar_video.success", &json!({"video_id": ids[0], "callback_id": order, "url": url}));
    (ids[0].clone(), Some(1_763_697_600))
}

#[test]
fn a_sweep_that_keeps_links_fresh_survives_every_cut() {
    survives_every_cut(|recovering| {
        let order = unique("cut");
        let (video, expire_at) = expired(recovering, &order);
        recovering.track(&order, json!({"entity_id": video, "expected_by": LONG_AGO, "keep_fresh": true}));
        (json!({"action": "sweep"}), has_newer_links(order, expire_at))
    });
}

#[test]
fn refreshing_survives_every_cut() {
    survives_every_cut(|recovering| {
        let order = unique("cut");
        let (_, expire_at) = expired(recovering, &order);
        (json!({"action": "refresh", "callback_id": order}), has_newer_links(order, expire_at))
    });
}
