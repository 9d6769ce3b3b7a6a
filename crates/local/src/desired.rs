//! The webhook endpoints of a local stack, and which of them it registers.

use crate::error::{Context, Result};
use crate::platforms;
use crate::stack_dir::workspace;
use serde::Deserialize;
use serde_json::json;
use std::fs;

/// The template's parameters `Endpoints` and `EndpointsJson`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Every endpoint that is received.
    pub names: Vec<String>,
    /// Those that are registered, as `endpoints.json` says it.
    pub json: String,
    /// The parameter `PlatformEndpoints`.
    pub platforms: String,
}

#[derive(Deserialize)]
struct Registered {
    endpoints: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Desired {
    /// As in `endpoints.json`.
    pub fn checked_in() -> Result<Self> {
        let json = fs::read_to_string(workspace().join("endpoints.json")).context("Reading endpoints.json")?;
        Self::read(json)
    }

    fn read(json: String) -> Result<Self> {
        let registered: Registered = serde_json::from_str(&json).context("Reading endpoints.json")?;
        let names = registered.endpoints.into_iter().map(|endpoint| endpoint.name).collect();
        Ok(Desired { names, json, platforms: platforms::endpoints() })
    }

    /// For tests: `main` and `second` are registered; `unset` has no secret, `rotating` one that a
    /// test may change, and `managed-a` and `managed-b` are for tests of registration.
    pub fn for_tests() -> Self {
        let names = ["main", "second", "unset", "rotating", "managed-a", "managed-b"];
        let json = json!({"endpoints": [{"name": "main"}, {"name": "second"}]});
        // Without other platforms, as most deployments are: tests of those have a stack of their own.
        Desired { names: names.map(str::to_owned).to_vec(), json: json.to_string(), platforms: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_is_received() {
        let checked_in = Desired::checked_in().unwrap();
        assert!(checked_in.names.contains(&"main".to_owned()), "the demonstration needs it");
        let tests = Desired::for_tests();
        let registered = Desired::read(tests.json.clone()).unwrap().names;
        assert!(registered.iter().all(|name| tests.names.contains(name)));
        assert!(Desired::read("[]".to_owned()).is_err());
    }
}
