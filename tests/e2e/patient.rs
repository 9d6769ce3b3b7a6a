//! A deployment with faults, and following what the doctor says about them.

use crate::deployed::{A, Deployed};
use crate::inside::sdk;
use crate::support::{Stack, unique};
use aws::env::Env;
use local::aws_api::JsonService::CloudWatch;
use recovery::{Action, App, Config};
use serde_json::{Value, json};
use simulator::Options;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::runtime::Builder;

/// All but the depth of a queue is there at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a doctor looks at.
pub trait Patient {
    fn stack(&self) -> &Stack;

    /// The doctor's reply, without probes.
    fn doctor(&self) -> Value;

    /// Sends a request to `admin` or `recovery`, until there is no more to do.
    fn send(&self, function: &str, payload: &Value);
}

pub fn findings(patient: &impl Patient) -> Vec<Value> {
    let reply = patient.doctor();
    let text = reply["text"].as_str().unwrap();
    assert!(!text.contains("whsec_") && !text.contains("canary"), "{text}");
    reply["findings"].as_array().unwrap().clone()
}

pub fn codes(patient: &impl Patient) -> Vec<String> {
    findings(patient).iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// Waits until these are the findings, and there are no others.
fn only(patient: &impl Patient, codes: &[&str]) -> Vec<Value> {
    let mut last = Vec::new();
    let found = patient.stack().wait_for("these findings only", PATIENCE, || {
        last = findings(patient);
        let is_it = last.iter().map(|finding| finding["code"].as_str().unwrap()).eq(codes.iter().copied());
        Ok(is_it.then(|| last.clone()))
    });
    found.unwrap_or_else(|_| panic!("{codes:?} are expected: {last:#?}"))
}

/// The planted fault is the only finding, and following its next step, with the request alone, mends it.
pub fn mended_by_its_request<P: Patient>(patient: &mut P, code: &str, plant: impl FnOnce(&mut P)) {
    let finding = planted(patient, code, plant);
    assert!(finding["request"].is_object(), "{finding:#}");
    send_request(patient, &finding);
    only(patient, &[]);
}

/// The same where the sentence says what a person has to do: the test does it, and then sends the request, if there is one.
pub fn mended_by_hand<P: Patient>(
    patient: &mut P,
    code: &str,
    plant: impl FnOnce(&mut P),
    says: &str,
    does: impl FnOnce(&mut P, &str),
) {
    let finding = planted(patient, code, plant);
    let next_step = finding["next_step"].as_str().unwrap();
    assert!(next_step.contains(says), "{says:?} is not in {next_step:?}");
    does(patient, next_step);
    send_request(patient, &finding);
    only(patient, &[]);
}

fn planted<P: Patient>(patient: &mut P, code: &str, plant: impl FnOnce(&mut P)) -> Value {
    only(patient, &[]);
    plant(patient);
    only(patient, &[code]).remove(0)
}

pub fn send_request(patient: &impl Patient, finding: &Value) {
    let request = &finding["request"];
    if request.is_null() {
        return;
    }
    assert!(finding["next_step"].as_str().unwrap().contains(&request["payload"].to_string()), "{finding:#}");
    patient.send(request["function"].as_str().unwrap(), &request["payload"]);
}

/// The variables of the deployed function.
pub fn variables(stack: &Stack) -> BTreeMap<String, String> {
    let configuration = stack.api().function(&stack.stack().functions.recovery).unwrap();
    let variables = configuration["Environment"]["Variables"].as_object().unwrap().clone();
    variables.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect()
}

/// recovery's code in the test's process, with a test's HeyGen, and the deployed function `admin`, which has one endpoint.
pub struct Inside {
    pub admin: Deployed,
    key: String,
    variables: BTreeMap<String, String>,
}

impl Inside {
    pub fn new(options: Options) -> Option<Self> {
        let mut admin = Deployed::alone(options)?;
        admin.configure(json!([{"name": A}]));
        let (key, variables) = (unique("doctor/api-key"), variables(&admin.stack));
        let mut inside = Inside { admin, key, variables };
        let url = inside.admin.heygen.url();
        for (name, value) in
            [("API_KEY_SECRET", &*inside.key.clone()), ("HEYGEN_BASE_URL", &url), ("STACK", &unique("doctor"))]
        {
            inside.set(name, value);
        }
        inside.store_key(inside.admin.heygen.api_key());
        Some(inside)
    }

    /// What recovery's own state, and its metrics, are stored under.
    pub fn name(&self) -> &str {
        &self.variables["STACK"]
    }

    /// Changes a variable, as another parameter would; returns the one before.
    pub fn set(&mut self, name: &str, value: &str) -> String {
        self.variables.insert(name.to_owned(), value.to_owned()).unwrap()
    }

    pub fn store_key(&self, key: &str) {
        self.admin.stack.secrets(async |secrets| local::secrets::store(secrets, &self.key, key).await).unwrap();
    }

    pub fn run(&self, request: &Value) -> Value {
        let get = |name: &str| self.variables.get(name).cloned().filter(|value| !value.is_empty());
        let config = Config::read(Env::from_fn(get)).unwrap();
        let stack = self.admin.stack.stack();
        let app = App::new(config, &sdk(stack, stack.aws_endpoint.as_deref().unwrap()));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let action = Action::read(request.clone()).unwrap();
        runtime.block_on(app.run(action, "a-test", Duration::from_secs(300))).unwrap().to_json()
    }

    /// Puts what CloudWatch would have measured.
    pub fn put_metric(&self, namespace: &str, name: &str, dimensions: &[(&str, &str)], value: f64, at: i64) {
        let dimensions: Vec<_> = dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
        let datum = json!({"MetricName": name, "Dimensions": dimensions, "Value": value, "Timestamp": at});
        let input = json!({"Namespace": namespace, "MetricData": [datum]});
        self.admin.stack.api().json(CloudWatch, "PutMetricData", &input).unwrap();
    }
}

impl Patient for Inside {
    fn stack(&self) -> &Stack {
        &self.admin.stack
    }

    fn doctor(&self) -> Value {
        self.run(&json!({"action": "doctor", "verify": false}))
    }

    fn send(&self, function: &str, payload: &Value) {
        match function {
            "admin" => drop(self.admin.ask(payload.clone()).unwrap()),
            _ => while self.run(payload)["more"] == true {},
        }
    }
}
