//! Deploying registers, and deleting deregisters if so configured. CloudFormation always gets a response.

use crate::deployed::{A, B, Deployed};
use crate::support::{Stack, TIMEOUT, disturbed_stack, now, unique};
use aws::secrets::{EndpointSecret, SecretError};
use local::admin::ask;
use local::aws_api::{AwsApi, JsonService::Events, QueryService::CloudFormation as CloudFormationApi};
use local::stack_dir::workspace;
use serde_json::{Value, json};
use simulator::{Fault, Options, Receiver, Simulator, When};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// CloudFormation, from the view of one resource.
struct CloudFormation(Receiver);

impl CloudFormation {
    fn new() -> Self {
        CloudFormation(Receiver::start().unwrap())
    }

    /// Sends the sample request with these fields changed, and returns the response.
    fn asks(&self, admin: &Deployed, sample: &str, fields: Value) -> Value {
        let file = workspace().join("events/cloudformation").join(sample);
        let mut request: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        request["ResponseURL"] = json!(self.0.url());
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let before = self.0.received().len();
        admin.ask(request.clone()).unwrap();
        let response = self.0.received()[before..].to_vec();
        assert_eq!(response.len(), 1, "one response");
        assert_eq!((response[0].method.as_str(), response[0].header("content-type")), ("PUT", None));
        let response: Value = serde_json::from_slice(&response[0].body).unwrap();
        for field in ["RequestId", "StackId", "LogicalResourceId"] {
            assert_eq!(response[field], request[field]);
        }
        response
    }
}

fn status(response: &Value) -> (&str, &str) {
    (response["Status"].as_str().unwrap(), response["PhysicalResourceId"].as_str().unwrap())
}

#[test]
fn creating_registers_and_deleting_leaves_or_deregisters_as_configured() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    let response = cloudformation.asks(&admin, "create.json", json!({}));
    assert_eq!(status(&response), ("SUCCESS", "heygen-endpoints"));
    assert!(response["Data"]["Text"].as_str().unwrap().contains("Done: 2."), "{response}");
    admin.works(A);
    admin.works(B);

    let response = cloudformation.asks(&admin, "delete.json", json!({}));
    assert_eq!(status(&response), ("SUCCESS", "heygen-endpoints"));
    assert_eq!(admin.endpoints().len(), 2, "not unless it is configured");
    admin.set_variables(&[("DEREGISTER_ON_DELETE", "true")]);
    assert_eq!(status(&cloudformation.asks(&admin, "delete.json", json!({}))).0, "SUCCESS");
    assert!(admin.endpoints().is_empty());
    assert!(admin.has_deleted_secret(A) && admin.has_deleted_secret(B));
}

#[test]
fn an_update_deletes_the_secret_of_a_removed_name_unless_heygen_still_has_its_endpoint() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    admin.sync();
    let update = json!({"RequestType": "Update", "PhysicalResourceId": "heygen-endpoints",
        "OldResourceProperties": {"Endpoints": format!("{A},{B}")}});
    admin.set_variables(&[("ENDPOINTS", A)]);
    assert_eq!(status(&cloudformation.asks(&admin, "create.json", update.clone())).0, "SUCCESS");
    assert!(!admin.has_deleted_secret(B), "its endpoint is still at HeyGen");

    // It is deregistered before its name is removed.
    admin.set_variables(&[("ENDPOINTS", &format!("{A},{B}"))]);
    admin.configure(json!([{"name": A}, {"name": B, "enabled": false}]));
    admin.ask(json!({"action": "sync", "prune": true, "force": true})).unwrap();
    assert!(!admin.has_deleted_secret(B), "the receiver still serves it");
    admin.set_variables(&[("ENDPOINTS", A), ("ENDPOINTS_JSON", "")]);
    // Replacing A needs force, which does not keep B's secret.
    admin.disable(&admin.at_heygen(A)[0].endpoint_id);
    let response = cloudformation.asks(&admin, "create.json", update);
    assert!(response["Data"]["Text"].as_str().unwrap().contains("\"force\": true"), "{response}");
    assert!(admin.has_deleted_secret(B) && !admin.has_deleted_secret(A));
}

