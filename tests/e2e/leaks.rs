//! Nothing secret is logged: the test plants canaries, and searches everything that the functions logged for them.

use crate::deployed::{A, Deployed};
use crate::support::{body, now, stack, success, unique};
use serde_json::json;
use simulator::{Existing, Fault, Options, When};
use std::time::Duration;
use webhook::sign;

#[test]
fn no_secret_signature_link_or_body_is_in_any_log_line() {
    let stack = stack();
    let since = now();
    let id = unique("order");
    let secret = stack.secret("main").unwrap();
    let mut canaries = vec![
        String::from_utf8(secret.as_bytes().to_vec()).unwrap(),
        "canary-".to_owned(),
        stack.stack().credentials.as_ref().map_or("-none-", |keys| &keys.secret_access_key).repeat(2),
    ];
    let mut signed = |body: &[u8]| {
        let signature = sign(&secret, body);
        canaries.push(signature.clone());
        stack.posted(&[("Signature", &signature), ("Heygen-Event-Id", "canary-header")], body)
    };

    // Accepted, …
    assert_eq!(signed(&success(&id, &unique("video"))).status, 200);
    let texts = json!({"callback_id": id, "id": unique("v"), "msg": "canary-failure", "title": "canary-body"});
    assert_eq!(signed(&body("avatar_video.fail", texts)).status, 200);
    assert_eq!(signed(&body("canary-unknown-type", json!({"callback_id": id}))).status, 200);
    assert_eq!(signed(b"canary-not-json").status, 200);
    // … rejected, …
    for (header, body) in [("0".repeat(64), "canary-forged"), ("canary-malformed-signature".into(), "canary-body")] {
        assert_eq!(stack.posted(&[("Signature", &header)], body.as_bytes()).status, 401);
    }
    assert_eq!(stack.posted(&[], b"canary-unsigned").status, 401);
    assert_eq!(stack.request("POST", "/canary-path", &[], b"canary-body").unwrap().status, 404);
    // … and poison.
    let poison = async |sqs: &aws_sdk_sqs::Client| {
        let poison = "canary-poison {\"version\": \"canary\"}";
        sqs.send_message().queue_url(&stack.stack().queue_url).message_body(poison).send().await
    };
    stack.sqs(poison).unwrap();

    stack.recorded(&id, 3);
    let dead_lettered = || Ok((!stack.lines_with(since, &["message dead-lettered"]).is_empty()).then_some(()));
    stack.wait_for("the poison to be dead-lettered", Duration::from_secs(60), dead_lettered).unwrap();

    // From the start of the stack: lines of other tests count, too.
    let lines = stack.logs(0).unwrap();
    assert!(lines.iter().any(|line| line.text.contains(&id)), "the search sees the lines of this test");
    for line in &lines {
        for canary in &canaries {
            assert!(!line.text.contains(canary.as_str()), "{} logged {canary}: {}", line.function, line.text);
        }
    }
}

#[test]
fn no_api_key_and_no_signing_secret_is_in_any_log_line_response_or_error() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let since = now();
    let mut said = Vec::new();
    let ask = |admin: &Deployed, request| match admin.ask(request) {
        Ok(answer) => answer.to_string(),
        Err(error) => error.to_string(),
    };
    let mut secrets: Vec<_> = Vec::new();
    let look = |admin: &Deployed, secrets: &mut Vec<webhook::Secret>| {
        secrets.extend(admin.endpoints().into_iter().map(|endpoint| endpoint.secret));
    };
    // v1 returns secrets in its list: adopt, create, rotate, list and fail, with both versions.
    for version in ["v1", "v3"] {
        admin.set_variables(&[("HEYGEN_API_VERSION", version), ("LOG_LEVEL", "trace")]);
        admin.register(Existing::new(admin.url(A)));
        for action in ["plan", "sync", "list", "event-types", "deliveries", "sync"] {
            said.push(ask(&admin, json!({"action": action})));
            look(&admin, &mut secrets);
        }
        said.push(ask(&admin, json!({"action": "rotate", "endpoint": A})));
        look(&admin, &mut secrets);
        for fault in [Fault::internal(), Fault::ErrorIn200, Fault::Gateway(403)].into_iter().filter(|_| version == "v3")
        {
            admin.inject(When::Next("POST", "/v3/webhooks/endpoints/*/rotate-secret"), fault);
        }
        said.push(ask(&admin, json!({"action": "rotate", "endpoint": A})));
        said.push(ask(&admin, json!({"action": "sync", "prune": true, "force": true})));
        look(&admin, &mut secrets);
    }
    admin.stack.put_secret(A, &json!({"current": 7, "canary-malformed": "whsec_canary"})).unwrap();
    said.push(ask(&admin, json!({"action": "sync"})));
    admin.logged(since, &["endpoint changed", "rotate"]);

    let mut canaries = vec![admin.api_key().to_owned(), "canary".to_owned()];
    canaries.extend(secrets.iter().map(|secret| String::from_utf8(secret.as_bytes().to_vec()).unwrap()));
    canaries.extend(admin.stack.stack().simulator.as_ref().map(|simulator| simulator.api_key.clone()));
    assert!(canaries.len() > 10);
    let lines = admin.stack.logs(0).unwrap();
    let functions: std::collections::BTreeSet<_> = lines.iter().map(|line| line.function).collect();
    assert!(functions.contains("admin"), "{functions:?}");
    for canary in &canaries {
        for line in lines.iter().filter(|line| line.function == "admin").map(|line| &line.text).chain(&said) {
            assert!(!line.contains(canary.as_str()), "{canary} is in: {line}");
        }
    }
}
