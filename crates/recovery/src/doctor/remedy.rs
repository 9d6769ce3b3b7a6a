//! What mends a finding: a sentence, and where one request does it, that request. Pure.

use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// A function that takes requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    Admin,
    Recovery,
}

/// In JSON `{"function": "admin", "payload": {"action": "sync"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    pub function: Function,
    pub payload: Value,
}

impl Request {
    pub(crate) fn admin(payload: Value) -> Self {
        Request { function: Function::Admin, payload }
    }

    pub(crate) fn recovery(payload: Value) -> Self {
        Request { function: Function::Recovery, payload }
    }

    /// The same on a local stack, such as `make rotate ENDPOINT=main`.
    fn make(&self) -> String {
        let mut command = format!("make {}", self.payload["action"].as_str().unwrap_or_default());
        for (field, value) in self.payload.as_object().into_iter().flatten().filter(|(field, _)| *field != "action") {
            command += &match value {
                Value::Bool(false) if field == "dry_run" => " REALLY=1".to_owned(),
                Value::Bool(is_wanted) => format!(" {}={}", field.to_uppercase(), u8::from(*is_wanted)),
                Value::String(text) => format!(" {}={text}", field.to_uppercase()),
                other => format!(" {}={other}", field.to_uppercase()),
            };
        }
        command
    }
}

/// As a command: the functions `admin` and `recovery` of the shell are those of docs/operations.md.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = match self.function {
            Function::Admin => "admin",
            Function::Recovery => "recovery",
        };
        write!(f, "{function} '{}' (on a local stack `{}`)", self.payload, self.make())
    }
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remedy {
    pub(crate) sentence: String,
    pub(crate) request: Option<Request>,
}

impl Remedy {
    /// What the request does, if it does all.
    pub(crate) fn run(request: Request) -> Self {
        Remedy { sentence: format!("Run {request}."), request: Some(request) }
    }

    /// The same, after something that a person has to do or decide first.
    pub(crate) fn first(self, sentence: &str) -> Self {
        Remedy { sentence: format!("{sentence} {}", self.sentence), ..self }
    }

    pub(crate) fn then(self, sentence: &str) -> Self {
        Remedy { sentence: format!("{} {sentence}", self.sentence), ..self }
    }
}

impl From<String> for Remedy {
    fn from(sentence: String) -> Self {
        Remedy { sentence, request: None }
    }
}

impl From<&str> for Remedy {
    fn from(sentence: &str) -> Self {
        sentence.to_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_is_a_command_on_aws_and_one_on_a_local_stack() {
        let replay = Request::recovery(json!({"action": "replay", "undelivered": true, "dry_run": false}));
        let rotate = Request::admin(json!({"action": "rotate", "endpoint": "main"}));
        assert_eq!(
            replay.to_string(),
            r#"recovery '{"action":"replay","dry_run":false,"undelivered":true}' (on a local stack `make replay REALLY=1 UNDELIVERED=1`)"#
        );
        assert_eq!(
            rotate.to_string(),
            r#"admin '{"action":"rotate","endpoint":"main"}' (on a local stack `make rotate ENDPOINT=main`)"#
        );
    }
}