#[test]
fn a_creation_that_fails_takes_back_what_it_created_and_its_deletion_has_nothing_to_do() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.set_variables(&[("DEREGISTER_ON_DELETE", "true")]);
    let cloudformation = CloudFormation::new();
    admin.configure(json!([{"name": A}, {"name": B, "events": ["no.such.event"]}]));
    let response = cloudformation.asks(&admin, "create.json", json!({}));
    let (outcome, id) = status(&response);
    assert_eq!(outcome, "FAILED");
    assert!(response["Reason"].as_str().unwrap().contains("HeyGen does not accept the request"), "{response}");
    assert!(admin.endpoints().is_empty());
    // The rollback must not fail for the same reason as the creation.
    admin.set_variables(&[("HEYGEN_BASE_URL", "http://127.0.0.1:9")]);
    let response = cloudformation.asks(&admin, "delete.json", json!({ "PhysicalResourceId": id }));
    assert_eq!(status(&response).0, "SUCCESS");
}

/// An update from one `endpoints.json` to another.
fn update(new: &Value, old: &Value) -> Value {
    let properties = |endpoints: &Value| json!({"Endpoints": format!("{A},{B}"), "EndpointsJson": json!({ "endpoints": endpoints }).to_string()});
    json!({"RequestType": "Update", "PhysicalResourceId": "heygen-endpoints",
        "ResourceProperties": properties(new), "OldResourceProperties": properties(old)})
}

#[test]
fn an_update_succeeds_without_heygen_says_what_was_not_done_and_counts_as_a_failed_sync() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    admin.sync();
    let (all, one) =
        (json!([{"name": A}, {"name": B}]), json!([{"name": A, "events": ["avatar_video.success"]}, {"name": B}]));
    admin.configure(one.clone());
    let denied = Fault::Error { status: 401, code: "unauthorized", retry_after: None };
    for (when, fault, reason) in [
        (When::Next("PATCH", "/v3/webhooks/endpoints/*"), Fault::internal(), "HeyGen failed"),
        (When::Next("GET", "/v3/webhooks/endpoints"), denied, "rejects the API key"),
    ] {
        let since = now();
        admin.inject(when, fault);
        let response = cloudformation.asks(&admin, "create.json", update(&one, &all));
        assert_eq!(status(&response), ("SUCCESS", "heygen-endpoints"));
        let text = response["Data"]["Text"].as_str().unwrap();
        assert!(text.contains("not applied at HeyGen") && text.contains(reason), "{text}");
        admin.logged(since, &["EndpointSyncs", "\"Outcome\":\"failed\""]);
        assert_eq!(admin.at_heygen(A)[0].events, None);
    }
    admin.sync();
    assert!(admin.works(A).events.is_some());

    // What needs force is reported, not a failure: that would roll the configuration back.
    for endpoint in admin.endpoints() {
        admin.disable(&endpoint.endpoint_id);
    }
    let response = cloudformation.asks(&admin, "create.json", update(&one, &all));
    assert_eq!(status(&response), ("SUCCESS", "heygen-endpoints"));
    assert!(response["Data"]["Text"].as_str().unwrap().contains("\"force\": true"), "{response}");
}

#[test]
fn an_update_fails_for_what_heygen_rejects_only_if_its_rollback_has_nothing_to_do() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    admin.sync();
    let all = json!([{"name": A}, {"name": B}]);
    let wrong = json!([{"name": A, "events": ["no.such.event"]}, {"name": B}]);
    admin.configure(wrong.clone());
    let response = cloudformation.asks(&admin, "create.json", update(&wrong, &all));
    assert_eq!(status(&response), ("FAILED", "heygen-endpoints"));
    assert!(response["Reason"].as_str().unwrap().contains("HeyGen does not accept the request"), "{response}");
    // The rollback, which the function's variables may not have followed yet.
    assert_eq!(status(&cloudformation.asks(&admin, "create.json", update(&all, &wrong))).0, "SUCCESS");
    admin.configure(all.clone());
    assert_eq!(status(&cloudformation.asks(&admin, "create.json", update(&all, &wrong))).0, "SUCCESS");
    admin.works(A);

    // B was changed and A was not, so the rollback has to change B again, and HeyGen may reject that, too.
    let half = json!([{"name": A, "events": ["no.such.event"]}, {"name": B, "events": ["avatar_video.fail"]}]);
    admin.configure(half.clone());
    let response = cloudformation.asks(&admin, "create.json", update(&half, &all));
    assert_eq!(status(&response).0, "SUCCESS");
    assert!(response["Data"]["Text"].as_str().unwrap().contains("HeyGen does not accept the request"), "{response}");
}

