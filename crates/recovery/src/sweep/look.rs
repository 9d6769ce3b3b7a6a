//! Looks at one tracked job that should have ended: asks HeyGen for it, and sends the event that its webhook would have been.

use crate::error::Error;
use crate::reply::Swept;
use crate::sweep::ending::{Ending, Next, UNKNOWN_JOB};
use crate::sweep::fresh::{self, Refreshed, refresh};
use crate::sweep::step::{Step, again, refresh_again, step};
use aws::jobs::JobItem;
use heygen::api::{Api, ApiVersion, Entity, EntityKind, Progress};
use std::collections::BTreeMap;
use webhook::CorrelationId;

/// How far some entities are, by kind and id.
pub(crate) type States = BTreeMap<(EntityKind, String), Option<Progress>>;

pub(crate) struct Look<'a> {
    pub(crate) api: &'a Api,
    pub(crate) ending: Ending<'a>,
}

impl Look<'_> {
    /// What HeyGen has to be asked about a job, if it has a call for it.
    pub(crate) fn step(&self, job: &JobItem) -> Step {
        match step(job, self.ending.now) {
            Step::Ask(kind) | Step::Refresh(kind)
                if self.ending.config.version == ApiVersion::V1 && kind != EntityKind::Video =>
            {
                Step::Later(again(job, self.ending.now))
            }
            step => step,
        }
    }

    pub(crate) async fn at(&self, job: &JobItem, states: &States, swept: &mut Swept) -> Result<Next, Error> {
        match self.step(job) {
            Step::Forget => Ok(Next::Never),
            Step::Later(at) => Ok(Next::At(at)),
            Step::FindByCallbackId => self.ending.find(job, swept).await,
            Step::Ask(kind) => self.ask(job, kind, states, swept).await,
            Step::Refresh(kind) => {
                let is_sent = refresh(self.api, &self.ending.sender, job, kind).await? == Refreshed::Sent;
                swept.refreshed += usize::from(is_sent);
                Ok(Next::At(refresh_again(job, self.ending.now, is_sent)))
            }
        }
    }

    async fn ask(&self, job: &JobItem, kind: EntityKind, states: &States, swept: &mut Swept) -> Result<Next, Error> {
        let is_running = |progress: &Option<Progress>| {
            progress.as_ref().is_some_and(|progress| progress.outcome().is_none() && *progress != Progress::NotFound)
        };
        let state = states.get(&(kind, job.entity_id.clone()));
        if state.is_some_and(is_running) {
            swept.running += 1;
            return Ok(Next::At(again(job, self.ending.now)));
        }
        let entity = fresh::entity(self.api, kind, &job.entity_id).await?;
        let body = entity.as_ref().and_then(|entity| entity.to_verified(&job.kind));
        if entity.is_some() && body.is_none() {
            swept.running += 1;
            return Ok(Next::At(again(job, self.ending.now)));
        }
        if let Some(other) = self.reported_elsewhere(job, kind, entity.as_ref()).await? {
            return self.ending.replace(job, &other, swept).await;
        }
        let Some(body) = body else {
            return self.ending.unknown(job, (UNKNOWN_JOB, "HeyGen does not know this job"), swept).await;
        };
        self.ending.said(job, body, swept).await
    }

    /// The job's other item, if its event was recorded there: as the event says less or other than what was tracked.
    async fn reported_elsewhere(
        &self,
        job: &JobItem,
        kind: EntityKind,
        entity: Option<&Entity>,
    ) -> Result<Option<JobItem>, Error> {
        if kind == EntityKind::VideoAgent {
            return self.reported_for_video(job, entity).await;
        }
        // The event of a translation has another language than the one that was tracked, or none.
        let Some(body) = entity.and_then(|entity| entity.to_verified(&job.kind)) else { return Ok(None) };
        let event = heygen::read(&body);
        let Some(key) = event.job().map(|job| job.item_key()) else { return Ok(None) };
        let mut others = self.ending.jobs.jobs_at(&event.place().partition).await?;
        others.retain(|other| other.item != job.item && other.kind == job.kind && other.entity_id == job.entity_id);
        let is_without_language = |other: &JobItem| other.output_language.is_none() && !other.identity.is_empty();
        let at = others.iter().position(|other| other.item == key);
        Ok(at.or_else(|| others.iter().position(is_without_language)).map(|at| others.swap_remove(at)))
    }

    /// Events of a session of the video agent may name its video, and are kept with that.
    async fn reported_for_video(&self, job: &JobItem, session: Option<&Entity>) -> Result<Option<JobItem>, Error> {
        let of_kind = |jobs: Vec<JobItem>| -> Vec<JobItem> {
            jobs.into_iter().filter(|other| other.kind == job.kind && !other.is_placeholder()).collect()
        };
        if let Some(video_id) = session.and_then(Entity::video_id) {
            let mut there = of_kind(self.ending.jobs.jobs_at(&CorrelationId::of(&video_id)).await?);
            there.retain(|other| other.item != job.item);
            return Ok(there.pop());
        }
        // HeyGen names no video. Of the order's jobs, one that was never tracked may be it, if there is no other session.
        let is_video = session.is_some_and(|entity| entity.kind == EntityKind::Video);
        let Some(callback_id) = job.callback_id.as_ref().filter(|_| !is_video) else { return Ok(None) };
        let mut jobs = of_kind(self.ending.jobs.of_callback_id(callback_id).await?.jobs);
        jobs.retain(|other| !job.is_attempt_after(other));
        let (mut tracked, mut untracked): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.tracked_at.is_some());
        tracked.retain(|other| other.item != job.item);
        Ok(if tracked.is_empty() && untracked.len() == 1 { untracked.pop() } else { None })
    }
}
