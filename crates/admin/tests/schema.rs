//! `endpoints.schema.json` and the code accept the same files.

#![allow(clippy::unwrap_used, clippy::panic)]

use admin::{InvalidFile, desired, desired_endpoints};
use serde_json::{Value, json};
use std::path::Path;

fn top_level(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn names() -> Vec<String> {
    vec!["main".into(), "second".into()]
}

fn read(document: &Value) -> Result<(), InvalidFile> {
    let others = "synthesia/main,elevenlabs/main,tavus/main".parse().unwrap();
    desired(&document.to_string(), &names(), &others).map(drop)
}

#[test]
fn both_accept_the_checked_in_file() {
    let file = top_level("endpoints.json");
    jsonschema::validator_for(&top_level("endpoints.schema.json")).unwrap().validate(&file).unwrap();
    desired_endpoints(&file.to_string(), &names()).unwrap();
}

#[test]
fn schema_and_code_agree() {
    let schema = top_level("endpoints.schema.json");
    jsonschema::meta::validate(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!(""),
        json!("main"),
        json!("avatar_video.success"),
        json!([]),
        json!(["avatar_video.success"]),
        json!(["a", "a"]),
        json!(["a b"]),
        json!([1]),
        json!({}),
        json!("elevenlabs"),
        json!("tavus"),
    ];
    let mut documents = vec![json!({"endpoints": []}), json!({"endpoints": [], "$schema": "x"}), json!({})];
    for value in &values {
        documents.push(value.clone());
        documents.push(json!({ "endpoints": value }));
        documents.push(json!({ "endpoints": [value] }));
        documents.push(json!({"endpoints": [], "extra": value}));
        for field in ["platform", "name", "events", "entity_id", "enabled", "retry", "extra"] {
            for platform in [None, Some("heygen"), Some("synthesia"), Some("elevenlabs")] {
                let mut endpoint = json!({"name": "main"});
                if let Some(platform) = platform {
                    endpoint["platform"] = json!(platform);
                }
                endpoint[field] = value.clone();
                documents.push(json!({ "endpoints": [endpoint] }));
            }
        }
    }
    let mut accepted = 0;
    for document in &documents {
        let (by_schema, by_code) = (schema.is_valid(document), read(document));
        // A schema cannot know the deployment's endpoints.
        let other_name = by_code.as_ref().is_err_and(|error| error.to_string().contains("unknown endpoint"));
        assert!(by_schema == by_code.is_ok() || other_name, "{document}: {by_schema}, {by_code:?}");
        accepted += usize::from(by_schema);
    }
    assert!(accepted >= 10 && accepted < documents.len(), "{accepted} of {}", documents.len());
}
