//! Jobs that a team tracks: they end as HeyGen says, although nothing reported them.

use crate::recovering::{Recovering, lost};
use crate::support::{only_job, unique};
use aws::jobs::JobItem;
use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use serde_json::{Value, json};
use simulator::{Ends, JobKind, JobOutcome, Options, StartJob};
use std::time::Duration;
use webhook::Status;

const HOUR: Duration = Duration::from_secs(3_600);
const LONG_AGO: &str = "2026-01-01T00:00:00Z";

/// Each job's id and status, as `id status`.
fn jobs(recovering: &Recovering, order: &str) -> Vec<String> {
    let shown = |job: JobItem| format!("{} {}", job.entity_id, job.status.map_or("none", Status::as_str));
    let mut jobs: Vec<_> = recovering.settled(order).jobs.into_iter().map(shown).collect();
    jobs.sort();
    jobs
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
    let reply = recovering.sweep();
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
    recovering.sweep();
    for (order, (kind, ..)) in orders.iter().zip(&cases) {
        assert_eq!(recovering.settled(order).jobs.len(), 1, "{kind:?}");
    }
    let reply = recovering.sweep();
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
    let reply = recovering.sweep();
    assert_eq!((&reply["unknown"], &reply["failed"]), (&json!(2), &json!(0)), "{reply}");
    assert_eq!(only_job(&recovering.settled(&known)).status, Some(Status::Pending));

    recovering.config.unknown_after = Duration::ZERO;
    let reply = recovering.sweep();
    assert_eq!(reply["failed"], 2, "{reply}");
    let codes = ["heygen_webhooks.unknown_job", "heygen_webhooks.never_reported"];
    for (order, code) in [&known, &forgotten].into_iter().zip(codes) {
        let record = recovering.settled(order);
        let job = only_job(&record);
        assert_eq!(job.status, Some(Status::Failed));
        assert_eq!(job.failure.as_ref().unwrap().code.as_deref(), Some(code));
        assert_eq!(job.callback_id.as_ref(), Some(order));
    }
    let reply = recovering.sweep();
    assert_eq!((&reply["unknown"], &reply["failed"]), (&json!(0), &json!(0)), "it fails once: {reply}");
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
    recovering.sweep();
    let asked = recovering.calls().len();
    recovering.run(json!({"action": "sweep"})).unwrap();
    assert_eq!(recovering.calls().len(), asked, "it is not due");
}

#[test]
fn of_several_languages_each_becomes_the_job_of_its_own() {
    let Some(mut recovering) = Recovering::new(Options::default()) else { return };
    let order = unique("languages");
    let unknown = format!("callback_id:{order}");
    for language in ["German", "Spanish", "French"] {
        let more = json!({"kind": "video_translate", "output_language": language, "attributes": {"own": language}});
        recovering.track(&order, more);
    }
    let report = |id: &str, language: Option<&str>| {
        let data = json!({"video_translate_id": id, "callback_id": order, "output_language": language, "url": "https://x.invalid/1"});
        recovering.reported("video_translate.success", &data);
    };
    let (spanish, other) = (unique("t1"), unique("t2"));
    report(&spanish, Some("Spanish"));
    let pending = format!("{unknown} pending");
    let expected = [&pending, &pending, &format!("{spanish} succeeded")].map(String::clone);
    assert_eq!(jobs(&recovering, &order), expected, "the two others are still expected");
    assert_eq!(recovering.sweep()["finished"], 1);
    assert_eq!(jobs(&recovering, &order), expected);
    let record = recovering.settled(&order);
    assert_eq!(record.jobs.iter().find(|job| job.entity_id == spanish).unwrap().attributes["own"], "Spanish");

    // It may be either: neither is given up for it.
    report(&other, None);
    assert_eq!(recovering.sweep()["finished"], 0);
    assert_eq!(jobs(&recovering, &order).len(), 4);
    recovering.config.unknown_after = HOUR;
    recovering.track(&order, json!({"kind": "video_translate", "output_language": "French", "expected_by": LONG_AGO}));
    assert_eq!(recovering.sweep()["failed"], 1);
    let record = recovering.settled(&order);
    let failed = record.jobs.iter().find(|job| job.status == Some(Status::Failed)).unwrap();
    let code = failed.failure.as_ref().and_then(|failure| failure.code.as_deref());
    assert_eq!((failed.output_language.as_deref(), code), (Some("French"), Some("heygen_webhooks.never_reported")));
}

#[test]
fn a_second_attempt_is_not_the_job_that_failed_before() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let (order, first, second) = (unique("attempts"), unique("first"), unique("second"));
    let report = |outcome: &str, video: &str| {
        let data = json!({"video_id": video, "callback_id": order, "msg": "no face", "url": "https://x.invalid/1"});
        recovering.reported(&format!("avatar_video.{outcome}"), &data);
    };
    recovering.track(&order, json!({"attributes": {"attempt": 1}}));
    report("fail", &first);
    recovering.sweep();
    assert_eq!(jobs(&recovering, &order), [format!("{first} failed")]);

    recovering.track(&order, json!({"attributes": {"attempt": 2}}));
    let both = [format!("callback_id:{order} pending"), format!("{first} failed")];
    assert_eq!(jobs(&recovering, &order), both);
    recovering.sweep();
    assert_eq!(jobs(&recovering, &order), both, "it is expected still");
    report("success", &second);
    recovering.sweep();
    let record = recovering.settled(&order);
    for (video, attempt, status) in [(&first, 1, Status::Failed), (&second, 2, Status::Succeeded)] {
        let job = record.jobs.iter().find(|job| job.entity_id == *video).unwrap();
        assert_eq!((&job.attributes["attempt"], job.status), (&json!(attempt), Some(status)));
    }
    assert_eq!(record.jobs.len(), 2);
}

