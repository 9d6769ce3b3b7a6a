//! `template.yaml`, as far as documents speak of it. CloudFormation's tags are left out: `!Ref Queue` is the text `Queue`.

use local::stack_dir::workspace;
use std::fs;
use yaml_rust2::{Yaml, YamlLoader};

pub struct Template(Yaml);

impl Template {
    pub fn read() -> Self {
        let text = fs::read_to_string(workspace().join("template.yaml")).unwrap();
        Template(YamlLoader::load_from_str(&text).unwrap().remove(0))
    }

    /// The value at these keys, one below the other.
    pub fn at(&self, keys: &[&str]) -> &Yaml {
        keys.iter().fold(&self.0, |value, key| &value[*key])
    }

    /// Names and values of the mapping at these keys.
    pub fn entries(&self, keys: &[&str]) -> Vec<(&str, &Yaml)> {
        let mapping = self.at(keys).as_hash().unwrap_or_else(|| panic!("template.yaml: {keys:?} is no mapping"));
        mapping.iter().map(|(name, value)| (name.as_str().unwrap(), value)).collect()
    }

    /// The parameter that a condition depends on.
    pub fn parameter_of(&self, condition: &str) -> Option<String> {
        let names = texts(self.at(&["Conditions", condition]));
        names.into_iter().find(|name| !self.at(&["Parameters", name]).is_badvalue())
    }
}

/// Every scalar in a value, in order.
pub fn texts(value: &Yaml) -> Vec<String> {
    match value {
        Yaml::Array(values) => values.iter().flat_map(texts).collect(),
        Yaml::Hash(mapping) => mapping.values().flat_map(texts).collect(),
        _ => scalar(value).into_iter().collect(),
    }
}

pub fn scalar(value: &Yaml) -> Option<String> {
    match value {
        Yaml::String(text) | Yaml::Real(text) => Some(text.clone()),
        Yaml::Integer(number) => Some(number.to_string()),
        Yaml::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}
