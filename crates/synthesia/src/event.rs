//! Reading an event from the body of a delivery, or from what the API answered about a video.

use webhook::fields::Fields;
use webhook::pick::{Picked, decoded, pick};
use webhook::{Event, Identity, LookUp, Platform, Status, Verified};

use crate::video::{KIND, PATHS, Video};

const COMPLETED: &str = "video.completed";
const FAILED: &str = "video.failed";

/// The documented types. Any other is recorded, and moves no job.
pub const KNOWN: &[&str] = &[COMPLETED, FAILED];

/// Reads a body: a delivery, `{"type": …, "data": {…}}`, or a [`LookUp`] with the video that the API answered. This never
/// fails: JSON of another shape is an event with an identity and no other field, and of a body that is not JSON the fields
/// before the first error are read.
///
/// A video that the API calls finished or failed gives the event that Synthesia sends then, with the same identity.
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
    let paths: Vec<_> = PATHS.iter().map(|path| format!("data.{path}")).collect();
    let paths: Vec<&str> = ["type"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let Picked { fields, is_json } = pick(&decoded(body.body()), &paths);
    let fields = Fields::from(&fields);
    let video = Video(fields.object("data"));
    let event_type = fields.text("type");
    let known = event_type.as_deref().filter(|event_type| KNOWN.contains(event_type));
    // A body that is not JSON may have been cut: its fields say where it belongs, and no more.
    let status = known.filter(|_| is_json).and_then(|event_type| reported(event_type, video));
    let identity = match (status, video.id()) {
        (Some(status), Some(id)) => identity(status, &id, video),
        _ => Identity::of_content(Platform::Synthesia, body.body()),
    };
    video.describe(Event {
        is_json,
        is_known_type: known.is_some(),
        kind: known.map(|_| KIND.to_owned()),
        status,
        occurred_at: video.updated_at().or_else(|| failed_at_the_earliest(status, video)),
        entity_id: video.id(),
        event_type,
        ..Event::new(Platform::Synthesia, identity, body)
    })
}

/// What a delivery says. Which type is sent for a video that moderation rejected is not documented, so the video's own
/// word counts where it is worse than the type.
fn reported(event_type: &str, video: Video<'_>) -> Option<Status> {
    let state = video.state();
    match (event_type, state.as_deref()) {
        (FAILED, _) | (_, Some("error" | "rejected")) => Some(Status::Failed),
        (_, Some("in_progress")) => None,
        _ => Some(Status::Succeeded),
    }
}

/// A failure has no time of its own, but it has a reason, which the API's answer lacks. With any time at all it stands
/// beside that answer, whichever comes first.
fn failed_at_the_earliest(status: Option<Status>, video: Video<'_>) -> Option<i64> {
    video.created_at().filter(|_| status == Some(Status::Failed))
}

/// The same for a delivery and for an answer that reports the same end. A video that is made again succeeds again, at another
/// time. Only the answer has the time of a failure, so it cannot be a part.
fn identity(status: Status, id: &str, video: Video<'_>) -> Identity {
    let mut parts = vec![type_of(status).as_bytes(), id.as_bytes()];
    let updated = video.last_updated_at().filter(|_| status == Status::Succeeded);
    parts.extend(updated.as_ref().map(String::as_bytes));
    Identity::of("synthesia entity", &parts)
}

fn type_of(status: Status) -> &'static str {
    match status {
        Status::Failed => FAILED,
        Status::Pending | Status::Succeeded => COMPLETED,
    }
}

fn answer(look_up: &LookUp, body: &Verified) -> Event {
    let answer = look_up.answer.as_ref().map_or("", |answer| answer.get());
    let fields = pick(answer, PATHS).fields;
    let video = Video(Fields::from(&fields));
    let is_the_one = video.id().is_none_or(|id| id == look_up.entity_id);
    let status = video.status().filter(|_| look_up.kind == KIND && is_the_one && look_up.failure.is_none());
    let state = video.state().unwrap_or_default();
    let event = look_up.event(Platform::Synthesia, body, &state, status);
    video.describe(match status {
        Some(status @ (Status::Succeeded | Status::Failed)) => Event {
            identity: identity(status, &look_up.entity_id, video),
            event_type: Some(type_of(status).to_owned()),
            occurred_at: video.updated_at().filter(|_| status == Status::Succeeded),
            ..event
        },
        Some(Status::Pending) | None => event,
    })
}
