//! The status calls of v3 and v1.

use crate::World;
use crate::jobs::{Job, JobKind, State};
use crate::rejection::Rejection;
use crate::strict::{Nothing, Params};
use crate::v1::enveloped;
use axum::extract::{Path, State as Shared};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The most ids in one call (HeyGen's v3 documentation).
const MOST_IDS: usize = 100;
/// The failure code of every failed job. HeyGen documents no codes.
const FAILURE_CODE: &str = "RENDER_FAILED";

type ApiResult = Result<Json<Value>, Rejection>;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v3/videos/statuses", get(videos))
        .route("/v3/videos/{id}", get(video))
        .route("/v3/video-translations/{id}", get(translation))
        .route("/v1/video_status.get", get(v1_video))
}

impl World {
    fn video(&self, id: &str) -> Option<Job> {
        self.jobs.get(id).filter(|job| job.kind == JobKind::Video)
    }
}

/// v3 returns no `callback_id` of a video.
async fn video(Shared(world): Shared<Arc<World>>, Path(id): Path<String>, _: Params<Nothing>) -> ApiResult {
    let job = world.video(&id).ok_or_else(|| Rejection::not_found("Video"))?;
    let mut data = json!({
        "id": job.id, "status": status(&job), "title": "A video", "created_at": job.created_at.unix_timestamp(),
        "completed_at": null, "video_url": null, "captioned_video_url": null, "thumbnail_url": null, "gif_url": null,
        "video_page_url": null, "duration": null, "folder_id": null, "failure_code": null, "failure_message": null,
    });
    match job.state() {
        State::Running => {}
        State::Succeeded { at } => {
            data["completed_at"] = json!(at.unix_timestamp());
            data["video_url"] = json!(job.link("mp4"));
            data["thumbnail_url"] = json!(job.link("jpg"));
            data["video_page_url"] = json!(format!("https://app.example.invalid/videos/{}", job.id));
            data["duration"] = json!(12.5);
        }
        State::Failed { at, message } => {
            data["completed_at"] = json!(at.unix_timestamp());
            data["failure_code"] = json!(FAILURE_CODE);
            data["failure_message"] = json!(message);
        }
    }
    Ok(Json(json!({"data": data})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VideosParams {
    video_ids: String,
}

async fn videos(Shared(world): Shared<Arc<World>>, Params(params): Params<VideosParams>) -> ApiResult {
    let ids: Vec<_> = params.video_ids.split(',').collect();
    if ids.len() > MOST_IDS || ids.contains(&"") {
        return Err(Rejection::invalid("video_ids", "video_ids must be 1 to 100 ids, separated by commas"));
    }
    let one = |id: &&str| match world.video(id) {
        None => json!({"video_id": id, "status": "not_found"}),
        Some(job) => match job.state() {
            State::Failed { message, .. } => {
                let error = json!({"code": FAILURE_CODE, "message": message});
                json!({"video_id": id, "status": status(&job), "error": error})
            }
            State::Running | State::Succeeded { .. } => json!({"video_id": id, "status": status(&job)}),
        },
    };
    let data: Vec<_> = ids.iter().map(one).collect();
    Ok(Json(json!({"data": data, "has_more": false, "next_token": null})))
}

async fn translation(Shared(world): Shared<Arc<World>>, Path(id): Path<String>, _: Params<Nothing>) -> ApiResult {
    let job = world.jobs.get(&id);
    let Some((job, JobKind::Translation(language))) = job.as_ref().map(|job| (job, &job.kind)) else {
        return Err(Rejection::not_found("Video translation"));
    };
    let mut data = json!({
        "id": job.id, "status": status(job), "callback_id": job.callback_id, "output_language": language,
        "video_url": null, "duration": null, "failure_message": null,
    });
    match job.state() {
        State::Running => {}
        State::Succeeded { .. } => {
            data["video_url"] = json!(job.link("mp4"));
            data["duration"] = json!(12.5);
        }
        State::Failed { message, .. } => data["failure_message"] = json!(message),
    }
    Ok(Json(json!({"data": data})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct V1Params {
    video_id: String,
}

async fn v1_video(Shared(world): Shared<Arc<World>>, Params(params): Params<V1Params>) -> ApiResult {
    let job = world.video(&params.video_id).ok_or_else(|| Rejection::not_found("Video"))?;
    let mut data = json!({
        "id": job.id, "status": status(&job), "callback_id": job.callback_id, "video_url": null, "gif_url": null,
        "thumbnail_url": null, "duration": null, "error": null,
    });
    match job.state() {
        State::Running => {}
        State::Succeeded { .. } => {
            data["video_url"] = json!(job.link("mp4"));
            data["thumbnail_url"] = json!(job.link("jpg"));
            data["duration"] = json!(12.5);
        }
        State::Failed { message, .. } => {
            data["error"] = json!({"code": FAILURE_CODE, "message": message, "detail": message});
        }
    }
    Ok(enveloped(&data))
}

/// The name of the running state depends on the kind of job.
fn status(job: &Job) -> &'static str {
    match (&job.kind, job.state()) {
        (JobKind::Video, State::Running) => "processing",
        (JobKind::Translation(_), State::Running) => "running",
        (_, State::Succeeded { .. }) => "completed",
        (_, State::Failed { .. }) => "failed",
    }
}
