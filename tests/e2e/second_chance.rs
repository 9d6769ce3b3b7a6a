//! `examples/retry`: a failed job is started again if that may help, and when there is credit.

use crate::cut::{Request, serve};
use crate::examples::{Example, RETRY, deploy, template};
use crate::support::{Stack, TIMEOUT, body, stack, unique};
use local::aws_api::QueryService::CloudFormation;
use local::stack_dir::workspace;
use local::tools::Tools;
use serde_json::{Value, json};
use simulator::http::Response;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use webhook::Status;

const ACCOUNT: &str = "/v3/users/me";

/// HeyGen as the worker sees it: the stack's simulated one, with an account of its own. A request that has the
/// `Idempotency-Key` of an earlier one gets the same response, and starts nothing.
#[derive(Default)]
struct Front {
    account: Mutex<Value>,
    responses: Mutex<BTreeMap<String, Response>>,
    /// The keys in the order of their requests.
    keys: Mutex<Vec<String>>,
    /// Whether the responses to requests with a key are withheld.
    is_silent: Mutex<bool>,
}

impl Front {
    /// Returns its URL, too.
    fn start(upstream: &str) -> (Arc<Self>, String) {
        let front = Arc::new(Front::default());
        let (shared, upstream) = (Arc::clone(&front), upstream.to_owned());
        let url = serve(move |request| {
            let response = shared.respond(request, &upstream);
            response.filter(|_| request.path == ACCOUNT || !*shared.is_silent.lock().unwrap())
        });
        (front, url)
    }

    fn respond(&self, request: &Request, upstream: &str) -> Option<Response> {
        if request.path == ACCOUNT {
            let body = json!({"data": *self.account.lock().unwrap()}).to_string().into_bytes();
            return Some(Response { status: 200, headers: vec![], body });
        }
        let key = request.headers.iter().find(|(name, _)| name == "idempotency-key")?.1.clone();
        let known = self.responses.lock().unwrap().get(&key).cloned();
        let response = known.or_else(|| request.send(upstream))?;
        self.responses.lock().unwrap().insert(key.clone(), response.clone());
        self.keys.lock().unwrap().push(key);
        Some(response)
    }

    fn has(&self, credits: u32) {
        let wallet = json!({"currency": "credits", "remaining_balance": credits});
        *self.account.lock().unwrap() = json!({"billing_type": "wallet", "wallet": wallet});
    }
}

/// The worker of the example, until its queues are empty.
fn worker(stack: &Stack, example: &Example, heygen: &str) -> Command {
    let described = stack.stack();
    let keys = described.credentials.as_ref().unwrap();
    let mut worker = Command::new(Tools::install().unwrap().program("python"));
    worker.arg(workspace().join("examples/retry/retry.py")).arg("--once").stderr(Stdio::piped());
    worker.envs([
        ("QUEUE_URL", example.output("QueueUrl")),
        ("CREDIT_QUEUE_URL", example.output("CreditQueueUrl")),
        ("TABLE_NAME", &described.table),
        ("RECOVERY_FUNCTION", &described.functions.recovery),
        ("HEYGEN_BASE_URL", heygen),
        ("HEYGEN_API_KEY", &described.simulator.as_ref().unwrap().api_key),
        // Of the simulator's own request that starts a job.
        ("ID_AT", "ids.0"),
        ("AWS_ENDPOINT_URL", described.aws_endpoint.as_deref().unwrap()),
        ("AWS_REGION", &described.region),
        ("AWS_DEFAULT_REGION", &described.region),
        ("AWS_ACCESS_KEY_ID", &keys.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key),
    ]);
    worker
}

/// The example beside the stack, and jobs that failed.
struct SecondChance {
    stack: Stack,
    name: String,
    example: Example,
    front: Arc<Front>,
    url: String,
}

impl SecondChance {
    /// `None` for a stack in a real account.
    fn new() -> Option<Self> {
        let stack = stack();
        let Some(heygen) = stack.stack().simulator.clone() else {
            println!("left out: there is no simulated HeyGen");
            return None;
        };
        let name = unique("second-chance");
        // Other tests' jobs fail as well.
        let own = format!("detail:\n          callback_id: [{{prefix: {name}}}]\n");
        let template = template("retry.yaml").replace("detail:\n", &own);
        let template = template.replace("VisibilityTimeout: 120", "VisibilityTimeout: 4");
        let example = deploy(&stack, &name, &template, &RETRY);
        let (front, url) = Front::start(&heygen.url);
        front.has(100);
        Some(SecondChance { stack, name, example, front, url })
    }

