//! ElevenLabs' jobs: `/v1/flows/video`, `/v1/flows/image` and `/v1/flows/text-to-speech` (its OpenAPI document of August 2026).

use super::fields::{self, Fields, within};
use super::{ApiResult, Notify, Product, SharedWorld, elevenlabs_webhooks};
use crate::World;
use crate::jobs::{Job, State};
use crate::links::Links;
use crate::pages::Order;
use crate::rejection::Rejection;
use crate::strict::{Body, Nothing, Params};
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use webhook::Platform;

const STATUSES: [&str; 4] = ["pending", "generating", "completed", "failed"];

pub(super) fn router() -> Router<Arc<World>> {
    let video =
        ["prompt", "aspect_ratio", "duration_secs", "resolution", "generate_audio", "image", "audio", "webhook"];
    let image = ["prompt", "aspect_ratio", "resolution", "images", "webhook"];
    let speech = ["voice_id", "voice_settings", "output_format", "language_code", "webhook"];
    Router::new()
        .merge(flow("/v1/flows/video", Product::ElevenLabsVideo, &["model_id"], video))
        .merge(flow("/v1/flows/image", Product::ElevenLabsImage, &["model_id"], image))
        .merge(flow("/v1/flows/text-to-speech", Product::ElevenLabsSpeech, &["model_id", "text"], speech))
        .merge(elevenlabs_webhooks::router())
}

/// Which fields a model requires is not part of the facts here, but that it is named.
fn flow<const N: usize>(
    path: &str,
    product: Product,
    required: &'static [&'static str],
    optional: [&'static str; N],
) -> Router<Arc<World>> {
    let create = async move |Shared(world): SharedWorld, _: Params<Nothing>, Body(fields): Body<Fields>| {
        fields::check(&fields, required, &optional)?;
        let notify = world.chosen(fields.get("webhook").unwrap_or(&Value::Null))?;
        let job = world.create(product, notify, None, fields);
        ApiResult::Ok(Json(json!({"id": job.id, "status": "pending"})))
    };
    let list = async move |Shared(world): SharedWorld, Params(params): Params<ListParams>| world.list(product, params);
    let one = async move |Shared(world): SharedWorld, Path(id): Path<String>, _: Params<Nothing>| {
        let job = world.find_elsewhere(product, &id)?;
        ApiResult::Ok(Json(generation(&job, product, &world.links(Platform::ElevenLabs))))
    };
    Router::new().route(path, get(list).post(create)).route(&format!("{path}/{{id}}"), get(one))
}

/// What a create call asks for: `{"type": "all"}`, or `{"type": "ids", "ids": […]}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "type")]
enum Chosen {
    All {},
    Ids { ids: Vec<String> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListParams {
    page_size: Option<usize>,
    status: Option<String>,
    cursor: Option<String>,
}

impl World {
    /// Refusals are named as integrators have seen them.
    fn chosen(&self, webhook: &Value) -> Result<Notify, Rejection> {
        if webhook.is_null() {
            return Ok(Notify::Nobody);
        }
        let chosen = Chosen::deserialize(webhook).map_err(|why| Rejection::invalid("webhook", why.to_string()))?;
        let refused = |code, message: &str| Rejection::new(StatusCode::BAD_REQUEST, code, message);
        let webhooks = self.site(Platform::ElevenLabs).webhooks.all();
        match chosen {
            Chosen::All {} if webhooks.iter().any(|webhook| webhook.is_enabled() && webhook.subscribes("flows")) => {
                Ok(Notify::Subscribed)
            }
            Chosen::All {} => Err(refused("no_webhooks_configured", "No enabled webhook subscribes to flows")),
            Chosen::Ids { ids } => {
                for id in &ids {
                    match webhooks.iter().find(|webhook| webhook.id == *id) {
                        None => return Err(refused("invalid_webhook_id", "There is no such webhook")),
                        Some(webhook) if !webhook.is_enabled() => {
                            return Err(refused("webhook_disabled", "The webhook is disabled"));
                        }
                        Some(_) => {}
                    }
                }
                Ok(Notify::Webhooks(ids))
            }
        }
    }

    /// Newest first, always.
    fn list(&self, product: Product, params: ListParams) -> ApiResult {
        let ListParams { page_size, status, cursor } = params;
        let largest = self.site(Platform::ElevenLabs).options().largest_page;
        let size = within(page_size, "page_size", 1..=100, 30)?.min(largest);
        if status.as_deref().is_some_and(|status| !STATUSES.contains(&status)) {
            return Err(Rejection::invalid("status", format!("status must be one of {}", STATUSES.join(", "))));
        }
        let links = self.links(Platform::ElevenLabs);
        let is_listed = |job: &Job| job.is_a(product) && status.as_deref().is_none_or(|status| status == state(job));
        let page = self.jobs.read(|store| {
            let jobs = store.all().rev().filter(|(_, job)| is_listed(job));
            let show = |job: &Job| generation(job, product, &links);
            self.pages.page(product.name(), Some(size), cursor.as_deref(), Order::NewestFirst, jobs, show)
        });
        let page = page.map_err(|_| Rejection::invalid("cursor", "unknown cursor"))?;
        Ok(Json(json!({
            "generations": page["data"], "next_cursor": page["next_token"], "has_more": page["has_more"],
        })))
    }
}

fn state(job: &Job) -> &'static str {
    match job.state() {
        State::Running => "generating",
        State::Succeeded { .. } => "completed",
        State::Failed { .. } | State::Cancelled { .. } => "failed",
    }
}

/// A generation as the GET shows it; an event's `data` is the same.
pub(super) fn generation(job: &Job, product: Product, links: &Links) -> Value {
    let mut shown = json!({"id": job.id, "status": state(job)});
    match job.state() {
        State::Running => {}
        State::Succeeded { .. } => {
            let (extension, mime_type) = match product {
                Product::ElevenLabsSpeech => ("mp3", "audio/mpeg"),
                Product::ElevenLabsImage => ("png", "image/png"),
                _ => ("mp4", "video/mp4"),
            };
            shown["content_url"] = json!(links.to(&job.id, extension));
            shown["content_mime_type"] = json!(mime_type);
        }
        State::Failed { message, .. } => {
            shown["failure_reason"] = json!(if job.is_rejected() { "moderated" } else { "model_error" });
            shown["error_message"] = json!(message);
        }
        State::Cancelled { .. } => shown["failure_reason"] = json!("internal_error"),
    }
    shown
}
