//! What fails: alone, with a way back, and without losing or doubling anything.

use crate::support::{Stack, TIMEOUT, disturbed_stack, only_event, only_job, stack, success, unique};
use aws::envelope::{Advisory, Delivery};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use local::client::DeadLetter;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::thread;
use std::time::Duration;
use time::OffsetDateTime;
use webhook::{Platform, Status, Verified};

/// A message as the receiver writes it.
pub fn message(body: Vec<u8>) -> String {
    message_of(Platform::HeyGen, body)
}

pub fn message_of(platform: Platform, body: Vec<u8>) -> String {
    let delivery = Delivery {
        platform,
        endpoint: "main".into(),
        received_at: OffsetDateTime::now_utc(),
        request_id: "end-to-end".into(),
        via: "delivery".into(),
        advisory: Advisory::default(),
        body: Verified::assume_authentic(body),
    };
    delivery.seal().unwrap()
}

fn send_batch(stack: &Stack, messages: &[String]) {
    let entry = |(id, message): (usize, &String)| {
        SendMessageBatchRequestEntry::builder().id(id.to_string()).message_body(message).build().unwrap()
    };
    let entries = messages.iter().enumerate().map(entry).collect();
    let send = async |sqs: &aws_sdk_sqs::Client| {
        let batch = sqs.send_message_batch().queue_url(&stack.stack().queue_url);
        batch.set_entries(Some(entries)).send().await
    };
    assert!(stack.sqs(send).unwrap().failed().is_empty());
}

/// The dead-lettered messages with this text. They stay on the queue.
fn dead_letters_with(stack: &Stack, text: &str) -> Vec<DeadLetter> {
    let mut found: Vec<DeadLetter> = Vec::new();
    // SQS returns some of its messages, not all.
    for _ in 0..5 {
        for letter in stack.dead_letters().unwrap() {
            if letter.body.contains(text) && !found.iter().any(|known| known.id == letter.id) {
                found.push(letter);
            }
        }
    }
    found
}

pub fn dead_lettered(stack: &Stack, text: &str) -> Vec<DeadLetter> {
    let find = || Ok(Some(dead_letters_with(stack, text)).filter(|letters| !letters.is_empty()));
    stack.wait_for("a dead letter", TIMEOUT, find).unwrap()
}

#[test]
fn poison_goes_to_the_dead_letter_queue_alone_and_its_neighbours_arrive() {
    let stack = stack();
    let marker = unique("poison");
    let ids: Vec<_> = (0..9).map(|_| unique("order")).collect();
    let mut messages: Vec<_> = ids.iter().map(|id| message(success(id, &unique(&marker)))).collect();
    messages.insert(4, format!("{marker}: this is not an envelope"));
    send_batch(&stack, &messages);

    for id in &ids {
        only_job(&stack.recorded(id, 1));
    }
    let letters = dead_lettered(&stack, &marker);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].body, messages[4]);
    assert!(
        letters[0].attributes.contains(&("reason".into(), "not an envelope".into())),
        "{:?}",
        letters[0].attributes
    );
}

#[test]
fn killing_the_processor_in_mid_batch_loses_and_duplicates_nothing() {
    let Some(stack) = disturbed_stack() else { return };
    let ids: Vec<_> = (0..60).map(|_| unique("order")).collect();
    let deliver = || {
        for id in &ids {
            stack.accepted(&success(id, &unique("video")));
        }
    };
    let kill = || {
        let mut kills = 0;
        while kills < 5 {
            let depth = stack.queue_depth().unwrap();
            if depth.in_flight > 0 {
                kills += kill_functions(&stack.stack().functions.processor);
            }
            thread::sleep(Duration::from_millis(20));
        }
        kills
    };
    let kills = thread::scope(|scope| {
        let killer = scope.spawn(kill);
        deliver();
        // More work, in case the processor is done before it was killed five times.
        while !killer.is_finished() {
            stack.accepted(&success(&unique("more"), &unique("video")));
        }
        killer.join().unwrap()
    });
    assert!(kills >= 5);

    for id in &ids {
        let rows = stack.recorded(id, 1);
        assert_eq!((only_event(&rows).endpoint.as_str(), only_job(&rows).status), ("main", Some(Status::Succeeded)));
    }
    stack.settled();
    assert!(dead_letters_with(&stack, "more-").is_empty());
}

/// Kills the processes of a function with SIGKILL, and returns how many there were. The variables that Lambda sets
/// identify them.
fn kill_functions(name: &str) -> usize {
    let variable = format!("AWS_LAMBDA_FUNCTION_NAME={name}");
    let mut killed = 0;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let is_function = environment.split(|byte| *byte == 0).any(|one| one == variable.as_bytes());
        if is_function && kill_process(pid, Signal::KILL).is_ok() {
            killed += 1;
        }
    }
    killed
}
