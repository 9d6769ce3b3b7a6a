//! What was never received is brought back from HeyGen, once, whatever fails meanwhile.

use crate::cut::{Caller, Calls, Cut, Side};
use crate::failures::message;
use crate::recovering::Recovering;
use crate::support::unique;
use aws::jobs::Record;
use heygen::Status;
use serde_json::json;
use simulator::{Disturbance, Ends, Existing, JobKind, JobOutcome, Options, StartJob};
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

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
    let prefix = unique("many");
    let data = |n: usize| {
        json!({"video_id": format!("{prefix}-v{n}"), "callback_id": format!("{prefix}-c{n}"),
               "url": format!("https://files.example.invalid/{n}.mp4?X-Amz-Signature=canary-link-e2e")})
    };
    let (mut delivered, mut lost) = (Vec::new(), 0);
    for n in 0..many() {
        recovering.emit("avatar_video.success", data(n));
        let body = json!({"event_type": "avatar_video.success", "event_data": data(n)}).to_string();
        match fastrand::u8(..100) {
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
    let until = aws::clock::to_text(time::OffsetDateTime::now_utc() + HOUR);
    let request = json!({"action": "backfill", "since": since, "until": until});
    let mut killed = 0;
    for _ in 0..5 {
        let cut = Cut { at: fastrand::usize(5..many() / 2), side: Side::After, caller: Caller::Dies };
        killed += usize::from(recovering.run_over(&Calls::new(Some(cut)), request.clone()).is_none());
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

/// What one outage loses, of every kind that HeyGen has a list of.
fn jobs_of_an_outage(prefix: &str) -> Vec<StartJob> {
    let kinds = [JobKind::Video, JobKind::Translation("Spanish".to_owned()), JobKind::Lipsync, JobKind::AiClipping(2)];
    let mut jobs = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        for hours in 0..36 {
            let fails = hours % 3 == 0;
            jobs.push(StartJob {
                kind: kind.clone(),
                callback_id: Some(format!("{prefix}-{index}-{hours}")),
                outcome: if fails { JobOutcome::Fails("no credit".to_owned()) } else { JobOutcome::Succeeds },
                ends: Ends::Ago(HOUR * hours + MINUTE),
                disturbance: None,
            });
        }
    }
    jobs
}

/// The receiver is down for a day and a half, past HeyGen's retries. Afterwards, the schedule alone brings everything back.
fn survives_an_outage(list_undelivered: bool) {
    // A port that nothing listens at.
    let endpoints = vec![Existing::new("http://127.0.0.1:9/webhooks/heygen/main")];
    let retries = simulator::Retries { base: Duration::from_millis(1), attempts: 2 };
    let options = Options { endpoints, retries, list_undelivered, ..Options::default() };
    let Some(recovering) = Recovering::new(options) else { return };
    let prefix = unique("outage");
    recovering.has_read_until(HOUR * 37);
    let jobs = jobs_of_an_outage(&prefix);
    let ids = recovering.start_jobs(jobs.clone());
    assert!(recovering.wait_until_delivered(MINUTE).is_err(), "HeyGen gives up");
    // HeyGen's list of videos has no callback_id: it is known of those that the team has tracked.
    for (job, id) in jobs.iter().zip(&ids).filter(|(job, _)| job.kind == JobKind::Video) {
        recovering.track(job.callback_id.as_ref().unwrap(), json!({"entity_id": id}));
    }

    let reply = recovering.run(json!({"action": "recover"})).unwrap();
    println!("{}", reply["text"].as_str().unwrap());
    recovering.stack.settled();
    let found = by_callback_id(&recovering, &prefix);
    for (job, id) in jobs.iter().zip(&ids) {
        let callback_id = job.callback_id.as_ref().unwrap();
        let expected = if job.outcome == JobOutcome::Succeeds { Status::Succeeded } else { Status::Failed };
        let recorded = &found[callback_id].jobs;
        assert_eq!(recorded.len(), 1, "{callback_id}: {recorded:?}");
        assert_eq!((&recorded[0].entity_id, recorded[0].status), (id, Some(expected)), "{callback_id}");
    }
    let again = recovering.run(json!({"action": "recover"})).unwrap();
    let missed: Vec<_> = again["backfill"]["sources"].as_array().unwrap().iter().map(|one| &one["missed"]).collect();
    assert_eq!(missed, [0; 5], "nothing is brought back twice");
}

#[test]
fn after_an_outage_nothing_is_missing_if_heygen_lists_failed_deliveries() {
    survives_an_outage(true);
}

#[test]
fn after_an_outage_nothing_is_missing_if_heygen_lists_only_what_it_delivered() {
    survives_an_outage(false);
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
    let ids = recovering.start_jobs(vec![StartJob::ended(JobKind::Video, JobOutcome::Succeeds, HOUR)]);
    recovering.run(json!({"action": "recover"})).unwrap();
    recovering.stack.settled();
    assert!(recovering.stack.record(&ids[0]).unwrap().jobs.is_empty());
}