#[test]
fn one_bad_job_stops_no_other_and_does_not_fail_every_run() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let (bad, good) = (unique("bad"), unique("good"));
    let ids = recovering.start_jobs(vec![lost(JobKind::Video, &good, JobOutcome::Succeeds)]);
    // As an application may write it. It is due before the other one, in the same shard.
    let id = format!("{bad},{bad}");
    let key = format!("job#avatar_video#{id}");
    let text = |text: &str| S(text.to_owned());
    let attributes = [
        ("kind", text("avatar_video")),
        ("entity_id", text(&id)),
        ("status", text("pending")),
        ("status_rank", N("0".into())),
        ("callback_id", text(&bad)),
        ("expected_by", text(LONG_AGO)),
        ("due_shard", text("0")),
        ("due_at", N("1".into())),
    ];
    recovering.write(&id, &key, &attributes);
    recovering.track(&good, json!({"entity_id": ids[0], "expected_by": LONG_AGO}));
    let place = format!("job#avatar_video#{}", ids[0]);
    recovering.write(&ids[0], &place, &[("due_shard", text("0")), ("due_at", N("2".into()))]);

    let error = recovering.run(json!({"action": "sweep"})).unwrap_err().to_string();
    assert!(error.contains("the id is not valid"), "{error}");
    assert_eq!(only_job(&recovering.settled(&good)).status, Some(Status::Succeeded));
    let due: i64 = recovering.item(&id, &key)["due_at"].as_n().unwrap().parse().unwrap();
    assert!(due > time::OffsetDateTime::now_utc().unix_timestamp() + 600, "it is looked at later");
    recovering.run(json!({"action": "sweep"})).unwrap();
}

#[test]
fn all_that_is_due_is_looked_at_and_asked_for_a_hundred_at_a_time() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let order = unique("many");
    let running = || StartJob { ends: Ends::Ago(HOUR), ..lost(JobKind::Video, &order, JobOutcome::NeverEnds) };
    let ids = recovering.start_jobs((0..250).map(|_| running()).collect());
    recovering.stack.dynamodb(async |dynamodb| {
        for id in &ids {
            let put = dynamodb.put_item().table_name(&recovering.config.table).item("id", S(id.clone()));
            let put = put.item("item", S(format!("job#avatar_video#{id}"))).item("kind", S("avatar_video".into()));
            let put = put.item("entity_id", S(id.clone())).item("status", S("pending".into()));
            let put = put.item("due_shard", S("7".into())).item("due_at", N("1".into()));
            put.send().await.unwrap();
        }
    });
    let reply = recovering.run(json!({"action": "sweep"})).unwrap();
    assert_eq!((&reply["running"], &reply["more"]), (&json!(250), &json!(false)), "{reply}");
    let calls = recovering.calls();
    let paths: Vec<_> = calls.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(paths, ["/v3/videos/statuses"; 3]);
    let reply = recovering.run(json!({"action": "sweep"})).unwrap();
    assert_eq!(reply["running"], 0, "none is due again at once");
}

#[test]
fn a_session_of_the_video_agent_is_one_job_with_links() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let session = |order: &str| {
        let started = recovering.start_jobs(vec![lost(JobKind::VideoAgent, order, JobOutcome::Succeeds)]).concat();
        recovering.track(order, json!({"kind": "video_agent", "entity_id": started, "attributes": {"own": 1}}));
        let said = recovering.ask(&format!("/v3/video-agents/{started}"));
        (started, said["data"]["video_id"].as_str().unwrap().to_owned())
    };
    let success = |data: Value| recovering.reported("video_agent.success", &data);
    let url = "https://x.invalid/1?Expires=1763697600";

    // Its event names the video, or is lost; or HeyGen says nothing of the video.
    let (named, lost, forgotten) = (unique("named"), unique("lost"), unique("forgotten"));
    let (session_id, video_id) = session(&named);
    success(json!({"session_id": session_id, "video_id": video_id, "url": url}));
    let (lost_session, _) = session(&lost);
    let (forgotten_session, _) = session(&forgotten);
    success(json!({"video_id": unique("video"), "callback_id": forgotten, "url": url}));
    assert!(recovering.forget(&forgotten_session));
    for order in [&named, &lost, &forgotten] {
        assert!(!jobs(&recovering, order).is_empty());
    }
    recovering.sweep();
    for (order, entity) in [(&named, Some(&video_id)), (&lost, Some(&lost_session)), (&forgotten, None)] {
        let record = recovering.settled(order);
        let job = only_job(&record);
        assert_eq!((job.status, &job.attributes["own"]), (Some(Status::Succeeded), &json!(1)), "{order}");
        assert!(job.links.contains_key("video"), "{order}: {:?}", job.links.keys());
        assert!(entity.is_none_or(|id| job.entity_id == *id), "{order}");
    }
    for order in [&named, &lost] {
        let before = only_job(&recovering.settled(order)).clone();
        recovering.advance(HOUR);
        let reply = recovering.run(json!({"action": "refresh", "callback_id": order})).unwrap();
        assert_eq!(reply["refreshed"], 1, "{order}");
        let record = recovering.settled(order);
        assert!(only_job(&record).links_expire_at > before.links_expire_at, "{order}");
        assert_ne!(only_job(&record).links["video"], before.links["video"]);
    }
}
