//! `reply.schema.json` has what replies have, and nothing else.

use crate::every_value::more_replies;
use crate::samples::sample;
use crate::{file, read};
use admin::Action;
use serde_json::Value;
use std::collections::BTreeSet;

/// Collects the branches, fields and values of the schema that a reply uses.
struct Usage<'a> {
    schema: &'a Value,
    used: BTreeSet<String>,
}

impl Usage<'_> {
    fn visit(&mut self, pointer: &str, instance: &Value) {
        let node = self.schema.pointer(pointer).unwrap().clone();
        if let Some(target) = node["$ref"].as_str() {
            return self.visit(&target[1..], instance);
        }
        for (index, branch) in node["oneOf"].as_array().into_iter().flatten().enumerate() {
            let fields = branch["properties"].as_object().unwrap();
            if fields.iter().all(|(name, field)| field.get("const").is_none_or(|tag| *tag == instance[name])) {
                self.visit(&format!("{pointer}/oneOf/{index}"), instance);
            }
        }
        for name in node["properties"].as_object().into_iter().flat_map(|fields| fields.keys()) {
            if let Some(value) = instance.get(name) {
                let field = format!("{pointer}/properties/{name}");
                self.visit(&field, value);
                self.used.insert(field);
            }
        }
        let items = instance.as_array().filter(|_| node.get("items").is_some());
        for item in items.into_iter().flatten() {
            self.visit(&format!("{pointer}/items"), item);
        }
        if node.get("enum").is_some() {
            self.used.insert(format!("{pointer}/enum/{instance}"));
        }
    }
}

/// All fields and values of a schema, as pointers.
fn everything_in(pointer: &str, node: &Value, all: &mut BTreeSet<String>) {
    for value in node["enum"].as_array().into_iter().flatten() {
        all.insert(format!("{pointer}/enum/{value}"));
    }
    for (name, field) in node["properties"].as_object().into_iter().flatten() {
        all.insert(format!("{pointer}/properties/{name}"));
        everything_in(&format!("{pointer}/properties/{name}"), field, all);
    }
    for (index, branch) in node["oneOf"].as_array().into_iter().flatten().enumerate() {
        everything_in(&format!("{pointer}/oneOf/{index}"), branch, all);
    }
    for (name, definition) in node["$defs"].as_object().into_iter().flatten() {
        everything_in(&format!("{pointer}/$defs/{name}"), definition, all);
    }
    if let Some(items) = node.get("items") {
        everything_in(&format!("{pointer}/items"), items, all);
    }
}

#[test]
fn the_schema_has_every_field_and_value_of_the_replies_and_no_other() {
    let schema = read(&file("reply.schema.json"));
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut usage = Usage { schema: &schema, used: BTreeSet::new() };
    for reply in Action::NAMES.into_iter().map(sample).chain(more_replies()) {
        let json = reply.to_json();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "reply.schema.json does not allow this reply: {json}\n{}", errors.join("\n"));
        usage.visit("", &json);
    }
    let mut all = BTreeSet::new();
    everything_in("", &schema, &mut all);
    let unused: Vec<_> = all.difference(&usage.used).collect();
    assert!(unused.is_empty(), "reply.schema.json has what no reply has: {unused:#?}");
}
