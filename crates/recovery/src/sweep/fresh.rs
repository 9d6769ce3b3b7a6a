//! What a platform says of a job now, and its links.

use crate::error::Error;
use crate::look_up::error::LookUpError;
use crate::look_up::{Answer, Platforms};
use crate::send::Sender;
use aws::jobs::JobItem;
use heygen::api::{Api, ApiError, Entity, EntityKind, Kind, Progress};
use platforms::look_up::paths;
use webhook::{Event, LookUp, Platform, Status, Verified};

/// The `via` of new links.
const VIA: &str = "refresh";

/// What happened to a job's links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// New ones are on the queue.
    Sent,
    /// The platform has none, or the job has not succeeded.
    Left,
}

/// `None` if HeyGen does not know it.
///
/// A session of the video agent has the end and the links of its video. An event of one may name the video alone; then that
/// is asked for.
pub(crate) async fn entity(api: &Api, kind: EntityKind, id: &str) -> Result<Option<Entity>, ApiError> {
    let found = known(api, kind, id).await?;
    match (kind, &found) {
        (EntityKind::VideoAgent, None) => known(api, EntityKind::Video, id).await,
        (EntityKind::VideoAgent, Some(session)) if session.progress == Some(Progress::Completed) => {
            let Some(video_id) = session.video_id() else { return Ok(found) };
            let video = known(api, EntityKind::Video, &video_id).await?;
            Ok(found.map(|session| match &video {
                Some(video) => session.with_video(video),
                None => session,
            }))
        }
        _ => Ok(found),
    }
}

async fn known(api: &Api, kind: EntityKind, id: &str) -> Result<Option<Entity>, ApiError> {
    match api.entity(kind, id).await {
        Err(ApiError { kind: Kind::NotFound, .. }) => Ok(None),
        entity => entity.map(Some),
    }
}

/// Sends the event of a job that succeeded with HeyGen's present links. An event without links, or of another job, is not
/// sent.
pub(crate) async fn refresh(
    api: &Api,
    sender: &Sender<'_>,
    job: &JobItem,
    kind: EntityKind,
) -> Result<Refreshed, Error> {
    if job.status != Some(Status::Succeeded) {
        return Ok(Refreshed::Left);
    }
    let Some(entity) = entity(api, kind, &job.entity_id).await? else { return Ok(Refreshed::Left) };
    if entity.progress != Some(Progress::Completed) {
        return Ok(Refreshed::Left);
    }
    let Some(body) = entity.in_language(job.output_language.as_deref()).to_verified(&job.kind) else {
        return Ok(Refreshed::Left);
    };
    let Some(reported) = heygen::read(&body).job() else { return Ok(Refreshed::Left) };
    if reported.item_key() != job.item || reported.links.is_empty() {
        return Ok(Refreshed::Left);
    }
    sender.send(body, VIA).await?;
    Ok(Refreshed::Sent)
}

/// What a platform other than HeyGen says of a job: the body of an event, and the event.
pub(crate) struct Said {
    pub(crate) body: Verified,
    pub(crate) event: Event,
}

/// `None` if the platform does not know the job.
pub(crate) async fn said(
    platforms: &Platforms<'_>,
    platform: Platform,
    job: &JobItem,
) -> Result<Option<Said>, LookUpError> {
    let Answer::Found(answer) = platforms.ask(platform, &job.kind, &job.entity_id).await? else { return Ok(None) };
    let JobItem { kind, entity_id, callback_id, .. } = job.clone();
    let body = LookUp { kind, entity_id, callback_id, answer: Some(answer), failure: None }.to_verified();
    Ok(Some(Said { event: platforms::read(platform, &body), body }))
}

/// As [`refresh`], for a job of another platform. With the time when the new links expire, if they say so.
pub(crate) async fn refresh_elsewhere(
    platforms: &Platforms<'_>,
    sender: &Sender<'_>,
    job: &JobItem,
    platform: Platform,
) -> Result<(Refreshed, Option<i64>), Error> {
    let left = Ok((Refreshed::Left, None));
    if job.status != Some(Status::Succeeded) || paths(platform, &job.kind, &job.entity_id).is_empty() {
        return left;
    }
    let Some(Said { body, event }) = said(platforms, platform, job).await? else { return left };
    let Some(reported) = event.job() else { return left };
    if reported.status != Status::Succeeded || reported.item_key() != job.item || reported.links.is_empty() {
        return left;
    }
    sender.send_of(platform, body, VIA).await?;
    Ok((Refreshed::Sent, reported.links_expire_at))
}
