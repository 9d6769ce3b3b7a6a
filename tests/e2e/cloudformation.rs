//! Deploying registers, and deleting deregisters if so configured. CloudFormation always gets an answer.

use crate::deployed::{A, B, Deployed};
use crate::support::{Stack, TIMEOUT, disturbed_stack, unique};
use local::admin::ask;
use local::aws_api::{AwsApi, JsonService::Events, QueryService::CloudFormation as CloudFormationApi};
use local::stack_dir::workspace;
use serde_json::{Value, json};
use simulator::{Fault, Options, Receiver, Simulator, When};

/// CloudFormation, as far as one resource sees it.
struct CloudFormation(Receiver);

impl CloudFormation {
    fn new() -> Self {
        CloudFormation(Receiver::start().unwrap())
    }

    /// Asks as the sample does, with these fields instead; what it was told.
    fn asks(&self, admin: &Deployed, sample: &str, fields: Value) -> Value {
        let file = workspace().join("events/cloudformation").join(sample);
        let mut request: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        request["ResponseURL"] = json!(self.0.url());
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let before = self.0.received().len();
        admin.ask(request.clone()).unwrap();
        let told = self.0.received()[before..].to_vec();
        assert_eq!(told.len(), 1, "it was told once");
        assert_eq!((told[0].method.as_str(), told[0].header("content-type")), ("PUT", None));
        let told: Value = serde_json::from_slice(&told[0].body).unwrap();
        for field in ["RequestId", "StackId", "LogicalResourceId"] {
            assert_eq!(told[field], request[field]);
        }
        told
    }
}

fn status(told: &Value) -> (&str, &str) {
    (told["Status"].as_str().unwrap(), told["PhysicalResourceId"].as_str().unwrap())
}

#[test]
fn creating_registers_and_deleting_leaves_or_deregisters_as_configured() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    let told = cloudformation.asks(&admin, "create.json", json!({}));
    assert_eq!(status(&told), ("SUCCESS", "heygen-endpoints"));
    assert!(told["Data"]["Text"].as_str().unwrap().contains("Done: 2."), "{told}");
    admin.works(A);
    admin.works(B);

    let told = cloudformation.asks(&admin, "delete.json", json!({}));
    assert_eq!(status(&told), ("SUCCESS", "heygen-endpoints"));
    assert_eq!(admin.endpoints().len(), 2, "not unless it is configured");
    admin.turn(&[("DEREGISTER_ON_DELETE", "true")]);
    assert_eq!(status(&cloudformation.asks(&admin, "delete.json", json!({}))).0, "SUCCESS");
    assert!(admin.endpoints().is_empty());
}

#[test]
fn a_creation_that_fails_takes_back_what_it_created_and_its_deletion_has_nothing_to_do() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.turn(&[("DEREGISTER_ON_DELETE", "true")]);
    let cloudformation = CloudFormation::new();
    admin.wants(json!([{"name": A}, {"name": B, "events": ["no.such.event"]}]));
    let told = cloudformation.asks(&admin, "create.json", json!({}));
    let (outcome, id) = status(&told);
    assert_eq!(outcome, "FAILED");
    assert!(told["Reason"].as_str().unwrap().contains("HeyGen does not accept the request"), "{told}");
    assert!(admin.endpoints().is_empty());
    // A rollback must not fail for the reason that the creation failed for.
    admin.turn(&[("HEYGEN_BASE_URL", "http://127.0.0.1:9")]);
    let told = cloudformation.asks(&admin, "delete.json", json!({ "PhysicalResourceId": id }));
    assert_eq!(status(&told).0, "SUCCESS");
}

#[test]
fn an_update_that_fails_leaves_what_is_there() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    admin.sync();
    let update = json!({"RequestType": "Update", "PhysicalResourceId": "heygen-endpoints"});
    admin.wants(json!([{"name": A}, {"name": B, "events": ["avatar_video.success"]}]));
    admin.inject(When::Next("PATCH", "/v3/webhooks/endpoints/*"), Fault::internal());
    let told = cloudformation.asks(&admin, "create.json", update.clone());
    assert_eq!(status(&told), ("FAILED", "heygen-endpoints"));
    assert_eq!(admin.endpoints().len(), 2);
    // The rollback: the old configuration, and another update.
    admin.wants(json!([{"name": A}, {"name": B}]));
    assert_eq!(status(&cloudformation.asks(&admin, "create.json", update.clone())), ("SUCCESS", "heygen-endpoints"));
    admin.works(A);
    admin.works(B);

    // What may only be done by force is said, and not a failure: that would take the configuration back.
    admin.sync();
    for endpoint in admin.endpoints() {
        admin.disable(&endpoint.endpoint_id);
    }
    let told = cloudformation.asks(&admin, "create.json", update);
    assert_eq!(status(&told), ("SUCCESS", "heygen-endpoints"));
    assert!(told["Data"]["Text"].as_str().unwrap().contains("\"force\": true"), "{told}");
}

