//! Each call of recovery, to HeyGen and to AWS, fails once: before it arrives, or after it with the response lost. recovery
//! is either killed then or continues. Run again, each action ends as if nothing had happened.

use crate::cut::{Caller, Calls, Cut, Side};
use crate::recovering::Recovering;
use crate::support::unique;
use heygen::Status;
use recovery::Error;
use serde_json::{Value, json};
use simulator::{Disturbance, JobKind, JobOutcome, Options, StartJob};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

/// Prepares a state of its own and returns the action with what to check afterwards.
pub type Prepare = fn(&Recovering) -> (Value, Check);
pub type Check = Box<dyn Fn(&Recovering) -> Result<(), String>>;

pub fn survives_every_cut(prepare: Prepare) {
    survives_every_cut_if_repeated(prepare, Recovering::run);
}

/// `again` is what an operator does after an interrupted run.
pub fn survives_every_cut_if_repeated(prepare: Prepare, again: fn(&Recovering, Value) -> Result<Value, Error>) {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let (action, check) = prepare(&recovering);
    let calls = Calls::new(None);
    recovering.run_over(&calls, action).unwrap().unwrap();
    recovering.stack.settled();
    check(&recovering).unwrap();
    let count = calls.count();
    assert!(count >= 1, "too few calls");

    let (mut wrong, mut cuts) = (Vec::new(), 0);
    for at in 1..=count {
        for (side, caller) in [
            (Side::Before, Caller::Dies),
            (Side::After, Caller::Dies),
            (Side::Before, Caller::Lives),
            (Side::After, Caller::Lives),
        ] {
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
    let job = |kind: &JobKind| StartJob {
        callback_id: Some(callback_id.to_owned()),
        disturbance: Some(Disturbance::Lost),
        ..StartJob::ended(kind.clone(), JobOutcome::Succeeds, HOUR / 2)
    };
    recovering.start_jobs(kinds.iter().map(job).collect())
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
fn tracking_survives_every_cut() {
    survives_every_cut(|recovering| {
        let (order, video) = (unique("cut"), unique("video"));
        recovering.track(&order, json!({}));
        let track = json!({"action": "track", "callback_id": order, "kind": "avatar_video", "entity_id": video});
        (track, ends_with(order, 1, Status::Pending))
    });
}

#[test]
fn sweeping_survives_every_cut() {
    survives_every_cut(|recovering| {
        let order = unique("cut");
        let ids = lost(recovering, &order, &[JobKind::Video]);
        recovering.track(&order, json!({"entity_id": ids[0], "expected_by": "2026-01-01T00:00:00Z"}));
        (json!({"action": "sweep"}), ends_with(order, 1, Status::Succeeded))
    });
}

#[test]
fn a_sweep_that_finds_the_job_survives_every_cut() {
    survives_every_cut(|recovering| {
        let order = unique("cut");
        let ids = lost(recovering, &order, &[JobKind::Video]);
        recovering.track(&order, json!({"expected_by": "2026-01-01T00:00:00Z"}));
        let data = json!({"video_id": ids[0], "callback_id": order});
        let body = json!({"event_type": "avatar_video.success", "event_data": data}).to_string();
        recovering.stack.accepted(body.as_bytes());
        recovering.stack.settled();
        (json!({"action": "sweep"}), ends_with(order, 1, Status::Succeeded))
    });
}

#[test]
fn refreshing_survives_every_cut() {
    survives_every_cut(|recovering| {
        let order = unique("cut");
        let ids = lost(recovering, &order, &[JobKind::Video]);
        let data = json!({"video_id": ids[0], "callback_id": order});
        let body = json!({"event_type": "avatar_video.success", "event_data": data}).to_string();
        recovering.stack.accepted(body.as_bytes());
        recovering.stack.settled();
        (json!({"action": "refresh", "callback_id": order}), ends_with(order, 1, Status::Succeeded))
    });
}
