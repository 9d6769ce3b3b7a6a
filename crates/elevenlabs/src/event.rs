//! Reading an event from the body of a delivery, or from what the API answered about a job.

use serde_json::{Map, Value};
use webhook::fields::Fields;
use webhook::pick::{Picked, decoded, pick, raw};
use webhook::{Event, Identity, LookUp, Platform, Status, Verified, time_of};

use crate::data::{Data, PATHS};
use crate::links;
use crate::subject::{KNOWN, Subject, reported};

/// Reads a body: a delivery, `{"type": …, "event_timestamp": …, "data": {…}}`, or a [`LookUp`] with what the API answered
/// about a job. This never fails: JSON of another shape is an event with an identity and no other field, and of a body that
/// is not JSON the fields before the first error are read.
///
/// A generation that the API calls completed or failed gives the event that ElevenLabs sends then, with the same identity.
/// Of other jobs an answer lacks what tells their events apart, so it is an event of its own.
///
/// No field is required. `""` counts as null, a number is accepted as a text, a field of another type counts as absent, and
/// unknown fields are ignored.
pub fn read(body: &Verified) -> Event {
    match LookUp::read(body) {
        Some(look_up) => answer(&look_up, body),
        None => delivery(body),
    }
}

fn delivery(body: &Verified) -> Event {
    let text = decoded(body.body());
    let Envelope { event_type, timestamp, data: fields, is_json } = Envelope::read(&text);
    let event_type = event_type.as_deref();
    let subject = event_type.and_then(Subject::of_type);
    let data = Data { subject, fields: Fields::from(&fields) };
    let links = links::read(data, || raw(&text, &["data", "outputs"]).or_else(|| raw(&text, &["outputs"])));
    // It may be three times as long as the body.
    drop(text);
    let is_known_type = event_type.is_some_and(|event_type| KNOWN.contains(&event_type));
    // A body that is not JSON may have been cut: its fields say where it belongs, and no more.
    let status = event_type.filter(|_| is_json).and_then(|event_type| reported(event_type, data.status()));
    let by_entity = || identity(subject?, event_type?, &data.entity_id()?, status?, timestamp.as_deref());
    let identity = by_entity().unwrap_or_else(|| Identity::of_content(Platform::ElevenLabs, body.body()));
    let recurs = subject.is_some_and(Subject::recurs);

    Event {
        is_json,
        event_type: event_type.map(str::to_owned),
        is_known_type,
        kind: subject.map(|subject| subject.kind().to_owned()),
        status,
        occurred_at: timestamp.as_deref().filter(|_| recurs).and_then(unix_time),
        created_at: timestamp,
        callback_id: data.own_value().or_else(|| data.found_by()),
        entity_id: data.entity_id(),
        links,
        failure: data.failure(status),
        duration_seconds: data.duration_seconds(),
        ..Event::new(Platform::ElevenLabs, identity, body)
    }
}

/// What a delivery wraps around its data.
struct Envelope {
    event_type: Option<String>,
    timestamp: Option<String>,
    data: Map<String, Value>,
    is_json: bool,
}

impl Envelope {
    fn read(text: &str) -> Self {
        let in_data: Vec<_> = PATHS.iter().map(|path| format!("data.{path}")).collect();
        let paths: Vec<&str> =
            ["type", "event_timestamp"].into_iter().chain(in_data.iter().map(String::as_str)).collect();
        let Picked { mut fields, is_json } = pick(text, &paths);
        // The bodies of dubbing's events are not published: their fields may stand at the top.
        let data = match fields.remove("data") {
            Some(Value::Object(data)) => data,
            _ => pick(text, PATHS).fields,
        };
        let envelope = Fields::from(&fields);
        Self { event_type: envelope.text("type"), timestamp: envelope.text("event_timestamp"), data, is_json }
    }
}

/// The same for a delivery, its repetitions, and an answer that reports the same end; `None` if only the content tells the
/// event from others. What may end more than once does so at another time.
fn identity(subject: Subject, event_type: &str, id: &str, status: Status, timestamp: Option<&str>) -> Option<Identity> {
    // One event in two spellings.
    let event_type = match event_type {
        "speech_to_text.completed" => "speech_to_text_transcription",
        other => other,
    };
    let timestamp = match subject.recurs() {
        true => Some(timestamp?),
        false => None,
    };
    let parts = [Some(event_type), Some(id), Some(status.as_str()), timestamp];
    let parts: Vec<&[u8]> = parts.into_iter().flatten().map(str::as_bytes).collect();
    Some(Identity::of("elevenlabs entity", &parts))
}

fn unix_time(text: &str) -> Option<i64> {
    time_of(text).map(|time| time.unix_timestamp())
}

fn answer(look_up: &LookUp, body: &Verified) -> Event {
    let answer = look_up.answer.as_ref().map_or("", |answer| answer.get());
    let fields = pick(answer, PATHS).fields;
    let subject = Subject::of_kind(&look_up.kind).filter(|subject| subject.kind() == look_up.kind);
    let data = Data { subject, fields: Fields::from(&fields) };
    let is_the_one = data.entity_id().is_none_or(|id| id == look_up.entity_id);
    let status = data.status().filter(|_| is_the_one && look_up.failure.is_none());
    let event = look_up.event(Platform::ElevenLabs, body, &data.word().unwrap_or_default(), status);
    let event = Event {
        callback_id: data.own_value().or(event.callback_id).or_else(|| data.found_by()),
        links: links::read(data, || raw(answer, &["outputs"])),
        failure: event.failure.or_else(|| data.failure(status)),
        duration_seconds: data.duration_seconds(),
        ..event
    };
    let as_delivered = || {
        let status = status.filter(|status| *status != Status::Pending)?;
        let event_type = subject?.delivered_as_answered()?;
        Some((identity(subject?, event_type, &look_up.entity_id, status, None)?, event_type.to_owned()))
    };
    match as_delivered() {
        Some((identity, event_type)) => Event { identity, event_type: Some(event_type), ..event },
        None => event,
    }
}
