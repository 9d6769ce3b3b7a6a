//! The table of jobs and events: one event and its job's status change in one transaction.

mod cancelled;
mod items;

use crate::envelope::Delivery;
use crate::error::{AwsError, ErrorClass};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use cancelled::Cancelled;
use heygen::{CorrelationId, Event, Job, backoff};
use items::Item;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;

/// Waits between attempts are random, up to these.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

const TRANSACTION: &str = "dynamodb:TransactWriteItems";

/// The index that finds jobs by entity id.
const JOBS_BY_ENTITY: &str = "jobs-by-entity";

/// No item has the event's identity, or it has expired. DynamoDB deletes expired items days late, so expiry is compared
/// and not assumed.
const EVENT_IS_NEW: &str = "attribute_not_exists(correlation_id) OR expires_at <= :now";

/// [`Job::supersedes`] in DynamoDB's words, for a job whose links do not say when they expire.
const JOB_IS_BEHIND: &str = "attribute_not_exists(status_rank) OR status_rank < :rank OR (status_rank = :rank \
                             AND attribute_not_exists(links_expire_at) AND decided_by > :decided_by)";

/// The same for a job whose links do; the update sets that attribute, too.
const JOB_OR_LINKS_ARE_BEHIND: &str = "attribute_not_exists(status_rank) OR status_rank < :rank OR (status_rank = :rank \
                                       AND (attribute_not_exists(links_expire_at) OR links_expire_at < :set_links_expire_at \
                                       OR (links_expire_at = :set_links_expire_at AND decided_by > :decided_by)))";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The event is new and changed the status of its job.
    JobUpdated,
    /// The event is new and changed no job: it names none, or the job already has a later status.
    EventOnly,
    /// The event is in the table already. Nothing changed.
    Duplicate,
}

impl Recorded {
    /// The outcome in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Recorded::JobUpdated => "job_updated",
            Recorded::EventOnly => "recorded",
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

impl Table {
    pub fn new(client: Client, name: String, keep: Duration) -> Self {
        Table { client, name, keep }
    }

