//! What was never received is brought back from HeyGen, once, whatever fails meanwhile.

use crate::cut::{Caller, Calls, Cut, Side};
use crate::failures::message;
use crate::recovering::Recovering;
use crate::support::unique;
use aws::jobs::Record;
use serde_json::json;
use simulator::{Disturbance, Existing, JobKind, JobOutcome, Options, StartJob};
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// How often a run is killed.
const KILLS: usize = 8;

/// With RECOVERY_MORE set, 10,000.
fn many() -> usize {
    if std::env::var_os("RECOVERY_MORE").is_some() { 10_000 } else { 1_000 }
}

/// The jobs and events that belong to this test, by `callback_id`.
fn by_callback_id(recovering: &Recovering, prefix: &str) -> BTreeMap<String, Record> {
    let Record { jobs, events } = recovering.stack.whole_record().unwrap();
    let mut found: BTreeMap<String, Record> = BTreeMap::new();
    let is_ours = |id: &Option<String>| id.clone().filter(|id| id.starts_with(prefix));
    for event in events {
        if let Some(id) = is_ours(&event.callback_id) {
            found.entry(id).or_default().events.push(event);
        }
    }
    for job in jobs {
        if let Some(id) = is_ours(&job.callback_id) {
            found.entry(id).or_default().jobs.push(job);
        }
    }
    found
}

