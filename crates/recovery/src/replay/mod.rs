//! What is recorded once more: jobs to the bus, or events through the processor.

pub(crate) mod chosen;
pub(crate) mod pages;
pub(crate) mod recorded;
pub(crate) mod tell;
pub(crate) mod undelivered;

use crate::action::{ReplayOptions, To};
use crate::budget::Budget;
use crate::config::Holding;
use crate::error::Error;
use crate::hold::Held;
use crate::key::Key;
use crate::replay::chosen::Chosen;
use crate::replay::pages::{Part, Table};
use crate::replay::tell::Teller;
use crate::replay::undelivered::Times;
use crate::reply::ReplayReply;
use aws::error::{AwsError, ErrorClass};
use aws::jobs::{EventItem, JobItem, Jobs, Record};
use aws::queue::Queue;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::time::Duration;
use tokio::time::Instant;

/// The pipe publishes one job after the other, and gives up what is an hour old. So its readers keep room for other jobs.
const TOLD_PER_SECOND: usize = 10;
const SENT_AT_ONCE: usize = 16;

pub(crate) struct Replay<'a> {
    /// With events' bodies.
    pub(crate) jobs: &'a Jobs,
    pub(crate) table: &'a Table,
    pub(crate) teller: &'a Teller,
    pub(crate) queue: &'a Queue,
    pub(crate) undelivered: &'a Queue,
    pub(crate) holding: Holding,
    pub(crate) budget: Budget,
}

