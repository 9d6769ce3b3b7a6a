//! Deploying registers, and deleting deregisters if so configured. CloudFormation always gets a response.

use crate::deployed::{A, B, Deployed};
use crate::support::now;
use aws::secrets::EndpointSecret;
use local::admin::ask;
use local::aws_api::{AwsApi, JsonService::Events};
use local::stack_dir::workspace;
use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
use serde_json::{Value, json};
use simulator::{Fault, Options, Receiver, When};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::thread;

/// CloudFormation, from the view of one resource.
pub struct CloudFormation(Receiver);

impl CloudFormation {
    pub fn new() -> Self {
        CloudFormation(Receiver::start().unwrap())
    }

    /// Sends the sample request with these fields changed, and returns the response.
    pub fn asks(&self, admin: &Deployed, sample: &str, fields: Value) -> Value {
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

pub fn status(response: &Value) -> (&str, &str) {
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
    let response = cloudformation.asks(&admin, "create.json", update);
    assert_eq!(status(&response).0, "SUCCESS");
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
    // A port that is ours, where nothing listens until the domain's record exists.
    let domain_port = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&domain_port, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = SocketAddr::try_from(getsockname(&domain_port).unwrap()).unwrap();
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
    listen(&domain_port, 16).unwrap();
    forward(domain_port.into(), &api);

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
