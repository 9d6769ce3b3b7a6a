//! An outage that lasts for hours: the deliveries wait on the queue, and are recorded when it is over.

use crate::failures::{dead_lettered, message};
use crate::permissions::Without;
use crate::support::{Stack, disturbed_stack, now, only_event, only_job, success, unique};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};
use webhook::Status;

/// Of this stack's longest wait, 1 s, as many times as eight hours are of the default, 900 s.
const OUTAGE: Duration = Duration::from_secs(32);
const DELIVERIES: u32 = 20;

/// How often each message was received and returned to the queue, by message id.
fn returned(stack: &Stack, since: u64) -> BTreeMap<String, u64> {
    let mut returned = BTreeMap::new();
    for line in stack.lines_with(since, &["message returned to the queue"]) {
        let line: Value = serde_json::from_str(&line).unwrap();
        let (id, receives) = (line["message_id"].as_str().unwrap().to_owned(), line["receives"].as_u64().unwrap());
        let most = returned.entry(id).or_insert(receives);
        *most = receives.max(*most);
    }
    returned
}

#[test]
fn all_deliveries_of_an_outage_of_hours_are_recorded_after_it() {
    let Some(stack) = disturbed_stack() else { return };
    let ids: Vec<_> = (0..DELIVERIES).map(|_| unique("outage")).collect();
    let (since, dead) = (now(), stack.dlq_depth().unwrap());
    {
        let _without = Without::new(&stack, "processor", "dynamodb:PutItem", "table");
        let start = Instant::now();
        // All of them arrive in the first half, so that each fails more often than five times.
        for id in &ids {
            stack.accepted(&success(id, &unique("video")));
            thread::sleep(OUTAGE / 2 / DELIVERIES);
        }
        thread::sleep(OUTAGE.saturating_sub(start.elapsed()));
        assert!(ids.iter().all(|id| stack.record(id).unwrap().events.is_empty()), "the outage is one");
    }
    for id in &ids {
        let rows = stack.recorded(id, 1);
        assert_eq!((only_event(&rows).endpoint.as_str(), only_job(&rows).status), ("main", Some(Status::Succeeded)));
    }
    stack.settled();
    assert_eq!(stack.dlq_depth().unwrap(), dead, "nothing is dead-lettered");

    let returned = returned(&stack, since);
    let (least, most) = (returned.values().min().unwrap(), returned.values().max().unwrap());
    println!("{} messages were returned to the queue, each {least} to {most} times", returned.len());
    assert_eq!(returned.len(), ids.len());
    assert!(*least > 5, "a message was tried {least} times only: this outage was not long enough");
}

#[test]
fn a_message_that_would_soon_expire_is_dead_lettered_and_recorded_after_a_redrive() {
    let Some(stack) = disturbed_stack() else { return };
    let id = unique("old");
    let sent = now() - 27 * 12 * 3_600_000;
    let batch = json!({"Records": [{
        "messageId": id,
        "receiptHandle": "none",
        "body": message(success(&id, &unique("video"))),
        "attributes": {"SentTimestamp": sent.to_string(), "ApproximateReceiveCount": "900"},
    }]});
    {
        let _without = Without::new(&stack, "processor", "dynamodb:PutItem", "table");
        let reply = stack.api().invoke(&stack.stack().functions.processor, batch.to_string().as_bytes()).unwrap();
        assert_eq!(reply, json!({"batchItemFailures": []}));
    }
    let letters = dead_lettered(&stack, &id);
    let reason = &letters[0].attributes.iter().find(|(name, _)| name == "reason").unwrap().1;
    let why = "gave up after 900 attempts in 324 hours: dynamodb:TransactWriteItems failed: AccessDenied";
    assert!(reason.starts_with(why), "{reason}");

    // What SQS's redrive does: the local one has none.
    let redrive = async |sqs: &aws_sdk_sqs::Client| {
        sqs.send_message().queue_url(&stack.stack().queue_url).message_body(&letters[0].body).send().await
    };
    stack.sqs(redrive).unwrap();
    assert_eq!(only_job(&stack.recorded(&id, 1)).status, Some(Status::Succeeded));
}
