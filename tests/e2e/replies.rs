//! Checks replies of admin against their schema.

use local::stack_dir::workspace;
use serde_json::Value;

pub fn assert_is_reply(reply: &Value) {
    let schema = std::fs::read(workspace().join("crates/admin/reply.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
    let errors: Vec<_> = schema.iter_errors(reply).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "reply.schema.json does not allow {reply}\n{}", errors.join("\n"));
}
