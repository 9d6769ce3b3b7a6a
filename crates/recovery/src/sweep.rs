//! Looks after the jobs that are due: those that should have ended are asked for at HeyGen, and links that expire soon are
//! replaced. What HeyGen says becomes the event that its webhook would have been.

use crate::budget::Budget;
use crate::config::Config;
use crate::due::{Due, DueJob};
use crate::error::Error;
use crate::measures;
use crate::reply::SweepReply;
use crate::send::Sender;
use crate::step::{SETTLES_IN, Step, again, overdue, step};
use crate::track::Tracking;
use crate::tracked::Subject;
use aws::jobs::{JobItem, Jobs};
use heygen::api::{Api, ApiError, ApiVersion, EntityKind, Kind, Progress};
use heygen::{Event, Status};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// The `via` of what a sweep finds.
const VIA: &str = "sweep";
/// That of new links.
pub(crate) const VIA_REFRESH: &str = "refresh";
/// The failure code of a job that HeyGen does not know.
pub const UNKNOWN_JOB: &str = "heygen_webhooks.unknown_job";

pub(crate) struct Sweep<'a> {
    pub(crate) config: &'a Config,
    pub(crate) api: &'a Api,
    pub(crate) jobs: &'a Jobs,
    pub(crate) due: &'a Due,
    pub(crate) tracking: &'a Tracking,
    pub(crate) sender: Sender<'a>,
    pub(crate) budget: Budget,
    pub(crate) now: OffsetDateTime,
}

