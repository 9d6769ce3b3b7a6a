//! Tavus: `/v2/videos`, `/v2/conversations` and `/v2/replicas` (docs.tavus.io, and its OpenAPI document).

use super::fields::{self, Fields, within};
use super::{ApiResult, CallbackUrl, Notify, Product, SharedWorld};
use crate::clock::naive;
use crate::jobs::{Job, JobKind, State};
use crate::links::Links;
use crate::rejection::Rejection;
use crate::strict::{Body, Nothing, Params};
use crate::{World, shown};
use axum::extract::{Path, State as Shared};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use time::OffsetDateTime;
use webhook::Platform;

type Events = Vec<(&'static str, Value)>;

const VIDEO: [&str; 11] = [
    "replica_id",
    "face_id",
    "script",
    "audio_url",
    "video_name",
    "callback_url",
    "background_url",
    "background_source_url",
    "fast",
    "transparent_background",
    "properties",
];
const CONVERSATION: [&str; 10] = [
    "replica_id",
    "face_id",
    "persona_id",
    "pal_id",
    "callback_url",
    "conversation_name",
    "conversational_context",
    "custom_greeting",
    "audio_only",
    "properties",
];
const REPLICA: [&str; 4] = ["callback_url", "replica_name", "consent_video_url", "model_name"];

pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v2/videos", get(videos).post(create_video))
        .route("/v2/videos/{id}", get(video_by_id))
        .route("/v2/conversations", post(create_conversation))
        .route("/v2/conversations/{id}", get(conversation_by_id))
        .route("/v2/replicas", post(create_replica))
        .route("/v2/replicas/{id}", get(replica_by_id))
}

/// Any text is a callback URL. Nobody is called for an empty one.
fn notify(fields: &Fields) -> Result<Notify, Rejection> {
    let url = fields::text(fields, "callback_url")?.filter(|url| !url.is_empty());
    Ok(url.map_or(Notify::Nobody, |url| Notify::Url(CallbackUrl(url))))
}

