//! Without a permission of its role, `recovery` says what it may not do, and loses nothing.

use crate::dead_letters::{old_report, put_dead_letter};
use crate::failures::message;
use crate::permissions::Without;
use crate::support::{TIMEOUT, disturbed_stack, now, only_job, success, unique};
use crate::telemetry::stack_name;
use local::admin::API_KEY_SECRET;
use local::recovery;
use serde_json::{Value, json};
use simulator::{Disturbance, JobKind, JobOutcome, StartJob};
use std::time::Duration;

/// Without the action on the dead-letter queue, a redrive is an error that names the call; with it again, it works.
fn redrives_only_with(action: &str) {
    let Some(stack) = disturbed_stack() else { return };
    let id = unique("order");
    put_dead_letter(&stack, &message(success(&id, &unique("video"))));
    let redrive = || recovery::ask(stack.stack(), &json!({"action": "redrive", "dry_run": false, "callback_id": id}));
    {
        let _without = Without::new(&stack, "recovery", action, "DeadLetters");
        let error = redrive().unwrap_err().to_string();
        assert!(error.contains(&format!("{action} failed: AccessDenied")), "{error}");
    }
    // The letter is visible again, and sent back; if it could not be deleted before, twice.
    redrive().unwrap();
    only_job(&stack.recorded(&id, 1));
}

#[test]
fn without_receive_message_recovery_says_that_it_cannot_read_dead_letters() {
    redrives_only_with("sqs:ReceiveMessage");
}

#[test]
fn without_delete_message_a_dead_letter_is_sent_and_stays() {
    redrives_only_with("sqs:DeleteMessage");
}

#[test]
fn without_change_message_visibility_a_dry_run_says_that_letters_stay_hidden() {
    let Some(stack) = disturbed_stack() else { return };
    put_dead_letter(&stack, &message(success(&unique("order"), &unique("video"))));
    let since = now();
    let _without = Without::new(&stack, "recovery", "sqs:ChangeMessageVisibility", "DeadLetters");
    recovery::ask(stack.stack(), &json!({"action": "redrive"})).unwrap();
    let find =
        || Ok(Some(stack.lines_with(since, &["stays hidden", "AccessDenied"])).filter(|lines| !lines.is_empty()));
    stack.wait_for("the warning", TIMEOUT, find).unwrap();
}

#[test]
fn without_receive_message_of_undelivered_job_events_explain_says_so() {
    let Some(stack) = disturbed_stack() else { return };
    let explain =
        || recovery::ask(stack.stack(), &json!({"action": "explain", "callback_id": unique("order")})).unwrap();
    {
        let _without = Without::new(&stack, "recovery", "sqs:ReceiveMessage", "UndeliveredJobEvents");
        let problems = explain()["not_read"].to_string();
        assert!(problems.contains("undelivered job events: sqs:ReceiveMessage failed: AccessDenied"), "{problems}");
    }
    assert_eq!(explain()["not_read"], json!([]));
}

/// Without the action, recovery's request is an error that names the call; with it again, it is answered.
fn recovery_answers_only_with(action: &str, resource_with: &str, call: &str, request: &Value) {
    let Some(stack) = disturbed_stack() else { return };
    {
        let _without = Without::new(&stack, "recovery", action, resource_with);
        let error = recovery::ask(stack.stack(), request).unwrap_err().to_string();
        assert!(error.contains(&format!("{call} failed: AccessDenied")), "{error}");
    }
    recovery::ask(stack.stack(), request).unwrap();
}

#[test]
fn without_query_of_the_index_recovery_looks_after_nothing() {
    recovery_answers_only_with("dynamodb:Query", "index/due", "dynamodb:Query", &json!({"action": "sweep"}));
}

#[test]
fn without_query_of_the_table_recovery_finds_no_job() {
    let refresh = json!({"action": "refresh", "callback_id": "an-order"});
    recovery_answers_only_with("dynamodb:Query", "table", "dynamodb:Query", &refresh);
}

#[test]
fn without_get_item_recovery_does_not_know_how_far_it_was() {
    recovery_answers_only_with("dynamodb:GetItem", "table", "dynamodb:GetItem", &json!({"action": "backfill"}));
}

const TRANSACTION: &str = "dynamodb:TransactWriteItems";

fn track(entity_id: Option<String>) -> Value {
    json!({"action": "track", "callback_id": unique("order"), "kind": "avatar_video", "entity_id": entity_id})
}

#[test]
fn without_put_item_no_job_is_tracked() {
    recovery_answers_only_with("dynamodb:PutItem", "table", TRANSACTION, &track(None));
}

