//! Stacks with other parameters than the defaults: they are deployed, take a delivery, record it, and are deleted.

use crate::second::Second;
use crate::support::{Stack, TIMEOUT, disturbed_stack, only_job, success, unique};
use local::stack_dir::workspace;
use serde_json::{Value, json};
use simulator::Options;
use std::collections::BTreeMap;

/// What a platform team has before it deploys: a key, a domain with a zone and a certificate, a boundary, a topic.
fn prerequisites(stack: &Stack) -> Value {
    let anyone = json!({"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}});
    let everything = |principal: Option<&Value>| {
        let mut statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        if let Some(principal) = principal {
            statement["Principal"] = principal.clone();
        }
        json!({"Version": "2012-10-17", "Statement": [statement]})
    };
    let domain = json!({"DomainName": "hooks.example.com", "ValidationMethod": "DNS"});
    let template = json!({
        "Resources": {
            "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": everything(Some(&anyone))}},
            "Zone": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "example.com"}},
            "Certificate": {"Type": "AWS::CertificateManager::Certificate", "Properties": domain},
            "Boundary": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": everything(None)}},
            "Topic": {"Type": "AWS::SNS::Topic"},
        },
        "Outputs": {
            "KmsKeyArn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}},
            "HostedZoneId": {"Value": {"Ref": "Zone"}},
            "CertificateArn": {"Value": {"Ref": "Certificate"}},
            "PermissionsBoundaryArn": {"Value": {"Ref": "Boundary"}},
            "AlarmTopicArn": {"Value": {"Ref": "Topic"}},
        },
    });
    let url = stack.api().put_object("artifacts", "prerequisites.json", template.to_string().as_bytes()).unwrap();
    local::cloudformation::deploy(stack.api(), &unique("prerequisites"), &url, &[]).unwrap()["Outputs"].take()
}

/// Deploys a stack with these parameters, twice, delivers an event to it, and deletes it.
fn is_deployed(stack: &Stack, prerequisites: &Value, chosen: &BTreeMap<String, String>) {
    let second = Second::new(stack, Options { check_urls: false, ..Options::default() });
    let real = |name: &str| {
        let outputs = prerequisites.as_array().unwrap();
        let found = outputs.iter().find(|output| output["OutputKey"] == name);
        found.map(|output| output["OutputValue"].as_str().unwrap())
    };
    let parameters: Vec<_> = chosen
        .iter()
        .map(|(name, value)| match name.as_str() {
            _ if value.is_empty() => (name.as_str(), ""),
            "ApiKeySecret" => (name.as_str(), second.name.as_str()),
            "ApiKeySecretArn" => (name.as_str(), second.key_arn.as_str()),
            name => (name, real(name).unwrap_or(value)),
        })
        .collect();
    let described = second.deploy(&parameters).unwrap();
    let again = second.deploy(&parameters).unwrap();
    assert_eq!(again["LastUpdatedTime"], described["LastUpdatedTime"], "the second time, nothing changes");

    let client = second.client(stack, &described);
    // Where nothing was registered: without an API key, or because the domain leads nowhere.
    client.put_secret("main", &json!({"current": "whsec_by_hand"})).unwrap();
    let requires_tls = chosen.get("RequireTls").is_some_and(|value| value == "true");
    let id = unique("order");
    let answer = client.deliver("main", &success(&id, &unique("video"))).unwrap();
    if requires_tls {
        // The local AWS has no TLS.
        assert_eq!((answer.status, answer.error_code().as_deref()), (503, Some("queue_unavailable")));
    } else {
        assert_eq!(answer.status, 200, "{}", answer.json());
        let done = || Ok(Some(client.record(&id)?).filter(|record| !record.events.is_empty()));
        only_job(&client.wait_for("a record", TIMEOUT, done).unwrap());
    }
    second.delete(stack);
}

#[test]
fn with_everything_switched_on_a_stack_is_deployed_and_records() {
    let Some(stack) = disturbed_stack() else { return };
    let prerequisites = prerequisites(&stack);
    let given = ["AlarmTopicArn", "CertificateArn", "HostedZoneId", "KmsKeyArn", "PermissionsBoundaryArn"];
    let switched_on = [
        ("ApiAccessLog", "true"),
        ("ApiKeyKmsKeyArn", "arn:aws:kms:us-east-1:000000000000:key/of-the-secret"),
        ("BatchWindowSeconds", "1"),
        ("DeregisterOnDelete", "true"),
        ("DomainName", "hooks.example.com"),
        ("EncryptJobEvents", "true"),
        ("GradualDeployment", "Canary10Percent5Minutes"),
        ("LogLevel", "trace"),
        ("MaxSecretDays", "90"),
        ("PipeLogLevel", "INFO"),
        ("ProcessorConcurrency", "2"),
        ("ProtectTable", "true"),
        ("QuietHours", "24"),
        ("ReceiverConcurrency", "5"),
        ("Release", "1"),
        ("RolePath", "/webhooks/"),
    ];
    let parameters = given.map(|name| (name, "of the prerequisites")).into_iter().chain(switched_on);
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    is_deployed(&stack, &prerequisites, &parameters);
}

#[test]
fn stacks_with_and_without_each_feature_are_deployed() {
    let Some(stack) = disturbed_stack() else { return };
    let prerequisites = prerequisites(&stack);
    let combinations = std::fs::read(workspace().join("tests/combinations.json")).unwrap();
    let combinations: Vec<BTreeMap<String, String>> = serde_json::from_slice(&combinations).unwrap();
    assert!(combinations.len() > 3);
    for combination in &combinations {
        println!("{combination:?}");
        is_deployed(&stack, &prerequisites, combination);
    }
}
