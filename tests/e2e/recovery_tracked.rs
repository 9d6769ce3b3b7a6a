//! Jobs that a team tracks: they end as HeyGen says, although nothing reported them.

use crate::failures::message;
use crate::recovering::Recovering;
use crate::support::{only_job, unique};
use heygen::Status;
use serde_json::{Value, json};
use simulator::{Disturbance, Ends, JobKind, JobOutcome, Options, StartJob};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const LONG_AGO: &str = "2026-01-01T00:00:00Z";

fn lost(kind: JobKind, callback_id: &str, outcome: JobOutcome) -> StartJob {
    let callback_id = Some(callback_id.to_owned());
    StartJob { callback_id, disturbance: Some(Disturbance::Lost), ..StartJob::ended(kind, outcome, HOUR) }
}

fn sweep(recovering: &Recovering) -> Value {
    recovering.all_is_due();
    let reply = recovering.run(json!({"action": "sweep"})).unwrap();
    recovering.stack.settled();
    reply
}

#[test]
fn a_tracked_job_that_never_reports_is_swept_to_its_true_state() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let fails = JobOutcome::Fails("no face".to_owned());
    let cases = [
        (JobKind::Video, JobOutcome::Succeeds, Status::Succeeded),
        (JobKind::Video, fails.clone(), Status::Failed),
        (JobKind::Video, JobOutcome::NeverEnds, Status::Pending),
        (JobKind::Translation("Spanish".to_owned()), JobOutcome::Succeeds, Status::Succeeded),
        (JobKind::Lipsync, fails, Status::Failed),
        (JobKind::AiClipping(2), JobOutcome::Succeeds, Status::Succeeded),
    ];
    let orders: Vec<_> = cases.iter().map(|_| unique("swept")).collect();
    let jobs = cases.iter().zip(&orders).map(|((kind, outcome, _), id)| lost(kind.clone(), id, outcome.clone()));
    let ids = recovering.start_jobs(jobs.collect());
    for (((kind, ..), order), id) in cases.iter().zip(&orders).zip(&ids) {
        let expected_by = json!({"kind": kind.name(), "entity_id": id, "expected_by": LONG_AGO});
        recovering.track(order, expected_by);
    }
    let reply = sweep(&recovering);
    assert_eq!((&reply["finished"], &reply["running"], &reply["failed"]), (&json!(5), &json!(1), &json!(0)), "{reply}");
    for ((kind, outcome, status), order) in cases.iter().zip(&orders) {
        // Of a translation, the language was not known when it was tracked.
        let record = recovering.settled(order);
        let ended = record.jobs.iter().max_by_key(|job| job.status).unwrap();
        assert_eq!(ended.status, Some(*status), "{kind:?} {outcome:?}");
        let via = record.events.first().map(|event| event.via.as_str());
        assert_eq!(via, (*status != Status::Pending).then_some("sweep"), "{kind:?}");
    }
    let calls = |path: &str| recovering.calls().iter().filter(|call| call.path == path).count();
    assert!(calls("/v3/videos/statuses") <= 3, "a hundred are asked for at a time");

    // Looked at once more, each is one job, and nothing is left to look after but the one that runs.
    sweep(&recovering);
    for (order, (kind, ..)) in orders.iter().zip(&cases) {
        assert_eq!(recovering.settled(order).jobs.len(), 1, "{kind:?}");
    }
    let reply = sweep(&recovering);
    assert_eq!((&reply["finished"], &reply["running"]), (&json!(0), &json!(1)), "{reply}");
}

