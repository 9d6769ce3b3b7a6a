//! `/v1/webhook` (HeyGen's v1 documentation). HeyGen announced its end for 2026-11-01.

use crate::World;
use crate::clock::naive;
use crate::endpoints::{Change, Endpoint, New, check_events, check_url};
use crate::rejection::Rejection;
use crate::strict::{Body, Nothing, Params};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

type ApiResult = Result<Json<Value>, Rejection>;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v1/webhook/endpoint.list", get(list))
        .route("/v1/webhook/endpoint.add", post(add))
        .route("/v1/webhook/endpoint.update", patch(update))
        .route("/v1/webhook/endpoint.delete", delete(remove))
        .route("/v1/webhook/webhook.list", get(event_types))
}

/// v1's envelope of a successful response.
pub(crate) fn enveloped(data: &Value) -> Json<Value> {
    Json(json!({"code": 100, "data": data, "message": null}))
}

async fn list(State(world): State<Arc<World>>, _: Params<Nothing>) -> ApiResult {
    Ok(enveloped(&world.endpoints.all().iter().map(shown).collect()))
}

/// Responds with 201, so that a client must accept any 2xx.
async fn add(
    State(world): State<Arc<World>>,
    _: Params<Nothing>,
    Body(new): Body<New>,
) -> Result<(StatusCode, Json<Value>), Rejection> {
    check_url(&new.url)?;
    check_events(new.events.as_deref(), &world.options.event_types)?;
    world.outgoing.check(&new.url).await?;
    let endpoint = world.endpoints.add(new, world.options.unique_urls, world.clock.now())?;
    Ok((StatusCode::CREATED, enveloped(&shown(&endpoint))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    endpoint_id: String,
    url: Option<String>,
    events: Option<Vec<String>>,
}

async fn update(State(world): State<Arc<World>>, _: Params<Nothing>, Body(update): Body<Update>) -> ApiResult {
    let Update { endpoint_id, url, events } = update;
    let change = match url {
        Some(url) => {
            check_url(&url)?;
            check_events(events.as_deref(), &world.options.event_types)?;
            Change { url: Some(url), events }
        }
        // HeyGen ignores an update without a URL, and reports no error.
        None => Change { url: None, events: None },
    };
    Ok(enveloped(&shown(&world.endpoints.change(&endpoint_id, |endpoint| endpoint.apply(change))?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteParams {
    endpoint_id: String,
}

async fn remove(State(world): State<Arc<World>>, Params(params): Params<DeleteParams>) -> ApiResult {
    world.endpoints.remove(&params.endpoint_id)?;
    Ok(enveloped(&Value::Null))
}

async fn event_types(State(world): State<Arc<World>>, _: Params<Nothing>) -> ApiResult {
    Ok(enveloped(&json!(world.options.event_types)))
}

/// An endpoint with its secret, which v1 always returns.
fn shown(endpoint: &Endpoint) -> Value {
    json!({
        "endpoint_id": endpoint.endpoint_id,
        "username": "simulator",
        "url": endpoint.url,
        "status": endpoint.status(),
        "events": endpoint.events,
        "secret": endpoint.secret,
        "created_at": naive(endpoint.created_at),
    })
}
