//! A deployment for other platforms, without HeyGen's API key.

use crate::platforms::Platforms;
use crate::support::{disturbed_stack, unique};
use serde_json::json;
use simulator::{JobOutcome, Product};
use webhook::{Platform, Status};

#[test]
fn a_stack_without_heygens_key_registers_elsewhere_and_records_jobs_from_its_deployment_on() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[("ApiKeySecret", ""), ("DeregisterOnDelete", "true")]);
    assert!(platforms.second.heygen.endpoints().is_empty());
    let order = unique("only");
    for product in [Product::SynthesiaVideo, Product::DidTalk] {
        let id = platforms.start(product, &order, JobOutcome::Succeeds, None);
        assert_eq!(platforms.ended(&order, &id).status, Some(Status::Succeeded), "{}", product.name());
    }
    let synced = local::admin::ask(platforms.client.stack(), &json!({"action": "sync"})).unwrap();
    assert!(synced["text"].as_str().unwrap().contains("HeyGen's endpoints are left alone"), "{synced}");
    let asked = platforms.second.heygen.calls();
    assert!(asked.iter().all(|call| !call.path.starts_with("/v3/webhooks")), "{asked:?}");
    let webhooks = |platform| platforms.second.heygen.api(platform).webhooks().len();
    assert_eq!(webhooks(Platform::Synthesia), 1);
    platforms.second.delete(&stack);
    let left = platforms.second.heygen.api(Platform::Synthesia).webhooks();
    assert!(left.iter().all(|webhook| webhook.is_deleted), "{left:?}");
}