impl Sweep<'_> {
    /// Looks at everything that is due. An error of one job does not stop the others.
    pub(crate) async fn run(&self) -> Result<SweepReply, Error> {
        let (mut reply, mut errors) = (SweepReply::default(), Vec::new());
        for shard in Due::shards() {
            if !self.budget.is_left() {
                reply.is_complete = false;
                break;
            }
            let (due, has_more) = self.due.of_shard(shard, self.now).await?;
            reply.is_complete &= !has_more;
            let states = self.states(&due).await?;
            for one in &due {
                if !self.budget.is_left() {
                    reply.is_complete = false;
                    break;
                }
                if let Err(error) = self.look_at(one, &states, &mut reply).await {
                    let (id, class) = (one.job.callback_id.as_deref().unwrap_or(&one.job.entity_id), error.class());
                    tracing::error!(%error, class = class.as_str(), correlation_id = id, "the job could not be looked at");
                    errors.push(error);
                }
            }
        }
        measures::swept(&reply);
        if errors.is_empty() { Ok(reply) } else { Err(Error::Several(errors)) }
    }

    /// How far the due entities are, by kind and id, 100 in a call where HeyGen allows it.
    async fn states(&self, due: &[DueJob]) -> Result<BTreeMap<(EntityKind, String), Option<Progress>>, Error> {
        let mut ids: BTreeMap<EntityKind, Vec<&str>> = BTreeMap::new();
        for DueJob { job, .. } in due {
            if let Step::Ask(kind) = step(job, self.now)
                && kind.has_statuses()
                && self.config.version == ApiVersion::V3
            {
                ids.entry(kind).or_default().push(&job.entity_id);
            }
        }
        let mut states = BTreeMap::new();
        for (kind, ids) in ids {
            let found = self.api.entity_states(kind, &ids).await?;
            states.extend(found.into_iter().map(|state| ((kind, state.id), state.progress)));
        }
        Ok(states)
    }

    async fn look_at(
        &self,
        due: &DueJob,
        states: &BTreeMap<(EntityKind, String), Option<Progress>>,
        reply: &mut SweepReply,
    ) -> Result<(), Error> {
        let job = &due.job;
        let next = match step(job, self.now) {
            Step::Forget => None,
            Step::Later(at) => Some(at),
            Step::FindByCallbackId => match self.found_by_callback_id(job).await? {
                Some(found) => {
                    self.tracking.replace(job, &found).await?;
                    reply.finished += 1;
                    return Ok(());
                }
                None => Some(self.unknown(job, "HeyGen reported no job with this callback_id", reply).await?),
            },
            Step::Ask(kind) => Some(self.ask(job, kind, states, reply).await?),
            Step::Refresh(kind) => {
                let sent = refresh(self.api, &self.sender, job, kind).await?;
                reply.refreshed += usize::from(sent);
                // HeyGen may give the same links until they expire.
                Some(self.now + time::Duration::HOUR)
            }
        };
        Ok(self.due.next(due, next).await?)
    }

    /// Returns when to look at the job again.
    async fn ask(
        &self,
        job: &JobItem,
        kind: EntityKind,
        states: &BTreeMap<(EntityKind, String), Option<Progress>>,
        reply: &mut SweepReply,
    ) -> Result<OffsetDateTime, Error> {
        let is_running = |progress: &Option<Progress>| {
            progress.as_ref().is_some_and(|progress| progress.outcome().is_none() && *progress != Progress::NotFound)
        };
        let state = states.get(&(kind, job.entity_id.clone()));
        if state.is_some_and(is_running) {
            reply.running += 1;
            return Ok(again(job, self.now));
        }
        let entity = match self.api.entity(kind, &job.entity_id).await {
            Err(ApiError { kind: Kind::NotFound, .. }) => {
                return self.unknown(job, "HeyGen does not know this job", reply).await;
            }
            entity => entity?,
        };
        let Some(body) = entity.to_verified(&job.kind) else {
            reply.running += 1;
            return Ok(again(job, self.now));
        };
        if let Some(other) = self.other_item_of(job, &Event::read(&body)).await? {
            self.tracking.replace(job, &other).await?;
            reply.finished += 1;
            return Ok(self.now + SETTLES_IN);
        }
        self.sender.send(body, VIA).await?;
        self.log(job, "the job has ended, and its event was never recorded: it is on the queue now");
        reply.finished += 1;
        Ok(self.now + SETTLES_IN)
    }

    /// A job that HeyGen does not know fails after a while: it may have been started a moment ago.
    async fn unknown(&self, job: &JobItem, why: &str, reply: &mut SweepReply) -> Result<OffsetDateTime, Error> {
        if overdue(job, self.now) < self.config.unknown_after {
            reply.unknown += 1;
            return Ok(again(job, self.now));
        }
        let subject = Subject {
            kind: &job.kind,
            callback_id: job.callback_id.as_deref(),
            entity_id: Some(&job.entity_id),
            entity_field: None,
            output_language: job.output_language.as_deref(),
        };
        self.sender.send(subject.failure(Some((UNKNOWN_JOB, why))), VIA).await?;
        self.log(job, "HeyGen does not know the job: it fails");
        reply.failed += 1;
        Ok(self.now + SETTLES_IN)
    }

    /// Of a job whose entity is not known: the job with this `callback_id` and of this kind whose entity is.
    async fn found_by_callback_id(&self, job: &JobItem) -> Result<Option<JobItem>, Error> {
        let Some(callback_id) = &job.callback_id else { return Ok(None) };
        let found = self.jobs.of_callback_id(callback_id).await?.jobs;
        let is_it = |found: &JobItem| found.kind == job.kind && !found.is_placeholder();
        Ok(found.into_iter().find(is_it))
    }

    /// The item that HeyGen's event is recorded at, if that is another one: the language of a translation was not known when
    /// it was tracked.
    async fn other_item_of(&self, job: &JobItem, event: &Event) -> Result<Option<JobItem>, Error> {
        let Some(key) = event.job().map(|job| job.item_key()).filter(|key| *key != job.item) else { return Ok(None) };
        let jobs = self.jobs.jobs_at(&event.place().partition).await?;
        Ok(jobs.into_iter().find(|other| other.item == key))
    }

    fn log(&self, job: &JobItem, message: &str) {
        let id = job.callback_id.as_deref().unwrap_or(&job.entity_id);
        tracing::warn!(correlation_id = id, job = job.item, via = VIA, "{message}");
    }
}

/// Sends the event of a job that succeeded with HeyGen's present links. False if HeyGen does not say that it succeeded: then
/// nothing changes.
pub(crate) async fn refresh(api: &Api, sender: &Sender<'_>, job: &JobItem, kind: EntityKind) -> Result<bool, Error> {
    if job.status != Some(Status::Succeeded) {
        return Ok(false);
    }
    let entity = match api.entity(kind, &job.entity_id).await {
        Err(ApiError { kind: Kind::NotFound, .. }) => return Ok(false),
        entity => entity?,
    };
    if entity.progress != Some(Progress::Completed) {
        return Ok(false);
    }
    let Some(body) = entity.to_verified(&job.kind) else { return Ok(false) };
    sender.send(body, VIA_REFRESH).await?;
    Ok(true)
}
