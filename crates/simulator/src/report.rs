//! The events that report the ends of jobs.

use crate::World;
use crate::jobs::{Job, JobKind, State};
use crate::links::Links;
use crate::log::Event;
use crate::platforms::CallbackUrl;
use crate::sender::{Disturbance, Target};
use crate::shown;
use serde_json::{Value, json};
use std::sync::Arc;
use time::OffsetDateTime;
use webhook::Platform;

impl World {
    /// Reports the end of a job: to the endpoints, and to its `callback_url` in addition, as HeyGen documents. That the
    /// two get the same body is assumed. HeyGen documents no event of a job that was cancelled.
    pub(crate) fn report(self: &Arc<Self>, job: &Job, at: OffsetDateTime, disturbance: Option<Disturbance>) {
        if let JobKind::On(product, notify) = &job.kind {
            return self.report_elsewhere(job, (*product, notify), at, disturbance);
        }
        let links = self.links(Platform::HeyGen);
        let (outcome, data) = match job.state() {
            State::Running | State::Cancelled { .. } => return,
            State::Succeeded { .. } => ("success", job.succeeded(&links)),
            State::Failed { message, .. } => ("fail", job.failed(message, &links)),
        };
        let event_type = format!("{}.{outcome}", job.kind.name());
        let body = json!({"event_type": event_type, "event_data": data}).to_string().into_bytes();
        let event = Event::new(body, at);
        let mut targets = self.listening(&event.event_type);
        if let Some(CallbackUrl(url)) = &job.callback_url {
            targets.push(Target::Callback { name: job.id.clone(), url: url.clone() });
        }
        self.send(event, targets, disturbance);
    }
}

/// HeyGen's documentation of v1 for videos and translations, and of v3 for clippings. It documents no `event_data` of a
/// lip-sync or a session.
impl Job {
    fn succeeded(&self, links: &Links) -> Value {
        let Job { id, callback_id, callback_url, .. } = self;
        match &self.kind {
            JobKind::Video => {
                let mut data = json!({
                    "video_id": id, "callback_id": callback_id, "url": links.to(id, "mp4"), "gif_download_url": null,
                    "video_share_page_url": format!("https://app.example.invalid/share/{id}"), "folder_id": null,
                });
                // Live deliveries were seen with it.
                if let Some(CallbackUrl(url)) = callback_url {
                    data["callback_url"] = json!(url);
                }
                data
            }
            JobKind::Translation(language) => json!({
                "video_translate_id": id, "callback_id": callback_id, "url": links.to(id, "mp4"),
                "output_language": language,
            }),
            JobKind::Lipsync => json!({"lipsync_id": id, "callback_id": callback_id, "url": links.to(id, "mp4")}),
            JobKind::AiClipping(_) => shown::clipping(self, links),
            JobKind::VideoAgent => {
                json!({"session_id": id, "callback_id": callback_id, "video_url": links.to(id, "mp4")})
            }
            // Reported by its own platform.
            JobKind::On(..) => Value::Null,
        }
    }

    fn failed(&self, message: &str, links: &Links) -> Value {
        let Job { id, callback_id, .. } = self;
        match &self.kind {
            JobKind::Video => json!({"video_id": id, "callback_id": callback_id, "msg": message}),
            JobKind::Translation(language) => json!({
                "video_translate_id": id, "callback_id": callback_id, "message": message, "output_language": language,
            }),
            JobKind::Lipsync => json!({"lipsync_id": id, "callback_id": callback_id, "message": message}),
            JobKind::AiClipping(_) => shown::clipping(self, links),
            JobKind::VideoAgent => json!({"session_id": id, "callback_id": callback_id, "message": message}),
            JobKind::On(..) => Value::Null,
        }
    }
}