impl Replay<'_> {
    pub(crate) async fn run(&self, options: &ReplayOptions) -> Result<ReplayReply, Error> {
        if options.undelivered {
            return self.undelivered(options).await;
        }
        let mut reply = ReplayReply::new(options.to, options.dry_run, &options.chosen);
        self.fill(options, &options.chosen, &mut reply).await?;
        Ok(reply)
    }

    /// The jobs that changed when an event could not be put on the bus. The reports are deleted after that.
    async fn undelivered(&self, options: &ReplayOptions) -> Result<ReplayReply, Error> {
        let mut held = Held::new(self.undelivered, self.holding);
        let told = self.reported(options, &mut held).await;
        held.release().await;
        told
    }

    async fn reported(
        &self,
        options: &ReplayOptions,
        held: &mut Held<'_, Option<Times>>,
    ) -> Result<ReplayReply, Error> {
        while held.next(self.budget, Times::of).await?.is_some() {}
        let given = options.chosen.since.zip(options.chosen.until).map(|(from, until)| Times { from, until });
        let times = given.or_else(|| Times::around(held.values().copied().flatten()));
        let chosen = Chosen {
            since: times.map(|times| times.from),
            until: times.map(|times| times.until),
            also_renewed: true,
            ..options.chosen.clone()
        };
        let mut reply = ReplayReply::new(options.to, options.dry_run, &chosen);
        reply.reports = Some(held.len());
        let Some(times) = times else {
            reply.is_complete = true;
            return Ok(reply);
        };
        self.fill(options, &chosen, &mut reply).await?;
        if reply.is_complete && !options.dry_run {
            let is_told = |reported: &Option<Times>| reported.is_some_and(|reported| reported.is_within(times));
            held.delete(usize::MAX, is_told, |_| ()).await?;
        }
        Ok(reply)
    }

    async fn fill(&self, options: &ReplayOptions, chosen: &Chosen, reply: &mut ReplayReply) -> Result<(), Error> {
        let part = match options.to {
            To::Bus => Part::Jobs,
            To::Processor => Part::Events,
        };
        let mut from = options.continue_from.clone();
        loop {
            let ReplayOptions { callback_id, entity_id, correlation_id, .. } = options;
            let (record, next) = match (callback_id, entity_id, correlation_id) {
                (Some(id), ..) => (self.jobs.of_callback_id(id).await?, None),
                (_, Some(id), _) => (self.jobs.of_entity(id).await?, None),
                (.., Some(id)) => (self.of_correlation_id(id).await?, None),
                (None, None, None) => self.table.page(part, chosen.since, from.as_ref()).await?,
            };
            let Record { jobs, events } = record;
            let stopped = match part {
                Part::Jobs => self.tell(chosen, jobs, options.dry_run, reply).await?,
                Part::Events => self.send(chosen, &events, options.dry_run, reply).await.map(|()| None)?,
            };
            from = stopped.or(next);
            let ReplayReply { matching, replayed: done, .. } = *reply;
            tracing::info!(matching, done, "replaying");
            if from.is_none() || !self.budget.is_left() {
                reply.is_complete = from.is_none();
                reply.continue_from = from;
                return Ok(());
            }
        }
    }

    /// The logs do not say which of the two an id is.
    async fn of_correlation_id(&self, id: &str) -> Result<Record, AwsError> {
        let Record { mut jobs, mut events } = self.jobs.of_callback_id(id).await?;
        let of_entity = self.jobs.of_entity(id).await?;
        let is_new = |job: &JobItem| !jobs.iter().any(|known| (&known.id, &known.item) == (&job.id, &job.item));
        let new: Vec<_> = of_entity.jobs.into_iter().filter(is_new).collect();
        jobs.extend(new);
        let is_new =
            |event: &EventItem| !events.iter().any(|known| (&known.id, &known.item) == (&event.id, &event.item));
        let new: Vec<_> = of_entity.events.into_iter().filter(is_new).collect();
        events.extend(new);
        Ok(Record { jobs, events })
    }

    /// The last job that was told if time ran out before the others.
    async fn tell(
        &self,
        chosen: &Chosen,
        jobs: Vec<JobItem>,
        dry_run: bool,
        reply: &mut ReplayReply,
    ) -> Result<Option<Key>, AwsError> {
        let jobs: Vec<_> =
            jobs.into_iter().filter(|job| chosen.has_job(job)).map(|job| Key { id: job.id, item: job.item }).collect();
        if dry_run {
            reply.matching += jobs.len();
            return Ok(None);
        }
        let mut chunks = jobs.chunks(TOLD_PER_SECOND).peekable();
        while let Some(chunk) = chunks.next() {
            let began = Instant::now();
            let telling = chunk.iter().map(|job| self.teller.tell(job));
            let told: Vec<_> = stream::iter(telling).buffer_unordered(TOLD_PER_SECOND).try_collect().await?;
            let count = told.into_iter().filter(|told| *told).count();
            reply.matching += chunk.len();
            reply.replayed += count;
            reply.skipped += chunk.len() - count;
            if chunks.peek().is_some() {
                if !self.budget.is_left() {
                    return Ok(chunk.last().cloned());
                }
                tokio::time::sleep_until(began + Duration::from_secs(1)).await;
            }
        }
        Ok(None)
    }

    async fn send(
        &self,
        chosen: &Chosen,
        events: &[EventItem],
        dry_run: bool,
        reply: &mut ReplayReply,
    ) -> Result<(), AwsError> {
        let mut messages = Vec::new();
        for event in events.iter().filter(|event| chosen.has_event(event, chosen.status)) {
            let delivery = recorded::delivery(event);
            let status = delivery.as_ref().and_then(|(_, read)| read.job()).map(|job| job.status);
            match delivery {
                Some((delivery, _)) if chosen.has_event(event, status) => messages.push(delivery),
                Some(_) => {}
                None => reply.skipped += 1,
            }
        }
        reply.matching += messages.len();
        if dry_run {
            return Ok(());
        }
        reply.replayed += messages.len();
        let sending = messages.into_iter().map(|delivery| async move {
            let sealed = delivery.seal();
            let sealed =
                sealed.map_err(|error| AwsError::new("sqs:SendMessage", ErrorClass::Permanent, error.to_string()))?;
            self.queue.send(sealed).await
        });
        stream::iter(sending).buffer_unordered(SENT_AT_ONCE).try_collect::<()>().await
    }
}
