//! The real binary: what it logs for each message, and what it does without a configuration.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/variables.rs"]
mod variables;

use aws::stub::Reply;
use aws::stub::lambda::{Invoked, invoke};
use serde_json::{Value, json};
use std::path::Path;
use variables::VARIABLES;

/// A sample batch, as if it had just been sent.
fn batch(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/sqs").join(name);
    let mut batch: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for message in batch["Records"].as_array_mut().unwrap() {
        message["attributes"].as_object_mut().unwrap().remove("SentTimestamp");
    }
    batch
}

fn run(variables: &[(&str, &str)], event: &Value, transaction: Reply) -> Invoked {
    let aws = move |operation: &str, _: Value| match operation {
        "TransactWriteItems" => transaction.clone(),
        _ => Reply::Ok(json!({})),
    };
    invoke(env!("CARGO_BIN_EXE_processor"), variables, event, aws).unwrap()
}

/// Message id, outcome and metrics of each line that carries metrics.
fn reported(invoked: &Invoked) -> Vec<(String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let report = |line: &Value| {
        let entries = line["_aws"]["CloudWatchMetrics"].as_array()?;
        let metrics = entries.iter().flat_map(|entry| entry["Metrics"].as_array().unwrap());
        let names = metrics.map(|metric| text(&metric["Name"])).collect();
        Some((text(&line["message_id"]), text(&line["outcome"]), names))
    };
    let mut reported: Vec<_> = invoked.lines.iter().filter_map(report).collect();
    reported.sort();
    reported
}

fn expected(reports: &[(u32, &str, &[&str])]) -> Vec<(String, String, Vec<String>)> {
    let report = |(number, outcome, metrics): &(u32, &str, &[&str])| {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        (id, (*outcome).to_owned(), metrics.iter().map(|name| (*name).to_owned()).collect())
    };
    reports.iter().map(report).collect()
}

#[test]
fn each_message_is_one_line_with_its_metrics_at_every_log_level() {
    for level in ["info", "error"] {
        let variables = [&VARIABLES[..], &[("LOG_LEVEL", level)]].concat();
        let invoked = run(&variables, &batch("poison.json"), Reply::Ok(json!({})));
        let updated: &[&str] = &["Events", "SecondsToRecord", "JobStatusChanges"];
        let wanted = [(1, "job_updated", updated), (2, "dead_letter", &["Events"]), (3, "job_updated", updated)];
        assert_eq!(reported(&invoked), expected(&wanted));
        assert_eq!(invoked.lines.len(), 3, "{:?}", invoked.lines);
        for line in invoked.lines.iter().filter(|line| line["outcome"] == "job_updated") {
            for key in ["request_id", "endpoint", "identity", "correlation_id", "event_type", "job", "job_status"] {
                assert!(line[key].is_string(), "{key} is missing in {line}");
            }
        }
    }
}

#[test]
fn no_body_and_no_link_is_logged_at_any_level() {
    for level in ["error", "warn", "info", "debug", "trace"] {
        let variables = [&VARIABLES[..], &[("LOG_LEVEL", level)]].concat();
        let invoked = run(&variables, &batch("batch.json"), Reply::Ok(json!({})));
        let lines = Value::from(invoked.lines).to_string();
        assert!(lines.contains("\"Events\":1"), "{lines}");
        for canary in ["event_data", "canary"] {
            assert!(!lines.contains(canary), "{canary} is logged at {level}: {lines}");
        }
    }
}

#[test]
fn a_message_that_goes_back_is_one_error_and_one_line_with_its_metric() {
    let returned = ["Events", "SecondsOnQueue"];
    let invoked = run(&VARIABLES, &batch("batch.json"), Reply::error(400, "AccessDeniedException"));
    assert_eq!(reported(&invoked), expected(&[(1, "retry", &returned), (2, "retry", &returned)]));
    for line in invoked.lines.iter().filter(|line| line["outcome"] == "retry") {
        assert_eq!(line["receives"], 1);
        assert!(line["wait_seconds"].as_u64().is_some_and(|wait| wait <= 2), "{line}");
        assert!(line["reason"].as_str().is_some_and(|reason| reason.contains("AccessDeniedException")), "{line}");
    }
    let errors: Vec<_> = invoked.lines.iter().filter(|line| line["error"].is_string()).collect();
    assert_eq!(errors.len(), 2, "{:?}", invoked.lines);
    for error in errors {
        assert_eq!(error["class"], "denied");
        assert!(error["identity"].is_string() && error["message_id"].is_string(), "{error}");
    }
}

#[test]
fn an_event_whose_body_is_not_json_is_counted_and_its_line_says_so() {
    let mut batch = batch("batch.json");
    let whole = batch["Records"][0]["body"].as_str().unwrap().to_owned();
    // The end of the body within the envelope.
    batch["Records"][0]["body"] = whole.replace("}}\"}", "\"}").into();
    assert_ne!(batch["Records"][0]["body"], whole);
    let invoked = run(&VARIABLES, &batch, Reply::Ok(json!({})));
    let unreadable = ["Events", "SecondsToRecord", "UnreadableBodies"];
    let updated = ["Events", "SecondsToRecord", "JobStatusChanges"];
    assert_eq!(reported(&invoked), expected(&[(1, "recorded", &unreadable), (2, "job_updated", &updated)]));
    let line = |outcome: &str| invoked.lines.iter().find(|line| line["outcome"] == outcome).unwrap();
    assert_eq!(
        (&line("recorded")["reason"], &line("recorded")["correlation_id"]),
        (&json!("the body is not JSON"), &json!("order_12345"))
    );
    assert!(line("job_updated")["reason"].is_null());
}

#[test]
fn without_a_configuration_the_function_error_names_all_that_is_missing() {
    let invoked = run(&[], &batch("batch.json"), Reply::Ok(json!({})));
    let error = invoked.result.unwrap_err();
    assert_eq!(error["errorType"], "permanent");
    let message = error["errorMessage"].as_str().unwrap();
    let unnamed: Vec<_> = VARIABLES.iter().map(|(name, _)| name).filter(|name| !message.contains(**name)).collect();
    assert!(unnamed.is_empty(), "{unnamed:?} are not named in: {message}");
}
