//! Jobs: started here, reported by webhook, and known to the status calls.

use crate::World;
use crate::{lock, random};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;

/// What a job makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobKind {
    /// A video of an avatar.
    Video,
    /// A video's translation into one language, such as `Spanish`. More languages are more jobs.
    Translation(String),
}

impl JobKind {
    /// The names of the kinds, as they are in event types.
    pub const NAMES: [&str; 2] = ["avatar_video", "video_translate"];

    /// Its name, one of [`JobKind::NAMES`].
    pub fn name(&self) -> &'static str {
        match self {
            JobKind::Video => "avatar_video",
            JobKind::Translation(_) => "video_translate",
        }
    }

    /// The kind of that name. The language is for a translation; it is Spanish if it is not given.
    pub fn named(name: &str, output_language: Option<String>) -> Option<Self> {
        match name {
            "avatar_video" => Some(JobKind::Video),
            "video_translate" => Some(JobKind::Translation(output_language.unwrap_or_else(|| "Spanish".to_owned()))),
            _ => None,
        }
    }
}

/// How a job ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// It succeeds.
    Succeeds,
    /// It fails, with this message.
    Fails(String),
    /// It never ends, and no event is delivered.
    NeverEnds,
}

#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) kind: JobKind,
    pub(crate) callback_id: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    outcome: JobOutcome,
    ended_at: Option<OffsetDateTime>,
}

/// How far a job is.
pub(crate) enum State<'a> {
    Running,
    Succeeded { at: OffsetDateTime },
    Failed { at: OffsetDateTime, message: &'a str },
}

#[derive(Default)]
pub(crate) struct Jobs(Mutex<Vec<Job>>);

impl Jobs {
    pub(crate) fn get(&self, id: &str) -> Option<Job> {
        lock(&self.0).iter().find(|job| job.id == id).cloned()
    }
}

impl World {
    pub(crate) fn start_job(self: &Arc<Self>, kind: JobKind, callback_id: Option<&str>, outcome: JobOutcome) -> String {
        self.start_job_for(kind, callback_id, outcome, self.options.job_duration)
    }

    /// A job that takes this long.
    pub(crate) fn start_job_for(
        self: &Arc<Self>,
        kind: JobKind,
        callback_id: Option<&str>,
        outcome: JobOutcome,
        duration: Duration,
    ) -> String {
        let (id, created_at) = (random::opaque(), self.clock.now());
        let callback_id = callback_id.map(str::to_owned);
        let ends = outcome != JobOutcome::NeverEnds;
        lock(&self.jobs.0).push(Job { id: id.clone(), kind, callback_id, created_at, outcome, ended_at: None });
        if ends {
            self.log.job_started();
            let (world, id) = (Arc::clone(self), id.clone());
            tokio::spawn(async move {
                tokio::time::sleep(duration).await;
                world.end_job(&id);
            });
        }
        id
    }

    /// It ends before it is reported: a client that asks about it on a delivery finds the same state.
    fn end_job(self: &Arc<Self>, id: &str) {
        let now = self.clock.now();
        let job = lock(&self.jobs.0).iter_mut().find(|job| job.id == id).map(|job| {
            job.ended_at = Some(now);
            job.clone()
        });
        if let Some((event_type, data)) = job.as_ref().and_then(Job::report) {
            self.emit(event_type, data);
        }
        self.log.job_ended();
    }
}

impl Job {
    pub(crate) fn state(&self) -> State<'_> {
        match (&self.outcome, self.ended_at) {
            (JobOutcome::Succeeds, Some(at)) => State::Succeeded { at },
            (JobOutcome::Fails(message), Some(at)) => State::Failed { at, message },
            (JobOutcome::NeverEnds, _) | (_, None) => State::Running,
        }
    }

    /// A pre-signed link, which is another one each time.
    pub(crate) fn link(&self, extension: &str) -> String {
        let query = format!("X-Amz-Expires=604800&X-Amz-Signature={}", random::opaque());
        format!("https://files.example.invalid/{}.{extension}?{query}", self.id)
    }

    /// The event type and data that report its end (HeyGen's v1 documentation).
    fn report(&self) -> Option<(&'static str, Value)> {
        let Job { id, callback_id, .. } = self;
        let report = match (&self.kind, self.state()) {
            (_, State::Running) => return None,
            (JobKind::Video, State::Succeeded { .. }) => {
                let page = format!("https://app.example.invalid/share/{id}");
                let data = json!({
                    "video_id": id, "callback_id": callback_id, "url": self.link("mp4"), "gif_download_url": null,
                    "video_share_page_url": page, "folder_id": null,
                });
                ("avatar_video.success", data)
            }
            (JobKind::Video, State::Failed { message, .. }) => {
                ("avatar_video.fail", json!({"video_id": id, "callback_id": callback_id, "msg": message}))
            }
            (JobKind::Translation(language), State::Succeeded { .. }) => {
                let data = json!({
                    "video_translate_id": id, "callback_id": callback_id, "url": self.link("mp4"),
                    "output_language": language,
                });
                ("video_translate.success", data)
            }
            (JobKind::Translation(language), State::Failed { message, .. }) => {
                let data = json!({
                    "video_translate_id": id, "callback_id": callback_id, "message": message,
                    "output_language": language,
                });
                ("video_translate.fail", data)
            }
        };
        Some(report)
    }
}
