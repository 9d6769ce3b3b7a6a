//! The configured endpoints: `endpoints.json`, whose schema is `endpoints.schema.json`.

use crate::webhook_api::{DeliversTo, WebhookApi};
use aws::endpoints::{PlatformEndpoint, PlatformEndpoints};
use serde::Deserialize;
use std::collections::HashSet;
use std::fmt::Display;
use thiserror::Error;
use webhook::Platform;

/// An endpoint that should be registered at HeyGen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredEndpoint {
    /// The last part of its path, and of its secret's name.
    pub name: String,
    /// The event types that it gets; `None` is all, future ones included.
    pub events: Option<Vec<String>>,
    /// The only entity whose events it gets.
    pub entity_id: Option<String>,
    /// Whether it should be registered. HeyGen cannot switch an endpoint off.
    pub enabled: bool,
}

/// A webhook that should be registered at another platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredWebhook {
    pub endpoint: PlatformEndpoint,
    /// The event types that it gets; `None` is all that this version knows.
    pub events: Option<Vec<String>>,
    /// Whether ElevenLabs tries again, where it can.
    pub retry: bool,
    /// Whether it should be registered.
    pub enabled: bool,
}

/// What `endpoints.json` says, for each platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    pub heygen: Vec<DesiredEndpoint>,
    /// One for each endpoint of a platform where webhooks are registered, whether the file has it or not.
    pub webhooks: Vec<DesiredWebhook>,
}

/// An element of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    platform: Platform,
    name: String,
    #[serde(default)]
    events: Option<Vec<String>>,
    #[serde(default)]
    entity_id: Option<String>,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    retry: Option<bool>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "$schema")]
    _schema: Option<String>,
    endpoints: Vec<Entry>,
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

impl DesiredWebhook {
    pub fn all_events(endpoint: PlatformEndpoint) -> Self {
        DesiredWebhook { endpoint, events: None, retry: true, enabled: true }
    }
}

/// Reads `endpoints.json` for a deployment with these endpoints at HeyGen, and none at other platforms. An empty text means
/// all of them, with all events.
pub fn desired_endpoints(json: &str, names: &[String]) -> Result<Vec<DesiredEndpoint>, InvalidFile> {
    Ok(desired(json, names, &PlatformEndpoints::default())?.heygen)
}

/// The same with endpoints at other platforms. Those that the file does not name are registered with all events.
pub fn desired(json: &str, names: &[String], others: &PlatformEndpoints) -> Result<Desired, InvalidFile> {
    let registered = others.0.iter().filter(|endpoint| WebhookApi::of(endpoint.platform).is_some());
    let mut webhooks: Vec<_> = registered.cloned().map(DesiredWebhook::all_events).collect();
    if json.trim().is_empty() {
        let heygen = names.iter().map(|name| DesiredEndpoint::all_events(name)).collect();
        return Ok(Desired { heygen, webhooks });
    }
    let mut reader = serde_json::Deserializer::from_str(json);
    let file: File = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        InvalidFile::new(if [".", "?"].contains(&path.as_str()) { "the document" } else { &path }, error.inner())
    })?;
    reader.end().map_err(|error| InvalidFile::new("the document", error))?;
    let mut checked = HashSet::new();
    let mut heygen = Vec::new();
    for (index, entry) in file.endpoints.into_iter().enumerate() {
        let field = |name: &str| format!("endpoints[{index}].{name}");
        let (platform, name) = (entry.platform, &entry.name);
        match platform {
            Platform::HeyGen => check_name(name, names, &field)?,
            _ => check_platform(&entry, others, &field)?,
        }
        if !checked.insert((platform, name.clone())) {
            return Err(InvalidFile::new(&field("name"), format!("duplicate {name:?}: remove one")));
        }
        if entry.entity_id.as_ref().is_some_and(String::is_empty) {
            return Err(InvalidFile::new(
                &field("entity_id"),
                "it is empty: leave it out for the events of every entity",
            ));
        }
        if entry.retry.is_some() && !WebhookApi::of(platform).is_some_and(WebhookApi::chooses_retries) {
            return Err(InvalidFile::new(&field("retry"), "only ElevenLabs has this setting: remove it"));
        }
        if let Some(events) = &entry.events {
            check_events(events, &field)?;
        }
        let Entry { name, events, entity_id, enabled, retry, .. } = entry;
        match webhooks.iter_mut().find(|webhook| webhook.endpoint.platform == platform && webhook.endpoint.name == name)
        {
            Some(webhook) => {
                *webhook =
                    DesiredWebhook { endpoint: webhook.endpoint.clone(), events, retry: retry.unwrap_or(true), enabled }
            }
            None => heygen.push(DesiredEndpoint { name, events, entity_id, enabled }),
        }
    }
    Ok(Desired { heygen, webhooks })
}

