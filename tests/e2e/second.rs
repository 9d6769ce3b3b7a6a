//! A second stack, deployed, updated and deleted by the local CloudFormation.

use crate::support::{Stack, TIMEOUT, disturbed_stack, unique};
use aws::secrets::{EndpointSecret, SecretError};
use local::aws_api::{AwsApi, QueryService::CloudFormation as CloudFormationApi};
use local::client::Client;
use serde_json::{Value, json};
use simulator::{Endpoint, Fault, Options, Simulator, When};
use std::collections::BTreeMap;

/// A second stack from the same package, with a simulated HeyGen of its own.
pub struct Second {
    pub heygen: Simulator,
    api: AwsApi,
    /// Of the stack, and of the secret with the API key.
    pub name: String,
    /// Of the secret with the API key.
    pub key_arn: String,
}

impl Second {
    pub fn new(stack: &Stack, options: Options) -> Self {
        let (heygen, name) = (Simulator::start(options).unwrap(), unique("second"));
        let create = async |secrets: &aws_sdk_secretsmanager::Client| {
            secrets.create_secret().name(&name).secret_string(heygen.api_key()).send().await
        };
        let key_arn = stack.secrets(create).unwrap().arn.unwrap();
        Second { heygen, api: stack.api().clone(), name, key_arn }
    }

    pub fn deploy(&self, others: &[(&str, &str)]) -> local::Result<Value> {
        self.deploy_template(&local::deploy::template_url(&self.api), others)
    }

    /// Deploys or updates with these parameters in addition to, or in place of, those of all tests.
    pub fn deploy_template(&self, template_url: &str, others: &[(&str, &str)]) -> local::Result<Value> {
        let base = self.heygen.url();
        let parameters = [
            ("Architecture", local::deploy::ARCHITECTURE),
            ("Endpoints", "main,second"),
            ("RequireTls", "false"),
            ("HeygenBaseUrl", &base),
            ("ApiKeySecret", &self.name),
        ];
        let parameters: BTreeMap<_, _> = parameters.iter().chain(others).copied().collect();
        let parameters: Vec<_> = parameters.into_iter().collect();
        local::cloudformation::deploy(&self.api, &self.name, template_url, &parameters)
    }

    /// A client of this stack, which was deployed with this result.
    pub fn client(&self, stack: &Stack, described: &Value) -> Client {
        let output = |name: &str| {
            let outputs = described["Outputs"].as_array().unwrap();
            let found = outputs.iter().find(|output| output["OutputKey"] == name).unwrap();
            found["OutputValue"].as_str().unwrap().to_owned()
        };
        let first = stack.stack().clone();
        let api = output("ApiUrl").split("://").last().unwrap().split('.').next().unwrap().to_owned();
        let api_url = format!("{}/{api}", first.api_url.rsplit_once('/').unwrap().0);
        let endpoint = |name: &str| local::stack::Endpoint {
            name: name.to_owned(),
            url: format!("{api_url}/webhooks/heygen/{name}"),
            secret: format!("{}/endpoints/{name}", self.name),
        };
        let functions = local::stack::Functions {
            receiver: output("ReceiverFunction"),
            processor: output("ProcessorFunction"),
            admin: output("AdminFunction"),
            recovery: output("RecoveryFunction"),
        };
        let second = local::Stack {
            endpoints: ["main", "second"].map(endpoint).into(),
            api_url,
            table: output("TableName"),
            queue_url: output("QueueUrl"),
            dlq_url: output("DeadLetterQueueUrl"),
            bus: output("BusName"),
            functions,
            simulator: Some(self.heygen.access()),
            ..first
        };
        Client::new(second).unwrap()
    }

    pub fn delete(&self, stack: &Stack) {
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
    second.deploy(&[("ApiKeySecret", wrong)]).unwrap_err();
    second.delete(&stack);
    second
        .deploy(&[
            ("ApiKeySecret", ""),
            arn,
            ("ApiKeyKmsKeyArn", "arn:aws:kms:us-east-1:000000000000:key/of-the-secret"),
        ])
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
    // Nothing receives there.
    let public = [("PublicUrl", "https://hooks.example.invalid"), ("VerifyEndpoints", "false")];
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

/// A new API has a new URL.
#[test]
fn a_stack_that_is_deployed_anew_under_another_url_twice_keeps_its_endpoints_and_their_secrets_and_receives() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack, Options::default());
    let mut before: Option<(String, Vec<Endpoint>)> = None;
    for _ in 0..3 {
        let client = second.client(&stack, &second.deploy(&[]).unwrap());
        let (api_url, endpoints) = (client.stack().api_url.clone(), second.heygen.endpoints());
        let of = |name: &str| endpoints.iter().filter(|endpoint| endpoint.url.ends_with(name)).count();
        assert_eq!((of("/main"), of("/second"), endpoints.len()), (1, 1, 2));
        if let Some((old_url, old)) = before {
            assert_ne!(old_url, api_url);
            for (old, new) in old.iter().zip(&endpoints) {
                assert_eq!((&old.endpoint_id, &old.secret), (&new.endpoint_id, &new.secret));
                assert_ne!(old.url, new.url);
            }
        }
        let order = unique("order");
        second.heygen.emit("avatar_video.success", json!({"video_id": order, "callback_id": order}));
        second.heygen.wait_until_delivered(TIMEOUT).unwrap();
        // Both endpoints receive it.
        let received = || Ok(Some(client.record(&order)?).filter(|record| !record.jobs.is_empty()));
        client.wait_for("the record", TIMEOUT, received).unwrap();
        second.delete(&stack);
        before = Some((api_url, endpoints));
    }
}
