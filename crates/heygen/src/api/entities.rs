//! Asking HeyGen what became of jobs, for those whose webhook never arrived.

use reqwest::Method;
use serde_json::Value;

use super::client::id;
use super::pages::LARGEST_PAGE;
use super::transport::Call;
use super::{Api, ApiError, ApiVersion, Entity, EntityKind, Kind, Pages, Progress};
use crate::{Failure, failure};
use webhook::fields::Fields;

/// HeyGen's limit per call of [`Api::entity_states`].
const IDS_PER_CALL: usize = 100;

/// The status of an entity, without links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// HeyGen's id of the entity.
    pub id: String,
    /// Its status; [`Progress::NotFound`] if HeyGen does not know the id.
    pub progress: Option<Progress>,
    /// Why it failed, if it did and HeyGen gave a reason.
    pub failure: Option<Failure>,
}

impl Api {
    /// The workspace's entities of one kind, with fresh links. HeyGen documents no order.
    ///
    /// # Errors
    ///
    /// [`Kind::Unsupported`] in v1, and if HeyGen has no list of this kind.
    pub fn entities(&self, kind: EntityKind) -> Result<Pages<'_, Entity>, ApiError> {
        let calls = calls(kind);
        let operation = calls.list.ok_or_else(|| ApiError::new(calls.get, Kind::Unsupported))?;
        self.needs_v3(operation)?;
        let call = self.call(operation, Method::GET, calls.path, &[("limit", Some(LARGEST_PAGE))]);
        Ok(Pages::new(self, call, move |value| Entity::read(kind, value)))
    }

    /// One entity, with fresh links.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; [`Kind::NotFound`] if there is none; [`Kind::Unexpected`] if HeyGen returns another one;
    /// [`Kind::Unsupported`] in v1, but for videos.
    pub async fn entity(&self, kind: EntityKind, entity_id: &str) -> Result<Entity, ApiError> {
        let calls = calls(kind);
        let entity_id = id(calls.get, entity_id)?;
        let call = match (self.version(), kind) {
            (ApiVersion::V1, EntityKind::Video) => self.v1_status(calls.get, entity_id),
            _ => {
                self.needs_v3(calls.get)?;
                self.call(calls.get, Method::GET, &[calls.path, &[entity_id]].concat(), &[])
            }
        };
        let body = self.send(&call).await?;
        let entity = Fields::of(Some(&body)).get("data").and_then(|data| Entity::read(kind, data));
        entity.filter(|entity| entity.id == entity_id).ok_or_else(|| call.misunderstood(Kind::Unexpected))
    }

    /// The `callback_id` of a video, which HeyGen returns only from v1's status call. That is asked also by a client of v3,
    /// as long as HeyGen has it.
    ///
    /// # Errors
    ///
    /// [`ApiError`], such as with status 404 or 410 when the call no longer exists.
    pub async fn callback_id_of_video(&self, video_id: &str) -> Result<Option<String>, ApiError> {
        const OPERATION: &str = "heygen:GetVideoStatus";
        let video_id = id(OPERATION, video_id)?;
        let body = self.send(&self.v1_status(OPERATION, video_id)).await?;
        Ok(Fields::of(Some(&body)).object("data").text("callback_id"))
    }

    fn v1_status(&self, operation: &'static str, video_id: &str) -> Call {
        self.call(operation, Method::GET, &["v1", "video_status.get"], &[("video_id", Some(video_id))])
    }

    /// The statuses of many entities, with one call per 100. Ids that HeyGen does not know are included
    /// ([`Progress::NotFound`]); the order is HeyGen's.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; [`Kind::Unsupported`] in v1, and unless the kind [`has_statuses`](EntityKind::has_statuses).
    pub async fn entity_states<S: AsRef<str>>(&self, kind: EntityKind, ids: &[S]) -> Result<Vec<State>, ApiError> {
        let calls = calls(kind);
        let (operation, parameter) = calls.statuses.ok_or_else(|| ApiError::new(calls.get, Kind::Unsupported))?;
        self.needs_v3(operation)?;
        let ids = ids.iter().map(|entity_id| id(operation, entity_id.as_ref()));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let path = [calls.path, &["statuses"]].concat();
        let mut states = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS_PER_CALL) {
            let call = self.call(operation, Method::GET, &path, &[(parameter, Some(&*some.join(",")))]);
            states.extend(Pages::new(self, call, State::read).all().await?);
        }
        Ok(states)
    }
}

/// HeyGen's calls about one kind of entity.
struct Calls {
    /// The path of the list. That of one entity ends with its id.
    path: &'static [&'static str],
    /// The operation that returns one.
    get: &'static str,
    /// The operation that lists them, if there is one.
    list: Option<&'static str>,
    /// The operation that returns many statuses, if there is one, and its parameter.
    statuses: Option<(&'static str, &'static str)>,
}

fn calls(kind: EntityKind) -> Calls {
    match kind {
        EntityKind::Video => Calls {
            path: &["v3", "videos"],
            get: "heygen:GetVideo",
            list: Some("heygen:ListVideos"),
            statuses: Some(("heygen:ListVideoStatuses", "video_ids")),
        },
        EntityKind::VideoTranslation => Calls {
            path: &["v3", "video-translations"],
            get: "heygen:GetVideoTranslation",
            list: Some("heygen:ListVideoTranslations"),
            statuses: Some(("heygen:ListVideoTranslationStatuses", "video_translation_ids")),
        },
        EntityKind::Lipsync => Calls {
            path: &["v3", "lipsyncs"],
            get: "heygen:GetLipsync",
            list: Some("heygen:ListLipsyncs"),
            statuses: Some(("heygen:ListLipsyncStatuses", "lipsync_ids")),
        },
        EntityKind::AiClipping => Calls {
            path: &["v3", "ai-clipping"],
            get: "heygen:GetAiClipping",
            list: Some("heygen:ListAiClippings"),
            statuses: None,
        },
        EntityKind::VideoAgent => {
            Calls { path: &["v3", "video-agents"], get: "heygen:GetVideoAgent", list: None, statuses: None }
        }
        EntityKind::Proofread => Calls {
            path: &["v3", "video-translations", "proofreads"],
            get: "heygen:GetProofread",
            list: None,
            statuses: None,
        },
    }
}

impl EntityKind {
    /// Whether HeyGen has a list of them.
    pub fn is_listed(self) -> bool {
        calls(self).list.is_some()
    }

    /// Whether HeyGen returns the statuses of many of them in one call.
    pub fn has_statuses(self) -> bool {
        calls(self).statuses.is_some()
    }
}

impl State {
    /// HeyGen's samples name the id `video_id` for translations and lip-syncs, too.
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(Some(value));
        Some(Self {
            id: fields.first_text(&["video_id", "video_translation_id", "lipsync_id", "id"])?,
            progress: fields.text("status").map(Progress::from),
            failure: failure::read(fields),
        })
    }
}
