//! Synthesia: `/v2/videos` and `/v2/webhooks` (docs.synthesia.io, and its OpenAPI document 2.0.0).

use super::fields::{self, Fields, within};
use super::webhooks::Webhook;
use super::{ApiResult, Notify, Product, SharedWorld};
use crate::http::is_loopback;
use crate::jobs::{Job, State};
use crate::links::Links;
use crate::rejection::Rejection;
use crate::strict::{Body, Nothing, Params};
use crate::{World, shown};
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::sync::Arc;
use ureq::http::Uri;
use webhook::Platform;

const EVENTS: [&str; 2] = ["video.completed", "video.failed"];
const OPTIONAL: [&str; 8] =
    ["test", "title", "description", "visibility", "callbackId", "aspectRatio", "ctaSettings", "soundtrack"];

pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v2/videos", get(videos).post(create))
        .route("/v2/videos/{id}", get(video_by_id))
        .route("/v2/webhooks", get(webhooks).post(register))
        .route("/v2/webhooks/{id}", get(webhook_by_id).delete(remove))
}

async fn create(
    Shared(world): SharedWorld,
    _: Params<Nothing>,
    Body(fields): Body<Fields>,
) -> Result<(StatusCode, Json<Value>), Rejection> {
    fields::check(&fields, &["input"], &OPTIONAL)?;
    if fields.get("input").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return Err(Rejection::invalid("input", "input must have at least one scene"));
    }
    let callback_id = fields::text(&fields, "callbackId")?;
    let job = world.create(Product::SynthesiaVideo, Notify::Subscribed, callback_id, fields);
    Ok((StatusCode::CREATED, Json(video(&job, &world.links(Platform::Synthesia)))))
}

async fn video_by_id(Shared(world): SharedWorld, Path(id): Path<String>, _: Params<Nothing>) -> ApiResult {
    let job = world.find_elsewhere(Product::SynthesiaVideo, &id)?;
    Ok(Json(video(&job, &world.links(Platform::Synthesia))))
}

/// `source` may be repeated.
async fn videos(Shared(world): SharedWorld, Params(pairs): Params<Vec<(String, String)>>) -> ApiResult {
    let (mut limit, mut offset) = (None, None);
    for (name, value) in pairs {
        let number = || value.parse().map_err(|_| Rejection::invalid("query", format!("{name} must be a number")));
        match name.as_str() {
            "limit" => limit = Some(number()?),
            "offset" => offset = Some(number()?),
            "source" if ["workspace", "my_videos"].contains(&value.as_str()) => {}
            _ => return Err(Rejection::invalid("query", format!("unknown parameter {name}={value}"))),
        }
    }
    let links = world.links(Platform::Synthesia);
    let all = world.all_elsewhere(Product::SynthesiaVideo, |job| video(job, &links));
    let limit = within(limit, "limit", 1..=100, 20)?.min(world.site(Platform::Synthesia).options().largest_page);
    page("videos", all, Some(limit), offset)
}

/// After the last page there is no `nextOffset`, which is an assumption.
fn page(name: &str, all: Vec<Value>, limit: Option<usize>, offset: Option<usize>) -> ApiResult {
    let (limit, offset) = (within(limit, "limit", 1..=100, 20)?, offset.unwrap_or_default());
    let next = offset.saturating_add(limit);
    let mut page = json!({name: all.iter().skip(offset).take(limit).collect::<Vec<_>>()});
    if next < all.len() {
        page["nextOffset"] = json!(next);
    }
    Ok(Json(page))
}

fn status(job: &Job) -> &'static str {
    match job.state() {
        State::Running => "in_progress",
        State::Succeeded { .. } => "complete",
        State::Failed { .. } if job.is_rejected() => "rejected",
        State::Failed { .. } | State::Cancelled { .. } => "error",
    }
}

/// A video as the GET and the event of a success show it. It says nothing of the reason of a failure.
fn video(job: &Job, links: &Links) -> Value {
    let title = job.input["title"].as_str().unwrap_or(shown::TITLE);
    let mut video = json!({
        "id": job.id, "title": title, "description": job.input["description"].as_str().unwrap_or_default(),
        "visibility": job.input["visibility"].as_str().unwrap_or("private"), "status": status(job),
        "createdAt": job.created_at.unix_timestamp(), "lastUpdatedAt": job.changed_at().unix_timestamp(),
        "duration": null, "download": null, "captions": null, "thumbnail": null,
    });
    if let Some(callback_id) = &job.callback_id {
        video["callbackId"] = json!(callback_id);
    }
    if let State::Succeeded { .. } = job.state() {
        video["duration"] = json!("0:00:12.500000");
        video["download"] = json!(links.to(&job.id, "mp4"));
        video["captions"] = json!({"srt": links.to(&job.id, "srt"), "vtt": links.to(&job.id, "vtt")});
        video["thumbnail"] = json!({"image": links.to(&job.id, "jpg"), "gif": links.to(&job.id, "gif")});
    }
    video
}

