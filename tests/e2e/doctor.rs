//! The doctor finds each planted fault, and its next step mends it.

use crate::dead_letters::{bury, old_report};
use crate::deployed::{A, B, Deployed};
use crate::failures::message;
use crate::inside::sdk;
use crate::support::{Stack, TIMEOUT, disturbed_stack, only_job, success, unique};
use crate::telemetry::stack_name;
use aws::env::Env;
use heygen::Status;
use local::aws_api::JsonService::CloudWatch;
use local::recovery::ask;
use recovery::{Action, App, Config};
use serde_json::{Value, json};
use simulator::{Existing, JobKind, JobOutcome, Options, Retries};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::runtime::Builder;

fn codes(reply: &Value) -> Vec<String> {
    let text = reply["text"].as_str().unwrap();
    assert!(!text.contains("whsec_") && !text.contains("canary"), "{text}");
    let findings = reply["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// The variables of the deployed function.
fn variables(stack: &Stack) -> BTreeMap<String, String> {
    let configuration = stack.api().function(&stack.stack().functions.recovery).unwrap();
    let variables = configuration["Environment"]["Variables"].as_object().unwrap().clone();
    variables.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect()
}

/// recovery's code in the test's process, with a test's HeyGen, and the deployed function `admin`.
struct Inside<'a> {
    admin: &'a Deployed,
    key: String,
    variables: BTreeMap<String, String>,
}

impl<'a> Inside<'a> {
    fn new(admin: &'a Deployed) -> Self {
        let key = unique("doctor/api-key");
        let mut variables = variables(&admin.stack);
        for (name, value) in
            [("API_KEY_SECRET", key.clone()), ("HEYGEN_BASE_URL", admin.heygen.url()), ("STACK", unique("doctor"))]
        {
            variables.insert(name.to_owned(), value);
        }
        let inside = Inside { admin, key, variables };
        inside.store(admin.heygen.api_key());
        // As the schedule does.
        inside.run(json!({"action": "recover"}), &[]);
        inside
    }

    fn store(&self, key: &str) {
        self.admin.stack.secrets(async |secrets| local::secrets::store(secrets, &self.key, key).await).unwrap();
    }

    fn run(&self, request: Value, changed: &[(&str, &str)]) -> Value {
        let get = |name: &str| {
            let changed = changed.iter().find(|(changed, _)| *changed == name).map(|(_, value)| (*value).to_owned());
            changed.or_else(|| self.variables.get(name).cloned()).filter(|value| !value.is_empty())
        };
        let config = Config::read(Env::from_fn(get)).unwrap();
        let stack = self.admin.stack.stack();
        let app = App::new(config, &sdk(stack, stack.aws_endpoint.as_deref().unwrap()));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let action = Action::read(request).unwrap();
        runtime.block_on(app.run(action, "a-test", Duration::from_secs(300))).unwrap().to_json()
    }

    /// Other tests on the stack may fill the queues meanwhile.
    fn doctor(&self, verify: bool, changed: &[(&str, &str)]) -> Vec<String> {
        let reply = self.run(json!({"action": "doctor", "verify": verify}), changed);
        let others = ["dead-letters", "undelivered-job-events", "queue-behind"];
        codes(&reply).into_iter().filter(|code| !others.contains(&&**code)).collect()
    }

    /// With an endpoint that works.
    fn is_well(&self) {
        assert_eq!(self.doctor(true, &[]), Vec::<String>::new());
    }
}

#[test]
fn faults_of_endpoints_are_found_and_mended() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.configure(json!([{"name": A}]));
    let only = |admin: &Deployed, code: &str| assert_eq!(Inside::new(admin).doctor(false, &[]), [code]);

    only(&admin, "endpoint-missing");
    admin.sync();
    Inside::new(&admin).is_well();

    assert!(admin.disable(&admin.works(A).endpoint_id));
    only(&admin, "endpoint-disabled");
    admin.sync();
    Inside::new(&admin).is_well();

    let wrong = |value: Value| admin.stack.put_secret(A, &value).unwrap();
    let stored = serde_json::to_value(admin.stored(A)).unwrap();
    let with = |current: Value| {
        let mut value = stored.clone();
        value["current"] = current;
        value
    };
    wrong(with(json!("whsec_of_nobody")));
    // What signs the probe is what the receiver compares with: only a delivery of HeyGen's shows that it is another one.
    wrong(with(Value::Null));
    assert!(Inside::new(&admin).doctor(false, &[]).contains(&"secret-missing".to_owned()));
    admin.ask(json!({"action": "rotate", "endpoint": A})).unwrap();
    Inside::new(&admin).is_well();

    admin.configure(json!([{"name": A, "events": ["avatar_video.success"]}]));
    assert!(Inside::new(&admin).doctor(true, &[]).contains(&"endpoint-differs".to_owned()));
    admin.sync();
    Inside::new(&admin).is_well();

    let second = Existing { url: admin.url(A), ..Existing::foreign(1).remove(0) };
    admin.register(second);
    assert!(Inside::new(&admin).doctor(true, &[]).contains(&"endpoint-duplicate".to_owned()));
    admin.ask(json!({"action": "sync", "prune": true, "force": true})).unwrap();
    Inside::new(&admin).is_well();
}

