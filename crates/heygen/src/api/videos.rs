//! The statuses of videos, for jobs whose webhook never arrived.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::Method;
use serde_json::Value;

use super::client::id;
use super::transport::Call;
use super::{Api, ApiError, ApiVersion, Kind, Pages};
use crate::fields::Fields;
use crate::{Failure, links};

/// HeyGen's limit per call of [`Api::video_statuses`].
const IDS_PER_CALL: usize = 100;

/// The status of a video or a translation, as HeyGen names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// `waiting`: not started.
    Waiting,
    /// `pending`: not started.
    Pending,
    /// `queued`: not started.
    Queued,
    /// `processing`: a video in progress.
    Processing,
    /// `running`: a translation in progress.
    Running,
    /// `completed`.
    Completed,
    /// `failed`.
    Failed,
    /// `not_found`: HeyGen has no video with this id.
    NotFound,
    /// A status that this version does not know.
    Other(String),
}

/// A video, or the translation of one. `Debug` omits the links, because anyone who has one can fetch
/// the result, the title, and why it failed.
#[derive(Clone, PartialEq)]
pub struct Video {
    /// HeyGen's id of the video.
    pub id: String,
    /// The video's status.
    pub progress: Option<Progress>,
    /// The video's title.
    pub title: Option<String>,
    /// The caller's own id. v3 returns it for translations only, v1 for videos.
    pub callback_id: Option<String>,
    /// When it was created, as HeyGen wrote it: Unix seconds in v3.
    pub created_at: Option<String>,
    /// When it was completed, in the same format.
    pub completed_at: Option<String>,
    /// Fresh URLs of the results, named as in [`Event::links`](crate::Event::links).
    pub links: BTreeMap<String, String>,
    /// The length of the video in seconds.
    pub duration: Option<f64>,
    /// HeyGen's id of the folder that contains it.
    pub folder_id: Option<String>,
    /// The language of a translation, such as `Spanish`.
    pub output_language: Option<String>,
    /// Why it failed, if it did and HeyGen gave a reason.
    pub failure: Option<Failure>,
}

/// The status of a video, without links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoState {
    /// HeyGen's id of the video.
    pub id: String,
    /// The video's status.
    pub progress: Option<Progress>,
    /// Why it failed, if it did and HeyGen gave a reason.
    pub failure: Option<Failure>,
}

impl Api {
    /// Returns a video, with fresh links.
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

    /// Returns a translation, with fresh links.
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

    /// Returns the statuses of many videos, with one call per 100. Unknown ids are included
    /// ([`Progress::NotFound`]); the order is HeyGen's.
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
