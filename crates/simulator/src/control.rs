//! How other processes control a simulator: the paths below `/_simulator/`. They are not part of HeyGen's API, so
//! they are not in the list of calls and have no faults.

use crate::World;
use crate::gate::authenticate;
use crate::jobs::{Ends, JobKind, JobOutcome, StartJob};
use crate::log::Delivery;
use crate::rejection::{Rejection, Version};
use crate::sender::Disturbance;
use crate::settings::Change;
use crate::strict::{Body, Nothing, Params};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, patch, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const ENDPOINTS: &str = "/_simulator/endpoints";
pub(crate) const JOBS: &str = "/_simulator/jobs";
pub(crate) const OPTIONS: &str = "/_simulator/options";
pub(crate) const EVENTS: &str = "/_simulator/events";
pub(crate) const DELIVERIES: &str = "/_simulator/deliveries";

pub(crate) fn router(world: &Arc<World>) -> Router<Arc<World>> {
    Router::new()
        .route(EVENTS, post(emit))
        .route(DELIVERIES, get(deliveries))
        .route(ENDPOINTS, get(endpoints))
        .route(JOBS, post(start_jobs))
        .route(&format!("{JOBS}/{{id}}"), delete(forget))
        .route(OPTIONS, patch(change))
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
    Ok(Json(Emitted {
        event_id: world.emit_body_to(endpoint_id.as_deref(), body.into(), disturbance, world.clock.now()),
    }))
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

/// A job to start, as it is sent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJob {
    /// One of [`JobKind::NAMES`].
    kind: String,
    callback_id: Option<String>,
    /// The language of a translation; Spanish if it is not given.
    output_language: Option<String>,
    /// The number of clips of a clipping; 3 if it is not given.
    clips: Option<usize>,
    outcome: NewOutcome,
    /// The error message of a job that fails.
    failure: Option<String>,
    /// The time until it ends, or since then.
    milliseconds: u64,
    /// Whether it ended that long ago.
    #[serde(default)]
    ago: bool,
    disturbance: Option<Disturbance>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NewOutcome {
    Succeeds,
    Fails,
    IsCancelled,
    NeverEnds,
}

impl From<&StartJob> for NewJob {
    fn from(job: &StartJob) -> Self {
        let StartJob { kind, callback_id, outcome, ends, disturbance } = job;
        let (outcome, failure) = match outcome {
            JobOutcome::Succeeds => (NewOutcome::Succeeds, None),
            JobOutcome::Fails(message) => (NewOutcome::Fails, Some(message.clone())),
            JobOutcome::IsCancelled => (NewOutcome::IsCancelled, None),
            JobOutcome::NeverEnds => (NewOutcome::NeverEnds, None),
        };
        let (time, ago) = match ends {
            Ends::After(time) => (time, false),
            Ends::Ago(time) => (time, true),
        };
        NewJob {
            kind: kind.name().to_owned(),
            callback_id: callback_id.clone(),
            output_language: if let JobKind::Translation(language) = kind { Some(language.clone()) } else { None },
            clips: if let JobKind::AiClipping(clips) = kind { Some(*clips) } else { None },
            outcome,
            failure,
            milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            ago,
            disturbance: *disturbance,
        }
    }
}

impl NewJob {
    fn read(self) -> Result<StartJob, Rejection> {
        let kind = JobKind::named(&self.kind, self.output_language).ok_or_else(|| {
            Rejection::invalid("kind", format!("the kinds of jobs are {}", JobKind::NAMES.join(", ")))
        })?;
        let time = Duration::from_millis(self.milliseconds);
        Ok(StartJob {
            kind: match (kind, self.clips) {
                (JobKind::AiClipping(_), Some(clips)) => JobKind::AiClipping(clips),
                (kind, _) => kind,
            },
            callback_id: self.callback_id,
            outcome: match (self.outcome, self.failure) {
                (NewOutcome::Fails, message) => JobOutcome::Fails(message.unwrap_or_default()),
                (_, Some(_)) => return Err(Rejection::invalid("failure", "only a job that fails has a failure")),
                (NewOutcome::Succeeds, None) => JobOutcome::Succeeds,
                (NewOutcome::IsCancelled, None) => JobOutcome::IsCancelled,
                (NewOutcome::NeverEnds, None) => JobOutcome::NeverEnds,
            },
            ends: if self.ago { Ends::Ago(time) } else { Ends::After(time) },
            disturbance: self.disturbance,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct StartedJobs {
    pub(crate) ids: Vec<String>,
}

/// Starts all of them or none.
async fn start_jobs(
    State(world): State<Arc<World>>,
    Body(jobs): Body<Vec<NewJob>>,
) -> Result<Json<StartedJobs>, Rejection> {
    let jobs = jobs.into_iter().map(NewJob::read).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(StartedJobs { ids: world.start_jobs(jobs) }))
}

async fn forget(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    _: Params<Nothing>,
) -> Result<Json<()>, Rejection> {
    if world.jobs.forget(&id) { Ok(Json(())) } else { Err(Rejection::not_found("Job")) }
}

async fn change(State(world): State<Arc<World>>, Body(change): Body<Change>) -> Json<()> {
    world.change(change);
    Json(())
}
