//! What the function can be asked for.

use crate::error::Error;
use serde::Deserialize;
use serde_json::{Value, json};

/// An action, as JSON names it: `{"action": "sync", "prune": true}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// What would change.
    Plan {},
    /// Change it.
    Sync(Sync),
    /// A new secret for one endpoint.
    Rotate {
        /// The endpoint's name.
        endpoint: String,
    },
    /// The endpoints, with state and drift.
    List {},
    /// HeyGen's event types against those that this version knows.
    EventTypes {},
    /// The events that HeyGen says it delivered, a page of 100 at a time.
    Deliveries {
        /// Only those of this type.
        #[serde(default)]
        event_type: Option<String>,
        /// Only those about this entity.
        #[serde(default)]
        entity_id: Option<String>,
        /// Where the page before this one ended.
        #[serde(default)]
        token: Option<String>,
    },
}

/// How far a sync may go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    /// Only if the plan is still the one with this checksum.
    #[serde(default)]
    pub checksum: Option<String>,
    /// Delete what is ours and not wanted.
    #[serde(default)]
    pub prune: bool,
    /// Delete or replace more than the limits allow.
    #[serde(default)]
    pub force: bool,
}

impl Action {
    /// Reads a request; one that does not say what it wants gets a plan.
    pub fn read(mut request: Value) -> Result<Self, Error> {
        match &mut request {
            Value::Null => return Ok(Action::Plan {}),
            Value::Object(fields) => drop(fields.entry("action").or_insert(json!("plan"))),
            _ => return Err(Error::Request("it is not a JSON object".to_owned())),
        }
        serde_json::from_value(request).map_err(|error| Error::Request(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_a_plan_and_what_is_said_wrong_is_an_error() {
        for plan in [Value::Null, json!({}), json!({"action": "plan"})] {
            assert_eq!(Action::read(plan).unwrap(), Action::Plan {});
        }
        let sync = Action::read(json!({"action": "sync", "prune": true})).unwrap();
        assert_eq!(sync, Action::Sync(Sync { prune: true, ..Sync::default() }));
        assert_eq!(Action::read(json!({"action": "event-types"})).unwrap(), Action::EventTypes {});
        for (wrong, word) in [
            (json!({"action": "sing"}), "sing"),
            (json!({"action": "sync", "purge": true}), "purge"),
            (json!({"action": "plan", "prune": true}), "prune"),
            (json!({"action": "rotate"}), "endpoint"),
            (json!([]), "object"),
        ] {
            let error = Action::read(wrong).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