#[test]
fn a_job_that_heygen_forgot_fails_with_that_reason_but_not_at_once() {
    let Some(mut recovering) = Recovering::new(Options::default()) else { return };
    let (known, forgotten) = (unique("forgotten"), unique("never-started"));
    let ids = recovering.start_jobs(vec![lost(JobKind::Video, &known, JobOutcome::Succeeds)]);
    assert!(recovering.forget(&ids[0]));
    let an_hour_ago = aws::clock::to_text(time::OffsetDateTime::now_utc() - HOUR);
    recovering.track(&known, json!({"entity_id": ids[0], "expected_by": an_hour_ago}));
    recovering.track(&forgotten, json!({"expected_by": an_hour_ago}));
    let reply = sweep(&recovering);
    assert_eq!((&reply["unknown"], &reply["failed"]), (&json!(2), &json!(0)), "{reply}");
    assert_eq!(only_job(&recovering.settled(&known)).status, Some(Status::Pending));

    recovering.config.unknown_after = Duration::ZERO;
    let reply = sweep(&recovering);
    assert_eq!(reply["failed"], 2, "{reply}");
    for order in [&known, &forgotten] {
        let record = recovering.settled(order);
        let job = only_job(&record);
        assert_eq!(job.status, Some(Status::Failed));
        assert_eq!(job.failure.as_ref().unwrap().code.as_deref(), Some("heygen_webhooks.unknown_job"));
        assert_eq!(job.callback_id.as_ref(), Some(order));
    }
    let reply = sweep(&recovering);
    assert_eq!((&reply["unknown"], &reply["failed"]), (&json!(0), &json!(0)), "it fails once: {reply}");
}

#[test]
fn a_job_that_was_tracked_before_heygen_was_asked_becomes_the_job_that_reports() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let (order, video) = (unique("before"), unique("video"));
    recovering
        .track(&order, json!({"expected_by": LONG_AGO, "attributes": {"customer": "7", "items": [1, {"a": null}]}}));
    let pending = recovering.settled(&order);
    assert_eq!(
        (only_job(&pending).status, &only_job(&pending).attributes["customer"]),
        (Some(Status::Pending), &json!("7"))
    );

    let data = json!({"video_id": video, "callback_id": order, "url": "https://files.example.invalid/1.mp4"});
    let body = json!({"event_type": "avatar_video.success", "event_data": data}).to_string();
    recovering.stack.accepted(body.as_bytes());
    let record = recovering.stack.recorded(&order, 1);
    assert_eq!(
        (only_job(&record).entity_id.as_str(), only_job(&record).status),
        (video.as_str(), Some(Status::Succeeded))
    );
    sweep(&recovering);
    let record = recovering.settled(&order);
    let job = only_job(&record);
    assert_eq!((job.entity_id.as_str(), &job.attributes["customer"]), (video.as_str(), &json!("7")));
    assert_eq!(job.attributes["items"], json!([1, {"a": null}]));
}

#[test]
fn tracking_is_right_in_any_order_and_repeated() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let event = |order: Option<&str>, video: &str| {
        let data = json!({"video_id": video, "callback_id": order, "url": "https://files.example.invalid/1.mp4"});
        let body = json!({"event_type": "avatar_video.success", "event_data": data}).to_string();
        recovering.stack.sqs(async |sqs| {
            let send = sqs.send_message().queue_url(&recovering.config.queue_url);
            send.message_body(message(body.into_bytes())).send().await.unwrap();
        });
        recovering.stack.settled();
    };
    // Each is: t tracked with the entity, p tracked without it, e the event with the callback_id, n the event without.
    for steps in ["te", "et", "pte", "tpe", "pet", "ept", "tt", "tn", "nt", "ptn", "npt", "tet", "entp"] {
        let (order, video) = (unique("order"), unique("video"));
        for step in steps.chars() {
            match step {
                't' => recovering.track(&order, json!({"entity_id": video, "attributes": {"customer": steps}})),
                'p' => recovering.track(&order, json!({"attributes": {"customer": steps}})),
                'e' => event(Some(&order), &video),
                _ => event(None, &video),
            }
        }
        let record = recovering.settled(&order);
        let job = only_job(&record);
        let expected = if steps.contains(['e', 'n']) { Status::Succeeded } else { Status::Pending };
        assert_eq!((job.entity_id.as_str(), job.status), (video.as_str(), Some(expected)), "{steps}");
        assert_eq!(job.callback_id.as_ref(), Some(&order), "{steps}");
        assert_eq!(job.attributes["customer"], *steps, "{steps}");
    }
}

