//! How other processes control a simulator: the paths below `/_simulator/`. They are not part of HeyGen's API, so
//! they are not in the list of calls and have no faults.

use crate::calls::Call;
use crate::gate::authenticate;
use crate::jobs::{Ends, JobKind, JobOutcome, StartJob};
use crate::log::Delivery;
use crate::platforms::{CallbackUrl, Notify, Product};
use crate::rejection::{Dialect, Rejection};
use crate::sender::Disturbance;
use crate::settings::Change;
use crate::strict::{Body, Nothing, Params};
use crate::{Access, World};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, patch, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use webhook::Platform;

pub(crate) const ENDPOINTS: &str = "/_simulator/endpoints";
pub(crate) const JOBS: &str = "/_simulator/jobs";
pub(crate) const OPTIONS: &str = "/_simulator/options";
pub(crate) const EVENTS: &str = "/_simulator/events";
pub(crate) const DELIVERIES: &str = "/_simulator/deliveries";
pub(crate) const PLATFORMS: &str = "/_simulator/platforms";
/// The header of an event that goes to a callback URL, and not to webhooks.
pub(crate) const CALLBACK_URL: &str = "x-callback-url";

pub(crate) fn router(world: &Arc<World>) -> Router<Arc<World>> {
    Router::new()
        .route(EVENTS, post(emit))
        .route(DELIVERIES, get(deliveries))
        .route(ENDPOINTS, get(endpoints))
        .route(JOBS, post(start_jobs))
        .route(&format!("{JOBS}/{{id}}"), delete(forget))
        .route(&format!("{JOBS}/{{id}}/end"), post(end))
        .route(&format!("{PLATFORMS}/{{platform}}"), get(access))
        .route(&format!("{PLATFORMS}/{{platform}}/calls"), get(calls))
        .route(&format!("{PLATFORMS}/{{platform}}/webhooks"), get(webhooks))
        .route(OPTIONS, patch(change))
        .route("/_simulator/{*path}", any(async || Rejection::not_found("Path")))
        // To test a receiver's own limit, a body has to exceed it.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(world), guard))
}

async fn guard(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let api_key = world.access(Platform::HeyGen).api_key;
    let response = match authenticate(Platform::HeyGen, request.headers(), &api_key) {
        Ok(()) => next.run(request).await,
        Err(rejection) => rejection.into_response(),
    };
    match response.extensions().get::<Rejection>() {
        Some(rejection) => Dialect::V3.respond(rejection),
        None => response,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmitParams {
    disturbance: Option<Disturbance>,
    /// Only this endpoint of HeyGen; all that subscribe to the event if it is not given.
    endpoint_id: Option<String>,
    /// Whose event it is; HeyGen's if it is not given.
    #[serde(default)]
    platform: Platform,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Emitted {
    pub(crate) event_id: String,
}

async fn emit(
    State(world): State<Arc<World>>,
    Params(params): Params<EmitParams>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Emitted>, Rejection> {
    let EmitParams { disturbance, endpoint_id, platform } = params;
    if platform != Platform::HeyGen {
        let callback_url = headers.get(CALLBACK_URL).and_then(|value| value.to_str().ok());
        let event_id = world.emit_elsewhere(platform, callback_url, body.into(), disturbance);
        return Ok(Json(Emitted { event_id }));
    }
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
    /// The platform's id of the endpoint.
    pub endpoint_id: String,
    /// The URL that events are posted to.
    pub url: String,
    /// Whether the platform delivers to it.
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

async fn access(State(world): State<Arc<World>>, Path(platform): Path<Platform>, _: Params<Nothing>) -> Json<Access> {
    Json(world.access(platform))
}

async fn calls(State(world): State<Arc<World>>, Path(platform): Path<Platform>, _: Params<Nothing>) -> Json<Vec<Call>> {
    Json(world.site(platform).calls.all())
}

async fn webhooks(
    State(world): State<Arc<World>>,
    Path(platform): Path<Platform>,
    _: Params<Nothing>,
) -> Json<Vec<RegisteredEndpoint>> {
    let seen = world.site(platform).webhooks.all().into_iter().map(|webhook| RegisteredEndpoint {
        enabled: webhook.is_enabled(),
        endpoint_id: webhook.id,
        url: webhook.url,
        events: Some(webhook.events),
    });
    Json(seen.collect())
}

/// A job to start, as it is sent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJob {
    /// One of [`JobKind::NAMES`], or the name of a [`Product`].
    kind: String,
    callback_id: Option<String>,
    /// The language of a translation; Spanish if it is not given.
    output_language: Option<String>,
    /// The number of clips of a clipping; 3 if it is not given.
    clips: Option<usize>,
    /// Where a job of Tavus or D-ID is reported to, nowhere if it is not given; where one of HeyGen's is reported to as
    /// well.
    callback_url: Option<String>,
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
    IsRejected,
    IsCancelled,
    NeverEnds,
}

impl From<&StartJob> for NewJob {
    fn from(job: &StartJob) -> Self {
        let StartJob { kind, callback_id, callback_url, outcome, ends, disturbance } = job;
        let (outcome, failure) = match outcome {
            JobOutcome::Succeeds => (NewOutcome::Succeeds, None),
            JobOutcome::Fails(message) => (NewOutcome::Fails, Some(message.clone())),
            JobOutcome::IsRejected(message) => (NewOutcome::IsRejected, Some(message.clone())),
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
            callback_url: match (kind, callback_url) {
                (JobKind::On(_, Notify::Url(CallbackUrl(url))), _) | (_, Some(CallbackUrl(url))) => Some(url.clone()),
                _ => None,
            },
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
            let others = Product::ALL.map(Product::name).join(", ");
            Rejection::invalid("kind", format!("the kinds of jobs are {}, {others}", JobKind::NAMES.join(", ")))
        })?;
        let (kind, callback_url) = match (kind, self.callback_url) {
            (JobKind::On(product, _), Some(url)) if product.platform().takes_callback_urls() => {
                (product.calling(url), None)
            }
            (JobKind::On(..), Some(_)) => {
                return Err(Rejection::invalid("callback_url", "this kind of job has no callback"));
            }
            (kind, url) => (kind, url.map(CallbackUrl)),
        };
        let time = Duration::from_millis(self.milliseconds);
        Ok(StartJob {
            kind: match (kind, self.clips) {
                (JobKind::AiClipping(_), Some(clips)) => JobKind::AiClipping(clips),
                (kind, _) => kind,
            },
            callback_id: self.callback_id,
            callback_url,
            outcome: match (self.outcome, self.failure) {
                (NewOutcome::Fails, message) => JobOutcome::Fails(message.unwrap_or_default()),
                (NewOutcome::IsRejected, message) => JobOutcome::IsRejected(message.unwrap_or_default()),
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    pub(crate) outcome: JobOutcome,
    pub(crate) disturbance: Option<Disturbance>,
}

async fn end(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    Body(End { outcome, disturbance }): Body<End>,
) -> Result<Json<()>, Rejection> {
    let is_running = world.end_job(&id, Some(outcome), disturbance);
    if is_running { Ok(Json(())) } else { Err(Rejection::not_found("Running job")) }
}

async fn change(State(world): State<Arc<World>>, Body(change): Body<Change>) -> Json<()> {
    world.change(change);
    Json(())
}
