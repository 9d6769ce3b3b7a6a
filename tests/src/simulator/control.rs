//! What other processes may tell a simulator and ask it, below `/_simulator/`. It is no part of HeyGen's API:
//! not among its calls, and without faults.

use super::World;
use super::gate::authenticate;
use super::log::Delivery;
use super::refusal::{Refusal, Version};
use super::sender::Disturbance;
use super::strict::{Nothing, Params};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) const EVENTS: &str = "/_simulator/events";
pub(super) const DELIVERIES: &str = "/_simulator/deliveries";

pub(super) fn router(world: &Arc<World>) -> Router<Arc<World>> {
    Router::new()
        .route(EVENTS, post(emit))
        .route(DELIVERIES, get(deliveries))
        .route("/_simulator/{*path}", any(async || Refusal::not_found("Path")))
        // A receiver's own limit can only be tried with a body beyond it.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(world), guard))
}

async fn guard(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let response = match authenticate(request.headers(), &world.api_key) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    match response.extensions().get::<Refusal>() {
        Some(refusal) => Version::V3.answer(refusal),
        None => response,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmitParams {
    disturbance: Option<Disturbance>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Emitted {
    pub(super) event_id: String,
}

async fn emit(State(world): State<Arc<World>>, Params(params): Params<EmitParams>, body: Bytes) -> Json<Emitted> {
    Json(Emitted { event_id: world.emit_body(body.into(), params.disturbance) })
}

async fn deliveries(State(world): State<Arc<World>>, _: Params<Nothing>) -> Json<Vec<Delivery>> {
    Json(world.log.deliveries())
}
