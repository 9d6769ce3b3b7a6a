//! How a tracked job comes to an end without an event of its own, whichever platform's it is.

use crate::config::Config;
use crate::error::Error;
use crate::reply::Swept;
use crate::send::Sender;
use crate::sweep::step::{SETTLES_IN, again, overdue};
use crate::track::Tracking;
use crate::track::tracked::Subject;
use aws::jobs::{JobItem, Jobs};
use time::OffsetDateTime;
use webhook::{Platform, Verified};

/// The `via` of what a sweep finds.
const VIA: &str = "sweep";
/// The failure code of a job that its platform does not know.
pub const UNKNOWN_JOB: &str = "heygen_webhooks.unknown_job";
/// That of a job of which no event came, and of which the platform's id never became known.
pub const NEVER_REPORTED: &str = "heygen_webhooks.never_reported";

/// When to look at a job again.
pub(crate) enum Next {
    At(OffsetDateTime),
    Never,
    /// Its item was deleted, because another one has taken its place.
    Gone,
    /// It was not looked at, and is due still.
    Due,
}

pub(crate) struct Ending<'a> {
    pub(crate) config: &'a Config,
    pub(crate) jobs: &'a Jobs,
    pub(crate) tracking: &'a Tracking,
    pub(crate) sender: Sender<'a>,
    pub(crate) now: OffsetDateTime,
}

impl Ending<'_> {
    /// As the platform says.
    pub(crate) async fn said(&self, job: &JobItem, body: Verified, swept: &mut Swept) -> Result<Next, Error> {
        self.sender.send_of(Platform::of_kind(&job.kind), body, VIA).await?;
        self.log(job, "the job has ended, and its event was never recorded: it is on the queue now");
        swept.finished += 1;
        Ok(Next::At(self.now + SETTLES_IN))
    }

    /// It is another job, which has reported.
    pub(crate) async fn replace(&self, job: &JobItem, by: &JobItem, swept: &mut Swept) -> Result<Next, Error> {
        self.tracking.replace(job, by).await?;
        swept.finished += 1;
        Ok(Next::Gone)
    }

    /// Of a job whose entity is not known: it may be another one.
    pub(crate) async fn find(&self, job: &JobItem, swept: &mut Swept) -> Result<Next, Error> {
        match self.found(job, swept).await? {
            Some(next) => Ok(next),
            None => self.never_reported(job, swept).await,
        }
    }

    /// `None` if no job has reported that it may be.
    pub(crate) async fn found(&self, job: &JobItem, swept: &mut Swept) -> Result<Option<Next>, Error> {
        match self.found_by_callback_id(job).await? {
            Some(found) => self.replace(job, &found, swept).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn never_reported(&self, job: &JobItem, swept: &mut Swept) -> Result<Next, Error> {
        let title = Platform::of_kind(&job.kind).title();
        let why = format!(
            "No event with this callback_id was received. {title} cannot be asked for a job by its callback_id: track it with \
             {title}'s id."
        );
        self.unknown(job, (NEVER_REPORTED, &why), swept).await
    }

    /// A job that its platform does not know fails after a while: it may have been started a moment ago.
    pub(crate) async fn unknown(&self, job: &JobItem, failure: (&str, &str), swept: &mut Swept) -> Result<Next, Error> {
        if overdue(job, self.now) < self.config.unknown_after {
            swept.unknown += 1;
            return Ok(Next::At(again(job, self.now)));
        }
        let subject = Subject {
            kind: &job.kind,
            callback_id: job.callback_id.as_deref(),
            entity_id: Some(&job.entity_id),
            entity_field: None,
            output_language: job.output_language.as_deref(),
        };
        self.sender.send_of(subject.platform(), subject.failure(Some(failure)), VIA).await?;
        self.log(job, failure.1);
        swept.failed += 1;
        Ok(Next::At(self.now + SETTLES_IN))
    }

    async fn found_by_callback_id(&self, job: &JobItem) -> Result<Option<JobItem>, Error> {
        let Some(callback_id) = &job.callback_id else { return Ok(None) };
        let record = self.jobs.with_replaced(callback_id).await?;
        let found = record.resolved().into_iter().find(|(placeholder, _)| placeholder.item == job.item);
        Ok(found.map(|(_, found)| found.clone()))
    }

    fn log(&self, job: &JobItem, message: &str) {
        let id = job.callback_id.as_deref().unwrap_or(&job.entity_id);
        tracing::warn!(correlation_id = id, job = job.item, via = VIA, "{message}");
    }
}
