//! What became of videos, for jobs whose webhook never came.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::Method;
use serde_json::Value;

use super::client::id;
use super::transport::Call;
use super::{Api, ApiError, ApiVersion, Kind, Pages};
use crate::fields::Fields;
use crate::{Failure, links};

/// HeyGen's limit of [`Api::video_statuses`], per call.
const IDS_PER_CALL: usize = 100;

/// How far HeyGen is with something, in HeyGen's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Not begun.
    Waiting,
    /// Not begun.
    Pending,
    /// Not begun.
    Queued,
    /// Worked on: a video.
    Processing,
    /// Worked on: a translation.
    Running,
    /// Done.
    Completed,
    /// Given up.
    Failed,
    /// HeyGen knows no such thing.
    NotFound,
    /// Something else, in HeyGen's word.
    Other(String),
}

/// A video, or a translation of one. `Debug` shows neither links, which let anyone who has one
/// fetch the result, nor why it failed.
#[derive(Clone, PartialEq)]
pub struct Video {
    /// HeyGen's id of it.
    pub id: String,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Its title.
    pub title: Option<String>,
    /// What the team called it. v3 tells it of translations only, v1 of videos.
    pub callback_id: Option<String>,
    /// When it was begun, as HeyGen wrote it: v3 gives Unix seconds.
    pub created_at: Option<String>,
    /// When it was done, likewise.
    pub completed_at: Option<String>,
    /// Fresh links to the results, named as in [`Event::links`](crate::Event::links).
    pub links: BTreeMap<String, String>,
    /// Its length in seconds.
    pub duration: Option<f64>,
    /// The folder it is in.
    pub folder_id: Option<String>,
    /// The language of a translation.
    pub output_language: Option<String>,
    /// Why it failed, if it did and HeyGen said so.
    pub failure: Option<Failure>,
}

/// How far a video is, and no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoState {
    /// HeyGen's id of it.
    pub id: String,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Why it failed, if it did and HeyGen said so.
    pub failure: Option<Failure>,
}

impl Api {
    /// A video, with fresh links.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; [`Kind::NotFound`] if there is none.
    pub async fn video(&self, video_id: &str) -> Result<Video, ApiError> {
        const OPERATION: &str = "heygen:GetVideo";
        let video_id = id(OPERATION, video_id)?;
        let call = match self.version() {
            ApiVersion::V3 => self.call(OPERATION, Method::GET, &["v3", "videos", video_id], &[]),
            ApiVersion::V1 => {
                self.call(OPERATION, Method::GET, &["v1", "video_status.get"], &[("video_id", Some(video_id))])
            }
        };
        self.read_video(call).await
    }

    /// A translation, with fresh links.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; [`Kind::Unsupported`] in v1; [`Kind::NotFound`] if there is none.
    pub async fn video_translation(&self, translation_id: &str) -> Result<Video, ApiError> {
        const OPERATION: &str = "heygen:GetVideoTranslation";
        self.needs_v3(OPERATION)?;
        let path = ["v3", "video-translations", id(OPERATION, translation_id)?];
        self.read_video(self.call(OPERATION, Method::GET, &path, &[])).await
    }

    /// How far many videos are; one call for each 100 of them. HeyGen answers for unknown ones
    /// too ([`Progress::NotFound`]), in an order of its own.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; [`Kind::Unsupported`] in v1.
    pub async fn video_statuses<S: AsRef<str>>(&self, video_ids: &[S]) -> Result<Vec<VideoState>, ApiError> {
        const OPERATION: &str = "heygen:ListVideoStatuses";
        self.needs_v3(OPERATION)?;
        let ids = video_ids.iter().map(|video_id| id(OPERATION, video_id.as_ref()));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let mut states = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS_PER_CALL) {
            let query = [("video_ids", Some(&*some.join(",")))];
            let call = self.call(OPERATION, Method::GET, &["v3", "videos", "statuses"], &query);
            states.extend(Pages::new(self, call, VideoState::read).all().await?);
        }
        Ok(states)
    }

    async fn read_video(&self, call: Call) -> Result<Video, ApiError> {
        let body = self.send(&call).await?;
        Video::read(Fields::of(Some(&body)).object("data")).ok_or_else(|| call.failed(Kind::Unexpected))
    }
}

impl Video {
    fn read(data: Fields<'_>) -> Option<Self> {
        Some(Self {
            id: data.first_text(&["id", "video_id", "video_translation_id", "video_translate_id"])?,
            progress: data.text("status").map(Progress::from),
            title: data.text("title"),
            callback_id: data.text("callback_id"),
            created_at: data.text("created_at"),
            completed_at: data.text("completed_at"),
            links: links::read(None, data),
            duration: data.get("duration").and_then(Value::as_f64),
            folder_id: data.text("folder_id"),
            output_language: data.text("output_language"),
            failure: Failure::read(data),
        })
    }
}

impl fmt::Debug for Video {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Video")
            .field("id", &self.id)
            .field("progress", &self.progress)
            .field("callback_id", &self.callback_id)
            .field("links", &self.links.keys())
            .finish_non_exhaustive()
    }
}

impl VideoState {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(Some(value));
        Some(Self {
            id: fields.first_text(&["video_id", "id"])?,
            progress: fields.text("status").map(Progress::from),
            failure: Failure::read(fields),
        })
    }
}

impl From<String> for Progress {
    fn from(status: String) -> Self {
        match status.as_str() {
            "waiting" => Self::Waiting,
            "pending" => Self::Pending,
            "queued" => Self::Queued,
            "processing" => Self::Processing,
            "running" => Self::Running,
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "not_found" => Self::NotFound,
            _ => Self::Other(status),
        }
    }
}