#[test]
fn faults_of_the_api_key_and_of_heygen_are_found_and_mended() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.configure(json!([{"name": A}]));
    admin.sync();
    let inside = Inside::new(&admin);
    inside.is_well();
    inside.store("of-nobody");
    assert_eq!(inside.doctor(true, &[]), ["api-key-rejected"]);
    inside.store("{\"no\": \"key\"}");
    assert_eq!(inside.doctor(true, &[]), ["api-key-missing"]);
    inside.store(admin.heygen.api_key());
    inside.is_well();
    assert_eq!(inside.doctor(true, &[("API_KEY_SECRET", "")]), ["api-key-not-configured"]);
    assert_eq!(inside.doctor(true, &[("HEYGEN_BASE_URL", "http://127.0.0.1:9")]), ["heygen-unreachable"]);
    assert_eq!(inside.doctor(true, &[("HAS_ALARMS", "false")]), ["nobody-is-told"]);
    assert_eq!(inside.doctor(true, &[("PIPE_NAME", "no-such-pipe")]), ["not-checked"]);

    // One whose schedule has never run.
    let never = unique("never");
    let late = [("STACK", &*never)];
    assert_eq!(inside.doctor(true, &late), ["backfill-late"]);
    inside.run(json!({"action": "backfill"}), &late);
    assert_eq!(inside.doctor(true, &late), Vec::<String>::new());
    inside.is_well();
}

/// The deployed function's findings.
fn deployed(stack: &Stack) -> Vec<String> {
    codes(&ask(stack.stack(), &json!({"action": "doctor", "verify": false})).unwrap())
}

/// The fault is found; mended, it is gone.
fn found_and_mended(stack: &Stack, code: &str, plant: impl FnOnce(), mend: impl FnOnce()) {
    let before = deployed(stack);
    assert!(!before.contains(&code.to_owned()), "{before:?}");
    plant();
    let wait = |what: &str, there: bool| {
        let look = || Ok((deployed(stack).contains(&code.to_owned()) == there).then_some(()));
        stack.wait_for(&format!("{what} {code}"), TIMEOUT, look).unwrap();
    };
    wait("the finding", true);
    mend();
    wait("no finding", false);
}

