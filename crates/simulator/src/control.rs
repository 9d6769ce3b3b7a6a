//! What other processes may tell a simulator and ask it, below `/_simulator/`. It is no part of HeyGen's API:
//! not among its calls, and without faults.

use crate::World;
use crate::gate::authenticate;
use crate::log::Delivery;
use crate::rejection::{Rejection, Version};
use crate::sender::Disturbance;
use crate::strict::{Nothing, Params};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(crate) const EVENTS: &str = "/_simulator/events";
pub(crate) const DELIVERIES: &str = "/_simulator/deliveries";

pub(crate) fn router(world: &Arc<World>) -> Router<Arc<World>> {
    Router::new()
        .route(EVENTS, post(emit))
        .route(DELIVERIES, get(deliveries))
        .route("/_simulator/{*path}", any(async || Rejection::not_found("Path")))
        // A receiver's own limit can only be tried with a body beyond it.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(world), guard))
}

async fn guard(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let response = match authenticate(request.headers(), &world.api_key) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    match response.extensions().get::<Rejection>() {
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
pub(crate) struct Emitted {
    pub(crate) event_id: String,
}

async fn emit(State(world): State<Arc<World>>, Params(params): Params<EmitParams>, body: Bytes) -> Json<Emitted> {
    Json(Emitted { event_id: world.emit_body(body.into(), params.disturbance) })
}

async fn deliveries(State(world): State<Arc<World>>, _: Params<Nothing>) -> Json<Vec<Delivery>> {
    Json(world.log.deliveries())
}