#[test]
fn a_configuration_that_cannot_be_read_is_a_failure_and_no_silence() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    admin.turn(&[("MAX_REMOVALS", "many")]);
    let told = cloudformation.asks(&admin, "create.json", json!({}));
    let (outcome, id) = status(&told);
    assert_eq!(outcome, "FAILED");
    assert!(told["Reason"].as_str().unwrap().contains("MAX_REMOVALS"), "{told}");
    assert_eq!(status(&cloudformation.asks(&admin, "delete.json", json!({ "PhysicalResourceId": id }))).0, "SUCCESS");
}

#[test]
fn the_deployed_stack_has_registered_itself() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    admin.restore();
    let stack = admin.stack.stack().clone();
    let listed = ask(&stack, &json!({"action": "list"})).unwrap();
    for name in ["main", "second"] {
        let endpoints = listed["endpoints"].as_array().unwrap();
        let found: Vec<_> = endpoints.iter().filter(|endpoint| endpoint["endpoint"] == name).collect();
        assert_eq!(found.len(), 1, "{listed}");
        assert_eq!((&found[0]["state"], &found[0]["secret"]), (&json!("registered"), &json!("stored")));
    }
    // The rule asks for nothing that the function does not take.
    let api = AwsApi::of(&stack).unwrap();
    let rules = api.json(Events, "ListRules", &json!({})).unwrap();
    let rule = rules["Rules"].as_array().unwrap().iter().find(|rule| rule["ScheduleExpression"] == "rate(1 hour)");
    let targets = api.json(Events, "ListTargetsByRule", &json!({ "Rule": rule.unwrap()["Name"] })).unwrap();
    let input = serde_json::from_str(targets["Targets"][0]["Input"].as_str().unwrap()).unwrap();
    assert!(ask(&stack, &input).unwrap()["text"].as_str().unwrap().contains("Nothing to do."));
}

/// A stack beside the one of the tests, with a HeyGen of its own, from the same package.
struct Second {
    heygen: Simulator,
    api: AwsApi,
    name: String,
}

impl Second {
    fn new(stack: &Stack) -> Self {
        let heygen = Simulator::start(Options::default()).unwrap();
        let second = Second { heygen, api: stack.api().clone(), name: unique("second") };
        let create = async |secrets: &aws_sdk_secretsmanager::Client| {
            secrets.create_secret().name(&second.name).secret_string(second.heygen.api_key()).send().await
        };
        stack.secrets(create).unwrap();
        second
    }

    fn deploy(&self) -> local::Result<Value> {
        let base = self.heygen.url();
        let parameters = [
            ("Architecture", local::deploy::ARCHITECTURE),
            ("Endpoints", "main,second"),
            ("DeregisterOnDelete", "true"),
            ("RequireTls", "false"),
            ("HeygenBaseUrl", &base),
            ("ApiKeySecret", &self.name),
        ];
        let template_url = local::deploy::template_url(&self.api);
        local::cloudformation::deploy(&self.api, &self.name, &template_url, &parameters)
    }

    fn delete(&self, stack: &Stack) {
        self.api.query(CloudFormationApi, "DeleteStack", &[("StackName", &self.name)]).unwrap();
        // A stack that is gone is none that can be described.
        let gone = || Ok(local::cloudformation::describe(&self.api, &self.name).is_err().then_some(()));
        stack.wait_for("the stack to be deleted", TIMEOUT, gone).unwrap();
    }

    fn reasons(&self) -> String {
        self.api.query(CloudFormationApi, "DescribeStackEvents", &[("StackName", &self.name)]).unwrap().to_string()
    }
}

#[test]
fn deploying_registers_a_cold_receiver_within_heygens_second_a_rollback_is_clean_and_deleting_deregisters() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack);

    // HeyGen takes the first endpoint and refuses the second: everything is rolled back.
    second.heygen.inject(When::Nth(3), Fault::Error { status: 402, code: "insufficient_credit", retry_after: None });
    second.deploy().unwrap_err();
    assert!(second.reasons().contains("HeyGen requires payment"), "{}", second.reasons());
    assert!(second.reasons().contains("ROLLBACK_COMPLETE"), "{}", second.reasons());
    assert!(second.heygen.endpoints().is_empty());
    second.delete(&stack);

    // Nobody has called this receiver before HeyGen does, which waits for one second.
    second.deploy().unwrap();
    assert_eq!(second.heygen.endpoints().len(), 2);
    let refused = second.heygen.calls().iter().filter(|call| call.status == Some(400)).count();
    assert_eq!(refused, 0, "the probe was answered in time");
    second.delete(&stack);
    assert!(second.heygen.endpoints().is_empty());
}
