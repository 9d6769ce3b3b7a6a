//! The table of jobs and events: one event and the move of its job in one transaction.

mod cancelled;
mod items;

use crate::envelope::Delivery;
use crate::error::{AwsError, ErrorClass};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use cancelled::Cancelled;
use heygen::{CorrelationId, Event, Job};
use items::Item;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;

/// The index that finds a job by the id of what it makes.
const JOBS_BY_ENTITY: &str = "jobs-by-entity";

/// The event is new: nothing with its identity is remembered. DynamoDB deletes expired items with a
/// lag of days, so expiry is compared and not assumed.
const EVENT_IS_NEW: &str = "attribute_not_exists(correlation_id) OR expires_at <= :now";

/// [`Job::supersedes`], in DynamoDB's words.
const JOB_IS_BEHIND: &str = "attribute_not_exists(status_rank) OR status_rank < :rank \
                             OR (status_rank = :rank AND decided_by > :decided_by)";

/// What recording an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The event is new and changed the status of its job.
    JobUpdated,
    /// The event is new and changed no job: it names none, or the job already has a later status.
    EventOnly,
    /// The event was known. Nothing changed.
    Duplicate,
}

impl Recorded {
    /// The word that is logged and counted.
    pub fn as_str(self) -> &'static str {
        match self {
            Recorded::JobUpdated => "job_updated",
            Recorded::EventOnly => "recorded",
            Recorded::Duplicate => "duplicate",
        }
    }
}

/// The table.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    /// How long an event is remembered.
    keep: Duration,
}

impl Table {
    /// The table called `name`, whose events are remembered for `keep`.
    pub fn new(client: Client, name: String, keep: Duration) -> Self {
        Table { client, name, keep }
    }

    /// Logs the event if it is new and moves its job: both or neither. Conflicts, throttling and
    /// lost connections are tried again until `deadline`.
    pub async fn record(
        &self,
        delivery: &Delivery,
        event: &Event,
        now: OffsetDateTime,
        deadline: Instant,
    ) -> Result<Recorded, AwsError> {
        // Within one call, a write that succeeded and whose answer was lost succeeds again.
        let token = format!("{:032x}", fastrand::u128(..));
        let mut longest_wait = Duration::from_millis(50);
        loop {
            let error = match self.attempt(delivery, event, now, &token).await {
                Err(error) if error.class == ErrorClass::Transient => error,
                settled => return settled,
            };
            let wait = longest_wait.mul_f64(fastrand::f64());
            if Instant::now() + wait >= deadline {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            longest_wait = (longest_wait * 2).min(Duration::from_secs(2));
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
        let Some(job) = job else { return self.log(item, now).await };

        let writes = [
            TransactWriteItem::builder().put(self.put(item.clone(), now)?).build(),
            TransactWriteItem::builder().update(self.update(&correlation, &job, event, delivery, now)?).build(),
        ];
        let request = self.client.transact_write_items().client_request_token(token);
        let Err(error) = request.set_transact_items(Some(writes.into())).send().await else {
            return Ok(Recorded::JobUpdated);
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let codes = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default());
                match cancelled::meaning(codes) {
                    Cancelled::EventIsKnown => Ok(Recorded::Duplicate),
                    // Jobs only move forward, so this job will not fall behind again: the event may be logged alone.
                    Cancelled::JobIsFurther => self.log(item, now).await,
                    Cancelled::Failed { class, code } => {
                        Err(AwsError { operation: "dynamodb:TransactWriteItems", class, code, message: None })
                    }
                }
            }
            _ => Err(AwsError::of("dynamodb:TransactWriteItems", &error)),
        }
    }