#[test]
fn an_update_fails_for_an_invalid_file_and_its_rollback_does_not() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    let (all, invalid) = (json!([{"name": A}, {"name": B}]), json!([{"name": A, "events": []}]));
    admin.configure(invalid.clone());
    let response = cloudformation.asks(&admin, "create.json", update(&invalid, &all));
    assert_eq!(status(&response).0, "FAILED");
    assert!(response["Reason"].as_str().unwrap().contains("endpoints[0].events"), "{response}");
    // The function's variables may still be the new ones.
    assert_eq!(status(&cloudformation.asks(&admin, "create.json", update(&all, &invalid))).0, "SUCCESS");
}

/// Lets connections to this address through to the deployment's API.
fn forward(listener: TcpListener, api_url: &str) {
    let to = api_url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    thread::spawn(move || {
        for from in listener.incoming().map(Result::unwrap) {
            let to = TcpStream::connect(&to).unwrap();
            for (mut from, mut to) in [(from.try_clone().unwrap(), to.try_clone().unwrap()), (to, from)] {
                thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
}

#[test]
fn the_endpoints_of_a_domain_wait_until_it_leads_here_and_the_next_sync_registers_them() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let (cloudformation, elsewhere) = (CloudFormation::new(), Receiver::start().unwrap());
    let api = admin.stack.stack().api_url.clone();
    let path = api.splitn(4, '/').nth(3).unwrap().to_owned();
    // A free port, where nothing listens until the domain's record exists.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let domain = format!("http://{address}/{path}");
    for (url, reason) in [(elsewhere.url(), "status 204"), (domain.clone(), "no connection")] {
        let since = now();
        admin.set_variables(&[("PUBLIC_URL", &url), ("DOMAIN_TARGET", "d-1.execute-api.invalid")]);
        let response = cloudformation.asks(&admin, "create.json", json!({}));
        assert_eq!(status(&response), ("SUCCESS", "heygen-endpoints"));
        let text = response["Data"]["Text"].as_str().unwrap();
        assert!(text.contains(reason) && text.contains("d-1.execute-api.invalid"), "{text}");
        assert_eq!((admin.endpoints().len(), admin.stored(A)), (0, EndpointSecret::default()));
        admin.logged(since, &["EndpointDrift", "\"EndpointDrift\":2"]);
    }
    forward(TcpListener::bind(address).unwrap(), &api);

    // HeyGen may reject the URL all the same.
    let invalid = Fault::Error { status: 400, code: "invalid_parameter", retry_after: None };
    admin.inject(When::Next("POST", "/v3/webhooks/endpoints"), invalid);
    let response = cloudformation.asks(&admin, "create.json", json!({}));
    assert_eq!(status(&response), ("FAILED", "heygen-endpoints:none"));
    assert!(admin.endpoints().is_empty());

    admin.sync();
    let urls: Vec<_> = admin.endpoints().into_iter().map(|endpoint| endpoint.url).collect();
    assert_eq!(urls, [A, B].map(|name| format!("{domain}/webhooks/heygen/{name}")));
}

#[test]
fn a_configuration_that_cannot_be_read_is_a_failure_and_no_silence() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    admin.set_variables(&[("MAX_REMOVALS", "many")]);
    let response = cloudformation.asks(&admin, "create.json", json!({}));
    let (outcome, id) = status(&response);
    assert_eq!(outcome, "FAILED");
    assert!(response["Reason"].as_str().unwrap().contains("MAX_REMOVALS"), "{response}");
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
    // The rule's input is a request that the function accepts.
    let api = AwsApi::of(&stack).unwrap();
    let rules = api.json(Events, "ListRules", &json!({})).unwrap();
    let rule = rules["Rules"].as_array().unwrap().iter().find(|rule| rule["ScheduleExpression"] == "rate(1 hour)");
    let targets = api.json(Events, "ListTargetsByRule", &json!({ "Rule": rule.unwrap()["Name"] })).unwrap();
    let input = serde_json::from_str(targets["Targets"][0]["Input"].as_str().unwrap()).unwrap();
    assert!(ask(&stack, &input).unwrap()["text"].as_str().unwrap().contains("Nothing to do."));
}

/// A second stack from the same package, with a simulated HeyGen of its own.
struct Second {
    heygen: Simulator,
    api: AwsApi,
    name: String,
    /// Of the secret with the API key.
    key_arn: String,
}

impl Second {
    fn new(stack: &Stack, options: Options) -> Self {
        let (heygen, name) = (Simulator::start(options).unwrap(), unique("second"));
        let create = async |secrets: &aws_sdk_secretsmanager::Client| {
            secrets.create_secret().name(&name).secret_string(heygen.api_key()).send().await
        };
        let key_arn = stack.secrets(create).unwrap().arn.unwrap();
        Second { heygen, api: stack.api().clone(), name, key_arn }
    }

    fn deploy(&self, others: &[(&str, &str)]) -> local::Result<Value> {
        self.deploy_with_key(&[&[("ApiKeySecret", self.name.as_str())], others].concat())
    }

    fn deploy_with_key(&self, others: &[(&str, &str)]) -> local::Result<Value> {
        let base = self.heygen.url();
        let parameters = [
            ("Architecture", local::deploy::ARCHITECTURE),
            ("Endpoints", "main,second"),
            ("RequireTls", "false"),
            ("HeygenBaseUrl", &base),
        ];
        let parameters = [&parameters, others].concat();
        let template_url = local::deploy::template_url(&self.api);
        local::cloudformation::deploy(&self.api, &self.name, &template_url, &parameters)
    }

    fn delete(&self, stack: &Stack) {
        self.api.query(CloudFormationApi, "DeleteStack", &[("StackName", &self.name)]).unwrap();
        let gone = || Ok(local::cloudformation::describe(&self.api, &self.name).is_err().then_some(()));
        stack.wait_for("the stack to be deleted", TIMEOUT, gone).unwrap();
    }

    /// The secret of `main`; `None` if it is scheduled for deletion.
    fn secret(&self, stack: &Stack) -> Option<EndpointSecret> {
        let name = format!("{}/endpoints/main", self.name);
        match stack.secrets(async |secrets| aws::secrets::fetch(secrets, &name).await) {
            Err(SecretError::Deleted(_)) => None,
            other => Some(other.unwrap().unwrap()),
        }
    }

    fn reasons(&self) -> String {
        self.api.query(CloudFormationApi, "DescribeStackEvents", &[("StackName", &self.name)]).unwrap().to_string()
    }
}

#[test]
fn deploying_registers_a_cold_receiver_within_heygens_second_a_rollback_is_clean_and_deleting_deregisters() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack, Options::default());
    let deregister = [("DeregisterOnDelete", "true")];

    // HeyGen accepts the first endpoint and rejects the second: everything is rolled back.
    second.heygen.inject(When::Nth(3), Fault::Error { status: 402, code: "insufficient_credit", retry_after: None });
    second.deploy(&deregister).unwrap_err();
    assert!(second.reasons().contains("HeyGen requires payment"), "{}", second.reasons());
    assert!(second.reasons().contains("ROLLBACK_COMPLETE"), "{}", second.reasons());
    assert!(second.heygen.endpoints().is_empty());
    assert_eq!(second.secret(&stack), None);
    second.delete(&stack);

    // HeyGen is the first to call this receiver, and waits for one second.
    second.deploy(&deregister).unwrap();
    assert_eq!(second.heygen.endpoints().len(), 2);
    let rejected = second.heygen.calls().iter().filter(|call| call.status == Some(400)).count();
    assert_eq!(rejected, 0, "the probe was answered in time");
    second.delete(&stack);
    assert!(second.heygen.endpoints().is_empty());

    // At once, and under the same name: the secrets are restored.
    assert_eq!(second.secret(&stack), None);
    second.deploy(&deregister).unwrap();
    let endpoint = second.heygen.endpoints().into_iter().find(|endpoint| endpoint.url.ends_with("/main")).unwrap();
    assert_eq!(second.secret(&stack).unwrap().current, Some(endpoint.secret));
    second.delete(&stack);
}

