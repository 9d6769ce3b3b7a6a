//! The description of the events on the bus, and the samples beside it.

#![allow(clippy::unwrap_used, clippy::panic)]

use local::stack_dir::workspace;
use serde_json::{Value, json};

fn sample(name: &str) -> Value {
    let file = workspace().join("events/eventbridge").join(name);
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn the_samples_of_events_are_as_described() {
    let schema = sample("job-event.schema.json");
    jsonschema::meta::validate(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for name in ["job-succeeded.json", "job-failed.json", "job-succeeded-after-failure.json"] {
        let event = sample(name);
        schema.validate(&event["detail"]).unwrap_or_else(|why| panic!("{name}: {why}"));
        let word = if event["detail"]["status"] == "succeeded" { "Succeeded" } else { "Failed" };
        assert_eq!(event["detail-type"], format!("HeyGen Job {word}"));
    }
}

#[test]
fn what_no_job_does_is_not_as_described() {
    let schema = jsonschema::validator_for(&sample("job-event.schema.json")).unwrap();
    let wrong = [
        ("job-succeeded.json", "status", json!("pending")),
        ("job-succeeded.json", "previous_status", json!("succeeded")),
        ("job-succeeded.json", "previous_status", json!("")),
        ("job-succeeded.json", "links", json!("")),
        ("job-succeeded.json", "links", json!({"video": "https://x.invalid"})),
        ("job-succeeded.json", "failure", json!({"message": {"S": "m"}})),
        ("job-succeeded.json", "version", json!("2")),
        ("job-succeeded.json", "identity", json!("1")),
        ("job-failed.json", "previous_status", json!("failed")),
        ("job-failed.json", "links", json!({"video": {"S": "https://x.invalid"}})),
        ("job-failed.json", "updated_at", json!(1)),
    ];
    for (name, field, value) in wrong {
        let mut detail = sample(name)["detail"].clone();
        detail[field] = value;
        assert!(!schema.is_valid(&detail), "{detail}");
    }
    for field in ["version", "correlation_id", "previous_status", "links", "failure"] {
        let mut detail = sample("job-succeeded.json")["detail"].clone();
        detail.as_object_mut().unwrap().remove(field);
        assert!(!schema.is_valid(&detail), "without {field}");
    }
}