#[test]
fn of_many_events_those_that_were_never_delivered_are_recorded_once() {
    let options = Options { list_undelivered: true, ..Options::default() };
    let Some(recovering) = Recovering::new(options) else { return };
    let seed = std::env::var("RECOVERY_SEED").ok().map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("RECOVERY_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let prefix = unique("many");
    let data = |n: usize| {
        json!({"video_id": format!("{prefix}-v{n}"), "callback_id": format!("{prefix}-c{n}"),
               "url": format!("https://files.example.invalid/{n}.mp4?X-Amz-Signature=canary-link-e2e")})
    };
    let (mut delivered, mut lost) = (Vec::new(), 0);
    for n in 0..many() {
        recovering.emit("avatar_video.success", data(n));
        let body = json!({"event_type": "avatar_video.success", "event_data": data(n)}).to_string();
        match random.u8(..100) {
            0..30 => lost += 1,
            30..40 => delivered.extend([body.clone(), body]),
            _ => delivered.push(body),
        }
    }
    // Past the receiver, which other tests are about.
    recovering.stack.sqs(async |sqs| {
        for some in delivered.chunks(10) {
            let entry = |(id, body): (usize, &String)| {
                let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder().id(id.to_string());
                entry.message_body(message(body.clone().into_bytes())).build().unwrap()
            };
            let entries = some.iter().enumerate().map(entry).collect();
            let send = sqs.send_message_batch().queue_url(&recovering.config.queue_url);
            send.set_entries(Some(entries)).send().await.unwrap();
        }
    });
    recovering.stack.settled();

    let since = aws::clock::to_text(time::OffsetDateTime::now_utc() - HOUR);
    let request = json!({"action": "backfill", "since": since});
    let mut killed = 0;
    for at in places(&mut random, calls_of_a_run(lost)) {
        let side = if random.bool() { Side::Before } else { Side::After };
        let calls = Calls::new(Some(Cut { at, side, caller: Caller::Dies }));
        let is_killed = recovering.run_over(&calls, request.clone()).is_none();
        let names = calls.names.lock().unwrap();
        println!("killed: {is_killed}, {side:?} call {at}, {}", names.get(at - 1).map_or("-", String::as_str));
        killed += usize::from(is_killed);
    }
    recovering.run(request.clone()).unwrap();
    recovering.stack.settled();
    let again = recovering.run(request).unwrap();
    assert_eq!(again["sources"][0]["missed"], 0, "what is recorded is not sent again");

    let found = by_callback_id(&recovering, &prefix);
    assert_eq!(found.len(), many());
    let wrong: Vec<_> = found.iter().filter(|(_, of)| of.events.len() != 1 || of.jobs.len() != 1).collect();
    assert!(wrong.is_empty(), "{} are not recorded once, such as {:?}", wrong.len(), wrong[0]);
    let brought_back = found.values().filter(|of| of.events[0].via == "backfill").count();
    println!("{} events, {lost} never delivered, {killed} runs killed, {brought_back} brought back", many());
    assert_eq!(brought_back, lost);
    assert!(killed > 0);
}

/// Each event is looked up, and each lost one is sent. The rest is little.
fn calls_of_a_run(lost: usize) -> usize {
    many() + lost + 2 * many() / 100 + 20
}

/// Where to kill each run, so that the calls of all runs together are as many as those of one that is not killed.
fn places(random: &mut fastrand::Rng, calls: usize) -> Vec<usize> {
    let mut places: Vec<_> = (0..KILLS).map(|_| random.usize(1..calls)).collect();
    places.sort_unstable();
    let before = std::iter::once(0).chain(places.clone());
    places.iter().zip(before).map(|(place, before)| (place - before).max(1)).collect()
}

#[test]
fn only_what_the_endpoints_subscribe_to_is_brought_back() {
    let Some(mut recovering) = Recovering::new(Options { check_urls: false, ..Options::default() }) else { return };
    let url = "http://127.0.0.1:9";
    recovering.config.urls = vec![url.to_owned()];
    let events = Some(vec!["avatar_video.success".to_owned()]);
    recovering.register(Existing { events, ..Existing::new(format!("{url}/webhooks/heygen/main")) });
    let ended =
        |outcome| StartJob { disturbance: Some(Disturbance::Lost), ..StartJob::ended(JobKind::Video, outcome, MINUTE) };
    let ids = recovering.start_jobs(vec![ended(JobOutcome::Succeeds), ended(JobOutcome::Fails("x".to_owned()))]);
    recovering.has_read_until(HOUR);
    recovering.run(json!({"action": "backfill"})).unwrap();
    recovering.stack.settled();
    let jobs = |id: &String| recovering.stack.record(id).unwrap().jobs.len();
    assert_eq!((jobs(&ids[0]), jobs(&ids[1])), (1, 0));
}

#[test]
fn a_deployment_does_not_import_what_ended_before_it() {
    let Some(recovering) = Recovering::new(Options { list_undelivered: true, ..Options::default() }) else { return };
    let kinds = [JobKind::Video, JobKind::Translation("Spanish".to_owned()), JobKind::Lipsync, JobKind::AiClipping(2)];
    let ended = |ago| kinds.iter().map(move |kind| StartJob::ended(kind.clone(), JobOutcome::Succeeds, ago)).collect();
    let before: Vec<_> =
        [HOUR / 4, HOUR, HOUR * 48].into_iter().flat_map(|ago| recovering.start_jobs(ended(ago))).collect();
    for _ in 0..2 {
        recovering.run(json!({"action": "recover"})).unwrap();
    }
    let after = recovering.start_jobs(ended(Duration::ZERO));
    // HeyGen's times are in seconds.
    std::thread::sleep(Duration::from_millis(1_100));
    recovering.run(json!({"action": "recover"})).unwrap();
    recovering.stack.settled();
    let jobs =
        |ids: &[String]| ids.iter().map(|id| recovering.stack.record(id).unwrap().jobs.len()).collect::<Vec<_>>();
    assert_eq!((jobs(&before), jobs(&after)), (vec![0; before.len()], vec![1; 4]));
}

#[test]
fn what_is_due_is_looked_at_before_the_lists_which_may_be_long() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let ended = StartJob::ended(JobKind::Video, JobOutcome::Succeeds, HOUR);
    let ids = recovering.start_jobs(vec![StartJob { disturbance: Some(Disturbance::Lost), ..ended }]);
    recovering.track(&unique("due"), json!({"entity_id": ids[0], "expected_by": "2026-01-01T00:00:00Z"}));
    let reply = recovering.run(json!({"action": "recover"})).unwrap();
    assert_eq!(reply["sweep"]["finished"], 1, "{reply}");
    let calls = recovering.calls();
    let place = |path: &str| calls.iter().position(|call| call.path == path).unwrap();
    assert!(place(&format!("/v3/videos/{}", ids[0])) < place("/v3/webhooks/events"));
    recovering.stack.settled();
}
