//! ElevenLabs' webhooks: `/v1/workspace/webhooks` (its OpenAPI document of August 2026).

use super::webhooks::Webhook;
use super::{ApiResult, SharedWorld};
use crate::World;
use crate::endpoints::check_url;
use crate::rejection::Rejection;
use crate::strict::{Body, Nothing, Params};
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::routing::{get, patch};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use ureq::http::{HeaderName, HeaderValue};
use webhook::Platform;

const EVENTS: [&str; 4] = ["speech_to_text", "flows", "agent_qa", "voice_library_removal_notice"];

pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v1/workspace/webhooks", get(list).post(create))
        .route("/v1/workspace/webhooks/{id}", patch(update).delete(remove))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    settings: Settings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    auth_type: String,
    name: String,
    webhook_url: String,
    request_headers: Option<BTreeMap<String, String>>,
}

/// A new webhook subscribes to nothing: that takes an update.
async fn create(Shared(world): SharedWorld, _: Params<Nothing>, Body(New { settings }): Body<New>) -> ApiResult {
    let Settings { auth_type, name, webhook_url, request_headers } = settings;
    if auth_type != "hmac" {
        return Err(Rejection::invalid("auth_type", "auth_type must be hmac"));
    }
    check_url(&webhook_url).map_err(|_| Rejection::invalid("webhook_url", "webhook_url must be an https URL"))?;
    let headers = headers(request_headers.unwrap_or_default())?;
    let mut webhook = Webhook::new(Platform::ElevenLabs, webhook_url, Vec::new(), world.clock.now());
    (webhook.workspace.name, webhook.workspace.headers) = (name, headers);
    let webhook = world.site(Platform::ElevenLabs).webhooks.add(webhook);
    Ok(Json(json!({"webhook_id": webhook.id, "webhook_secret": webhook.secret})))
}

fn headers(given: BTreeMap<String, String>) -> Result<Vec<(String, String)>, Rejection> {
    let is_header =
        |name: &str, value: &str| HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok();
    match given.iter().all(|(name, value)| is_header(name, value)) {
        true => Ok(given.into_iter().collect()),
        false => Err(Rejection::invalid("request_headers", "a name or a value is not that of a header")),
    }
}

/// The URL cannot be changed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    is_disabled: bool,
    name: String,
    retry_enabled: Option<bool>,
    request_headers: Option<BTreeMap<String, String>>,
    events: Option<Vec<String>>,
}

async fn update(
    Shared(world): SharedWorld,
    Path(id): Path<String>,
    _: Params<Nothing>,
    Body(update): Body<Update>,
) -> ApiResult {
    let Update { is_disabled, name, retry_enabled, request_headers, events } = update;
    if events.iter().flatten().any(|event| !EVENTS.contains(&event.as_str())) {
        return Err(Rejection::invalid("events", format!("events must be some of {}", EVENTS.join(", "))));
    }
    let (headers, now) = (request_headers.map(headers).transpose()?, world.clock.now());
    let changed = world.site(Platform::ElevenLabs).webhooks.change(&id, |webhook| {
        let workspace = &mut webhook.workspace;
        workspace.set_disabled(is_disabled);
        workspace.name = name;
        workspace.retry_enabled = retry_enabled.unwrap_or(workspace.retry_enabled);
        if let Some(headers) = headers {
            workspace.headers = headers;
        }
        if let Some(events) = events {
            webhook.events = events;
        }
        webhook.updated_at = now;
    });
    changed.map(|_| Json(json!({"status": "ok"}))).ok_or_else(|| Rejection::not_found("Webhook"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListParams {
    #[serde(default)]
    include_usages: bool,
}

async fn list(Shared(world): SharedWorld, Params(ListParams { include_usages }): Params<ListParams>) -> ApiResult {
    let webhooks = world.site(Platform::ElevenLabs).webhooks.all();
    let webhooks: Vec<_> = webhooks.iter().map(|webhook| registered(webhook, include_usages)).collect();
    Ok(Json(json!({"webhooks": webhooks})))
}

async fn remove(Shared(world): SharedWorld, Path(id): Path<String>, _: Params<Nothing>) -> ApiResult {
    let webhooks = &world.site(Platform::ElevenLabs).webhooks;
    let webhook = webhooks.get(&id).ok_or_else(|| Rejection::not_found("Webhook"))?;
    if webhook.workspace.is_used {
        // The status and the code are an assumption.
        return Err(Rejection::new(StatusCode::BAD_REQUEST, "webhook_in_use", "A product uses this webhook"));
    }
    webhooks.remove(&id);
    Ok(Json(json!({"status": "ok"})))
}

/// A webhook without its secret, which only its creation shows.
fn registered(webhook: &Webhook, include_usages: bool) -> Value {
    let workspace = &webhook.workspace;
    let failure = workspace.last_failure;
    let mut shown = json!({
        "webhook_id": webhook.id, "name": workspace.name, "webhook_url": webhook.url,
        "is_disabled": workspace.is_disabled, "is_auto_disabled": workspace.is_auto_disabled,
        "created_at_unix": webhook.created_at.unix_timestamp(), "auth_type": "hmac",
        "most_recent_failure_error_code": failure.and_then(|(status, _)| status),
        "most_recent_failure_timestamp": failure.map(|(_, at)| at.unix_timestamp()),
    });
    if include_usages {
        shown["events"] = json!(webhook.events);
        shown["usage"] = if workspace.is_used { json!([{"usage_type": "ConvAI Settings"}]) } else { json!([]) };
    }
    shown
}
