//! The table of jobs and events: an event and its job's change in one transaction, without a read before it.
//!
//! Every write is conditional, and every condition is about one item alone. So the end is the same in whatever order
//! events come, and however often.

mod cancelled;
mod change;
mod items;

use crate::envelope::{Delivery, REPLAY};
use crate::error::{AwsError, ErrorClass};
use crate::probe;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use cancelled::Cancelled;
use change::{Found, JobChange};
use items::Item;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;
use webhook::{Event, Job, Place, backoff};

/// Waits between attempts are random, up to these.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

const TRANSACTION: &str = "dynamodb:TransactWriteItems";
const PUT: &str = "dynamodb:PutItem";

/// No item has the event's key, or it has expired, or its job was too large at the time. DynamoDB deletes expired items
/// days late, so expiry is compared and not assumed.
const EVENT_IS_NEW: &str = "attribute_not_exists(id) OR expires_at <= :now OR attribute_exists(job_omitted)";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The event is new and changed the status of its job.
    JobUpdated,
    /// The event is new, and its job has its links or its failure now. The status was the same before.
    JobRenewed,
    /// The event was known. [Replayed](crate::envelope::REPLAY), it changed its job, which had not had that change.
    JobRestored,
    /// The event is new and did not change the status of a job: it names none, or the job already has a later status.
    EventOnly,
    /// The event is new, but its job's item has no room for the change: DynamoDB allows 400 KB, your own attributes
    /// included. Delivered again, the event is not a duplicate.
    JobOmitted,
    /// The event is in the table already. Nothing changed.
    Duplicate,
}

impl Recorded {
    /// The outcome in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Recorded::JobUpdated => "job_updated",
            Recorded::JobRenewed => "job_renewed",
            Recorded::JobRestored => "job_restored",
            Recorded::EventOnly => "recorded",
            Recorded::JobOmitted => "job_omitted",
            Recorded::Duplicate => "duplicate",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    /// How long events are kept.
    keep: Duration,
}

/// One event to be recorded.
struct Entry<'a> {
    delivery: &'a Delivery,
    event: &'a Event,
    job: Option<Job>,
    place: Place,
    now: OffsetDateTime,
}

impl Table {
    pub fn new(client: Client, name: String, keep: Duration) -> Self {
        Table { client, name, keep }
    }

    /// Stores the event if it is new and changes its job: both or neither. A known event that is
    /// [replayed](crate::envelope::REPLAY) changes its job alone, under the same conditions: that brings back a job's
    /// item that was deleted. Transient errors are retried until `deadline`.
    pub async fn record(
        &self,
        delivery: &Delivery,
        event: &Event,
        now: OffsetDateTime,
        deadline: Instant,
    ) -> Result<Recorded, AwsError> {
        let entry = Entry { delivery, event, job: event.job(), place: event.place(), now };
        let mut change = JobChange::first(&entry);
        let mut part = Part::Whole;
        loop {
            change = match self.write(&entry, part, change, deadline).await? {
                Written::Done => return Ok(part.recorded(change)),
                Written::EventIsKnown if delivery.via == REPLAY && entry.job.is_some() => {
                    part = Part::Job;
                    JobChange::first(&entry)
                }
                Written::EventIsKnown => return Ok(Recorded::Duplicate),
                Written::JobIsAhead(found) => change.next(&entry, &found),
                Written::JobIsTooLarge => JobChange::Omitted,
            };
        }
    }