fn check_name(name: &String, names: &[String], field: &dyn Fn(&str) -> String) -> Result<(), InvalidFile> {
    if names.contains(name) {
        return Ok(());
    }
    let configured = names.join(", ");
    let reason = format!(
        "unknown endpoint {name:?} (configured: {configured}): add it to the deployment's parameter Endpoints, or correct it"
    );
    Err(InvalidFile::new(&field("name"), reason))
}

/// Checks an entry of another platform.
fn check_platform(
    entry: &Entry,
    others: &PlatformEndpoints,
    field: &dyn Fn(&str) -> String,
) -> Result<(), InvalidFile> {
    let Entry { platform, name, entity_id, .. } = entry;
    let (title, endpoint) = (platform.title(), format!("{platform}/{name}"));
    match DeliversTo::of(*platform) {
        DeliversTo::Webhook(_) => {}
        DeliversTo::CallbackUrl => {
            let reason =
                format!("{title} has no webhooks to register, only a callback URL for each job: remove the entry");
            return Err(InvalidFile::new(&field("platform"), reason));
        }
    }
    if others.0.iter().all(|other| other.platform != *platform || other.name != *name) {
        let configured = others.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let configured = if configured.is_empty() { "none" } else { &configured };
        let reason = format!(
            "unknown endpoint {endpoint:?} (configured: {configured}): add it to the deployment's parameter PlatformEndpoints, or correct it"
        );
        return Err(InvalidFile::new(&field("name"), reason));
    }
    if entity_id.is_some() {
        let reason = format!("{title} cannot limit a webhook to one entity: remove it");
        return Err(InvalidFile::new(&field("entity_id"), reason));
    }
    Ok(())
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

    fn others() -> PlatformEndpoints {
        "synthesia/main,elevenlabs/main,tavus/main,heygen/main".parse().unwrap()
    }

    #[test]
    fn an_entry_of_another_platform_changes_its_endpoint_and_one_without_an_entry_gets_all_events() {
        let json = r#"{"endpoints": [{"name": "main"},
            {"platform": "elevenlabs", "name": "main", "events": ["flows"], "retry": false}]}"#;
        let desired = desired(json, &names(), &others()).unwrap();
        assert_eq!(desired.heygen, [DesiredEndpoint::all_events("main")]);
        let [synthesia, elevenlabs] = &desired.webhooks[..] else { panic!("{:?}", desired.webhooks) };
        assert_eq!(*synthesia, DesiredWebhook::all_events("synthesia/main".parse().unwrap()));
        assert_eq!((elevenlabs.events.clone().unwrap(), elevenlabs.retry), (vec!["flows".to_owned()], false));
    }

    #[test]
    fn an_entry_of_a_platform_that_is_not_configured_says_what_to_do() {
        for (entry, words) in [
            (
                r#"{"platform": "synthesia", "name": "second"}"#,
                "add it to the deployment's parameter PlatformEndpoints",
            ),
            (r#"{"platform": "tavus", "name": "main"}"#, "a callback URL for each job: remove the entry"),
            (r#"{"platform": "sora", "name": "main"}"#, "endpoints[0].platform"),
            (r#"{"platform": "synthesia", "name": "main", "entity_id": "v1"}"#, "endpoints[0].entity_id"),
            (r#"{"platform": "synthesia", "name": "main", "retry": true}"#, "endpoints[0].retry"),
            (r#"{"name": "main", "retry": true}"#, "endpoints[0].retry"),
        ] {
            let json = format!(r#"{{"endpoints": [{entry}]}}"#);
            let error = desired(&json, &names(), &others()).unwrap_err().to_string();
            assert!(error.contains(words), "{entry}: {error}");
        }
        let json = r#"{"endpoints": [{"platform": "synthesia", "name": "main"}]}"#;
        assert!(desired_endpoints(json, &names()).unwrap_err().to_string().contains("configured: none"));
    }
}