/// A failure's event has no `callbackId`, as integrators read it. Which event a rejected video sends is not documented.
pub(super) fn event(job: &Job, links: &Links) -> (&'static str, Value) {
    let data = video(job, links);
    let State::Failed { message, .. } = job.state() else {
        return ("video.completed", json!({"type": "video.completed", "data": data}));
    };
    let data = json!({
        "id": data["id"], "title": data["title"], "description": data["description"], "status": data["status"],
        "createdAt": data["createdAt"], "message": message,
    });
    ("video.failed", json!({"type": "video.failed", "data": data}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    events: Vec<String>,
    url: String,
}

async fn register(
    Shared(world): SharedWorld,
    _: Params<Nothing>,
    Body(New { events, url }): Body<New>,
) -> Result<(StatusCode, Json<Value>), Rejection> {
    check_url(&url)?;
    if events.is_empty() || events.iter().any(|event| !EVENTS.contains(&event.as_str())) {
        return Err(Rejection::invalid("events", format!("events must be some of {}", EVENTS.join(", "))));
    }
    let webhook = Webhook::new(Platform::Synthesia, url, events, world.clock.now());
    let webhook = world.site(Platform::Synthesia).webhooks.add(webhook);
    let mut created = registered(&webhook);
    created["secret"] = json!(webhook.secret);
    Ok((StatusCode::CREATED, Json(created)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookParams {
    limit: Option<usize>,
    offset: Option<usize>,
    #[serde(default)]
    deleted: bool,
}

async fn webhooks(Shared(world): SharedWorld, Params(params): Params<WebhookParams>) -> ApiResult {
    let WebhookParams { limit, offset, deleted } = params;
    let all = world.site(Platform::Synthesia).webhooks.all();
    let listed = all.iter().filter(|webhook| deleted || !webhook.is_deleted).map(registered);
    page("webhooks", listed.collect(), limit, offset)
}

async fn webhook_by_id(Shared(world): SharedWorld, Path(id): Path<String>, _: Params<Nothing>) -> ApiResult {
    let webhook = world.site(Platform::Synthesia).webhooks.get(&id);
    webhook.map(|webhook| Json(registered(&webhook))).ok_or_else(|| Rejection::not_found("Webhook"))
}

async fn remove(
    Shared(world): SharedWorld,
    Path(id): Path<String>,
    _: Params<Nothing>,
) -> Result<StatusCode, Rejection> {
    let (webhooks, now) = (&world.site(Platform::Synthesia).webhooks, world.clock.now());
    if webhooks.get(&id).is_none_or(|webhook| webhook.is_deleted) {
        return Err(Rejection::not_found("Webhook"));
    }
    webhooks.change(&id, |webhook| (webhook.is_deleted, webhook.updated_at) = (true, now));
    Ok(StatusCode::NO_CONTENT)
}

/// A webhook without its secret, which only its creation shows, and without its events, which nothing shows.
fn registered(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id, "url": webhook.url, "status": if webhook.is_deleted { "deleted" } else { "active" },
        "createdAt": webhook.created_at.unix_timestamp(), "lastUpdatedAt": webhook.updated_at.unix_timestamp(),
    })
}

/// What the published pattern refuses, except that loopback is accepted with `http`, so that tests need no certificate.
fn check_url(url: &str) -> Result<(), Rejection> {
    let parsed: Option<Uri> = url.parse().ok();
    let host = parsed.as_ref().and_then(Uri::host).unwrap_or_default();
    let is_public = match host.parse::<Ipv4Addr>() {
        Ok(address) => !(address.is_private() || address.is_loopback() || address.is_link_local()),
        Err(_) => host.trim_matches('.').contains('.'),
    };
    match parsed.as_ref().and_then(Uri::scheme_str) {
        Some("https") if is_public => Ok(()),
        Some("http") if is_loopback(host) => Ok(()),
        _ => Err(Rejection::invalid("url", "url does not match the pattern of webhook URLs")),
    }
}