#[test]
fn without_update_item_nothing_is_tracked() {
    recovery_answers_only_with("dynamodb:UpdateItem", "table", TRANSACTION, &track(None));
}

#[test]
fn without_delete_item_a_job_whose_entity_is_known_is_not_tracked() {
    let Some(stack) = disturbed_stack() else { return };
    let mut request = track(None);
    recovery::ask(stack.stack(), &request).unwrap();
    drop(stack);
    // It takes the place of what was tracked without it.
    request["entity_id"] = json!(unique("video"));
    recovery_answers_only_with("dynamodb:DeleteItem", "table", TRANSACTION, &request);
}

#[test]
fn without_get_secret_value_of_the_api_key_recovery_says_so() {
    let call = "secretsmanager:GetSecretValue";
    recovery_answers_only_with("secretsmanager:GetSecretValue", API_KEY_SECRET, call, &json!({"action": "sweep"}));
}

#[test]
fn without_send_message_nothing_counts_as_brought_back() {
    let Some(stack) = disturbed_stack() else { return };
    let (order, hour) = (unique("order"), Duration::from_secs(3_600));
    let lost = StartJob {
        callback_id: Some(order.clone()),
        disturbance: Some(Disturbance::Lost),
        ..StartJob::ended(JobKind::Lipsync, JobOutcome::Succeeds, hour)
    };
    stack.simulator().unwrap().start_jobs(&[lost]).unwrap();
    let since = aws::clock::to_text(time::OffsetDateTime::now_utc() - 2 * hour);
    let backfill = || recovery::ask(stack.stack(), &json!({"action": "backfill", "since": since}));
    {
        let _without = Without::new(&stack, "recovery", "sqs:SendMessage", "Queue");
        let error = backfill().unwrap_err().to_string();
        assert!(error.contains("sqs:SendMessage failed: AccessDenied"), "{error}");
    }
    backfill().unwrap();
    only_job(&stack.recorded(&order, 1));
}

/// Without the action on the table, a replay to the bus is an error that names the call.
fn replays_only_with(action: &str, by_time: bool) {
    let Some(stack) = disturbed_stack() else { return };
    let (id, video) = (unique("order"), unique("video"));
    stack.accepted(&success(&id, &video));
    let since = stack.recorded(&id, 1).jobs.remove(0).updated_at;
    let (field, value) = if by_time { ("since", since) } else { ("entity_id", video) };
    let request = json!({"action": "replay", "to": "bus", "dry_run": false, field: value});
    let replay = || recovery::ask(stack.stack(), &request);
    {
        let _without = Without::new(&stack, "recovery", action, "table");
        let error = replay().unwrap_err().to_string();
        assert!(error.contains(&format!("{action} failed: AccessDenied")), "{error}");
    }
    assert!(replay().unwrap()["replayed"].as_u64() >= Some(1));
}

#[test]
fn without_update_item_no_job_is_told_again() {
    replays_only_with("dynamodb:UpdateItem", false);
}

#[test]
fn without_scan_nothing_is_replayed_by_time() {
    replays_only_with("dynamodb:Scan", true);
}

#[test]
fn without_delete_message_a_report_of_an_undelivered_job_event_stays() {
    undelivered_with("sqs:DeleteMessage", false);
}

#[test]
fn without_change_message_visibility_a_report_of_an_undelivered_job_event_stays_hidden() {
    undelivered_with("sqs:ChangeMessageVisibility", true);
}

/// Without the action, a replay of undelivered job events says that it fails.
fn undelivered_with(action: &str, dry_run: bool) {
    let Some(stack) = disturbed_stack() else { return };
    let described = local::cloudformation::describe(stack.api(), &stack_name(&stack)).unwrap();
    let outputs = described["Outputs"].as_array().unwrap();
    let output = outputs.iter().find(|output| output["OutputKey"] == "UndeliveredJobEventsQueueUrl").unwrap();
    let url = output["OutputValue"].as_str().unwrap();
    let send =
        async |sqs: &aws_sdk_sqs::Client| sqs.send_message().queue_url(url).message_body(old_report()).send().await;
    stack.sqs(send).unwrap();
    let since = now();
    let _without = Without::new(&stack, "recovery", action, "UndeliveredJobEvents");
    let request = json!({"action": "replay", "undelivered": true, "dry_run": dry_run});
    match recovery::ask(stack.stack(), &request) {
        Err(error) => assert!(error.to_string().contains(&format!("{action} failed: AccessDenied")), "{error}"),
        Ok(_) => {
            let find =
                || Ok(Some(stack.lines_with(since, &["stays hidden", action])).filter(|lines| !lines.is_empty()));
            stack.wait_for("the warning", TIMEOUT, find).unwrap();
        }
    }
}
