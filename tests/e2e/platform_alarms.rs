//! The alarms about other platforms than HeyGen: they are there with these platforms only, and watch what is written.

use crate::platforms::{DUE, Platforms};
use crate::support::{TIMEOUT, disturbed_stack, unique};
use crate::telemetry::{Metric, metrics};
use crate::telemetry_shown::{alarms, metrics_of};
use local::aws_api::JsonService::CloudWatch;
use serde_json::{Value, json};
use simulator::{Disturbance, JobOutcome};
use std::collections::BTreeSet;
use std::thread;
use webhook::Platform;

/// Not caused here: other tests do, of HeyGen, whose metrics are written by the same lines.
const CAUSED_ELSEWHERE: [&str; 3] = ["secret_missing", "job_omitted", "UnreadableBodies"];

fn is_of_platforms(alarm: &Value) -> bool {
    let name = alarm["AlarmName"].as_str().unwrap();
    name.contains("-platform-") || name.contains("-callbacks-")
}

fn is_caused_here(metric: &Metric) -> bool {
    let outcome = metric.dimensions.get("Outcome").map(String::as_str);
    // With HeyGen's key rejected, nothing else here would work.
    let is_heygens = !metric.dimensions.contains_key("Platform");
    metric.namespace == "HeygenWebhooks"
        && !is_heygens
        && !CAUSED_ELSEWHERE.iter().any(|name| metric.name == *name || outcome == Some(name))
}

#[test]
fn the_alarms_about_other_platforms_watch_what_is_written_of_each() {
    let Some(stack) = disturbed_stack() else { return };
    assert!(!alarms(&stack).iter().any(is_of_platforms), "a stack without other platforms has none");
    let platforms = Platforms::deploy(&stack, &[("AlarmEmail", "operators@example.invalid")]);
    let prefix = format!("{}-", platforms.second.name);
    let described = stack.api().json(CloudWatch, "DescribeAlarms", &json!({"AlarmNamePrefix": prefix})).unwrap();
    let found = described["MetricAlarms"].as_array().unwrap().iter().filter(|alarm| is_of_platforms(alarm));
    let found: Vec<_> = found.cloned().collect();
    assert_eq!(found.len(), 7, "{found:?}");
    let watched: BTreeSet<_> = found.iter().flat_map(metrics_of).filter(is_caused_here).collect();
    assert_eq!(watched.len(), 16, "{watched:#?}");

    for product in local::platforms::products() {
        let no_credit = JobOutcome::Fails("You have used up your quota.".to_owned());
        platforms.start(product, &unique("no-credit"), no_credit, None);
        platforms.start(product, &unique("lost"), JobOutcome::Succeeds, Some(Disturbance::Lost));
    }
    for platform in ["synthesia", "elevenlabs"] {
        let path = format!("/webhooks/{platform}/main");
        assert_eq!(platforms.client.request("POST", &path, &[], b"{}").unwrap().status, 401);
    }
    local::admin::ask(platforms.client.stack(), &json!({"action": "sync"})).unwrap();
    thread::sleep(DUE);
    platforms.ask(&json!({"action": "recover"}));

    let urls = ["did.talk", "tavus.video"].map(|kind| platforms.callback_url(&unique("denied"), kind));
    for platform in [Platform::Did, Platform::Tavus] {
        let name = format!("{}-{platform}-api-key", platforms.second.name);
        let store = async |secrets: &aws_sdk_secretsmanager::Client| {
            secrets.put_secret_value().secret_id(&name).secret_string("of-nobody").send().await
        };
        stack.secrets(store).unwrap();
    }
    for url in urls {
        assert_eq!(platforms.call_back(&url, r#"{"id": "tlk_1", "video_id": "v1"}"#), 200);
    }

    let mut missing = Vec::new();
    let all_written = || {
        let logs = platforms.client.logs(0)?;
        let lines = logs.iter().filter_map(|line| serde_json::from_str::<Value>(&line.text).ok());
        let written: BTreeSet<_> = lines.flat_map(|line| metrics(&line)).map(|(metric, _)| metric).collect();
        missing = watched.difference(&written).cloned().collect();
        Ok(missing.is_empty().then_some(()))
    };
    platforms
        .client
        .wait_for("all metrics", TIMEOUT, all_written)
        .unwrap_or_else(|_| panic!("never written: {missing:#?}"));
    platforms.delete();
}
