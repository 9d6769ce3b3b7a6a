//! The requests that the function accepts.

use crate::error::Error;
use serde::Deserialize;
use serde_json::{Value, json};

/// A request, written in JSON as `{"action": "sync", "prune": true}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Shows what would change; with `endpoints`, if these were configured, as in `endpoints.json`.
    Plan {
        #[serde(default)]
        endpoints: Option<Vec<Value>>,
    },
    /// Makes the changes.
    Sync(SyncOptions),
    /// Gives one endpoint a new signing secret.
    Rotate {
        endpoint: String,
        /// Accept no earlier secret any more, because one is known to others.
        #[serde(default)]
        revoke: bool,
    },
    /// Deletes one endpoint; with `force` also one in use, or of others.
    Delete {
        /// HeyGen's id.
        endpoint_id: String,
        #[serde(default)]
        force: bool,
    },
    /// Makes one endpoint ours, with a new secret; with `force` also one whose URL does not lead here.
    Adopt {
        /// HeyGen's id.
        endpoint_id: String,
        /// Its name in `endpoints.json`; by default the name in its URL.
        #[serde(default)]
        endpoint: Option<String>,
        #[serde(default)]
        force: bool,
    },
    /// Proves that one endpoint works, or all of them: posts a signed probe to its URL.
    Verify {
        #[serde(default)]
        endpoint: Option<String>,
    },
    /// Lists the endpoints with their state and drift.
    List {},
    /// Compares HeyGen's event types with those that this version knows.
    EventTypes {},
    /// Lists the events that HeyGen delivered, 100 to a page.
    Deliveries {
        #[serde(default)]
        event_type: Option<String>,
        #[serde(default)]
        entity_id: Option<String>,
        /// The previous page's `next_token`.
        #[serde(default)]
        token: Option<String>,
    },
    /// Lists the jobs and events that are recorded.
    Jobs(JobsOf),
}

/// Whose jobs and events: in JSON one of `callback_id` and `entity_id`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "JobsFields")]
pub enum JobsOf {
    CallbackId(String),
    EntityId(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JobsFields {
    #[serde(default)]
    callback_id: Option<String>,
    #[serde(default)]
    entity_id: Option<String>,
}

impl TryFrom<JobsFields> for JobsOf {
    type Error = &'static str;

    fn try_from(fields: JobsFields) -> Result<Self, Self::Error> {
        match (fields.callback_id, fields.entity_id) {
            (Some(id), None) if !id.is_empty() => Ok(JobsOf::CallbackId(id)),
            (None, Some(id)) if !id.is_empty() => Ok(JobsOf::EntityId(id)),
            _ => Err("the action jobs needs either callback_id or entity_id, and not both"),
        }
    }
}

/// How far a sync may go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncOptions {
    /// Sync only if the plan still has this checksum.
    #[serde(default)]
    pub checksum: Option<String>,
    /// Also delete our endpoints that are not configured.
    #[serde(default)]
    pub prune: bool,
    /// Also adopt endpoints that another deployment may use, which takes their secret away from it.
    #[serde(default)]
    pub adopt: bool,
    /// Ignore the limits on deletions.
    #[serde(default)]
    pub force: bool,
}

impl Action {
    /// Every action. Each has a sample request in `events/admin` and a sample reply in `events/admin/replies`.
    pub const NAMES: [&'static str; 10] =
        ["plan", "sync", "rotate", "delete", "adopt", "verify", "list", "event-types", "deliveries", "jobs"];

    /// The name in a request.
    pub fn name(&self) -> &'static str {
        // By index, so that a new action does not compile until `NAMES` has its name.
        match self {
            Action::Plan { .. } => Self::NAMES[0],
            Action::Sync(_) => Self::NAMES[1],
            Action::Rotate { .. } => Self::NAMES[2],
            Action::Delete { .. } => Self::NAMES[3],
            Action::Adopt { .. } => Self::NAMES[4],
            Action::Verify { .. } => Self::NAMES[5],
            Action::List {} => Self::NAMES[6],
            Action::EventTypes {} => Self::NAMES[7],
            Action::Deliveries { .. } => Self::NAMES[8],
            Action::Jobs(_) => Self::NAMES[9],
        }
    }

    /// Reads a request. One without an `action` is a plan, because a plan changes nothing.
    pub fn read(mut request: Value) -> Result<Self, Error> {
        match &mut request {
            Value::Null => return Ok(Action::Plan { endpoints: None }),
            Value::Object(fields) => drop(fields.entry("action").or_insert(json!("plan"))),
            _ => return Err(Error::InvalidRequest("not a JSON object".to_owned())),
        }
        serde_json::from_value(request).map_err(|error| Error::InvalidRequest(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_an_action_is_a_plan_and_a_wrong_one_is_an_error() {
        for plan in [Value::Null, json!({}), json!({"action": "plan"})] {
            assert_eq!(Action::read(plan).unwrap(), Action::Plan { endpoints: None });
        }
        let sync = Action::read(json!({"action": "sync", "prune": true})).unwrap();
        assert_eq!(sync, Action::Sync(SyncOptions { prune: true, ..SyncOptions::default() }));
        assert_eq!(Action::read(json!({"action": "event-types"})).unwrap(), Action::EventTypes {});
        let rotate = Action::read(json!({"action": "rotate", "endpoint": "main"})).unwrap();
        assert_eq!(rotate, Action::Rotate { endpoint: "main".to_owned(), revoke: false });
        let jobs = Action::read(json!({"action": "jobs", "callback_id": "order_1"})).unwrap();
        assert_eq!(jobs, Action::Jobs(JobsOf::CallbackId("order_1".to_owned())));
        for (wrong, word) in [
            (json!({"action": "jobs"}), "callback_id"),
            (json!({"action": "jobs", "callback_id": ""}), "callback_id"),
            (json!({"action": "jobs", "callback_id": "c", "entity_id": "v"}), "not both"),
            (json!({"action": "jobs", "callback": "c"}), "callback"),
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