#[test]
fn what_is_not_a_job_or_would_overwrite_ours_is_rejected() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let order = unique("rejected");
    for (request, word) in [
        (json!({"kind": "avatar_video", "attributes": {"status": "succeeded"}}), "status"),
        (json!({"kind": "avatar#video"}), "no kind"),
        (json!({"kind": "avatar_video", "callback_id": ""}), "callback_id"),
    ] {
        let mut track = json!({"action": "track", "callback_id": order});
        track.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
        let error = recovering.run(track).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(recovering.settled(&order).jobs.is_empty());
}

#[test]
fn new_links_replace_those_that_expire_and_never_move_a_state() {
    let options = Options { link_lifetime: HOUR * 12, ..Options::default() };
    let Some(recovering) = Recovering::new(options) else { return };
    let (order, failed) = (unique("refreshed"), unique("failed"));
    let jobs = vec![
        lost(JobKind::Video, &order, JobOutcome::Succeeds),
        lost(JobKind::Video, &failed, JobOutcome::Fails("no face".to_owned())),
    ];
    let ids = recovering.start_jobs(jobs);
    recovering.track(&order, json!({"entity_id": ids[0], "keep_fresh": true}));
    recovering.track(&failed, json!({"entity_id": ids[1], "keep_fresh": true}));
    sweep(&recovering);
    let job = || only_job(&recovering.settled(&order)).clone();
    let first = job();
    assert_eq!(first.status, Some(Status::Succeeded));

    // On the schedule, because they expire within a day.
    recovering.advance(HOUR);
    let reply = sweep(&recovering);
    assert_eq!(reply["refreshed"], 1, "{reply}");
    let second = job();
    assert!(second.links_expire_at > first.links_expire_at, "{:?} {:?}", second.links_expire_at, first.links_expire_at);
    assert_ne!(second.links["video"], first.links["video"]);

    // By hand, twice at once.
    recovering.advance(HOUR);
    let reply = recovering.run(json!({"action": "refresh", "callback_id": order})).unwrap();
    assert_eq!((&reply["refreshed"], &reply["left"]), (&json!(1), &json!(0)));
    recovering.advance(HOUR);
    recovering.run(json!({"action": "refresh", "entity_id": ids[0]})).unwrap();
    let third = job();
    assert!(third.links_expire_at >= second.links_expire_at.map(|at| at + 7_200), "the later expiry stands");

    let reply = recovering.run(json!({"action": "refresh", "callback_id": failed})).unwrap();
    assert_eq!((&reply["refreshed"], &reply["left"]), (&json!(0), &json!(1)));
    assert_eq!(only_job(&recovering.settled(&failed)).status, Some(Status::Failed));
    // HeyGen says that it succeeded, and the record does not: that is for an event to say.
    let late = unique("late");
    let succeeded = recovering.start_jobs(vec![lost(JobKind::Video, &late, JobOutcome::Succeeds)]);
    let data = json!({"video_id": succeeded[0], "callback_id": late});
    let body = json!({"event_type": "avatar_video.fail", "event_data": data}).to_string();
    recovering.stack.accepted(body.as_bytes());
    recovering.stack.recorded(&late, 1);
    let reply_to_late = recovering.run(json!({"action": "refresh", "callback_id": late})).unwrap();
    assert_eq!((&reply_to_late["refreshed"], &reply_to_late["left"]), (&json!(0), &json!(1)));
    assert_eq!(only_job(&recovering.settled(&late)).status, Some(Status::Failed));

    recovering.forget(&ids[0]);
    let reply = recovering.run(json!({"action": "refresh", "callback_id": order})).unwrap();
    assert_eq!(reply["left"], 1, "what HeyGen forgot stays as it is");
    assert_eq!((job().status, job().links), (Some(Status::Succeeded), third.links));
}

#[test]
fn a_job_that_still_runs_is_asked_for_less_and_less_often() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let order = unique("running");
    let ids = recovering.start_jobs(vec![StartJob {
        callback_id: Some(order.clone()),
        ..StartJob { ends: Ends::Ago(HOUR), ..lost(JobKind::Video, &order, JobOutcome::NeverEnds) }
    }]);
    recovering.track(&order, json!({"entity_id": ids[0], "expected_by": LONG_AGO}));
    sweep(&recovering);
    let asked = recovering.calls().len();
    recovering.run(json!({"action": "sweep"})).unwrap();
    assert_eq!(recovering.calls().len(), asked, "it is not due");
}
