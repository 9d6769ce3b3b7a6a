//! The links of jobs: they are replaced before they expire, and that changes nothing else.

use crate::recovering::{Recovering, lost};
use crate::support::{only_job, unique};
use aws::jobs::JobItem;
use serde_json::{Value, json};
use simulator::http::Http;
use simulator::{Fault, JobKind, JobOutcome, Options, When};
use std::thread;
use std::time::Duration;
use webhook::Status;

const HOUR: Duration = Duration::from_secs(3_600);

fn refresh(recovering: &Recovering, order: &str) -> Value {
    recovering.run(json!({"action": "refresh", "callback_id": order})).unwrap()
}

fn job(recovering: &Recovering, order: &str) -> JobItem {
    only_job(&recovering.settled(order)).clone()
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
    recovering.sweep();
    let job = || only_job(&recovering.settled(&order)).clone();
    let first = job();
    assert_eq!(first.status, Some(Status::Succeeded));

    // On the schedule, because they expire within a day.
    recovering.advance(HOUR);
    let reply = recovering.sweep();
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
fn a_link_that_has_expired_is_replaced_by_one_that_works() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let order = unique("expired");
    let ids = recovering.start_jobs(vec![lost(JobKind::Video, &order, JobOutcome::Succeeds)]);
    recovering.track(&order, json!({"entity_id": ids[0], "expected_by": "2026-01-01T00:00:00Z"}));
    recovering.sweep();
    let http = Http::new(Duration::from_secs(10));
    let fetched = |link: &str| http.get(link).unwrap().status;
    let old = job(&recovering, &order);
    assert_eq!(fetched(&old.links["video"]), 200);
    recovering.advance(HOUR * 24 * 7);
    assert_eq!(fetched(&old.links["video"]), 403);

    assert_eq!(refresh(&recovering, &order)["refreshed"], 1);
    let new = job(&recovering, &order);
    assert_eq!(fetched(&new.links["video"]), 200);
    let expires_in = new.links_expire_at.unwrap() - recovering.now().unix_timestamp();
    assert!((6 * 86_400..=7 * 86_400).contains(&expires_in), "{expires_in}");
    assert_eq!((new.status, &new.previous_status), (old.status, &"succeeded".to_owned()));
}

#[test]
fn of_two_refreshes_the_later_expiry_stands_in_either_order_and_at_once() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let order = unique("twice");
    let ids = recovering.start_jobs(vec![lost(JobKind::Video, &order, JobOutcome::Succeeds)]);
    recovering.track(&order, json!({"entity_id": ids[0], "expected_by": "2026-01-01T00:00:00Z"}));
    recovering.sweep();
    let for_days = |days: u32| {
        let seconds = Some(u64::from(days) * 86_400);
        recovering.change(simulator::Change { link_lifetime_seconds: seconds, ..simulator::Change::default() });
    };
    let expires = || job(&recovering, &order).links_expire_at.unwrap();
    let first = expires();
    for_days(9);
    refresh(&recovering, &order);
    let later = expires();
    assert!(later > first);
    for_days(8);
    refresh(&recovering, &order);
    assert_eq!(expires(), later, "the earlier one was recorded last");

    let request = json!({"action": "refresh", "callback_id": order});
    for _ in 0..4 {
        let before = expires();
        for_days(10);
        recovering.advance(HOUR * 24);
        // One is answered late, after the clock was set forward: it has the later links.
        recovering.inject(When::Next("GET", "/v3/videos/*"), Fault::Stall(Duration::from_millis(400)));
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(200));
                recovering.heygen.advance(HOUR);
            });
            for reply in recovering.run_at_once(&[request.clone(), request.clone()]) {
                assert_eq!(reply.unwrap()["refreshed"], 1);
            }
        });
        let found = expires();
        assert!(found - before >= 86_400 + 3_600, "{found} {before}");
        assert!((recovering.now().unix_timestamp() + 10 * 86_400 - found).abs() < 60, "the later one stands");
    }
    assert_eq!(job(&recovering, &order).status, Some(Status::Succeeded));
}

#[test]
fn a_translation_that_was_reported_in_another_language_or_none_stays_one_job() {
    for language in [None, Some("es")] {
        let options = Options { link_lifetime: HOUR * 12, ..Options::default() };
        let Some(recovering) = Recovering::new(options) else { return };
        let order = unique("spelling");
        let kind = JobKind::Translation("Spanish".to_owned());
        let ids = recovering.start_jobs(vec![lost(kind, &order, JobOutcome::Succeeds)]);
        let url = "https://x.invalid/1?Expires=1763697600";
        let data = json!({"video_translate_id": ids[0], "callback_id": order, "url": url, "output_language": language});
        recovering.reported("video_translate.success", &data);
        let track =
            json!({"kind": "video_translate", "entity_id": ids[0], "output_language": language, "keep_fresh": true});
        recovering.track(&order, track);
        let mut last = job(&recovering, &order);
        for by_hand in [true, false, false] {
            recovering.advance(HOUR);
            let reply = if by_hand { refresh(&recovering, &order) } else { recovering.sweep() };
            assert_eq!(reply["refreshed"], 1, "{language:?}");
            let now = job(&recovering, &order);
            assert_eq!(now.output_language.as_deref(), language);
            assert!(now.links_expire_at > last.links_expire_at, "{language:?}");
            last = now;
        }
    }
}

#[test]
fn a_kept_fresh_job_that_failed_is_kept_fresh_once_it_succeeds() {
    let Some(recovering) = Recovering::new(Options { link_lifetime: HOUR * 12, ..Options::default() }) else { return };
    let order = unique("late");
    let ids = recovering.start_jobs(vec![lost(JobKind::Video, &order, JobOutcome::Succeeds)]);
    recovering.reported("avatar_video.fail", &json!({"video_id": ids[0], "callback_id": order, "msg": "m"}));
    recovering.track(&order, json!({"entity_id": ids[0], "keep_fresh": true}));
    recovering.sweep();
    recovering.sweep();
    let url = "https://x.invalid/1?Expires=1763697600";
    recovering.reported("avatar_video.success", &json!({"video_id": ids[0], "callback_id": order, "url": url}));
    assert_eq!(recovering.sweep()["refreshed"], 1);
    assert_ne!(job(&recovering, &order).links["video"], url);
}

#[test]
fn an_error_of_one_job_leaves_no_other_of_the_order_without_new_links() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let order = unique("errors");
    let lost = || lost(JobKind::Video, &order, JobOutcome::Succeeds);
    let ids = recovering.start_jobs(vec![lost(), lost(), lost()]);
    for id in &ids {
        let url = "https://x.invalid/1?Expires=1763697600";
        recovering.reported("avatar_video.success", &json!({"video_id": id, "callback_id": order, "url": url}));
    }
    let mut sorted = ids.clone();
    sorted.sort();
    let path: &'static str = Box::leak(format!("/v3/videos/{}", sorted[0]).into_boxed_str());
    for _ in 0..2 {
        recovering.inject(When::Next("GET", path), Fault::internal());
    }
    let error = recovering.run(json!({"action": "refresh", "callback_id": order})).unwrap_err();
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    let record = recovering.settled(&order);
    let renewed = |job: &&JobItem| !job.links["video"].contains("x.invalid");
    assert_eq!(record.jobs.iter().filter(renewed).count(), 2);
}