async fn create_video(Shared(world): SharedWorld, _: Params<Nothing>, Body(fields): Body<Fields>) -> ApiResult {
    fields::check(&fields, &[], &VIDEO)?;
    for either in [["replica_id", "face_id"], ["script", "audio_url"]] {
        if either.iter().all(|name| fields.get(*name).is_none_or(Value::is_null)) {
            return Err(Rejection::invalid(either[0], format!("{} is required", either.join(" or "))));
        }
    }
    let name = fields::text(&fields, "video_name")?;
    let job = world.create(Product::TavusVideo, notify(&fields)?, name, fields);
    Ok(Json(json!({
        "video_id": job.id, "video_name": name_of(&job), "status": "queued", "hosted_url": hosted_url(&job),
        "created_at": spaced(job.created_at),
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneParams {
    #[serde(default)]
    verbose: bool,
}

async fn video_by_id(
    Shared(world): SharedWorld,
    Path(id): Path<String>,
    Params(OneParams { verbose }): Params<OneParams>,
) -> ApiResult {
    let (job, links) = (world.find_elsewhere(Product::TavusVideo, &id)?, world.links(Platform::Tavus));
    let mut shown = video(&job, &links);
    if verbose && matches!(job.state(), State::Succeeded { .. }) {
        shown["still_image_thumbnail_url"] = json!(links.to(&job.id, "jpg"));
        shown["gif_thumbnail_url"] = json!(links.to(&job.id, "gif"));
    }
    Ok(Json(shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListParams {
    limit: Option<usize>,
    page: Option<usize>,
}

/// Pages are numbered from 0. The largest limit is an assumption.
async fn videos(Shared(world): SharedWorld, Params(ListParams { limit, page }): Params<ListParams>) -> ApiResult {
    let (limit, links) = (within(limit, "limit", 1..=100, 10)?, world.links(Platform::Tavus));
    let all = world.all_elsewhere(Product::TavusVideo, |job| video(job, &links));
    let first = page.unwrap_or_default().saturating_mul(limit);
    let data: Vec<_> = all.iter().skip(first).take(limit).collect();
    Ok(Json(json!({"data": data, "total_count": all.len()})))
}

fn name_of(job: &Job) -> &str {
    job.callback_id.as_deref().unwrap_or(shown::TITLE)
}

fn hosted_url(job: &Job) -> String {
    format!("https://videos.example.invalid/video/{}", job.id)
}

/// A time of a video: without a time zone.
fn spaced(time: OffsetDateTime) -> String {
    naive(time).replace('T', " ")
}

/// A time of a conversation.
fn zoned(time: OffsetDateTime) -> String {
    format!("{}Z", naive(time))
}

fn replica_of(job: &Job) -> &str {
    let given = ["replica_id", "face_id"].iter().find_map(|name| job.input[*name].as_str());
    given.unwrap_or("r1a2b3c")
}

/// A video as the GET and the callback show it. `hosted_url` is there whatever became of the video.
pub(super) fn video(job: &Job, links: &Links) -> Value {
    let (status, details, progress) = match job.state() {
        State::Running => ("generating", "", "50/100"),
        State::Succeeded { .. } => ("ready", "Finished.", "100/100"),
        State::Failed { message, .. } => ("error", message, "0/100"),
        State::Cancelled { .. } => ("deleted", "", "0/100"),
    };
    let is_ready = status == "ready";
    let mut shown = json!({
        "video_id": job.id, "video_name": name_of(job), "status": status, "status_details": details,
        "generation_progress": progress, "replica_id": replica_of(job),
        "data": {"script": job.input["script"]},
        "download_url": is_ready.then(|| links.to(&job.id, "mp4")),
        "stream_url": is_ready.then(|| links.to(&job.id, "m3u8")),
        "hosted_url": hosted_url(job), "created_at": spaced(job.created_at), "updated_at": spaced(job.changed_at()),
    });
    if status == "error" {
        shown["error_details"] = Value::Null;
    }
    shown
}

async fn create_conversation(Shared(world): SharedWorld, _: Params<Nothing>, Body(fields): Body<Fields>) -> ApiResult {
    fields::check(&fields, &[], &CONVERSATION)?;
    let job = world.create(Product::TavusConversation, notify(&fields)?, None, fields);
    Ok(Json(conversation(&job, false)))
}

async fn conversation_by_id(
    Shared(world): SharedWorld,
    Path(id): Path<String>,
    Params(OneParams { verbose }): Params<OneParams>,
) -> ApiResult {
    Ok(Json(conversation(&world.find_elsewhere(Product::TavusConversation, &id)?, verbose)))
}

fn conversation(job: &Job, verbose: bool) -> Value {
    let is_active = matches!(job.state(), State::Running);
    let mut shown = json!({
        "conversation_id": job.id, "conversation_name": job.input["conversation_name"],
        "conversation_url": format!("https://tavus.example.invalid/{}", job.id),
        "status": if is_active { "active" } else { "ended" }, "callback_url": webhook_url(job),
        "created_at": zoned(job.created_at), "updated_at": zoned(job.changed_at()),
    });
    if verbose {
        let event = |(_, event): &(&str, Value)| json!({"event_type": event["event_type"], "timestamp": event["timestamp"], "properties": event["properties"]});
        shown["events"] = joined(job).iter().chain(&ended(job)).map(event).collect();
        shown["shutdown_reason"] = if is_active { Value::Null } else { json!(shutdown_reason(job)) };
    }
    shown
}

fn webhook_url(job: &Job) -> Value {
    match &job.kind {
        JobKind::On(_, Notify::Url(CallbackUrl(url))) => json!(url),
        _ => Value::Null,
    }
}

fn shutdown_reason(job: &Job) -> &str {
    match job.state() {
        State::Failed { message: "", .. } => "internal error",
        State::Failed { message, .. } => message,
        _ => "participant_left_timeout",
    }
}

/// It repeats the whole callback URL.
fn event(job: &Job, name: &'static str, at: OffsetDateTime, properties: &Value) -> (&'static str, Value) {
    let family = name.split('.').next();
    let event = json!({
        "event_type": name, "message_type": family, "conversation_id": job.id, "timestamp": zoned(at),
        "webhook_url": webhook_url(job), "properties": properties,
    });
    (name, event)
}

/// The event of the conversation's start, and its twin with the newer name.
pub(super) fn joined(job: &Job) -> Events {
    let replica = replica_of(job);
    vec![
        event(job, "system.replica_joined", job.created_at, &json!({"replica_id": replica})),
        event(job, "system.pal_joined", job.created_at, &json!({"replica_id": replica, "face_id": replica})),
    ]
}

/// A failed conversation has no transcript.
pub(super) fn ended(job: &Job) -> Events {
    let at = match job.state() {
        State::Running => return Vec::new(),
        State::Succeeded { at } | State::Failed { at, .. } | State::Cancelled { at } => at,
    };
    let replica = replica_of(job);
    let shutdown = json!({"replica_id": replica, "shutdown_reason": shutdown_reason(job)});
    let mut events = vec![event(job, "system.shutdown", at, &shutdown)];
    if let State::Succeeded { .. } = job.state() {
        let said = json!([{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]);
        let properties = json!({"replica_id": replica, "transcript": said});
        events.push(event(job, "application.transcription_ready", at, &properties));
    }
    events
}

async fn create_replica(Shared(world): SharedWorld, _: Params<Nothing>, Body(fields): Body<Fields>) -> ApiResult {
    fields::check(&fields, &["train_video_url"], &REPLICA)?;
    let job = world.create(Product::TavusReplica, notify(&fields)?, None, fields);
    Ok(Json(json!({"replica_id": job.id, "status": "started"})))
}

async fn replica_by_id(
    Shared(world): SharedWorld,
    Path(id): Path<String>,
    Params(OneParams { verbose: _ }): Params<OneParams>,
) -> ApiResult {
    let job = world.find_elsewhere(Product::TavusReplica, &id)?;
    let (status, progress, message) = match job.state() {
        State::Running => ("started", "50/100", None),
        State::Succeeded { .. } => ("completed", "100/100", None),
        State::Failed { message, .. } => ("error", "50/100", Some(message)),
        State::Cancelled { .. } => ("error", "50/100", None),
    };
    Ok(Json(json!({
        "replica_id": job.id, "replica_name": job.input["replica_name"], "status": status,
        "training_progress": progress, "error_message": message, "created_at": spaced(job.created_at),
    })))
}

/// The callback says `ready` where the GET says `completed`.
pub(super) fn trained(job: &Job) -> Value {
    match job.state() {
        State::Failed { message, .. } => json!({"replica_id": job.id, "status": "error", "error_message": message}),
        _ => json!({"replica_id": job.id, "status": "ready"}),
    }
}
