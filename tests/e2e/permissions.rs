//! Without a permission of the template's policies, the functions fail without losing anything, and recover when the
//! permission is back.

use crate::failures::dead_lettered;
use crate::support::{TIMEOUT, disturbed_stack, now, only_job, success, unique};
use local::client::Client;
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;

/// A function's role without one action, until this is dropped.
pub struct Without<'a> {
    stack: &'a Client,
    role: String,
    policy: &'static str,
    sound: Value,
}

impl<'a> Without<'a> {
    pub fn new(stack: &'a Client, policy: &'static str, action: &str, resource_with: &str) -> Self {
        let functions = &stack.stack().functions;
        let function = match policy {
            "receiver" => &functions.receiver,
            "processor" => &functions.processor,
            "recovery" => &functions.recovery,
            _ => &functions.admin,
        };
        let configuration = stack.api().function(function).unwrap();
        let role = configuration["Role"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let sound = stack.api().role_policy(&role, policy).unwrap();
        let without = Without { stack, role, policy, sound };

        let mut broken = without.sound.clone();
        let mut taken = 0;
        for statement in broken["Statement"].as_array_mut().unwrap() {
            let resource = statement["Resource"].to_string();
            // The name of a table is in that of its index, too.
            let is_other = resource.contains("/index/") && !resource_with.contains("index");
            let concerns = resource.contains(resource_with) && !is_other;
            let actions = match &statement["Action"] {
                Value::Array(actions) => actions.clone(),
                one => vec![one.clone()],
            };
            let left: Vec<_> = actions.iter().filter(|one| !concerns || *one != action).cloned().collect();
            taken += actions.len() - left.len();
            // A statement needs an action: one that the functions never call.
            statement["Action"] = if left.is_empty() { json!(["sts:GetCallerIdentity"]) } else { json!(left) };
        }
        assert_eq!(taken, 1, "{action} is granted once in {}", without.sound);
        without.put(&broken);
        without
    }

    fn put(&self, document: &Value) {
        self.stack.api().put_role_policy(&self.role, self.policy, document).unwrap();
    }
}

impl Drop for Without<'_> {
    fn drop(&mut self) {
        self.put(&self.sound);
    }
}

#[test]
fn without_send_message_a_delivery_is_503_and_accepted_later() {
    let Some(stack) = disturbed_stack() else { return };
    let id = unique("order");
    let delivery = success(&id, &unique("video"));
    {
        let _without = Without::new(&stack, "receiver", "sqs:SendMessage", "Queue");
        let answer = stack.deliver("main", &delivery).unwrap();
        assert_eq!((answer.status, answer.error_code().as_deref()), (503, Some("queue_unavailable")));
        assert!(answer.header("retry-after").is_some());
    }
    stack.accepted(&delivery);
    only_job(&stack.recorded(&id, 1));
}

#[test]
fn without_get_secret_value_a_mismatch_is_503_and_not_401() {
    let Some(stack) = disturbed_stack() else { return };
    let forged = || stack.posted(&[("Signature", &"0".repeat(64))], b"a forgery");
    {
        let _without = Without::new(&stack, "receiver", "secretsmanager:GetSecretValue", "endpoints");
        // Longer than this stack's SecretRefreshSeconds.
        thread::sleep(Duration::from_millis(1_100));
        let answer = forged();
        assert_eq!((answer.status, answer.error_code().as_deref()), (503, Some("secret_unavailable")));
    }
    thread::sleep(Duration::from_millis(1_100));
    assert_eq!(forged().status, 401);
}

/// Without the action, the delivery is accepted but not recorded; with it again, it is recorded.
fn is_recorded_only_with(action: &str, resource_with: &str, id: &str, delivery: &[u8]) {
    let Some(stack) = disturbed_stack() else { return };
    {
        let _without = Without::new(&stack, "processor", action, resource_with);
        let since = now();
        let identity = stack.accepted(delivery);
        let logged = || Ok(stack.lines_with(since, &["the event could not be recorded", &identity]).into_iter().next());
        let line = stack.wait_for("the processor to fail", Duration::from_secs(30), logged).unwrap();
        assert!(line.contains(r#""class":"denied""#), "{line}");
        assert!(stack.record(id).unwrap().events.is_empty());
    }
    only_job(&stack.recorded(id, 1));
}

#[test]
fn without_put_item_nothing_is_recorded_and_nothing_is_lost() {
    let id = unique("order");
    is_recorded_only_with("dynamodb:PutItem", "table", &id, &success(&id, &unique("video")));
}

#[test]
fn without_update_item_neither_event_nor_job_is_written() {
    let id = unique("order");
    is_recorded_only_with("dynamodb:UpdateItem", "table", &id, &success(&id, &unique("video")));
}

#[test]
fn without_change_message_visibility_a_message_waits_for_the_queues_own_time_and_is_recorded() {
    let Some(stack) = disturbed_stack() else { return };
    let id = unique("order");
    {
        let _postponing = Without::new(&stack, "processor", "sqs:ChangeMessageVisibility", "Queue");
        let _recording = Without::new(&stack, "processor", "dynamodb:PutItem", "table");
        let since = now();
        stack.accepted(&success(&id, &unique("video")));
        let warning = "the wait could not be set: the queue's visibility timeout applies";
        let warned = || Ok(stack.lines_with(since, &[warning, &id]).into_iter().next());
        let line = stack.wait_for("the warning", TIMEOUT, warned).unwrap();
        assert!(line.contains("sqs:ChangeMessageVisibility failed: AccessDenied"), "{line}");
    }
    only_job(&stack.recorded(&id, 1));
}

#[test]
fn without_send_message_to_the_dead_letter_queue_poison_stays_on_the_queue_until_it_is_back() {
    let Some(stack) = disturbed_stack() else { return };
    let marker = unique("poison");
    let batch = |receives: u32| {
        let body = format!("{marker}: this is not an envelope");
        let attributes = json!({"SentTimestamp": now().to_string(), "ApproximateReceiveCount": receives.to_string()});
        let record = json!({"messageId": marker, "receiptHandle": "none", "body": body, "attributes": attributes});
        json!({ "Records": [record] }).to_string()
    };
    let invoke = |batch: String| stack.api().invoke(&stack.stack().functions.processor, batch.as_bytes()).unwrap();
    {
        let _without = Without::new(&stack, "processor", "sqs:SendMessage", "DeadLetters");
        assert_eq!(invoke(batch(1)), json!({"batchItemFailures": [{"itemIdentifier": marker}]}));
    }
    assert_eq!(invoke(batch(2)), json!({"batchItemFailures": []}));
    assert_eq!(dead_lettered(&stack, &marker).len(), 1);
}
