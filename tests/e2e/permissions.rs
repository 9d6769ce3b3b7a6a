//! Without a permission of the template's policies, the functions fail without losing anything, and recover when the
//! permission is back.

use crate::dead_letters::{old_report, put_dead_letter};
use crate::deployed::{A, B, Deployed};
use crate::failures::{dead_lettered, message};
use crate::second::Second;
use crate::support::{TIMEOUT, disturbed_stack, now, only_job, success, unique};
use crate::telemetry::stack_name;
use heygen::EventType;
use local::admin::API_KEY_SECRET;
use local::aws_api::JsonService;
use local::client::Client;
use local::recovery;
use serde_json::{Value, json};
use simulator::{Disturbance, JobKind, JobOutcome, Options, StartJob};
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

#[test]
fn without_put_secret_value_nothing_is_registered_whose_secret_could_not_be_stored() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    {
        let _without = Without::new(&admin.stack, "admin", "secretsmanager:PutSecretValue", "endpoints");
        let error = admin.ask(json!({"action": "sync"})).unwrap_err().to_string();
        assert!(error.contains("secretsmanager:PutSecretValue failed: AccessDenied"), "{error}");
        assert!(admin.endpoints().is_empty());
    }
    admin.sync();
    admin.works(A);
}

#[test]
fn without_create_secret_nothing_is_registered_and_without_delete_secret_nothing_is_deleted() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    {
        let _without = Without::new(&admin.stack, "admin", "secretsmanager:CreateSecret", "endpoints");
        let error = admin.ask(json!({"action": "sync"})).unwrap_err().to_string();
        assert!(error.contains("secretsmanager:CreateSecret failed: AccessDenied"), "{error}");
        assert!(admin.endpoints().is_empty());
    }
    admin.sync();
    admin.set_variables(&[("ENDPOINTS", A)]);
    let prune = json!({"action": "sync", "prune": true, "force": true});
    {
        let _without = Without::new(&admin.stack, "admin", "secretsmanager:DeleteSecret", "endpoints");
        let error = admin.ask(prune.clone()).unwrap_err().to_string();
        assert!(error.contains("secretsmanager:DeleteSecret failed: AccessDenied"), "{error}");
        assert_eq!(admin.endpoints().len(), 2);
    }
    admin.ask(prune).unwrap();
    assert_eq!(admin.endpoints().len(), 1);
    admin.set_variables(&[("ENDPOINTS", &format!("{A},{B}"))]);
    {
        let _without = Without::new(&admin.stack, "admin", "secretsmanager:RestoreSecret", "endpoints");
        let error = admin.ask(json!({"action": "sync"})).unwrap_err().to_string();
        assert!(error.contains("secretsmanager:RestoreSecret failed: AccessDenied"), "{error}");
    }
    admin.sync();
    admin.works(B);
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

/// Without the action, admin's request is an error that names the call; with it again, it is answered.
fn is_answered_only_with(action: &str, resource_with: &str, request: &Value) {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    admin.sync();
    {
        let _without = Without::new(&admin.stack, "admin", action, resource_with);
        let error = admin.ask(request.clone()).unwrap_err().to_string();
        assert!(error.contains(&format!("{action} failed: AccessDenied")), "{error}");
    }
    admin.ask(request.clone()).unwrap();
}

#[test]
fn without_put_item_admin_has_no_lease_and_changes_nothing() {
    is_answered_only_with("dynamodb:PutItem", "table", &json!({"action": "sync"}));
}

#[test]
fn without_delete_item_admin_keeps_its_lease_and_says_so() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    {
        let _without = Without::new(&admin.stack, "admin", "dynamodb:DeleteItem", "table");
        let since = now();
        admin.sync();
        admin.logged(since, &["the lease could not be released", "AccessDenied"]);
    }
    admin.release_lease();
    admin.sync();
}

#[test]
fn without_update_item_admin_verifies_and_says_that_the_result_is_not_kept() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    admin.sync();
    let verified_at = || admin.ask(json!({"action": "list"})).unwrap()["endpoints"][0]["verified_at"].clone();
    let before = verified_at();
    {
        let _without = Without::new(&admin.stack, "admin", "dynamodb:UpdateItem", "table");
        let since = now();
        assert_eq!(admin.sync()["verified"][0]["problem"], Value::Null);
        admin.logged(since, &["the verification was not stored", "AccessDenied"]);
    }
    assert_eq!(verified_at(), before);
    admin.sync();
    assert_ne!(verified_at(), before);
}

#[test]
fn without_get_secret_value_admin_changes_nothing() {
    is_answered_only_with("secretsmanager:GetSecretValue", "endpoints", &json!({"action": "sync"}));
}

#[test]
fn without_query_admin_says_what_it_may_not_read() {
    is_answered_only_with("dynamodb:Query", "table", &json!({"action": "jobs", "callback_id": "an-order"}));
}

#[test]
fn without_get_secret_value_of_the_api_key_admin_says_so() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    // With the key that the stack was deployed with.
    admin.restore();
    {
        let _without = Without::new(&admin.stack, "admin", "secretsmanager:GetSecretValue", API_KEY_SECRET);
        let error = admin.ask(json!({"action": "list"})).unwrap_err().to_string();
        assert!(error.contains("secretsmanager:GetSecretValue failed: AccessDenied"), "{error}");
    }
    admin.ask(json!({"action": "list"})).unwrap();
}

#[test]
fn without_get_parameter_nothing_is_changed_and_with_it_a_long_file_is_applied() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack, Options { check_urls: false, ..Options::default() });
    let name = format!("/{}/endpoints", second.name);
    let names = ["main", "second", "third"];
    let put = |events: &[&str]| {
        let endpoints = names.map(|name| json!({"name": name, "events": events}));
        let text = format!("{:#}", json!({ "endpoints": endpoints }));
        let parameter = json!({"Name": name, "Type": "String", "Value": text, "Overwrite": true});
        stack.api().json(JsonService::Ssm, "PutParameter", &parameter).unwrap();
        text.len()
    };
    let registered = || {
        let endpoints = second.heygen.endpoints();
        assert_eq!(endpoints.len(), names.len());
        endpoints.into_iter().map(|endpoint| endpoint.events.unwrap().len()).max().unwrap()
    };
    assert!(put(EventType::KNOWN) > 3_000);
    let parameters = [("EndpointsParameter", name.as_str()), ("Endpoints", &names.join(","))];
    let client = second.client(&stack, &second.deploy(&parameters).unwrap());
    assert_eq!(registered(), EventType::KNOWN.len());

    put(&EventType::KNOWN[..1]);
    let sync = || local::admin::ask(client.stack(), &json!({"action": "sync"}));
    {
        let _without = Without::new(&client, "admin", "ssm:GetParameter", "parameter/");
        let error = sync().unwrap_err().to_string();
        assert!(error.contains("ssm:GetParameter failed: AccessDenied"), "{error}");
        assert_eq!(registered(), EventType::KNOWN.len());
    }
    sync().unwrap();
    assert_eq!(registered(), 1);
    second.delete(&stack);
}

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