    /// A job whose order keeps its request, and that failed.
    fn failed(&self, case: &str, why: &str) -> String {
        let (order, video) = (format!("{}-{case}", self.name), unique("video"));
        let again = json!([{"kind": "avatar_video", "callback_id": order, "outcome": "succeeds", "milliseconds": 10}]);
        let request = json!({"path": "/_simulator/jobs", "body": again});
        let track = json!({"action": "track", "callback_id": order, "kind": "avatar_video", "entity_id": video,
                           "attributes": {"request": request}});
        local::recovery::ask(self.stack.stack(), &track).unwrap();
        self.stack.accepted(&body("avatar_video.fail", json!({"video_id": video, "callback_id": order, "msg": why})));
        self.stack.recorded(&order, 1);
        order
    }

    fn work(&self) {
        let done = worker(&self.stack, &self.example, &self.url).output().unwrap();
        assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Works until the order has a job that succeeded; its record shows both attempts.
    fn succeeds(&self, order: &str) {
        let both = || {
            self.work();
            let jobs = self.stack.record(order)?.jobs;
            Ok(Some(jobs).filter(|jobs| jobs.iter().any(|job| job.status == Some(Status::Succeeded))))
        };
        let jobs = self.stack.wait_for("the second attempt", TIMEOUT, both).unwrap();
        let by_status = |status| jobs.iter().find(|job| job.status == Some(status)).unwrap();
        let (failed, second) = (by_status(Status::Failed), by_status(Status::Succeeded));
        assert_eq!((jobs.len(), &failed.attributes["retried_as"]), (2, &json!(second.entity_id)));
        assert_eq!(second.attributes["attempt"], 2);
    }

    /// The attributes of the order's only job.
    fn only(&self, order: &str) -> Value {
        let mut jobs = self.stack.record(order).unwrap().jobs;
        assert_eq!(jobs.len(), 1, "{order} is not started again");
        jobs.remove(0).attributes
    }
}

impl Drop for SecondChance {
    fn drop(&mut self) {
        let _ = self.stack.api().query(CloudFormation, "DeleteStack", &[("StackName", &self.name)]);
    }
}

#[test]
fn a_failed_job_is_started_again_with_its_callback_id_and_the_record_shows_each_attempt() {
    let Some(chance) = SecondChance::new() else { return };
    let not = chance.failed("not", "no face was found");
    let passes = chance.failed("passes", "Rendering timed out");
    chance.succeeds(&passes);
    let explained = json!({"action": "explain", "callback_id": passes});
    let explained = local::recovery::ask(chance.stack.stack(), &explained).unwrap();
    let said = explained["text"].as_str().unwrap();
    for attempt in ["reason may_pass", "retried_as", "attempt 2"] {
        assert!(said.contains(attempt), "{attempt}: {said}");
    }

    // The same job event once more.
    let jobs = chance.stack.record(&passes).unwrap().jobs;
    let failed = jobs.iter().find(|job| job.status == Some(Status::Failed)).unwrap();
    let event = json!({"id": failed.id, "item": failed.item, "kind": failed.kind, "callback_id": passes,
                       "identity": failed.identity, "reason": "may_pass"});
    let send = async |sqs: &aws_sdk_sqs::Client| {
        sqs.send_message().queue_url(chance.example.output("QueueUrl")).message_body(event.to_string()).send().await
    };
    chance.stack.sqs(send).unwrap();
    chance.work();
    assert_eq!(chance.stack.record(&passes).unwrap().jobs.len(), 2, "it is started again once");

    let left = chance.only(&not);
    assert_eq!((&left["reason"], &left["retried_as"]), (&json!("will_not_pass"), &Value::Null));
}

#[test]
fn a_job_without_credit_waits_until_there_is_credit_and_is_started_again() {
    let Some(chance) = SecondChance::new() else { return };
    chance.front.has(0);
    let order = chance.failed("credit", "insufficient_credit");
    // More often than a message is received before it is dead-lettered.
    for _ in 0..4 {
        chance.work();
    }
    let waiting = chance.only(&order);
    assert_eq!((&waiting["reason"], &waiting["retried_as"]), (&json!("no_credit"), &Value::Null));
    assert!(chance.front.keys.lock().unwrap().is_empty(), "HeyGen is not asked to start it");
    chance.front.has(100);
    chance.succeeds(&order);
}

#[test]
fn a_worker_that_is_killed_before_its_note_repeats_the_request_with_the_same_key() {
    let Some(chance) = SecondChance::new() else { return };
    let order = chance.failed("killed", "Rendering timed out");
    *chance.front.is_silent.lock().unwrap() = true;
    let mut worker = worker(&chance.stack, &chance.example, &chance.url).spawn().unwrap();
    let asked = || Ok((!chance.front.keys.lock().unwrap().is_empty()).then_some(()));
    chance.stack.wait_for("the request to HeyGen", TIMEOUT, asked).unwrap();
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!(chance.front.keys.lock().unwrap().len(), 1);
    *chance.front.is_silent.lock().unwrap() = false;
    chance.succeeds(&order);
    let keys = chance.front.keys.lock().unwrap().clone();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
}
