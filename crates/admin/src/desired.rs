//! The endpoints that are wanted: `endpoints.json`, whose schema is `endpoints.schema.json`.

use crate::error::Error;
use serde::Deserialize;
use std::collections::HashSet;

/// An endpoint that shall be registered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredEndpoint {
    /// Its name here: the last part of its path, and of its secret's name.
    pub name: String,
    /// The event types that it shall get; `None` is all, those that are still to come included.
    #[serde(default)]
    pub events: Option<Vec<String>>,
    /// The one entity that it shall hear of.
    #[serde(default)]
    pub entity_id: Option<String>,
    /// Whether it shall be registered at all. HeyGen cannot switch an endpoint off.
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

impl DesiredEndpoint {
    /// One that gets everything.
    pub fn all_events(name: &str) -> Self {
        DesiredEndpoint { name: name.to_owned(), events: None, entity_id: None, enabled: true }
    }
}

/// Reads `endpoints.json` for a deployment with these endpoints; an empty text wants all of them,
/// with all events.
///
/// # Errors
///
/// The first thing that is wrong, with the field that it is wrong in.
pub fn wanted(json: &str, names: &[String]) -> Result<Vec<DesiredEndpoint>, Error> {
    if json.trim().is_empty() {
        return Ok(names.iter().map(|name| DesiredEndpoint::all_events(name)).collect());
    }
    let mut reader = serde_json::Deserializer::from_str(json);
    let file: Result<File, _> = serde_path_to_error::deserialize(&mut reader);
    let file = file.map_err(|error| {
        let path = error.path().to_string();
        wrong(if [".", "?"].contains(&path.as_str()) { "the document" } else { &path }, error.inner())
    })?;
    reader.end().map_err(|error| wrong("the document", error))?;
    let mut seen = HashSet::new();
    for (index, endpoint) in file.endpoints.iter().enumerate() {
        let field = |name: &str| format!("endpoints[{index}].{name}");
        let DesiredEndpoint { name, events, entity_id, enabled: _ } = endpoint;
        if !names.contains(name) {
            let known = names.join(", ");
            let why = format!(
                "{name:?} is not received here; the deployment's parameter Endpoints has {known}: add it there, or correct it"
            );
            return Err(wrong(&field("name"), why));
        }
        if !seen.insert(name) {
            return Err(wrong(&field("name"), format!("{name:?} is there twice: remove one")));
        }
        if entity_id.as_ref().is_some_and(String::is_empty) {
            return Err(wrong(&field("entity_id"), "it is empty: leave it out to hear of every entity"));
        }
        let Some(events) = events else { continue };
        if events.is_empty() {
            return Err(wrong(&field("events"), "the list is empty: name at least one event type, or null for all"));
        }
        let mut types = HashSet::new();
        for (at, event) in events.iter().enumerate() {
            let field = field(&format!("events[{at}]"));
            if !is_event_type(event) {
                return Err(wrong(&field, format!("{event:?} is not an event type such as avatar_video.success")));
            }
            if !types.insert(event) {
                return Err(wrong(&field, format!("{event:?} is there twice: remove one")));
            }
        }
    }
    Ok(file.endpoints)
}

fn is_event_type(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn wrong(field: &str, why: impl std::fmt::Display) -> Error {
    Error::DesiredEndpoint { field: field.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["main".into(), "second".into()]
    }

    #[test]
    fn nothing_said_is_everything_wanted() {
        assert_eq!(
            wanted(" ", &names()).unwrap(),
            [DesiredEndpoint::all_events("main"), DesiredEndpoint::all_events("second")]
        );
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let json = r#"{"$schema": "x", "endpoints": [{"name": "main"}, {"name": "second", "events": ["a.b"], "enabled": false}]}"#;
        let endpoints = wanted(json, &names()).unwrap();
        assert_eq!(endpoints[0], DesiredEndpoint::all_events("main"));
        assert_eq!((endpoints[1].events.clone().unwrap(), endpoints[1].enabled), (vec!["a.b".to_owned()], false));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field() {
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
            let error = wanted(json, &names()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("endpoints.json: {field}: ")), "{json}: {error}");
        }
    }
}
