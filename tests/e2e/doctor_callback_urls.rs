//! The doctor names the job whose callbacks do not come here.

use crate::platforms::Platforms;
use crate::support::{disturbed_stack, unique};
use serde_json::{Value, json};
use simulator::{Ends, JobOutcome, Product, StartJob};
use std::time::Duration;

/// Tracks a job, starts it with its callback URL or another one, and tracks its id.
fn start(platforms: &Platforms<'_>, product: Product, order: &str, other: Option<&str>) {
    let mut track = json!({"action": "track", "callback_id": order, "kind": product.name()});
    let ours = platforms.ask(&track)["callback_url"].as_str().unwrap().to_owned();
    let job = StartJob {
        kind: product.calling(other.unwrap_or(&ours)),
        callback_id: Some(order.to_owned()),
        callback_url: None,
        outcome: JobOutcome::Succeeds,
        ends: Ends::After(Duration::from_secs(3_600)),
        disturbance: None,
    };
    track["entity_id"] = platforms.second.heygen.start_jobs(vec![job]).concat().into();
    platforms.ask(&track);
}

#[test]
fn a_job_that_was_started_with_a_callback_url_of_somewhere_else_is_named_and_one_with_its_own_is_not() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[]);
    let found = || -> Vec<Value> {
        let health = platforms.ask(&json!({"action": "doctor"}));
        let of_urls = |finding: &Value| finding["code"].as_str().unwrap().starts_with("callback-url");
        health["findings"].as_array().unwrap().iter().filter(|finding| of_urls(finding)).cloned().collect()
    };
    let of = |product: Product, name: &str| (product, unique(name));
    for (product, order) in [of(Product::DidTalk, "ours"), of(Product::TavusConversation, "ours")] {
        start(&platforms, product, &order, None);
    }
    assert_eq!(found(), [] as [Value; 0]);

    let astray = [of(Product::DidTalk, "talk-astray"), of(Product::TavusConversation, "call-astray")];
    for (product, order) in &astray {
        start(&platforms, *product, order, Some("http://127.0.0.1:9/canary"));
    }
    let findings = found();
    assert_eq!(findings.len(), 2, "{findings:?}");
    for (product, order) in &astray {
        let names = |finding: &&Value| finding["message"].as_str().unwrap().contains(&**order);
        let finding =
            findings.iter().find(names).unwrap_or_else(|| panic!("{} is not in {findings:?}", product.name()));
        assert_eq!(finding["code"], "callback-url-elsewhere", "{finding}");
        assert!(!finding.to_string().contains("canary") && !finding.to_string().contains("ours"), "{finding}");
    }
    platforms.delete();
}
