//! The same for the permissions that a stack has for other platforms than HeyGen.

use crate::permissions::Without;
use crate::platforms::Platforms;
use crate::support::{TIMEOUT, disturbed_stack, unique};
use aws::secrets::{EndpointSecret, SecretError};
use local::client::Client;
use local::stack_dir::workspace;
use serde_json::{Value, json};
use simulator::{Ends, JobOutcome, Product, Receiver, StartJob};
use std::time::Duration;
use webhook::Platform;

/// Receivers look at secrets again after a second.
const SOON: [(&str, &str); 2] = [("SecretRefreshSeconds", "1"), ("DeregisterOnDelete", "true")];

fn becomes(platforms: &Platforms<'_>, url: &str, status: u16) {
    let posted = || Ok((platforms.call_back(url, "{}") == status).then_some(()));
    platforms.client.wait_for(&format!("a response of {status}"), TIMEOUT, posted).unwrap();
}

/// What admin's sync says of an endpoint.
fn problem(client: &Client, endpoint: &str) -> Option<String> {
    let reply = local::admin::ask(client.stack(), &json!({"action": "sync"})).unwrap();
    let reports = reply["platforms"].as_array().unwrap();
    let report = reports.iter().find(|report| report["endpoint"] == endpoint).unwrap();
    report["problem"].as_str().map(str::to_owned)
}

#[test]
fn without_its_permissions_the_receiver_rejects_callbacks_and_accepts_them_later() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &SOON);
    let client = &platforms.client;
    let url = platforms.callback_url(&unique("order"), "tavus.video");
    let without = Without::new(client, "receiver", "secretsmanager:GetSecretValue", "callbacks");
    becomes(&platforms, &url, 503);
    drop(without);
    becomes(&platforms, &url, 200);
    let without = Without::new(client, "receiver", "sqs:SendMessage", "ConfirmQueue");
    becomes(&platforms, &url, 503);
    drop(without);
    becomes(&platforms, &url, 200);
    platforms.delete();
}

#[test]
fn without_its_permissions_recovery_says_what_it_cannot_ask_and_waits() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &SOON);
    let client = &platforms.client;
    let text = |request: &Value| local::recovery::ask(client.stack(), request).map(|reply| reply["text"].to_string());
    let doctor = || text(&json!({"action": "doctor"})).unwrap();

    let without = Without::new(client, "recovery", "secretsmanager:GetSecretValue", "callbacks");
    let track = json!({"action": "track", "callback_id": unique("order"), "kind": "tavus.video"});
    assert!(text(&track).is_err());
    drop(without);
    assert!(text(&track).is_ok());

    let healthy = doctor();
    for title in Platform::ALL.into_iter().filter(|platform| *platform != Platform::HeyGen).map(Platform::title) {
        assert!(!healthy.contains(title), "{healthy}");
    }
    let without = Without::new(client, "recovery", "secretsmanager:GetSecretValue", "synthesia-api-key");
    assert!(doctor().contains("Synthesia"));
    drop(without);
    let without = Without::new(client, "recovery", "secretsmanager:GetSecretValue", "elevenlabs-api-key");
    assert!(doctor().contains("ElevenLabs"));
    drop(without);
    let without = Without::new(client, "recovery", "secretsmanager:GetSecretValue", "tavus-api-key");
    assert!(doctor().contains("Tavus"));
    drop(without);
    let without = Without::new(client, "recovery", "secretsmanager:GetSecretValue", "did-api-key");
    assert!(doctor().contains("D-ID"));
    drop(without);

    // A callback of a job that runs has to wait on the queue.
    let without = Without::new(client, "recovery", "sqs:ChangeMessageVisibility", "ConfirmQueue");
    let order = unique("order");
    let url = platforms.callback_url(&order, "did.talk");
    let job = StartJob {
        kind: Product::DidTalk.calling(url.clone()),
        callback_id: Some(order),
        callback_url: None,
        outcome: JobOutcome::Succeeds,
        ends: Ends::After(Duration::from_secs(3_600)),
        disturbance: None,
    };
    let id = platforms.second.heygen.start_jobs(vec![job]).concat();
    assert_eq!(platforms.call_back(&url, &json!({ "id": id }).to_string()), 200);
    let warned = || {
        let lines = client.logs(0)?;
        Ok(lines.iter().any(|line| line.text.contains("the wait could not be set")).then_some(()))
    };
    client.wait_for("the warning", TIMEOUT, warned).unwrap();
    drop(without);
    platforms.delete();
}

#[test]
fn without_its_permissions_admin_says_which_endpoint_it_could_not_keep_in_sync() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &SOON);
    let client = &platforms.client;
    let name = format!("{}/callbacks/tavus/main", platforms.second.name);
    let stored = || -> Option<EndpointSecret> {
        match client.secrets(async |secrets| aws::secrets::fetch(secrets, &name).await) {
            Err(SecretError::Deleted(_)) => None,
            other => other.unwrap(),
        }
    };
    assert_eq!(problem(client, "tavus/main"), None);
    let without = Without::new(client, "admin", "secretsmanager:GetSecretValue", "callbacks");
    assert!(problem(client, "tavus/main").is_some());
    drop(without);
    let without = Without::new(client, "admin", "secretsmanager:GetSecretValue", "synthesia-api-key");
    assert!(problem(client, "synthesia/main").is_some());
    drop(without);
    let without = Without::new(client, "admin", "secretsmanager:GetSecretValue", "elevenlabs-api-key");
    assert!(problem(client, "elevenlabs/main").is_some());
    drop(without);
    let rotate = json!({"action": "rotate", "endpoint": "tavus/main"});
    let (before, without) = (stored(), Without::new(client, "admin", "secretsmanager:PutSecretValue", "callbacks"));
    assert!(local::admin::ask(client.stack(), &rotate).is_err());
    drop(without);
    assert_eq!(stored(), before);
    local::admin::ask(client.stack(), &rotate).unwrap();
    assert_ne!(stored(), before);

    // The stack is deleted, and its names are used again.
    let sample = workspace().join("events/cloudformation/delete.json");
    let mut deletion: Value = serde_json::from_slice(&std::fs::read(sample).unwrap()).unwrap();
    let cloudformation = Receiver::start().unwrap();
    deletion["ResponseURL"] = json!(cloudformation.url());
    let without = Without::new(client, "admin", "secretsmanager:DeleteSecret", "callbacks");
    let _ = local::admin::ask(client.stack(), &deletion);
    assert!(stored().is_some());
    drop(without);
    let _ = local::admin::ask(client.stack(), &deletion);
    assert_eq!(stored(), None);
    let without = Without::new(client, "admin", "secretsmanager:RestoreSecret", "callbacks");
    assert!(problem(client, "tavus/main").is_some());
    drop(without);
    assert_eq!(problem(client, "tavus/main"), None);
    assert!(stored().is_some());

    let delete = async |secrets: &aws_sdk_secretsmanager::Client| {
        secrets.delete_secret().secret_id(&name).force_delete_without_recovery(true).send().await
    };
    client.secrets(delete).unwrap();
    let without = Without::new(client, "admin", "secretsmanager:CreateSecret", "callbacks");
    assert!(problem(client, "tavus/main").is_some());
    drop(without);
    assert_eq!(problem(client, "tavus/main"), None);
    platforms.delete();
}
