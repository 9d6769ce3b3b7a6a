//! Without a permission, the doctor says what it could not look at.

use crate::permissions::Without;
use crate::support::disturbed_stack;
use local::recovery;
use serde_json::json;

/// Without the action, the doctor says what it could not look at.
fn doctor_looks_only_with(action: &str, resource_with: &str, what: &str) {
    let Some(stack) = disturbed_stack() else { return };
    let doctor = || recovery::ask(stack.stack(), &json!({"action": "doctor", "verify": false})).unwrap().to_string();
    // SNS has a word of its own.
    let denied = if action.starts_with("sns:") { "AuthorizationError" } else { "AccessDenied" };
    let expected = format!("{what} could not be checked: {action} failed: {denied}");
    {
        let _without = Without::new(&stack, "recovery", action, resource_with);
        let found = doctor();
        assert!(found.contains(&expected), "{found}");
    }
    let found = doctor();
    assert!(!found.contains(&expected), "{found}");
}

#[test]
fn without_get_queue_attributes_of_the_queue_the_doctor_says_so() {
    doctor_looks_only_with("sqs:GetQueueAttributes", "Queue", "the queue");
}

#[test]
fn without_get_queue_attributes_of_dead_letters_the_doctor_says_so() {
    doctor_looks_only_with("sqs:GetQueueAttributes", "DeadLetters", "the dead-letter queue");
}

#[test]
fn without_get_queue_attributes_of_undelivered_job_events_the_doctor_says_so() {
    doctor_looks_only_with("sqs:GetQueueAttributes", "UndeliveredJobEvents", "the queue of undelivered job events");
}

#[test]
fn without_invoking_admin_the_doctor_knows_no_endpoints() {
    doctor_looks_only_with("lambda:InvokeFunction", "Admin", "the endpoints");
}

#[test]
fn without_get_event_source_mapping_the_doctor_says_so() {
    doctor_looks_only_with("lambda:GetEventSourceMapping", "event-source-mapping", "the processor's event source");
}

#[test]
fn without_describe_pipe_the_doctor_says_so() {
    doctor_looks_only_with("pipes:DescribePipe", "JobEvents", "the pipe");
}

#[test]
fn without_describe_alarms_the_doctor_says_so() {
    doctor_looks_only_with("cloudwatch:DescribeAlarms", "alarm", "the alarms");
}

#[test]
fn without_get_metric_data_the_doctor_says_so() {
    doctor_looks_only_with("cloudwatch:GetMetricData", "*", "the metrics");
}

#[test]
fn without_get_topic_attributes_the_doctor_says_so() {
    doctor_looks_only_with("sns:GetTopicAttributes", "AlarmTopic", "the topic of the alarms");
}
