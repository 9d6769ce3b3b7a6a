//! The event that an answer of the API is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use webhook::fields::Fields;
use webhook::json::{each_field, text, texts};
use webhook::{Event, Failure, LookUp, Platform, Status, Verified};

use crate::kind::Kind;

/// This crate's names of the results, and D-ID's. `pending_url` is where a result will be, and `audio_url` what was given.
const LINKS: [(&str, &str); 3] =
    [("video", "result_url"), ("subtitles", "subtitles_url"), ("thumbnail", "thumbnail_url")];

/// The state of a job of which an answer says none.
const UNKNOWN: &str = "unknown";

/// Reads the answer to a look-up as an event. This never fails: of an answer of another shape, the job is still pending.
///
/// Any other body is an event that says nothing. A callback never becomes a [`Verified`] body, since D-ID does not sign.
pub fn read(body: &Verified) -> Event {
    let Some(look_up) = LookUp::read(body) else {
        return Event::of_content(Platform::Did, body);
    };
    // Of a job that counts as failed for a reason of ours, no answer says anything.
    if Kind::of_job(&look_up.kind).is_none() || look_up.failure.is_some() {
        return look_up.event(Platform::Did, body, UNKNOWN, None);
    }
    let fields = read_fields(look_up.answer.as_ref().map_or("", |answer| answer.get()));
    let fields = Fields::from(&fields);
    let state = fields.text("status").unwrap_or_else(|| UNKNOWN.to_owned());
    let known = status(&state);
    let event = look_up.event(Platform::Did, body, &state, Some(known.unwrap_or(Status::Pending)));
    Event {
        is_known_type: known.is_some(),
        callback_id: event.callback_id.clone().or_else(|| fields.text("user_data")),
        links: if known == Some(Status::Succeeded) { links(fields) } else { BTreeMap::new() },
        failure: if known == Some(Status::Failed) { failure(&state, fields) } else { None },
        duration_seconds: fields.whole_seconds("duration"),
        ..event
    }
}

/// The fields that are read, with texts and numbers as texts, and an error as an object or a text.
fn read_fields(answer: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    each_field(answer, is_read, |name, value| {
        let value = match name {
            "error" if value.starts_with('{') => texts(value, is_read_in_error).into(),
            _ => text(value).into(),
        };
        fields.insert(name.to_owned(), value);
    });
    fields
}

fn is_read(name: &str) -> bool {
    matches!(name, "status" | "user_data" | "duration" | "error" | "error_kind")
        || LINKS.iter().any(|(_, field)| *field == name)
}

fn is_read_in_error(name: &str) -> bool {
    matches!(name, "kind" | "description" | "details")
}

/// The words of all kinds: none means something else in another. `None` for one that this version does not know.
fn status(state: &str) -> Option<Status> {
    match state {
        "done" => Some(Status::Succeeded),
        "error" | "rejected" => Some(Status::Failed),
        // A translation that is ready waits to be started, as it seems; a group that is partly done has jobs that run.
        "created" | "started" | "validating" | "ready" | "partial-done" | "draft" | "training-started" => {
            Some(Status::Pending)
        }
        _ => None,
    }
}

fn links(fields: Fields<'_>) -> BTreeMap<String, String> {
    LINKS.iter().filter_map(|(name, field)| Some(((*name).to_owned(), fields.link(field)?))).collect()
}

/// A job that was rejected may have no error: then the state's word is all that is known.
fn failure(state: &str, fields: Fields<'_>) -> Option<Failure> {
    let error = fields.object("error");
    let code = error.text("kind").or_else(|| fields.text("error_kind"));
    let message = error.first_text(&["description", "details"]).or_else(|| fields.text("error"));
    let word = || Some(state.to_owned()).filter(|_| state != "error");
    Failure::of(code.or_else(word), message)
}