    /// Writes until the response is known.
    async fn write(
        &self,
        entry: &Entry<'_>,
        part: Part,
        change: JobChange,
        deadline: Instant,
    ) -> Result<Written, AwsError> {
        // Only repetitions of one request share a token: with it, a write whose response was lost succeeds again without
        // a second effect.
        let token = format!("{:032x}", fastrand::u128(..));
        let mut attempts = 0;
        loop {
            let error = match self.attempt(entry, part, change, &token).await {
                Err(error) if error.class == ErrorClass::Transient => error,
                settled => return settled,
            };
            attempts += 1;
            let wait = backoff(FIRST_WAIT, LONGEST_WAIT, attempts);
            if Instant::now() + wait >= deadline {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(
        &self,
        entry: &Entry<'_>,
        part: Part,
        change: JobChange,
        token: &str,
    ) -> Result<Written, AwsError> {
        let keep = if probe::is_probe(entry.event) { self.keep.min(probe::KEEP) } else { self.keep };
        let event = items::event_item(entry, keep);
        let event = if change == JobChange::Omitted { items::without_its_job(event) } else { event };
        let update = match &entry.job {
            Some(job) => change.update(&self.name, entry, job)?,
            None => None,
        };
        // No pointer to a tracked job without an entity whose item is gone.
        let is_gone = change == JobChange::Nothing && entry.job.as_ref().is_some_and(change::is_placeholder);
        let pointer = items::pointer_item(entry).filter(|_| !is_gone);
        match part {
            Part::Job if update.is_none() => return Ok(Written::Done),
            Part::Whole if update.is_none() && pointer.is_none() => return self.put_event(event, entry.now).await,
            _ => {}
        }

        let put = |item| Put::builder().table_name(&self.name).set_item(Some(item));
        let event =
            put(event).condition_expression(EVENT_IS_NEW).expression_attribute_values(":now", seconds(entry.now));
        let event = TransactWriteItem::builder().put(event.build().map_err(unbuildable)?).build();
        let mut writes: Vec<_> = Some(event).filter(|_| part == Part::Whole).into_iter().collect();
        let changes_job = update.is_some();
        writes.extend(update.map(|update| TransactWriteItem::builder().update(update).build()));
        if let Some(pointer) = pointer {
            let pointer = put(pointer).build().map_err(unbuildable)?;
            writes.push(TransactWriteItem::builder().put(pointer).build());
        }
        let request = self.client.transact_write_items().client_request_token(token);
        let Err(error) = request.set_transact_items(Some(writes)).send().await else {
            return Ok(Written::Done);
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons();
                let codes = reasons.iter().map(|reason| reason.code().unwrap_or_default());
                // The event that is not written did not fail.
                let event = (part == Part::Job).then_some("None");
                let codes: Vec<_> = event.into_iter().chain(codes).collect();
                match cancelled::meaning(&codes, changes_job) {
                    Cancelled::EventIsKnown => Ok(Written::EventIsKnown),
                    Cancelled::JobIsAhead => {
                        let job = reasons.get(part.job()).and_then(|reason| reason.item());
                        Ok(Written::JobIsAhead(Found::of(job)))
                    }
                    Cancelled::JobIsTooLarge => Ok(Written::JobIsTooLarge),
                    Cancelled::Failed { class, code } => Err(AwsError::new(TRANSACTION, class, code)),
                }
            }
            _ => Err(AwsError::of(TRANSACTION, &error)),
        }
    }

    /// Stores an event that changes no job and needs no pointer.
    async fn put_event(&self, item: Item, now: OffsetDateTime) -> Result<Written, AwsError> {
        let result = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression(EVENT_IS_NEW)
            .expression_attribute_values(":now", seconds(now))
            .send()
            .await;
        match result {
            Ok(_) => Ok(Written::Done),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(Written::EventIsKnown)
            }
            Err(error) => Err(AwsError::of(PUT, &error)),
        }
    }
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The event, its job's change and the pointer.
    Whole,
    /// All but the event.
    Job,
}

impl Part {
    /// The place of the job's change among the writes.
    fn job(self) -> usize {
        match self {
            Part::Whole => 1,
            Part::Job => 0,
        }
    }

    /// What is recorded once this part is written with this change.
    fn recorded(self, change: JobChange) -> Recorded {
        match (self, change, change.recorded()) {
            (Part::Job, JobChange::Nothing, _) => Recorded::Duplicate,
            (Part::Job, _, Recorded::JobUpdated | Recorded::JobRenewed) => Recorded::JobRestored,
            (_, _, recorded) => recorded,
        }
    }
}

enum Written {
    Done,
    EventIsKnown,
    /// The job's condition does not hold.
    JobIsAhead(Found),
    JobIsTooLarge,
}

fn seconds(at: OffsetDateTime) -> AttributeValue {
    AttributeValue::N(at.unix_timestamp().to_string())
}

fn unbuildable(_: aws_sdk_dynamodb::error::BuildError) -> AwsError {
    AwsError::unbuildable(TRANSACTION)
}
