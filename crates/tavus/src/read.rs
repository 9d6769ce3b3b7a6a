//! The event that an answer of the API is.

use std::collections::BTreeMap;

use webhook::fields::Fields;
use webhook::json::texts;
use webhook::{Event, Failure, LookUp, Platform, Status, Verified};

use crate::conversation::Decision;
use crate::kind::Kind;
use crate::look_up::own_name;

/// This crate's names of the results, and Tavus'.
const LINKS: [(&str, &str); 5] = [
    ("video", "download_url"),
    ("stream", "stream_url"),
    ("page", "hosted_url"),
    ("thumbnail", "still_image_thumbnail_url"),
    ("gif", "gif_thumbnail_url"),
];

/// Why a job failed: a video's in two fields, then a replica's.
const MESSAGES: [&str; 3] = ["status_details", "error_details", "error_message"];

/// The state of a job of which an answer says none.
pub(crate) const UNKNOWN: &str = "unknown";

/// Reads the answer to a look-up as an event. This never fails: of an answer of another shape, the job is still pending.
///
/// Any other body is an event that says nothing. A callback never becomes a [`Verified`] body, since Tavus does not sign.
pub fn read(body: &Verified) -> Event {
    let Some(look_up) = LookUp::read(body) else {
        return Event::of_content(Platform::Tavus, body);
    };
    let answer = look_up.answer.as_ref().map_or("", |answer| answer.get());
    // Of a job that counts as failed for a reason of ours, no answer says anything.
    match Kind::of_job(&look_up.kind).filter(|_| look_up.failure.is_none()) {
        None => look_up.event(Platform::Tavus, body, UNKNOWN, None),
        Some(Kind::Conversation) => conversation(&look_up, body, answer),
        Some(kind) => video_or_replica(kind, &look_up, body, answer),
    }
}

fn video_or_replica(kind: Kind, look_up: &LookUp, body: &Verified, answer: &str) -> Event {
    let fields = texts(answer, is_read);
    let fields = Fields::from(&fields);
    let state = fields.text("status").unwrap_or_else(|| UNKNOWN.to_owned());
    let known = status(kind, &state);
    let event = look_up.event(Platform::Tavus, body, &state, Some(known.unwrap_or(Status::Pending)));
    Event {
        is_known_type: known.is_some(),
        callback_id: event.callback_id.clone().or_else(|| own_name(kind, fields)),
        // `hosted_url` is there on failure, too.
        links: if known == Some(Status::Succeeded) { links(fields) } else { BTreeMap::new() },
        failure: if known == Some(Status::Failed) { failure(&state, fields) } else { None },
        ..event
    }
}

fn is_read(name: &str) -> bool {
    matches!(name, "status" | "video_id" | "video_name")
        || MESSAGES.contains(&name)
        || LINKS.iter().any(|(_, field)| *field == name)
}

/// `None` for a word that this version does not know.
fn status(kind: Kind, state: &str) -> Option<Status> {
    match (kind, state) {
        (_, "error") => Some(Status::Failed),
        (Kind::Video, "ready") => Some(Status::Succeeded),
        // It has no result, and never will. One that was seen before stands.
        (Kind::Video, "deleted") => Some(Status::Failed),
        (Kind::Video, "queued" | "generating") => Some(Status::Pending),
        // The API's word; a callback says `ready`.
        (Kind::Replica, "completed" | "ready") => Some(Status::Succeeded),
        (Kind::Replica, "started") => Some(Status::Pending),
        _ => None,
    }
}

fn links(fields: Fields<'_>) -> BTreeMap<String, String> {
    LINKS.iter().filter_map(|(name, field)| Some(((*name).to_owned(), fields.link(field)?))).collect()
}

fn failure(state: &str, fields: Fields<'_>) -> Option<Failure> {
    match state {
        // Its texts are of the time before, such as that the video is finished.
        "deleted" => Failure::of(Some(state.to_owned()), None),
        _ => Failure::of(None, fields.first_text(&MESSAGES)),
    }
}

fn conversation(look_up: &LookUp, body: &Verified, answer: &str) -> Event {
    let decision = Decision::read(answer);
    let timed = decision.timestamp.iter().fold(decision.state.clone(), |state, time| format!("{state} {time}"));
    let event = look_up.event(Platform::Tavus, body, &timed, Some(decision.status));
    Event {
        // Without the time, and without a word that this version does not know.
        event_type: Some(match decision.is_known() {
            true => format!("{}.{}", look_up.kind, decision.state),
            false => format!("{}.{UNKNOWN}", look_up.kind),
        }),
        is_known_type: decision.is_known(),
        occurred_at: decision.occurred_at(),
        created_at: decision.timestamp,
        failure: Failure::of(None, decision.shutdown_reason).filter(|_| decision.status == Status::Failed),
        ..event
    }
}
