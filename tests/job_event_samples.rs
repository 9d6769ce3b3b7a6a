//! The schema of the events on the bus, the samples beside it, and the pipe that makes the events.

#![allow(clippy::unwrap_used, clippy::panic)]

use local::stack_dir::workspace;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use webhook::Platform;

fn sample(name: &str) -> Value {
    let file = workspace().join("events/eventbridge").join(name);
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// All samples, by the names of their files.
fn samples() -> Vec<(String, Value)> {
    let files = std::fs::read_dir(workspace().join("events/eventbridge")).unwrap().flatten();
    let names = files.map(|file| file.file_name().into_string().unwrap());
    let samples: Vec<_> =
        names.filter(|name| !name.ends_with(".schema.json")).map(|name| (name.clone(), sample(&name))).collect();
    assert!(samples.len() > 3);
    samples
}

#[test]
fn the_samples_of_events_match_the_schema() {
    let schema = sample("job-event.schema.json");
    jsonschema::meta::validate(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (name, event) in samples() {
        schema.validate(&event["detail"]).unwrap_or_else(|why| panic!("{name}: {why}"));
        let word = if event["detail"]["status"] == "succeeded" { "Succeeded" } else { "Failed" };
        let platform = Platform::of_kind(event["detail"]["kind"].as_str().unwrap());
        assert_eq!(event["detail-type"], format!("{} Job {word}", platform.title()), "{name}");
    }
}

#[test]
fn the_detail_types_of_every_platform_are_documented() {
    let reference = std::fs::read_to_string(workspace().join("docs/reference.md")).unwrap();
    let schema = sample("job-event.schema.json").to_string();
    for platform in Platform::ALL {
        for word in ["Succeeded", "Failed"] {
            let detail_type = format!("`{} Job {word}`", platform.title());
            assert!(reference.contains(&detail_type), "docs/reference.md lacks {detail_type}");
        }
        assert!(schema.contains(platform.title()), "the schema lacks {}", platform.title());
    }
}

#[test]
fn impossible_events_do_not_match_the_schema() {
    let schema = jsonschema::validator_for(&sample("job-event.schema.json")).unwrap();
    let wrong = [
        ("job-succeeded.json", "status", json!("pending")),
        ("job-succeeded.json", "previous_status", json!("")),
        ("job-succeeded.json", "links", json!("")),
        ("job-succeeded.json", "links", json!({"video": "https://x.invalid"})),
        ("job-succeeded.json", "failure", json!({"message": {"S": "m"}})),
        ("job-succeeded.json", "reason", json!("may_pass")),
        ("job-succeeded.json", "version", json!("2")),
        ("job-succeeded.json", "identity", json!("1")),
        ("job-failed.json", "previous_status", json!("succeeded")),
        ("job-failed.json", "reason", json!("")),
        ("job-failed.json", "reason", json!("a whim")),
        ("job-failed.json", "item", json!("event#1")),
        ("job-failed.json", "links", json!({"video": {"S": "https://x.invalid"}})),
        ("job-failed.json", "updated_at", json!(1)),
    ];
    for (name, field, value) in wrong {
        let mut detail = sample(name)["detail"].clone();
        detail[field] = value;
        assert!(!schema.is_valid(&detail), "{detail}");
    }
    for field in ["version", "callback_id", "previous_status", "links", "failure", "reason"] {
        let mut detail = sample("job-succeeded.json")["detail"].clone();
        detail.as_object_mut().unwrap().remove(field);
        assert!(!schema.is_valid(&detail), "without {field}");
    }
}

/// The attributes of the pipe's input template in template.yaml.
fn piped() -> BTreeSet<String> {
    let template = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let (_, after) = template.split_once("InputTemplate: |-").unwrap();
    let object = after.split_once("\n          }\n").unwrap().0;
    object.lines().filter_map(|line| Some(line.trim().strip_prefix('"')?.split_once('"')?.0.to_owned())).collect()
}

#[test]
fn the_pipe_and_the_schema_have_the_same_attributes() {
    let (piped, schema) = (piped(), sample("job-event.schema.json"));
    assert!(piped.len() > 5, "{piped:?}");
    let described: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    let required: BTreeSet<_> =
        schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    for (name, set) in [("properties", &described), ("required", &required)] {
        let missing: Vec<_> = piped.difference(set).collect();
        let unexpected: Vec<_> = set.difference(&piped).collect();
        assert!(
            missing.is_empty() && unexpected.is_empty(),
            "{name} of job-event.schema.json lacks {missing:?} of the pipe in template.yaml; the pipe lacks {unexpected:?}"
        );
    }
    for (name, event) in samples() {
        let sampled: BTreeSet<_> = event["detail"].as_object().unwrap().keys().cloned().collect();
        let missing: Vec<_> = piped.difference(&sampled).collect();
        let unexpected: Vec<_> = sampled.difference(&piped).collect();
        assert!(missing.is_empty() && unexpected.is_empty(), "{name} lacks {missing:?}; the pipe lacks {unexpected:?}");
    }
}
