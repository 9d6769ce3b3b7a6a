//! The real binary: what it logs for a delivery, and what it does without a configuration.

#![allow(clippy::unwrap_used, clippy::panic)]

use aws::stub::Reply;
use aws::stub::lambda::{Invoked, invoke};
use serde_json::{Value, json};
use std::path::Path;

const AWS: [(&str, &str); 3] =
    [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
const CONFIGURATION: [(&str, &str); 4] =
    [("ENDPOINTS", "main"), ("SECRET_PREFIX", "s/"), ("QUEUE_URL", "http://queue.invalid/q"), ("STACK", "prod")];

fn sample(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/api-gateway").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn run(variables: &[(&str, &str)], event: &Value) -> Invoked {
    let aws = |operation: &str, _: Value| match operation {
        "GetSecretValue" => Reply::Ok(json!({"SecretString": r#"{"current": "whsec_dGVzdF9zZWNyZXQ="}"#})),
        _ => Reply::Ok(json!({"MessageId": "1"})),
    };
    invoke(env!("CARGO_BIN_EXE_receiver"), variables, event, aws).unwrap()
}

fn names(line: &Value) -> Vec<&str> {
    let entries = line["_aws"]["CloudWatchMetrics"].as_array().map(Vec::as_slice).unwrap_or_default();
    let metrics = entries.iter().flat_map(|entry| entry["Metrics"].as_array().unwrap());
    metrics.map(|metric| metric["Name"].as_str().unwrap()).collect()
}

#[test]
fn a_delivery_is_one_line_with_its_metrics_at_every_log_level() {
    for level in ["info", "error"] {
        let variables = [&AWS[..], &CONFIGURATION, &[("LOG_LEVEL", level)]].concat();
        let mut delivery = sample("delivery.json");
        let sent = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() - 2;
        delivery["headers"]["heygen-timestamp"] = json!(sent.to_string());
        let invoked = run(&variables, &delivery);
        assert_eq!(invoked.result.unwrap()["statusCode"], 200);
        let [line] = &invoked.lines[..] else { panic!("not one line: {:?}", invoked.lines) };
        assert_eq!(names(line), ["Deliveries", "SecondsToQueue"]);
        assert_eq!(
            (&line["Deliveries"], &line["Outcome"], &line["Stack"]),
            (&json!(1), &json!("accepted"), &json!("prod"))
        );
        for key in ["timestamp", "level", "request_id", "endpoint", "identity", "correlation_id", "event_type"] {
            assert!(line[key].is_string(), "{key} is missing in {line}");
        }
        assert_eq!((&line["outcome"], &line["secret_index"]), (&json!("accepted"), &json!(0)));
    }
}

#[test]
fn no_secret_signature_or_body_is_logged_at_any_level() {
    for level in ["error", "warn", "info", "debug", "trace"] {
        let variables = [&AWS[..], &CONFIGURATION, &[("LOG_LEVEL", level)]].concat();
        for name in ["delivery.json", "forged.json"] {
            let delivery = sample(name);
            let lines = Value::from(run(&variables, &delivery).lines).to_string();
            assert!(lines.contains("\"Deliveries\":1"), "{lines}");
            let signature = delivery["headers"]["signature"].as_str().unwrap();
            for canary in [signature, "dGVzdF9zZWNyZXQ", "event_data", "canary"] {
                assert!(!lines.contains(canary), "{canary} is logged at {level}: {lines}");
            }
        }
    }
}

#[test]
fn a_forged_delivery_is_one_line_with_its_metrics() {
    let invoked = run(&[&AWS[..], &CONFIGURATION].concat(), &sample("forged.json"));
    assert_eq!(invoked.result.unwrap()["statusCode"], 401);
    let [line] = &invoked.lines[..] else { panic!("not one line: {:?}", invoked.lines) };
    assert_eq!(names(line), ["Deliveries", "SignatureFailures"]);
    assert_eq!((&line["outcome"], &line["http_status"]), (&json!("signature_mismatch"), &json!(401)));
    assert_eq!((&line["Outcome"], &line["level"]), (&json!("signature_mismatch"), &json!("WARN")));
}

#[test]
fn without_a_configuration_the_response_is_503_and_names_all_that_is_missing() {
    let invoked = run(&[], &sample("delivery.json"));
    let response = invoked.result.unwrap();
    assert_eq!(response["statusCode"], 503, "{response}");
    assert!(response["headers"]["retry-after"].is_string(), "{response}");
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "not_configured");
    let message = body["error"]["message"].as_str().unwrap();
    let required = AWS.iter().chain(&CONFIGURATION).map(|(name, _)| *name).filter(|name| *name != "STACK");
    let unnamed: Vec<_> = required.filter(|name| !message.contains(name)).collect();
    assert!(unnamed.is_empty(), "{unnamed:?} are not named in: {message}");
    let outcomes: Vec<_> = invoked.lines.iter().filter(|line| !names(line).is_empty()).collect();
    assert_eq!((outcomes.len(), &outcomes[0]["Outcome"]), (1, &json!("not_configured")));
    let errors: Vec<_> = invoked.lines.iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!((errors.len(), &errors[0]["class"]), (1, &json!("permanent")));

    let options = run(&[], &sample("options.json"));
    assert_eq!(options.result.unwrap()["statusCode"], 204, "HeyGen's probe needs no configuration");
}