#[test]
fn the_secret_of_the_api_key_is_found_by_its_arn_and_no_other_secret_is_read() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack, Options::default());
    let arn = ("ApiKeySecretArn", second.key_arn.as_str());
    // The name with the end of the ARN is not the name of a secret.
    let wrong = second.key_arn.rsplit(':').next().unwrap();
    second.deploy_with_key(&[("ApiKeySecret", wrong)]).unwrap_err();
    second.delete(&stack);
    second
        .deploy_with_key(&[arn, ("ApiKeyKmsKeyArn", "arn:aws:kms:us-east-1:000000000000:key/of-the-secret")])
        .unwrap();
    assert_eq!(second.heygen.endpoints().len(), 2);

    let resources = [("StackName", second.name.as_str()), ("LogicalResourceId", "AdminRole")];
    let role = second.api.query(CloudFormationApi, "DescribeStackResource", &resources).unwrap();
    let role = role["StackResourceDetail"]["PhysicalResourceId"].as_str().unwrap();
    let policy = second.api.role_policy(role, "admin").unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let resources_of = |action: &str| -> Vec<_> {
        statements.iter().filter(|one| one["Action"] == action).map(|one| one["Resource"].clone()).collect()
    };
    assert_eq!(resources_of("secretsmanager:GetSecretValue"), [json!(second.key_arn)]);
    assert_eq!(resources_of("kms:Decrypt"), ["arn:aws:kms:us-east-1:000000000000:key/of-the-secret"]);
    second.delete(&stack);
}

