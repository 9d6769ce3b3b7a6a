//! The deployed receiver fails for a simulated day and a half, past HeyGen's retries. Afterwards, the deployed schedule alone
//! brings everything back.

use crate::permissions::Without;
use crate::recovering::read_until;
use crate::second::Second;
use crate::support::{disturbed_stack, unique};
use aws::jobs::Record;
use local::aws_api::{AwsApi, JsonService::Events};
use local::client::Client;
use local::recovery;
use serde_json::{Value, json};
use simulator::{Ends, JobKind, JobOutcome, Options, Progress, Retries, StartJob};
use std::time::Duration;
use webhook::Status;

const HOUR: Duration = Duration::from_secs(3_600);
const OUTAGE: u32 = 36;

/// Two jobs of every kind that HeyGen has a list of, which end now.
fn jobs(prefix: &str, hour: u32) -> Vec<StartJob> {
    let kinds = [JobKind::Video, JobKind::Translation("Spanish".to_owned()), JobKind::Lipsync, JobKind::AiClipping(2)];
    let outcomes = [JobOutcome::Succeeds, JobOutcome::Fails("a reason".to_owned())];
    let each =
        kinds.iter().enumerate().flat_map(|(index, kind)| outcomes.iter().map(move |outcome| (index, kind, outcome)));
    let job = |(index, kind, outcome): (usize, &JobKind, &JobOutcome)| StartJob {
        kind: kind.clone(),
        callback_id: Some(format!("{prefix}-{hour}-{index}-{}", usize::from(*outcome == JobOutcome::Succeeds))),
        callback_url: None,
        outcome: outcome.clone(),
        ends: Ends::After(Duration::ZERO),
        disturbance: None,
    };
    each.map(job).collect()
}

/// What the rule of this stack invokes `recovery` with.
fn scheduled(api: &AwsApi, stack: &str) -> Value {
    let rules = api.json(Events, "ListRules", &json!({})).unwrap();
    let is_ours = |rule: &&Value| {
        rule["Name"].as_str().is_some_and(|name| name.starts_with(stack) && name.contains("RecoveryRule"))
    };
    let rule = rules["Rules"].as_array().unwrap().iter().find(is_ours).unwrap();
    let targets = api.json(Events, "ListTargetsByRule", &json!({ "Rule": rule["Name"] })).unwrap();
    serde_json::from_str(targets["Targets"][0]["Input"].as_str().unwrap()).unwrap()
}

/// Runs until there is no more to do, as the schedule does, and waits until all is recorded.
fn run_schedule(client: &Client, request: &Value) -> Value {
    let reply = loop {
        let reply = recovery::ask(client.stack(), request).unwrap();
        if reply["more"] == false {
            break reply;
        }
    };
    let is_empty = || {
        let depth = client.queue_depth()?;
        Ok((depth.waiting + depth.in_flight == 0).then_some(()))
    };
    client.wait_for("an empty queue", HOUR / 40, is_empty).unwrap();
    reply
}

fn survives_an_outage(list_undelivered: bool) {
    let Some(stack) = disturbed_stack() else { return };
    // An hour is left between the last event and now.
    let retries = Retries { base: Duration::from_millis(1), attempts: 2 };
    let options = Options { list_undelivered, retries, behind: HOUR * (OUTAGE + 1), ..Options::default() };
    let second = Second::new(&stack, options);
    // An event need not have time to be on its way.
    let parameters = [("BackfillDelayMinutes", "0"), ("Endpoints", "main")];
    let client = second.client(&stack, &second.deploy(&parameters).unwrap());
    let request = scheduled(client.api(), &second.name);
    read_until(&client, &second.name, HOUR * (OUTAGE + 1));

    let prefix = unique("outage");
    let (mut expected, mut ids) = (Vec::new(), Vec::new());
    {
        let _without = Without::new(&client, "receiver", "sqs:SendMessage", "Queue");
        for hour in 0..OUTAGE {
            let started = jobs(&prefix, hour);
            let started_ids = second.heygen.start_jobs(started.clone());
            // A team may track what it starts, and need not.
            if hour % 3 == 0 {
                let order = started[0].callback_id.as_ref().unwrap();
                let track = json!({"action": "track", "callback_id": order, "kind": "avatar_video", "entity_id": started_ids[0]});
                recovery::ask(client.stack(), &track).unwrap();
            }
            expected.extend(started);
            ids.extend(started_ids);
            second.heygen.wait_until_delivered(HOUR / 60).unwrap_err();
            second.heygen.advance(HOUR);
        }
    }
    let deliveries = second.heygen.deliveries();
    let refused = deliveries.iter().filter(|delivery| delivery.progress == Progress::GaveUp).count();
    assert_eq!(refused, deliveries.len(), "HeyGen gave up on all");
    assert!(deliveries.iter().flat_map(|delivery| &delivery.attempts).all(|attempt| attempt.status == Some(503)));

    println!("{}", run_schedule(&client, &request)["text"].as_str().unwrap());
    for (job, id) in expected.iter().zip(&ids) {
        let callback_id = job.callback_id.as_ref().unwrap();
        let status = if job.outcome == JobOutcome::Succeeds { Status::Succeeded } else { Status::Failed };
        let Record { jobs, events } = client.record(callback_id).unwrap();
        assert_eq!((jobs.len(), events.len()), (1, 1), "{callback_id}: {jobs:?} {events:?}");
        assert_eq!((&jobs[0].entity_id, jobs[0].status), (id, Some(status)), "{callback_id}");
    }
    let again = run_schedule(&client, &request);
    let missed: Vec<_> = again["backfill"]["sources"].as_array().unwrap().iter().map(|one| &one["missed"]).collect();
    assert_eq!(missed, [0; 5], "nothing is brought back twice");
    println!("{} deliveries were refused, {} jobs are right", refused, expected.len());
    second.delete(&stack);
}

#[test]
fn after_an_outage_nothing_is_missing_if_heygen_lists_failed_deliveries() {
    survives_an_outage(true);
}

#[test]
fn after_an_outage_nothing_is_missing_if_heygen_lists_only_what_it_delivered() {
    survives_an_outage(false);
}