#[test]
fn faults_of_the_deployment_are_found_and_mended() {
    let Some(stack) = disturbed_stack() else { return };
    let variables = variables(&stack);
    let variable = |name: &str| variables[name].clone();
    let (api, prefix) = (stack.api(), stack_name(&stack));
    let count = ask(stack.stack(), &json!({"action": "redrive", "unreadable": true})).unwrap()["matching"].clone();
    // Left by other tests.
    ask(stack.stack(), &json!({"action": "purge", "count": count, "unreadable": true})).unwrap();
    let replay = || ask(stack.stack(), &json!({"action": "replay", "undelivered": true, "dry_run": false})).unwrap();
    replay();

    let order = unique("order");
    found_and_mended(
        &stack,
        "dead-letters",
        || bury(&stack, &message(success(&order, &unique("video")))),
        || drop(ask(stack.stack(), &json!({"action": "redrive", "dry_run": false})).unwrap()),
    );
    stack.recorded(&order, 1);

    let undelivered = variable("UNDELIVERED_QUEUE_URL");
    let report = async |sqs: &aws_sdk_sqs::Client| {
        sqs.send_message().queue_url(&undelivered).message_body(old_report()).send().await
    };
    found_and_mended(&stack, "undelivered-job-events", || drop(stack.sqs(report).unwrap()), || drop(replay()));

    let source = format!("/2015-03-31/event-source-mappings/{}", variable("EVENT_SOURCE"));
    let enable = |enabled: bool| drop(api.rest("lambda", "PUT", &source, &json!({"Enabled": enabled})).unwrap());
    found_and_mended(&stack, "queue-not-read", || enable(false), || enable(true));

    let pipe = format!("/v1/pipes/{}", variable("PIPE_NAME"));
    let pipe = |change: &str| drop(api.rest("pipes", "POST", &format!("{pipe}/{change}"), &Value::Null).unwrap());
    found_and_mended(&stack, "pipe-stopped", || pipe("stop"), || pipe("start"));

    let alarm = format!("{prefix}-dead-letters");
    let state = |state: &str| {
        let input = json!({"AlarmName": alarm, "StateValue": state, "StateReason": "planted"});
        api.json(CloudWatch, "SetAlarmState", &input).unwrap();
    };
    found_and_mended(&stack, "alarm", || state("ALARM"), || state("OK"));
    let actions = |operation: &str| drop(api.json(CloudWatch, operation, &json!({"AlarmNames": [alarm]})).unwrap());
    found_and_mended(&stack, "alarms-muted", || actions("DisableAlarmActions"), || actions("EnableAlarmActions"));
}

#[test]
fn a_wrong_secret_is_found_and_after_the_schedule_and_a_rotation_all_jobs_are_right() {
    let retries = Retries { base: Duration::from_millis(1), attempts: 2 };
    let Some(mut admin) = Deployed::new(Options { retries, ..Options::default() }) else { return };
    // No receiver has cached the right secret then.
    admin.set_variables(&[("VERIFY_ENDPOINTS", "false")]);
    admin.sync();
    let inside = Inside::new(&admin);
    let recover = || inside.run(json!({"action": "recover"}), &[("BACKFILL_DELAY_MINUTES", "0")]);
    recover();
    admin.stack.put_secret(A, &json!({"current": "whsec_d3Jvbmc="})).unwrap();
    admin.stack.put_secret(B, &json!({"current": "whsec_d3Jvbmc="})).unwrap();

    let orders: Vec<_> = (0..5).map(|_| unique("rejected")).collect();
    for order in &orders {
        admin.start_job(JobKind::Translation("Spanish".to_owned()), Some(order), JobOutcome::Succeeds);
    }
    assert!(admin.wait_until_delivered(TIMEOUT).is_err(), "every delivery is rejected");
    assert!(orders.iter().all(|order| admin.stack.record(order).unwrap().jobs.is_empty()));

    // A run compares what ended in the seconds before it.
    std::thread::sleep(Duration::from_millis(1_100));
    recover();
    let found = inside.doctor(false, &[]);
    assert!(found.contains(&"deliveries-missed".to_owned()), "{found:?}");
    for order in &orders {
        assert_eq!(only_job(&admin.stack.recorded(order, 1)).status, Some(Status::Succeeded));
    }
    // The secrets that were stored by hand belong to no registration, which the sync mends by rotating them.
    admin.ask(json!({"action": "sync", "adopt": true})).unwrap();
    admin.ask(json!({"action": "rotate", "endpoint": A})).unwrap();
    let order = unique("accepted");
    admin.start_job(JobKind::Video, Some(&order), JobOutcome::Succeeds);
    assert_eq!(only_job(&admin.stack.recorded(&order, 1)).status, Some(Status::Succeeded));
}
