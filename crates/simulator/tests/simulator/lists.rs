//! The lists and statuses of jobs, and what can be changed while the simulator runs.

use crate::support::*;
use serde_json::{Value, json};
use simulator::{Change, Disturbance, Ends, Existing, JobKind, JobOutcome, Options, Receiver, Remote, StartJob};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3600);

fn ended(kind: JobKind, ago: Duration) -> StartJob {
    StartJob::ended(kind, JobOutcome::Succeeds, ago)
}

/// Every item of a list, page by page.
fn all(api: &Api, path: &str) -> Vec<Value> {
    let (mut items, mut token) = (Vec::new(), String::new());
    loop {
        let page = ok(&api.get(&format!("{path}?limit=100{token}")));
        items.extend(page["data"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_token"].as_str() else { return items };
        token = format!("&token={next}");
    }
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[test]
fn each_kind_has_its_list_its_status_call_and_its_statuses() {
    let api = api();
    for (kind, path, parameter, running) in [
        (JobKind::Video, "/v3/videos", Some("video_ids"), "processing"),
        (JobKind::Translation("Spanish".into()), "/v3/video-translations", Some("video_translation_ids"), "running"),
        (JobKind::Lipsync, "/v3/lipsyncs", Some("lipsync_ids"), "running"),
        (JobKind::AiClipping(2), "/v3/ai-clipping", None, "running"),
        (JobKind::VideoAgent, "/v3/video-agents", None, "generating"),
    ] {
        let outcomes = [JobOutcome::Succeeds, JobOutcome::Fails("why".into()), JobOutcome::NeverEnds];
        let jobs = outcomes.map(|outcome| StartJob::ended(kind.clone(), outcome, HOUR));
        let started = api.start_jobs(jobs.to_vec());
        let one = |id: &str| ok(&api.get(&format!("{path}/{id}")))["data"].clone();
        let statuses: Vec<_> = started.iter().map(|id| one(id)["status"].clone()).collect();
        assert_eq!(statuses, ["completed", "failed", running], "{path}");
        if kind != JobKind::VideoAgent {
            let listed = all(&api, path);
            assert_eq!(started.iter().filter(|id| ids(&listed).contains(&id.as_str())).count(), 3, "{path}");
            assert_eq!(one(&started[1])["failure_message"], "why", "{path}");
        }
        rejected(&api.get(&format!("{path}/unknown")), 404, "not_found");
        if let Some(parameter) = parameter {
            let asked = ok(&api.get(&format!("{path}/statuses?{parameter}={},unknown", started.join(","))));
            let said: Vec<_> = asked["data"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
            assert_eq!(said, ["completed", "failed", running, "not_found"], "{path}");
            for query in ["", "?ids=a", &format!("?{parameter}="), &format!("?{parameter}=a&limit=1")] {
                rejected(&api.get(&format!("{path}/statuses{query}")), 400, "invalid_parameter");
            }
        }
    }
    rejected(&api.get("/v3/video-translations/proofreads/p"), 404, "not_found");
    rejected(&api.get("/v3/lipsyncs?order=asc"), 400, "invalid_parameter");
    assert_eq!(ok(&api.get("/v3/videos?folder_id=f"))["data"], json!([]));
}

#[test]
fn the_list_of_videos_has_those_of_translations_under_ids_of_their_own() {
    let api = api();
    let started = api.start_jobs(vec![ended(JobKind::Translation("Spanish".into()), HOUR)]);
    let videos = all(&api, "/v3/videos");
    assert_eq!((videos.len(), &videos[0]["output_language"]), (1, &json!("Spanish")));
    assert_ne!(videos[0]["id"], started[0]);
    ok(&api.get(&format!("/v3/videos/{}", ids(&videos)[0])));
    rejected(&api.get(&format!("/v3/videos/{}", started[0])), 404, "not_found");
}

#[test]
fn a_cancelled_clipping_is_reported_by_no_event() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options::default());
    let id = api.start_job(JobKind::AiClipping(2), Some("order_1"), JobOutcome::IsCancelled);
    api.wait_until_delivered(TIMEOUT).unwrap();
    assert_eq!(ok(&api.get(&format!("/v3/ai-clipping/{id}")))["data"]["status"], "cancelled");
    assert_eq!(receiver.deliveries(), []);
}

#[test]
fn the_order_of_lists_can_be_chosen_and_is_that_of_time() {
    let api = Api::start(Options { endpoints: Existing::foreign(1), ..Options::default() });
    let jobs = [2, 3, 1].map(|hours| ended(JobKind::Lipsync, HOUR * hours)).to_vec();
    let started = api.start_jobs(jobs);
    api.wait_until_delivered(TIMEOUT).unwrap();
    let (second, oldest, newest) = (&*started[0], &*started[1], &*started[2]);
    assert_eq!(ids(&all(&api, "/v3/lipsyncs")), [newest, second, oldest]);
    let events = |api: &Api| -> Vec<String> {
        let events = all(api, "/v3/webhooks/events");
        events.iter().map(|event| event["event_data"]["lipsync_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(events(&api), [newest, second, oldest]);
    api.change(Change { newest_first: Some(false), ..Change::default() });
    assert_eq!(ids(&all(&api, "/v3/lipsyncs")), [oldest, second, newest]);
    assert_eq!(events(&api), [oldest, second, newest]);
}

#[test]
fn what_comes_and_goes_between_two_pages_moves_no_other_item() {
    let api = api();
    let started = api.start_jobs((1..=150).map(|hours| ended(JobKind::Video, HOUR * hours)).collect());
    let first = ok(&api.get("/v3/videos?limit=100"));
    api.start_jobs(vec![ended(JobKind::Video, Duration::ZERO)]);
    assert!(api.forget(&started[120]) && !api.forget(&started[120]));
    let next = ok(&api.get(&format!("/v3/videos?limit=100&token={}", first["next_token"].as_str().unwrap())));
    let seen = [&first, &next].map(|page| page["data"].as_array().unwrap().clone()).concat();
    let expected: Vec<_> = started.iter().filter(|id| **id != started[120]).map(String::as_str).collect();
    assert_eq!(ids(&seen), expected);
}

#[test]
fn a_lost_event_is_listed_only_if_the_options_say_so() {
    let api = Api::start(Options { endpoints: Existing::foreign(1), ..Options::default() });
    let lost = StartJob { disturbance: Some(Disturbance::Lost), ..ended(JobKind::Video, HOUR) };
    let started = api.start_jobs(vec![lost, ended(JobKind::Video, HOUR * 2)]);
    api.wait_until_delivered(TIMEOUT).unwrap();
    let listed = || {
        let events = all(&api, "/v3/webhooks/events");
        events.iter().map(|event| event["event_data"]["video_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(), started[1..]);
    api.change(Change { list_undelivered: Some(true), ..Change::default() });
    assert_eq!(listed(), started);
    assert_eq!(all(&api, "/v3/videos").len(), 2, "the list of videos has both");
}

#[test]
fn a_forgotten_job_is_not_found_and_its_end_is_not_reported() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options { job_duration: millis(50), ..Options::default() });
    let remote = Remote::new(api.access());
    let id = api.start_job(JobKind::Video, None, JobOutcome::Succeeds);
    remote.forget(&id).unwrap();
    assert!(remote.forget(&id).is_err());
    api.wait_until_delivered(TIMEOUT).unwrap();
    assert_eq!(receiver.deliveries(), []);
    rejected(&api.get(&format!("/v3/videos/{id}")), 404, "not_found");
    let states = ok(&api.get(&format!("/v3/videos/statuses?video_ids={id}")));
    assert_eq!((&states["data"][0]["status"], all(&api, "/v3/videos").len()), (&json!("not_found"), 0));
}

#[test]
fn the_clock_can_start_in_the_past_and_links_expire_by_it() {
    let options = Options { behind: HOUR * 48, link_lifetime: HOUR, ..Options::default() };
    let api = Api::start(options);
    let remote = Remote::new(api.access());
    let started = remote.start_jobs(&[ended(JobKind::Video, Duration::ZERO)]).unwrap();
    let expires = || {
        let video = ok(&api.get(&format!("/v3/videos/{}", started[0])))["data"].clone();
        let body = json!({"event_type": "avatar_video.success", "event_data": video}).to_string().into_bytes();
        let secret = heygen::Secret::new("whsec_x").unwrap();
        let headers = [("signature", heygen::sign(&secret, &body))];
        let signatures = heygen::HeaderNames::default().signatures(headers).unwrap();
        let verified = heygen::Unverified::new(body).verify(&signatures, &[&secret]).unwrap();
        heygen::read(&verified).job().unwrap().links_expire_at.unwrap() - api.now().unix_timestamp()
    };
    assert!((3590..=3600).contains(&expires()), "{}", expires());
    let created_at = ok(&api.get(&format!("/v3/videos/{}", started[0])))["data"]["created_at"].as_i64().unwrap();
    let real = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
    assert!((real - created_at - 48 * 3600).abs() < 60);
    let change =
        Change { advance_milliseconds: Some(48 * 3_600_000), link_lifetime_seconds: Some(60), ..Change::default() };
    remote.change(&change).unwrap();
    assert!((api.now().unix_timestamp() - real).abs() < 60);
    assert!((50..=60).contains(&expires()), "{}", expires());
}

#[test]
fn a_link_leads_to_a_file_until_it_expires() {
    let api = Api::start(Options { link_lifetime: HOUR, ..Options::default() });
    let id = api.start_jobs(vec![ended(JobKind::Video, Duration::ZERO)]).concat();
    let link = || {
        let video = ok(&api.get(&format!("/v3/videos/{id}")));
        video["data"]["video_url"].as_str().unwrap().to_owned()
    };
    let status = |link: &str| api.http.get(link).unwrap().status;
    let first = link();
    assert_ne!(first, link(), "each is another one");
    assert_eq!(status(&first), 200);
    for forged in [first.replace(&id, "another"), first.replace("=3600&", "=9999&"), first.replace("&X-Amz-Sig", "&")] {
        assert_ne!(forged, first);
        assert_eq!(status(&forged), 403, "{forged}");
    }
    api.advance(HOUR);
    assert_eq!((status(&first), status(&link())), (403, 200));
}

#[test]
fn the_account_is_that_of_the_options_and_can_be_changed() {
    let api = api();
    assert_eq!(ok(&api.get("/v3/users/me"))["data"]["wallet"]["remaining_balance"], 100.0);
    let account = json!({"billing_type": "subscription", "subscription": {"plan": "pro", "credits": {}}});
    Remote::new(api.access()).change(&Change { account: Some(account.clone()), ..Change::default() }).unwrap();
    assert_eq!(ok(&api.get("/v3/users/me"))["data"], account);
    rejected(&api.call("PATCH", "/_simulator/options", json!({"colour": "red"})), 400, "invalid_parameter");
}

#[test]
fn another_process_starts_every_sort_of_job() {
    let api = Api::start(Options { endpoints: Existing::foreign(1), ..Options::default() });
    let remote = Remote::new(api.access());
    let mut jobs = vec![
        StartJob { callback_id: Some("order_1".into()), ..ended(JobKind::Translation("French".into()), HOUR) },
        StartJob { disturbance: Some(Disturbance::Twice), ..ended(JobKind::AiClipping(1), HOUR) },
        StartJob { ends: Ends::After(millis(1)), ..ended(JobKind::VideoAgent, HOUR) },
    ];
    for outcome in [JobOutcome::Fails("why".into()), JobOutcome::IsCancelled, JobOutcome::NeverEnds] {
        jobs.push(StartJob::ended(JobKind::Lipsync, outcome, HOUR));
    }
    let ids = remote.start_jobs(&jobs).unwrap();
    api.wait_until_delivered(TIMEOUT).unwrap();
    let translation = ok(&api.get(&format!("/v3/video-translations/{}", ids[0])))["data"].clone();
    assert_eq!((&translation["output_language"], &translation["callback_id"]), (&json!("French"), &json!("order_1")));
    let clipping = ok(&api.get(&format!("/v3/ai-clipping/{}", ids[1])))["data"].clone();
    assert_eq!(clipping["clips"].as_array().unwrap().len(), 1);
    let mut types: Vec<_> = api.deliveries().into_iter().map(|delivery| delivery.event_type).collect();
    types.sort();
    let expected = [
        "ai_clipping.success",
        "ai_clipping.success",
        "lipsync.fail",
        "video_agent.success",
        "video_translate.success",
    ];
    assert_eq!(types, expected);
}

#[test]
fn ten_thousand_jobs_are_started_delivered_and_listed_within_seconds() {
    let api = Api::start(Options { endpoints: Existing::foreign(1), ..Options::default() });
    let begun = Instant::now();
    let jobs = (0..10_000).map(|second| ended(JobKind::Video, Duration::from_secs(second))).collect();
    let started: BTreeSet<_> = api.start_jobs(jobs).into_iter().collect();
    api.wait_until_delivered(Duration::from_secs(60)).unwrap();
    let events = all(&api, "/v3/webhooks/events");
    let listed: BTreeSet<_> = events.iter().map(|event| event["event_data"]["video_id"].as_str().unwrap()).collect();
    assert_eq!((started.len(), listed.len()), (10_000, 10_000));
    assert_eq!(all(&api, "/v3/videos").len(), 10_000);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