#[test]
fn a_stack_with_a_domain_is_deployed_before_the_domains_record_exists() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack, Options::default());
    let certificate = "arn:aws:acm:us-east-1:000000000000:certificate/of-the-domain";
    let domain = [("DomainName", "hooks.example.invalid"), ("CertificateArn", certificate)];
    let deployed = second.deploy(&domain).unwrap();
    let output = |name: &str| {
        let outputs = deployed["Outputs"].as_array().unwrap();
        outputs.iter().find(|output| output["OutputKey"] == name).unwrap()["OutputValue"].as_str().unwrap().to_owned()
    };
    let (text, target) = (output("Registration"), output("DomainTarget"));
    assert!(text.contains("https://hooks.example.invalid does not lead to this deployment yet"), "{text}");
    assert!(text.contains(&target), "{text}");
    assert!(second.heygen.endpoints().is_empty());
    second.delete(&stack);
}

#[test]
fn an_update_during_an_outage_of_heygen_is_complete_and_a_wrong_one_is_rolled_back() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack, Options::default());
    second.deploy(&[]).unwrap();
    for _ in 0..100 {
        second.heygen.inject(When::Next("GET", "/v3/webhooks/endpoints"), Fault::internal());
    }
    let some = r#"{"endpoints": [{"name": "main"}, {"name": "second", "events": ["avatar_video.fail"]}]}"#;
    let updated = second.deploy(&[("EndpointsJson", some)]).unwrap();
    assert!(updated["Outputs"].to_string().contains("Deployed, but not applied at HeyGen"), "{updated}");
    let invalid = r#"{"endpoints": [{"name": "main", "events": []}]}"#;
    let error = second.deploy(&[("EndpointsJson", invalid)]).unwrap_err().to_string();
    assert!(error.contains("UPDATE_ROLLBACK_COMPLETE") && error.contains("endpoints[0].events"), "{error}");
    assert!(second.heygen.endpoints().iter().all(|endpoint| endpoint.events.is_none()));
    second.delete(&stack);
}

#[test]
fn a_stack_that_is_deleted_and_deployed_again_has_its_endpoints_and_secrets_if_they_were_kept() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack, Options { check_urls: false, ..Options::default() });
    let public = [("PublicUrl", "https://hooks.example.invalid")];
    second.deploy(&public).unwrap();
    let (endpoints, secret) = (second.heygen.endpoints(), second.secret(&stack).unwrap());
    assert_eq!(secret.current.as_ref(), Some(&endpoints[0].secret));
    let calls = second.heygen.mutating_calls();
    second.delete(&stack);
    second.deploy(&public).unwrap();
    assert_eq!((second.heygen.endpoints(), second.secret(&stack).unwrap()), (endpoints, secret));
    assert_eq!(second.heygen.mutating_calls(), calls);
    second.delete(&stack);
}
