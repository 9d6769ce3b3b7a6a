//! Stacks with other parameters than the defaults: they are deployed, take a delivery, record it, and are deleted.

use crate::second::Second;
use crate::support::{Stack, TIMEOUT, disturbed_stack, only_job, success, unique};
use serde_json::{Value, json};
use simulator::Options;

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

#[test]
fn with_everything_switched_on_a_stack_is_deployed_and_records() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack, Options { check_urls: false, ..Options::default() });
    let prerequisites = prerequisites(&stack);
    let outputs = prerequisites.as_array().unwrap().iter();
    let given = outputs.map(|output| (output["OutputKey"].as_str().unwrap(), output["OutputValue"].as_str().unwrap()));
    let switched_on = [
        ("ApiAccessLog", "true"),
        ("BatchWindowSeconds", "1"),
        ("DeregisterOnDelete", "true"),
        ("DomainName", "hooks.example.com"),
        ("EncryptJobEvents", "true"),
        ("GradualDeployment", "Canary10Percent5Minutes"),
        ("LogLevel", "trace"),
        ("PipeLogLevel", "INFO"),
        ("ProcessorConcurrency", "2"),
        ("ProtectTable", "true"),
        ("QuietHours", "24"),
        ("ReceiverConcurrency", "5"),
        ("Release", "1"),
        ("ReserveAdminConcurrency", "true"),
        ("RolePath", "/webhooks/"),
    ];
    let parameters: Vec<_> = given.chain(switched_on).collect();
    let described = second.deploy(&parameters).unwrap();
    let again = second.deploy(&parameters).unwrap();
    assert_eq!(again["LastUpdatedTime"], described["LastUpdatedTime"], "the second time, nothing changes");
    let client = second.client(&stack, &described);
    let id = unique("order");
    let answer = client.deliver("main", &success(&id, &unique("video"))).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.json());
    let done = || Ok(Some(client.record(&id)?).filter(|record| !record.events.is_empty()));
    only_job(&client.wait_for("a record", TIMEOUT, done).unwrap());
    second.delete(&stack);
}

#[test]
fn with_require_tls_the_queues_deny_requests_without_it() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack, Options::default());
    let client = second.client(&stack, &second.deploy(&[("RequireTls", "true")]).unwrap());
    // The local AWS has no TLS.
    let delivery = success(&unique("order"), &unique("video"));
    let answer = client.deliver("main", &delivery).unwrap();
    assert_eq!((answer.status, answer.error_code().as_deref()), (503, Some("queue_unavailable")));
    second.deploy(&[("RequireTls", "false")]).unwrap();
    let accepted = || Ok((client.deliver("main", &delivery)?.status == 200).then_some(()));
    client.wait_for("the policies to be removed", TIMEOUT, accepted).unwrap();
    second.delete(&stack);
}
