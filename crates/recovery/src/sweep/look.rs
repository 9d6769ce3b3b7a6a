//! Looks at one tracked job that should have ended: asks HeyGen for it, and sends the event that its webhook would have been.

use crate::config::Config;
use crate::error::Error;
use crate::reply::SweepReply;
use crate::send::Sender;
use crate::sweep::fresh::{self, Refreshed, refresh};
use crate::sweep::step::{SETTLES_IN, Step, again, overdue, refresh_again, step};
use crate::track::Tracking;
use crate::track::tracked::Subject;
use aws::jobs::{JobItem, Jobs};
use heygen::api::{Api, ApiVersion, Entity, EntityKind, Progress};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use webhook::CorrelationId;

/// The `via` of what a sweep finds.
const VIA: &str = "sweep";
/// The failure code of a job that HeyGen does not know.
pub const UNKNOWN_JOB: &str = "heygen_webhooks.unknown_job";
/// That of a job of which no event came, and of which HeyGen's id never became known.
pub const NEVER_REPORTED: &str = "heygen_webhooks.never_reported";

/// How far some entities are, by kind and id.
pub(crate) type States = BTreeMap<(EntityKind, String), Option<Progress>>;

pub(crate) struct Look<'a> {
    pub(crate) config: &'a Config,
    pub(crate) api: &'a Api,
    pub(crate) jobs: &'a Jobs,
    pub(crate) tracking: &'a Tracking,
    pub(crate) sender: Sender<'a>,
    pub(crate) now: OffsetDateTime,
}

/// When to look at a job again.
pub(crate) enum Next {
    At(OffsetDateTime),
    Never,
    /// Its item was deleted, because another one has taken its place.
    Gone,
}

impl Look<'_> {
    /// What HeyGen has to be asked about a job, if it has a call for it.
    pub(crate) fn step(&self, job: &JobItem) -> Step {
        match step(job, self.now) {
            Step::Ask(kind) | Step::Refresh(kind)
                if self.config.version == ApiVersion::V1 && kind != EntityKind::Video =>
            {
                Step::Later(again(job, self.now))
            }
            step => step,
        }
    }

    pub(crate) async fn at(&self, job: &JobItem, states: &States, reply: &mut SweepReply) -> Result<Next, Error> {
        match self.step(job) {
            Step::Forget => Ok(Next::Never),
            Step::Later(at) => Ok(Next::At(at)),
            Step::FindByCallbackId => match self.found_by_callback_id(job).await? {
                Some(found) => self.replace(job, &found, reply).await,
                None => {
                    let why = "No event with this callback_id was received. HeyGen cannot be asked for a job by its \
                               callback_id: track it with HeyGen's id.";
                    self.unknown(job, (NEVER_REPORTED, why), reply).await
                }
            },
            Step::Ask(kind) => self.ask(job, kind, states, reply).await,
            Step::Refresh(kind) => {
                let is_sent = refresh(self.api, &self.sender, job, kind).await? == Refreshed::Sent;
                reply.refreshed += usize::from(is_sent);
                Ok(Next::At(refresh_again(job, self.now, is_sent)))
            }
        }
    }

    async fn ask(
        &self,
        job: &JobItem,
        kind: EntityKind,
        states: &States,
        reply: &mut SweepReply,
    ) -> Result<Next, Error> {
        let is_running = |progress: &Option<Progress>| {
            progress.as_ref().is_some_and(|progress| progress.outcome().is_none() && *progress != Progress::NotFound)
        };
        let state = states.get(&(kind, job.entity_id.clone()));
        if state.is_some_and(is_running) {
            reply.running += 1;
            return Ok(Next::At(again(job, self.now)));
        }
        let entity = fresh::entity(self.api, kind, &job.entity_id).await?;
        let body = entity.as_ref().and_then(|entity| entity.to_verified(&job.kind));
        if entity.is_some() && body.is_none() {
            reply.running += 1;
            return Ok(Next::At(again(job, self.now)));
        }
        if let Some(other) = self.reported_elsewhere(job, kind, entity.as_ref()).await? {
            return self.replace(job, &other, reply).await;
        }
        let Some(body) = body else {
            return self.unknown(job, (UNKNOWN_JOB, "HeyGen does not know this job"), reply).await;
        };
        self.sender.send(body, VIA).await?;
        self.log(job, "the job has ended, and its event was never recorded: it is on the queue now");
        reply.finished += 1;
        Ok(Next::At(self.now + SETTLES_IN))
    }

    async fn replace(&self, job: &JobItem, by: &JobItem, reply: &mut SweepReply) -> Result<Next, Error> {
        self.tracking.replace(job, by).await?;
        reply.finished += 1;
        Ok(Next::Gone)
    }

    /// A job that HeyGen does not know fails after a while: it may have been started a moment ago.
    async fn unknown(&self, job: &JobItem, failure: (&str, &str), reply: &mut SweepReply) -> Result<Next, Error> {
        if overdue(job, self.now) < self.config.unknown_after {
            reply.unknown += 1;
            return Ok(Next::At(again(job, self.now)));
        }
        let subject = Subject {
            kind: &job.kind,
            callback_id: job.callback_id.as_deref(),
            entity_id: Some(&job.entity_id),
            entity_field: None,
            output_language: job.output_language.as_deref(),
        };
        self.sender.send(subject.failure(Some(failure)), VIA).await?;
        self.log(job, failure.1);
        reply.failed += 1;
        Ok(Next::At(self.now + SETTLES_IN))
    }

    /// Of a job whose entity is not known: the job that it turned out to be.
    async fn found_by_callback_id(&self, job: &JobItem) -> Result<Option<JobItem>, Error> {
        let Some(callback_id) = &job.callback_id else { return Ok(None) };
        let record = self.jobs.with_replaced(callback_id).await?;
        let found = record.resolved().into_iter().find(|(placeholder, _)| placeholder.item == job.item);
        Ok(found.map(|(_, found)| found.clone()))
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
        let mut others = self.jobs.jobs_at(&event.place().partition).await?;
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
            let mut there = of_kind(self.jobs.jobs_at(&CorrelationId::of(&video_id)).await?);
            there.retain(|other| other.item != job.item);
            return Ok(there.pop());
        }
        // HeyGen names no video. Of the order's jobs, one that was never tracked may be it, if there is no other session.
        let is_video = session.is_some_and(|entity| entity.kind == EntityKind::Video);
        let Some(callback_id) = job.callback_id.as_ref().filter(|_| !is_video) else { return Ok(None) };
        let mut jobs = of_kind(self.jobs.of_callback_id(callback_id).await?.jobs);
        jobs.retain(|other| !job.is_attempt_after(other));
        let (mut tracked, mut untracked): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.tracked_at.is_some());
        tracked.retain(|other| other.item != job.item);
        Ok(if tracked.is_empty() && untracked.len() == 1 { untracked.pop() } else { None })
    }

    fn log(&self, job: &JobItem, message: &str) {
        let id = job.callback_id.as_deref().unwrap_or(&job.entity_id);
        tracing::warn!(correlation_id = id, job = job.item, via = VIA, "{message}");
    }
}
