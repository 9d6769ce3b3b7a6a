//! What HeyGen makes, as its lists and its status calls describe it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use time::OffsetDateTime;

use super::{Progress, timestamp};
use crate::{Failure, failure, links};
use webhook::fields::Fields;

/// What HeyGen can be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    /// A video of an avatar; also its gif and its version with captions.
    Video,
    /// The translation of a video into one language.
    VideoTranslation,
    /// A lip-sync.
    Lipsync,
    /// The clips of a long video.
    AiClipping,
    /// A session of the video agent.
    VideoAgent,
    /// The proofreading of a translation.
    Proofread,
}

impl EntityKind {
    /// The kinds of which HeyGen has a list.
    pub const LISTED: [Self; 4] = [Self::Video, Self::VideoTranslation, Self::Lipsync, Self::AiClipping];

    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Video, Self::VideoTranslation, Self::Lipsync, Self::AiClipping, Self::VideoAgent, Self::Proofread];

    /// What to ask about a job of this kind, as in [`Job::kind`](crate::Job::kind); `None` if HeyGen has no call for it.
    pub fn of_job(job_kind: &str) -> Option<Self> {
        Some(match job_kind {
            "avatar_video" | "avatar_video_gif" | "avatar_video_caption" | "personalized_video" => Self::Video,
            "video_translate" => Self::VideoTranslation,
            "lipsync" => Self::Lipsync,
            "ai_clipping" => Self::AiClipping,
            "video_agent" => Self::VideoAgent,
            "proofread_creation" => Self::Proofread,
            _ => return None,
        })
    }

    /// The kind of job that makes it, as in [`Job::kind`](crate::Job::kind).
    pub fn job_kind(self) -> &'static str {
        match self {
            Self::Video => "avatar_video",
            Self::VideoTranslation => "video_translate",
            Self::Lipsync => "lipsync",
            Self::AiClipping => "ai_clipping",
            Self::VideoAgent => "video_agent",
            Self::Proofread => "proofread_creation",
        }
    }

    /// A name for stored positions and for logs, such as `video_translations`. It never changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Video => "videos",
            Self::VideoTranslation => "video_translations",
            Self::Lipsync => "lipsyncs",
            Self::AiClipping => "ai_clippings",
            Self::VideoAgent => "video_agents",
            Self::Proofread => "proofreads",
        }
    }

    /// The field of `event_data` that holds the id in deliveries.
    pub(super) fn id_in_events(self) -> &'static str {
        match self {
            Self::Video => "video_id",
            Self::VideoTranslation => "video_translate_id",
            Self::Lipsync => "lipsync_id",
            Self::AiClipping => "id",
            Self::VideoAgent => "session_id",
            Self::Proofread => "proofread_id",
        }
    }

    /// The fields that may hold the id in a list, the most specific first.
    fn ids(self) -> &'static [&'static str] {
        match self {
            Self::Video => &["id", "video_id"],
            Self::VideoTranslation => &["id", "video_translation_id", "video_translate_id"],
            Self::Lipsync => &["id", "lipsync_id"],
            Self::AiClipping => &["id", "ai_clipping_id"],
            Self::VideoAgent => &["session_id", "id"],
            Self::Proofread => &["id", "proofread_id"],
        }
    }
}

/// What HeyGen says of a video, a translation, … now. `Debug` omits the links, because anyone who has one can fetch the
/// result, the title, and why it failed.
#[derive(Clone, PartialEq)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// HeyGen's id.
    pub id: String,
    /// Its status.
    pub progress: Option<Progress>,
    /// The caller's own id. v3 does not return it for videos, sessions and proofreads.
    pub callback_id: Option<String>,
    /// When the job was created.
    pub created_at: Option<OffsetDateTime>,
    /// When the job ended. HeyGen documents it only for videos.
    pub completed_at: Option<OffsetDateTime>,
    /// The language of a translation, such as `Spanish`.
    pub output_language: Option<String>,
    /// The length of the result in seconds.
    pub duration: Option<f64>,
    /// Fresh URLs of the results, named as in [`Event::links`](crate::Event::links), without those of the clips.
    pub links: BTreeMap<String, String>,
    /// Why it failed, if it did and HeyGen gave a reason.
    pub failure: Option<Failure>,
    /// All that HeyGen said, for the event.
    pub(super) data: Value,
}

impl Entity {
    /// Whether a video is the result of a translation: the list of videos has these, too, without their `callback_id`.
    pub fn is_translation(&self) -> bool {
        self.kind == EntityKind::Video && self.output_language.is_some()
    }

    /// The same entity with the caller's own id, where HeyGen did not return it.
    pub fn with_callback_id(mut self, callback_id: String) -> Self {
        if let Some(data) = self.data.as_object_mut() {
            data.insert("callback_id".to_owned(), callback_id.clone().into());
        }
        self.callback_id = Some(callback_id);
        self
    }

    pub(super) fn read(kind: EntityKind, value: &Value) -> Option<Self> {
        let data = Fields::of(Some(value));
        let time = |name| data.text(name).and_then(|text| timestamp::parse(&text));
        Some(Self {
            kind,
            id: data.first_text(kind.ids())?,
            progress: data.text("status").map(Progress::from),
            callback_id: data.text("callback_id"),
            created_at: time("created_at"),
            completed_at: time("completed_at"),
            output_language: data.text("output_language"),
            duration: data.get("duration").and_then(Value::as_f64),
            links: links::read(None, data),
            failure: failure::read(data),
            data: value.clone(),
        })
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entity")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("progress", &self.progress)
            .field("callback_id", &self.callback_id)
            .field("created_at", &self.created_at)
            .field("links", &self.links.keys())
            .finish_non_exhaustive()
    }
}