    /// Stores the event if it is new and changes its job's status: both or neither. Transient errors are retried until
    /// `deadline`.
    pub async fn record(
        &self,
        delivery: &Delivery,
        event: &Event,
        now: OffsetDateTime,
        deadline: Instant,
    ) -> Result<Recorded, AwsError> {
        // With the same token, a write whose response was lost succeeds again without a second effect.
        let token = format!("{:032x}", fastrand::u128(..));
        let mut attempts = 0;
        loop {
            let error = match self.attempt(delivery, event, now, &token).await {
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
        delivery: &Delivery,
        event: &Event,
        now: OffsetDateTime,
        token: &str,
    ) -> Result<Recorded, AwsError> {
        let job = event.job();
        let correlation = self.correlation(event, job.as_ref()).await?;
        let item = items::event_item(&correlation, event, job.as_ref(), delivery, now, self.keep);
        let Some(job) = job else { return self.put_event(item, now).await };

        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item.clone()))
            .condition_expression(EVENT_IS_NEW)
            .expression_attribute_values(":now", seconds(now))
            .build()
            .map_err(unbuildable)?;
        let update = self.update(&correlation, &job, event, delivery, now)?;
        let writes =
            vec![TransactWriteItem::builder().put(put).build(), TransactWriteItem::builder().update(update).build()];
        let request = self.client.transact_write_items().client_request_token(token);
        let Err(error) = request.set_transact_items(Some(writes)).send().await else {
            return Ok(Recorded::JobUpdated);
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let codes = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default());
                match cancelled::meaning(codes) {
                    Cancelled::EventIsKnown => Ok(Recorded::Duplicate),
                    // A job never goes back to an earlier status, so the event can be stored alone.
                    Cancelled::JobIsAhead => self.put_event(item, now).await,
                    Cancelled::Failed { class, code } => Err(AwsError::new(TRANSACTION, class, code)),
                }
            }
            _ => Err(AwsError::of(TRANSACTION, &error)),
        }
    }

    /// Stores an event that changes no job.
    async fn put_event(&self, item: Item, now: OffsetDateTime) -> Result<Recorded, AwsError> {
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
            Ok(_) => Ok(Recorded::EventOnly),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(Recorded::Duplicate)
            }
            Err(error) => Err(AwsError::of("dynamodb:PutItem", &error)),
        }
    }

    /// The event's partition. An event without a `callback_id` goes to the job that is known for its entity, so that a
    /// query finds it together with that job's other events.
    async fn correlation(&self, event: &Event, job: Option<&Job>) -> Result<CorrelationId, AwsError> {
        let own = event.correlation_id();
        let (None, Some(entity_id)) = (&event.callback_id, &event.entity_id) else { return Ok(own) };
        let entity_id = CorrelationId::of(entity_id);
        let found = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(JOBS_BY_ENTITY)
            .key_condition_expression("entity_id = :entity_id")
            .expression_attribute_values(":entity_id", AttributeValue::S(entity_id.as_str().to_owned()))
            .limit(25)
            .send()
            .await
            .map_err(|error| AwsError::of("dynamodb:Query", &error))?;

        let key = job.map(Job::item_key);
        let text = |item: &Item, name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let job_and_correlation = |item| Some((text(item, "item") == key, text(item, "correlation_id")?));
        let jobs: Vec<_> = found.items().iter().filter_map(job_and_correlation).collect();
        // A job that began without a `callback_id` stays in its partition: its events are there.
        if jobs.iter().any(|(is_it, found)| *is_it && found == own.as_str()) {
            return Ok(own);
        }
        let correlated = jobs.into_iter().filter(|(_, found)| found != own.as_str());
        // The job itself if it is known, else another one of the same entity, such as the video of a caption.
        Ok(correlated.max().map_or(own, |(_, found)| CorrelationId::of(&found)))
    }

    fn update(
        &self,
        correlation: &CorrelationId,
        job: &Job,
        event: &Event,
        delivery: &Delivery,
        now: OffsetDateTime,
    ) -> Result<Update, AwsError> {
        let (set, gone) = items::job_attributes(job, event, delivery, now);
        // Every name goes through a placeholder: several, "status" among them, are reserved words.
        let written = set.keys().map(String::as_str).chain(gone.iter().copied()).chain(["previous_status"]);
        let names = written.map(|name| (format!("#{name}"), name.to_owned())).collect();
        let assignments: String = set.keys().map(|name| format!(", #{name} = :set_{name}")).collect();
        let removed: Vec<_> = gone.iter().map(|name| format!("#{name}")).collect();
        let remove = if removed.is_empty() { String::new() } else { format!(" REMOVE {}", removed.join(", ")) };
        let values = set.into_iter().map(|(name, value)| (format!(":set_{name}"), value)).collect();
        Update::builder()
            .table_name(&self.name)
            .key("correlation_id", AttributeValue::S(correlation.as_str().to_owned()))
            .key("item", AttributeValue::S(job.item_key()))
            .condition_expression(if job.links_expire_at.is_some() { JOB_OR_LINKS_ARE_BEHIND } else { JOB_IS_BEHIND })
            // The status before, which only DynamoDB knows: expressions see the item before the update.
            .update_expression(format!("SET #previous_status = if_not_exists(#status, :none){assignments}{remove}"))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .expression_attribute_values(":none", AttributeValue::S("none".to_owned()))
            .expression_attribute_values(":rank", AttributeValue::N(job.status.rank().to_string()))
            .expression_attribute_values(":decided_by", AttributeValue::S(job.decided_by.as_str().to_owned()))
            .build()
            .map_err(unbuildable)
    }
}

fn seconds(at: OffsetDateTime) -> AttributeValue {
    AttributeValue::N(at.unix_timestamp().to_string())
}

fn unbuildable(_: aws_sdk_dynamodb::error::BuildError) -> AwsError {
    AwsError::unbuildable(TRANSACTION)
}
