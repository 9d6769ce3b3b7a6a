//! Sample events, by the name of their type or by file, with fields replaced.

use crate::error::{Context, Error, Result};
use crate::stack_dir::workspace;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use webhook::Platform;

/// A field of `event_data`, as `name=value`. The value is text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    value: String,
}

impl Field {
    pub fn new(name: &str, value: &str) -> Self {
        Field { name: name.to_owned(), value: value.to_owned() }
    }
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected FIELD=VALUE, such as video_id=v1")?;
        if name.is_empty() {
            return Err("the field has no name; expected FIELD=VALUE".to_owned());
        }
        Ok(Field::new(name, value))
    }
}

/// The platform of an event that is named as `synthesia/video.completed`, or whose file is in a folder of that name.
pub fn platform(event: &str) -> Platform {
    let folder = Path::new(event).parent().and_then(Path::file_name).and_then(|folder| folder.to_str());
    folder.and_then(|folder| folder.parse().ok()).unwrap_or_default()
}

/// The body in a file, or the sample of an event type.
pub fn read(event: &str) -> Result<Vec<u8>> {
    let path = Path::new(event);
    if path.is_file() {
        return fs::read(path).context(format_args!("Reading {event}"));
    }
    let sample = samples().join(format!("{event}.json"));
    let is_ours = !event.contains('/') || platform(event) != Platform::HeyGen && event.split('/').count() == 2;
    if !is_ours || !sample.is_file() {
        let names = names()?.join("\n  ");
        return Err(Error::Failed(format!(
            "unknown event {event:?}: neither a file nor a sample of events/deliveries:\n  {names}"
        )));
    }
    fs::read(&sample).context(format_args!("Reading {}", sample.display()))
}

/// The sample of an event type for another order: with its `callback_id`, and about an entity of its own, because HeyGen
/// never sends one video with two `callback_id`s.
pub fn of_order(platform: Platform, body: &[u8], callback_id: &str) -> Result<Vec<u8>> {
    let mut event: Value = serde_json::from_slice(body).context("Reading the event, to change its callback_id")?;
    #[expect(clippy::disallowed_methods, reason = "the bytes are a sample file")]
    let entity_id = platforms::read(platform, &webhook::Verified::assume_authentic(body.to_vec())).entity_id;
    if let Some(data) = event[data_name(platform)].as_object_mut() {
        for value in data.values_mut() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if Some(&text) == entity_id.as_ref() {
                *value = Value::String(format!("{text}_{callback_id}"));
            }
        }
        // ElevenLabs repeats no value of yours in the events of flows: the entity is the order.
        let name = match platform {
            Platform::Synthesia => Some("callbackId"),
            Platform::ElevenLabs | Platform::Tavus | Platform::Did => None,
            Platform::HeyGen => Some("callback_id"),
        };
        data.extend(name.map(|name| (name.to_owned(), Value::String(callback_id.to_owned()))));
    }
    serde_json::to_vec(&event).context("Writing the event")
}

/// The field of an event with what it is about.
fn data_name(platform: Platform) -> &'static str {
    match platform {
        Platform::HeyGen => "event_data",
        Platform::Synthesia | Platform::ElevenLabs | Platform::Tavus | Platform::Did => "data",
    }
}

/// The body with these fields in its `event_data`; as it is, byte for byte, without any.
pub fn with_fields(platform: Platform, body: Vec<u8>, fields: &[Field]) -> Result<Vec<u8>> {
    if fields.is_empty() {
        return Ok(body);
    }
    let mut event: Value = serde_json::from_slice(&body).context("Reading the event, to change fields of it")?;
    let name = data_name(platform);
    let data = event[name].as_object_mut();
    let data = data.ok_or_else(|| Error::Failed(format!("this event has no {name} whose fields could be changed")))?;
    for Field { name, value } in fields {
        data.insert(name.clone(), Value::String(value.clone()));
    }
    serde_json::to_vec(&event).context("Writing the event")
}

fn samples() -> PathBuf {
    workspace().join("events/deliveries")
}

fn names() -> Result<Vec<String>> {
    let entries = fs::read_dir(samples()).context("Reading events/deliveries")?;
    let mut names = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        match path.is_dir() {
            true => names.extend(stems(&path)?.iter().map(|name| format!("{}/{name}", stem(&path)))),
            false => names.extend(Some(stem(&path)).filter(|_| is_json(&path))),
        }
    }
    names.sort();
    Ok(names)
}

fn stems(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).context("Reading events/deliveries")?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths.filter(|path| is_json(path)).map(|path| stem(&path)).collect())
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_found_by_its_type_or_by_its_file() {
        let by_type = read("avatar_video.success").unwrap();
        let file = samples().join("avatar_video.success.json");
        assert_eq!(by_type, read(&file.to_string_lossy()).unwrap());
        let error = read("avatar_video.done").unwrap_err().to_string();
        assert!(error.contains("\"avatar_video.done\"") && error.contains("\n  avatar_video.success\n"), "{error}");
    }

    #[test]
    fn the_sample_of_another_platform_is_named_with_it() {
        let body = read("synthesia/video.completed").unwrap();
        assert_eq!(platform("synthesia/video.completed"), Platform::Synthesia);
        assert_eq!(platform("avatar_video.success"), Platform::HeyGen);
        let own: Value = serde_json::from_slice(&of_order(Platform::Synthesia, &body, "one").unwrap()).unwrap();
        assert_eq!(own["data"]["callbackId"], "one");
        for wrong in ["synthesia/none", "sora/video.completed", "../deliveries/avatar_video.success"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_sample_of_another_order_is_about_another_entity() {
        for (sample, name) in [("avatar_video.success", "video_id"), ("hologram_video.success", "id")] {
            let of = |order: &str| -> Value {
                serde_json::from_slice(&of_order(Platform::HeyGen, &read(sample).unwrap(), order).unwrap()).unwrap()
            };
            let (one, other) = (of("one"), of("other"));
            assert_eq!(one["event_data"]["callback_id"], "one");
            assert!(one["event_data"][name].as_str().unwrap().ends_with("_one"), "{one}");
            assert_ne!(one["event_data"][name], other["event_data"][name]);
        }
    }

    #[test]
    fn fields_of_event_data_are_replaced_and_added_and_nothing_else_changes() {
        let fields = ["callback_id=my_order".parse().unwrap(), "note=a=b".parse().unwrap()];
        let body = with_fields(Platform::HeyGen, read("avatar_video.success").unwrap(), &fields).unwrap();
        let (changed, mut sample): (Value, Value) = (
            serde_json::from_slice(&body).unwrap(),
            serde_json::from_slice(&read("avatar_video.success").unwrap()).unwrap(),
        );
        sample["event_data"]["callback_id"] = "my_order".into();
        sample["event_data"]["note"] = "a=b".into();
        assert_eq!(changed, sample);
        assert_eq!(with_fields(Platform::HeyGen, b"not JSON".to_vec(), &[]).unwrap(), b"not JSON");
        assert!(with_fields(Platform::HeyGen, b"not JSON".to_vec(), &fields).is_err());
        assert!("video_id".parse::<Field>().is_err() && "=v1".parse::<Field>().is_err());
    }
}
