//! What HeyGen shows of a job in its lists and status calls.

use crate::jobs::{Job, JobKind, State};
use crate::links::Links;
use serde_json::{Value, json};

/// The failure code of every failed job. HeyGen documents no codes.
pub(crate) const FAILURE_CODE: &str = "RENDER_FAILED";
/// The title of every video.
pub(crate) const TITLE: &str = "A video";
const DURATION: f64 = 12.5;

/// The name of the running state depends on the kind of job, and only a clipping can be `cancelled`.
pub(crate) fn status(job: &Job) -> &'static str {
    match (&job.kind, job.state()) {
        (JobKind::Video, State::Running) => "processing",
        (JobKind::VideoAgent, State::Running) => "generating",
        (_, State::Running) => "running",
        (_, State::Succeeded { .. }) => "completed",
        (JobKind::AiClipping(_), State::Cancelled { .. }) => "cancelled",
        (_, State::Failed { .. } | State::Cancelled { .. }) => "failed",
    }
}

/// v3 returns no `callback_id` of a video. That of a translation has an id and a status of its own.
pub(crate) fn video(job: &Job, links: &Links) -> Value {
    let (id, output_language) = match &job.kind {
        JobKind::Translation(language) => (&job.video_id, Some(language)),
        JobKind::VideoAgent => (&job.video_id, None),
        _ => (&job.id, None),
    };
    let status = if matches!(job.state(), State::Running) { "processing" } else { status(job) };
    let mut data = json!({
        "id": id, "status": status, "title": TITLE, "created_at": job.created_at.unix_timestamp(),
        "completed_at": null, "video_url": null, "captioned_video_url": null, "thumbnail_url": null, "gif_url": null,
        "video_page_url": null, "duration": null, "folder_id": null, "failure_code": null, "failure_message": null,
    });
    if let Some(language) = output_language {
        data["output_language"] = json!(language);
    }
    match job.state() {
        State::Running => {}
        State::Succeeded { at } => {
            data["completed_at"] = json!(at.unix_timestamp());
            data["video_url"] = json!(links.to(id, "mp4"));
            data["thumbnail_url"] = json!(links.to(id, "jpg"));
            data["video_page_url"] = json!(format!("https://app.example.invalid/videos/{id}"));
            data["duration"] = json!(DURATION);
        }
        State::Failed { at, message } => {
            data["completed_at"] = json!(at.unix_timestamp());
            data["failure_code"] = json!(FAILURE_CODE);
            data["failure_message"] = json!(message);
        }
        State::Cancelled { at } => data["completed_at"] = json!(at.unix_timestamp()),
    }
    data
}

pub(crate) fn translation(job: &Job, links: &Links) -> Value {
    let mut data = json!({
        "id": job.id, "status": status(job), "callback_id": job.callback_id, "output_language": null,
        "created_at": job.created_at.unix_timestamp(), "video_url": null, "audio_url": null, "srt_caption_url": null,
        "vtt_caption_url": null, "duration": null, "failure_message": null,
    });
    if let JobKind::Translation(language) = &job.kind {
        data["output_language"] = json!(language);
    }
    ended(&mut data, job, links);
    data
}

pub(crate) fn lipsync(job: &Job, links: &Links) -> Value {
    let mut data = json!({
        "id": job.id, "status": status(job), "callback_id": job.callback_id, "video_url": null, "caption_url": null,
        "created_at": job.created_at.unix_timestamp(), "duration": null, "failure_message": null,
    });
    ended(&mut data, job, links);
    data
}

fn ended(data: &mut Value, job: &Job, links: &Links) {
    match job.state() {
        State::Running | State::Cancelled { .. } => {}
        State::Succeeded { .. } => {
            data["video_url"] = json!(links.to(&job.id, "mp4"));
            data["duration"] = json!(DURATION);
        }
        State::Failed { message, .. } => data["failure_message"] = json!(message),
    }
}

/// The whole job, of which HeyGen's event consists. Its time is not documented.
pub(crate) fn clipping(job: &Job, links: &Links) -> Value {
    let (progress, count, message) = match (&job.kind, job.state()) {
        (JobKind::AiClipping(count), State::Succeeded { .. }) => (100, *count, None),
        (_, State::Failed { message, .. }) => (100, 0, Some(message)),
        _ => (50, 0, None),
    };
    let clip = |number: usize| {
        let id = format!("{}-{number}", job.id);
        json!({
            "id": id, "status": "completed", "video_url": links.to(&id, "mp4"), "thumbnail_url": links.to(&id, "jpg"),
            "title": format!("Clip {number}"), "aspect_ratio": "9:16", "duration_seconds": 30, "virality_score": 90,
            "failure_message": null,
        })
    };
    json!({
        "id": job.id, "status": status(job), "callback_id": job.callback_id, "title": "A long video",
        "source_duration": 3600.5, "progress": progress, "failure_message": message,
        "clips": (1..=count).map(clip).collect::<Vec<_>>(),
    })
}

/// A session of the video agent. The list of videos does not have its video here.
pub(crate) fn session(job: &Job, _: &Links) -> Value {
    let video_id = matches!(job.state(), State::Succeeded { .. }).then_some(&job.video_id);
    json!({"session_id": job.id, "status": status(job), "video_id": video_id})
}

pub(crate) fn v1_video(job: &Job, links: &Links) -> Value {
    let mut data = json!({
        "id": job.id, "status": status(job), "callback_id": job.callback_id, "video_url": null, "gif_url": null,
        "thumbnail_url": null, "duration": null, "error": null,
    });
    match job.state() {
        State::Running | State::Cancelled { .. } => {}
        State::Succeeded { .. } => {
            data["video_url"] = json!(links.to(&job.id, "mp4"));
            data["thumbnail_url"] = json!(links.to(&job.id, "jpg"));
            data["duration"] = json!(DURATION);
        }
        State::Failed { message, .. } => {
            data["error"] = json!({"code": FAILURE_CODE, "message": message, "detail": message});
        }
    }
    data
}
