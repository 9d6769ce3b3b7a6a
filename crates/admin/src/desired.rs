//! The configured endpoints: `endpoints.json`, whose schema is `endpoints.schema.json`.

use serde::Deserialize;
use std::collections::HashSet;
use std::fmt::Display;
use thiserror::Error;

/// An endpoint that should be registered at HeyGen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredEndpoint {
    /// The last part of its path, and of its secret's name.
    pub name: String,
    /// The event types that it gets; `None` is all, future ones included.
    #[serde(default)]
    pub events: Option<Vec<String>>,
    /// The only entity whose events it gets.
    #[serde(default)]
    pub entity_id: Option<String>,
    /// Whether it should be registered. HeyGen cannot switch an endpoint off.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "$schema")]
    _schema: Option<String>,
    endpoints: Vec<DesiredEndpoint>,
}

/// The first error in `endpoints.json`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("endpoints.json: {field}: {reason}")]
pub struct InvalidFile {
    /// As a path, such as `endpoints[0].name`.
    pub field: String,
    pub reason: String,
}

impl InvalidFile {
    fn new(field: &str, reason: impl Display) -> Self {
        InvalidFile { field: field.to_owned(), reason: reason.to_string() }
    }
}

impl DesiredEndpoint {
    pub fn all_events(name: &str) -> Self {
        DesiredEndpoint { name: name.to_owned(), events: None, entity_id: None, enabled: true }
    }
}

/// Reads `endpoints.json` for a deployment with these endpoint names. An empty text means all of them, with all events.
pub fn desired_endpoints(json: &str, names: &[String]) -> Result<Vec<DesiredEndpoint>, InvalidFile> {
    if json.trim().is_empty() {
        return Ok(names.iter().map(|name| DesiredEndpoint::all_events(name)).collect());
    }
    let mut reader = serde_json::Deserializer::from_str(json);
    let file: File = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        InvalidFile::new(if [".", "?"].contains(&path.as_str()) { "the document" } else { &path }, error.inner())
    })?;
    reader.end().map_err(|error| InvalidFile::new("the document", error))?;
    let mut checked = HashSet::new();
    for (index, endpoint) in file.endpoints.iter().enumerate() {
        let field = |name: &str| format!("endpoints[{index}].{name}");
        let DesiredEndpoint { name, events, entity_id, enabled: _ } = endpoint;
        if !names.contains(name) {
            let configured = names.join(", ");
            let reason = format!(
                "unknown endpoint {name:?} (configured: {configured}): add it to the deployment's parameter Endpoints, or correct it"
            );
            return Err(InvalidFile::new(&field("name"), reason));
        }
        if !checked.insert(name) {
            return Err(InvalidFile::new(&field("name"), format!("duplicate {name:?}: remove one")));
        }
        if entity_id.as_ref().is_some_and(String::is_empty) {
            return Err(InvalidFile::new(
                &field("entity_id"),
                "it is empty: leave it out for the events of every entity",
            ));
        }
        if let Some(events) = events {
            check_events(events, &field)?;
        }
    }
    Ok(file.endpoints)
}

fn check_events(events: &[String], field: &dyn Fn(&str) -> String) -> Result<(), InvalidFile> {
    if events.is_empty() {
        let reason = "the list is empty: name at least one event type, or use null for all";
        return Err(InvalidFile::new(&field("events"), reason));
    }
    let mut checked = HashSet::new();
    for (index, event) in events.iter().enumerate() {
        let field = field(&format!("events[{index}]"));
        if !is_event_type(event) {
            let reason = format!("{event:?} is not an event type such as avatar_video.success");
            return Err(InvalidFile::new(&field, reason));
        }
        if !checked.insert(event) {
            return Err(InvalidFile::new(&field, format!("duplicate {event:?}: remove one")));
        }
    }
    Ok(())
}

fn is_event_type(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["main".into(), "second".into()]
    }

    #[test]
    fn an_empty_file_means_all_endpoints_with_all_events() {
        assert_eq!(
            desired_endpoints(" ", &names()).unwrap(),
            [DesiredEndpoint::all_events("main"), DesiredEndpoint::all_events("second")]
        );
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let json = r#"{"$schema": "x", "endpoints": [{"name": "main"}, {"name": "second", "events": ["a.b"], "enabled": false}]}"#;
        let endpoints = desired_endpoints(json, &names()).unwrap();
        assert_eq!(endpoints[0], DesiredEndpoint::all_events("main"));
        assert_eq!((endpoints[1].events.clone().unwrap(), endpoints[1].enabled), (vec!["a.b".to_owned()], false));
    }

    #[test]
    fn an_error_names_its_field() {
        for (json, field) in [
            ("[]", "the document"),
            ("{", "the document"),
            (r#"{"endpoints": []} x"#, "the document"),
            ("{}", "the document"),
            (r#"{"endpoints": {}}"#, "endpoints"),
            (r#"{"endpoints": [], "extra": 1}"#, "extra"),
            (r#"{"endpoints": [{}]}"#, "endpoints[0]"),
            (r#"{"endpoints": [{"name": 1}]}"#, "endpoints[0].name"),
            (r#"{"endpoints": [{"name": "third"}]}"#, "endpoints[0].name"),
            (r#"{"endpoints": [{"name": "main"}, {"name": "main"}]}"#, "endpoints[1].name"),
            (r#"{"endpoints": [{"name": "main", "event": []}]}"#, "endpoints[0].event"),
            (r#"{"endpoints": [{"name": "main", "events": []}]}"#, "endpoints[0].events"),
            (r#"{"endpoints": [{"name": "main", "events": "all"}]}"#, "endpoints[0].events"),
            (r#"{"endpoints": [{"name": "main", "events": ["a", 1]}]}"#, "endpoints[0].events[1]"),
            (r#"{"endpoints": [{"name": "main", "events": ["a", "a"]}]}"#, "endpoints[0].events[1]"),
            (r#"{"endpoints": [{"name": "main", "events": ["a b"]}]}"#, "endpoints[0].events[0]"),
            (r#"{"endpoints": [{"name": "main", "entity_id": ""}]}"#, "endpoints[0].entity_id"),
            (r#"{"endpoints": [{"name": "main", "enabled": "no"}]}"#, "endpoints[0].enabled"),
        ] {
            let error = desired_endpoints(json, &names()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("endpoints.json: {field}: ")), "{json}: {error}");
        }
    }
}
