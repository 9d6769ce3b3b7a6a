//! The lists and the status calls of v3, and the status call of v1.

use crate::World;
use crate::jobs::{Job, JobKind, State, Store};
use crate::links::Links;
use crate::pages::Order;
use crate::rejection::Rejection;
use crate::shown;
use crate::strict::{Nothing, Params};
use crate::v1::enveloped;
use axum::extract::{Path, State as Shared};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use webhook::Platform;

/// The most ids in one call (HeyGen's v3 documentation).
const MOST_IDS: usize = 100;

type ApiResult = Result<Json<Value>, Rejection>;
type SharedWorld = Shared<Arc<World>>;

/// What HeyGen shows of one kind of job.
struct Kind {
    /// Its name in errors.
    name: &'static str,
    /// Whether the list has a job.
    lists: fn(&Job) -> bool,
    /// The job that an id is about.
    find: fn(&Store, &str) -> Option<Job>,
    show: fn(&Job, &Links) -> Value,
}

/// The list of videos has those that translations make, too, under ids of their own.
const VIDEO: Kind = Kind {
    name: "Video",
    lists: |job| matches!(job.kind, JobKind::Video | JobKind::Translation(_)),
    find: |store, id| store.making_video(id).cloned(),
    show: shown::video,
};
const TRANSLATION: Kind = Kind {
    name: "Video translation",
    lists: |job| matches!(job.kind, JobKind::Translation(_)),
    find: |store, id| store.get(id).filter(|job| matches!(job.kind, JobKind::Translation(_))).cloned(),
    show: shown::translation,
};
const LIPSYNC: Kind = Kind {
    name: "Lipsync",
    lists: |job| job.kind == JobKind::Lipsync,
    find: |store, id| store.get(id).filter(|job| job.kind == JobKind::Lipsync).cloned(),
    show: shown::lipsync,
};
const CLIPPING: Kind = Kind {
    name: "AI clipping",
    lists: |job| matches!(job.kind, JobKind::AiClipping(_)),
    find: |store, id| store.get(id).filter(|job| matches!(job.kind, JobKind::AiClipping(_))).cloned(),
    show: shown::clipping,
};
const SESSION: Kind = Kind {
    name: "Session",
    lists: |job| job.kind == JobKind::VideoAgent,
    find: |store, id| store.get(id).filter(|job| job.kind == JobKind::VideoAgent).cloned(),
    show: shown::session,
};

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v3/videos", get(videos))
        .merge(one("/v3/videos/{id}", &VIDEO))
        .merge(statuses("/v3/videos/statuses", "video_ids", &VIDEO))
        .merge(list("/v3/video-translations", &TRANSLATION))
        .merge(one("/v3/video-translations/{id}", &TRANSLATION))
        .merge(statuses("/v3/video-translations/statuses", "video_translation_ids", &TRANSLATION))
        .merge(list("/v3/lipsyncs", &LIPSYNC))
        .merge(one("/v3/lipsyncs/{id}", &LIPSYNC))
        .merge(statuses("/v3/lipsyncs/statuses", "lipsync_ids", &LIPSYNC))
        .merge(list("/v3/ai-clipping", &CLIPPING))
        .merge(one("/v3/ai-clipping/{id}", &CLIPPING))
        .merge(one("/v3/video-agents/{id}", &SESSION))
        // There are no proofreads here.
        .route("/v3/video-translations/proofreads/{id}", get(async || Rejection::not_found("Proofread")))
        .route("/v1/video_status.get", get(v1_video))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListParams {
    limit: Option<usize>,
    token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VideoListParams {
    limit: Option<usize>,
    token: Option<String>,
    folder_id: Option<String>,
    title: Option<String>,
}

fn list(path: &str, kind: &'static Kind) -> Router<Arc<World>> {
    let list = async |Shared(world): SharedWorld, Params(ListParams { limit, token }): Params<ListParams>| {
        world.page_of(kind, limit, token.as_deref(), kind.lists)
    };
    Router::new().route(path, get(list))
}

async fn videos(Shared(world): SharedWorld, Params(params): Params<VideoListParams>) -> ApiResult {
    let VideoListParams { limit, token, folder_id, title } = params;
    // No video is in a folder, and all have one title.
    let has_any = folder_id.is_none() && title.is_none_or(|title| shown::TITLE.contains(&title));
    world.page_of(&VIDEO, limit, token.as_deref(), if has_any { VIDEO.lists } else { |_| false })
}

fn one(path: &str, kind: &'static Kind) -> Router<Arc<World>> {
    let one = async |Shared(world): SharedWorld, Path(id): Path<String>, _: Params<Nothing>| {
        let job = world.find(kind, &id)?;
        ApiResult::Ok(Json(json!({"data": (kind.show)(&job, &world.links(Platform::HeyGen))})))
    };
    Router::new().route(path, get(one))
}

/// HeyGen's samples name the ids of translations and lip-syncs `video_id`, too.
fn statuses(path: &str, parameter: &'static str, kind: &'static Kind) -> Router<Arc<World>> {
    let statuses = async move |Shared(world): SharedWorld, Params(params): Params<BTreeMap<String, String>>| {
        let ids: Vec<_> = params.get(parameter).map(|ids| ids.split(',').collect()).unwrap_or_default();
        if params.len() != 1 || ids.is_empty() || ids.len() > MOST_IDS || ids.contains(&"") {
            let message = format!("{parameter} must be 1 to {MOST_IDS} ids, separated by commas");
            return Err(Rejection::invalid(parameter, message));
        }
        let data: Vec<_> = ids.into_iter().map(|id| state(id, world.find(kind, id).ok().as_ref())).collect();
        Ok(Json(json!({"data": data, "has_more": false, "next_token": null})))
    };
    Router::new().route(path, get(statuses))
}

fn state(id: &str, job: Option<&Job>) -> Value {
    let mut state = json!({"video_id": id, "status": job.map_or("not_found", shown::status)});
    if let Some(State::Failed { message, .. }) = job.map(Job::state) {
        state["error"] = json!({"code": shown::FAILURE_CODE, "message": message});
    }
    state
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct V1Params {
    video_id: String,
}

async fn v1_video(Shared(world): SharedWorld, Params(params): Params<V1Params>) -> ApiResult {
    let job = world.find(&VIDEO, &params.video_id)?;
    Ok(enveloped(&shown::v1_video(&job, &world.links(Platform::HeyGen))))
}

impl World {
    fn find(&self, kind: &Kind, id: &str) -> Result<Job, Rejection> {
        self.jobs.read(|store| (kind.find)(store, id)).ok_or_else(|| Rejection::not_found(kind.name))
    }

    fn page_of(&self, kind: &Kind, limit: Option<usize>, token: Option<&str>, lists: fn(&Job) -> bool) -> ApiResult {
        let (order, links) = (self.order(), self.links(Platform::HeyGen));
        let show = |job: &Job| (kind.show)(job, &links);
        let page = self.jobs.read(|store| {
            let jobs = store.all().filter(|(_, job)| lists(job));
            match order {
                Order::OldestFirst => self.pages.page(kind.name, limit, token, order, jobs, show),
                Order::NewestFirst => self.pages.page(kind.name, limit, token, order, jobs.rev(), show),
            }
        });
        page.map(Json)
    }
}
