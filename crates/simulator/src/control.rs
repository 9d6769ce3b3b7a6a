//! How other processes control a simulator: the paths below `/_simulator/`. They are not part of HeyGen's API, so
//! they are not in the list of calls and have no faults.

use crate::World;
use crate::gate::authenticate;
use crate::jobs::{JobKind, JobOutcome};
use crate::log::Delivery;
use crate::rejection::{Rejection, Version};
use crate::sender::Disturbance;
use crate::strict::{Body, Nothing, Params};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const ENDPOINTS: &str = "/_simulator/endpoints";
pub(crate) const JOBS: &str = "/_simulator/jobs";
pub(crate) const EVENTS: &str = "/_simulator/events";
pub(crate) const DELIVERIES: &str = "/_simulator/deliveries";

pub(crate) fn router(world: &Arc<World>) -> Router<Arc<World>> {
    Router::new()
        .route(EVENTS, post(emit))
        .route(DELIVERIES, get(deliveries))
        .route(ENDPOINTS, get(endpoints))
        .route(JOBS, post(start_job))
        .route("/_simulator/{*path}", any(async || Rejection::not_found("Path")))
        // To test a receiver's own limit, a body has to exceed it.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(world), guard))
}

async fn guard(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let response = match authenticate(request.headers(), &world.api_key) {
        Ok(()) => next.run(request).await,
        Err(rejection) => rejection.into_response(),
    };
    match response.extensions().get::<Rejection>() {
        Some(rejection) => Version::V3.respond(rejection),
        None => response,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmitParams {
    disturbance: Option<Disturbance>,
    /// Only this endpoint; all that subscribe to the event if it is not given.
    endpoint_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Emitted {
    pub(crate) event_id: String,
}

async fn emit(
    State(world): State<Arc<World>>,
    Params(params): Params<EmitParams>,
    body: Bytes,
) -> Result<Json<Emitted>, Rejection> {
    let EmitParams { disturbance, endpoint_id } = params;
    if endpoint_id.as_deref().is_some_and(|id| world.endpoints.get(id).is_none()) {
        return Err(Rejection::not_found("Endpoint"));
    }
    Ok(Json(Emitted { event_id: world.emit_body_to(endpoint_id.as_deref(), body.into(), disturbance) }))
}

async fn deliveries(State(world): State<Arc<World>>, _: Params<Nothing>) -> Json<Vec<Delivery>> {
    Json(world.log.deliveries())
}

/// An endpoint as other processes see it: without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredEndpoint {
    /// HeyGen's id of the endpoint.
    pub endpoint_id: String,
    /// The URL that events are posted to.
    pub url: String,
    /// Whether HeyGen delivers to it.
    pub enabled: bool,
    /// The event types that it subscribes to; `None` for all.
    pub events: Option<Vec<String>>,
}

async fn endpoints(State(world): State<Arc<World>>, _: Params<Nothing>) -> Json<Vec<RegisteredEndpoint>> {
    let seen = world.endpoints.all().into_iter().map(|endpoint| RegisteredEndpoint {
        endpoint_id: endpoint.endpoint_id,
        url: endpoint.url,
        enabled: endpoint.enabled,
        events: endpoint.events,
    });
    Json(seen.collect())
}

/// A job to start.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJob {
    /// `avatar_video` or `video_translate`.
    pub(crate) kind: String,
    pub(crate) callback_id: Option<String>,
    /// The language of a translation; Spanish if it is not given.
    pub(crate) output_language: Option<String>,
    /// The error message of a job that fails; it succeeds if there is none.
    pub(crate) failure: Option<String>,
    /// The time until it ends.
    pub(crate) milliseconds: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct StartedJob {
    pub(crate) id: String,
}

async fn start_job(State(world): State<Arc<World>>, Body(new): Body<NewJob>) -> Result<Json<StartedJob>, Rejection> {
    let NewJob { kind, callback_id, output_language, failure, milliseconds } = new;
    let kind = JobKind::named(&kind, output_language)
        .ok_or_else(|| Rejection::invalid("kind", format!("{} are the kinds of jobs", JobKind::NAMES.join(" and "))))?;
    let outcome = failure.map_or(JobOutcome::Succeeds, JobOutcome::Fails);
    let duration = Duration::from_millis(milliseconds);
    Ok(Json(StartedJob { id: world.start_job_for(kind, callback_id.as_deref(), outcome, duration) }))
}