    /// Logs an event that moves no job.
    async fn log(&self, item: Item, now: OffsetDateTime) -> Result<Recorded, AwsError> {
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let put = put.condition_expression(EVENT_IS_NEW).expression_attribute_values(":now", seconds(now));
        match put.send().await {
            Ok(_) => Ok(Recorded::EventOnly),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(Recorded::Duplicate)
            }
            Err(error) => Err(AwsError::of("dynamodb:PutItem", &error)),
        }
    }

    /// Where the event belongs. One without a `callback_id` goes to the job that is known for its
    /// entity, so that it is found together with the others of that job.
    async fn correlation(&self, event: &Event, job: Option<&Job>) -> Result<CorrelationId, AwsError> {
        let own = event.correlation_id();
        let (None, Some(entity_id)) = (&event.callback_id, &event.entity_id) else { return Ok(own) };
        let entity_id = CorrelationId::of(entity_id);
        let query = self.client.query().table_name(&self.name).index_name(JOBS_BY_ENTITY);
        let query = query.key_condition_expression("entity_id = :entity_id").limit(25);
        let query = query.expression_attribute_values(":entity_id", AttributeValue::S(entity_id.as_str().to_owned()));
        let found = query.send().await.map_err(|error| AwsError::of("dynamodb:Query", &error))?;

        let key = job.map(Job::item_key);
        let text = |item: &Item, name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let jobs =
            found.items().iter().filter_map(|item| Some((text(item, "item") == key, text(item, "correlation_id")?)));
        let jobs: Vec<_> = jobs.collect();
        // A job that began without a `callback_id` stays where it is: its events are known there.
        if jobs.iter().any(|(is_it, found)| *is_it && found == own.as_str()) {
            return Ok(own);
        }
        let correlated = jobs.into_iter().filter(|(_, found)| found != own.as_str());
        // The job itself, else another one about the same entity: a video's caption is part of its story.
        Ok(correlated.max().map_or(own, |(_, found)| CorrelationId::of(&found)))
    }

    fn put(&self, item: Item, now: OffsetDateTime) -> Result<Put, AwsError> {
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        let put = put.condition_expression(EVENT_IS_NEW).expression_attribute_values(":now", seconds(now));
        put.build().map_err(unbuildable)
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
        let mut update = Update::builder()
            .table_name(&self.name)
            .key("correlation_id", AttributeValue::S(correlation.as_str().to_owned()))
            .key("item", AttributeValue::S(job.item_key()))
            .condition_expression(JOB_IS_BEHIND)
            .expression_attribute_values(":rank", AttributeValue::N(job.status.rank().to_string()))
            .expression_attribute_values(":decided_by", AttributeValue::S(job.decided_by.as_str().to_owned()));
        // Every name goes through a placeholder: several, "status" among them, are reserved words.
        let (mut sets, mut removes) = (Vec::new(), Vec::new());
        // Where the job comes from, which only DynamoDB knows: expressions see the item as it was before.
        sets.push("#previous_status = if_not_exists(#status, :none)".to_owned());
        update = update.expression_attribute_names("#previous_status", "previous_status");
        update = update.expression_attribute_values(":none", AttributeValue::S("none".to_owned()));
        for (name, value) in set {
            update = update.expression_attribute_names(format!("#{name}"), &name);
            // :rank and :decided_by are used twice, and DynamoDB takes no value that is not used.
            update = update.expression_attribute_values(format!(":set_{name}"), value);
            sets.push(format!("#{name} = :set_{name}"));
        }
        for name in gone {
            update = update.expression_attribute_names(format!("#{name}"), name);
            removes.push(format!("#{name}"));
        }
        let remove = if removes.is_empty() { String::new() } else { format!(" REMOVE {}", removes.join(", ")) };
        update.update_expression(format!("SET {}{remove}", sets.join(", "))).build().map_err(unbuildable)
    }
}

fn seconds(at: OffsetDateTime) -> AttributeValue {
    AttributeValue::N(at.unix_timestamp().to_string())
}

fn unbuildable(_: aws_sdk_dynamodb::error::BuildError) -> AwsError {
    AwsError {
        operation: "dynamodb:TransactWriteItems",
        class: ErrorClass::Permanent,
        code: "request could not be built".into(),
        message: None,
    }
}
