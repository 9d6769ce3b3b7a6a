//! Reading what is recorded: the outcome of an order, or of a video.
//!
//! ```no_run
//! # async fn outcome(sdk: &aws::sdk::Sdk) -> Result<(), aws::error::AwsError> {
//! use aws::jobs::Jobs;
//! use webhook::Status;
//!
//! let jobs = Jobs::new(sdk.dynamodb(), "the table's name".to_owned());
//! for job in jobs.of_callback_id("order_12345").await?.jobs {
//!     match job.status {
//!         Some(Status::Succeeded) => println!("{} is there: {:?}", job.kind, job.links.get("video")),
//!         Some(Status::Failed) => println!("{} failed: {:?}", job.kind, job.failure),
//!         Some(Status::Pending) | None => println!("{} is not finished", job.kind),
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! Reads are strongly consistent: what the processor recorded is found. The caller needs `dynamodb:Query` on the table.

mod json;
mod placeholder;
mod record;
mod shown;

pub use json::to_json;
pub use placeholder::NO_ENTITY;
pub use record::{EventItem, FailureItem, JobItem, Record};
pub use shown::{printable, without_queries, without_query};

use crate::error::AwsError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use record::Pointer;
use std::collections::{BTreeMap, BTreeSet};
use webhook::{CorrelationId, Identity};

const QUERY: &str = "dynamodb:Query";

#[derive(Debug, Clone)]
pub struct Jobs {
    client: Client,
    table: String,
    with_bodies: bool,
}

/// The other partitions that a partition points to, each with the jobs that are meant there.
type Pointers = BTreeMap<String, BTreeSet<String>>;

impl Jobs {
    pub fn new(client: Client, table: String) -> Self {
        Jobs { client, table, with_bodies: true }
    }

    /// Reads events without their bodies, which may be 350 KB each: for many events in little memory.
    pub fn without_bodies(self) -> Self {
        Jobs { with_bodies: false, ..self }
    }

    /// The jobs that were started with this `callback_id`, and all their events. Events and jobs of the same entities
    /// that came without a `callback_id` are among them; those with another one are not.
    ///
    /// One query, and one more per entity.
    pub async fn of_callback_id(&self, callback_id: &str) -> Result<Record, AwsError> {
        Ok(self.with_replaced(callback_id).await?.without_replaced())
    }

    /// The same, with those jobs whose entity was not known and that turned out to be another one.
    pub async fn with_replaced(&self, callback_id: &str) -> Result<Record, AwsError> {
        let id = CorrelationId::of(callback_id);
        let is_of_it = |found: Option<&str>| found.is_none_or(|found| found == id.as_str());
        let (mut found, pointers) = self.partition(id.as_str()).await?;
        found.events.retain(|event| is_of_it(event.callback_id.as_deref()));
        let own = pointers.get(id.as_str());
        let is_own = |job: &JobItem| own.is_some_and(|own| own.contains(&job.item));
        found.jobs.retain(|job| is_of_it(job.callback_id.as_deref()) || is_own(job));
        for (partition, named) in pointers.iter().filter(|(partition, _)| partition.as_str() != id.as_str()) {
            let (other, _) = self.partition(partition).await?;
            let of_it = |job: &JobItem| is_of_it(job.callback_id.as_deref()) || named.contains(&job.item);
            found.jobs.extend(other.jobs.into_iter().filter(of_it));
            found.events.extend(other.events.into_iter().filter(|event| is_of_it(event.callback_id.as_deref())));
        }
        Ok(found)
    }

    /// The jobs about this video, translation, group, …, and all their events, with whatever `callback_id`.
    ///
    /// One query; for a group, an avatar or a project one more per `callback_id`.
    pub async fn of_entity(&self, entity_id: &str) -> Result<Record, AwsError> {
        let id = CorrelationId::of(entity_id);
        let is_of_it = |found: Option<&str>| found == Some(id.as_str());
        let (mut found, pointers) = self.partition(id.as_str()).await?;
        for partition in pointers.keys().filter(|partition| partition.as_str() != id.as_str()) {
            let (other, _) = self.partition(partition).await?;
            found.jobs.extend(other.jobs);
            found.events.extend(other.events);
        }
        found.jobs.retain(|job| is_of_it(Some(&job.entity_id)));
        found.events.retain(|event| is_of_it(event.entity_id.as_deref()));
        Ok(found)
    }

    /// Whether the event with this key is recorded.
    pub async fn has(&self, partition: &CorrelationId, item: &str) -> Result<bool, AwsError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true).select(Select::Count);
        let found = query
            .key_condition_expression("id = :id AND #item = :item")
            .expression_attribute_names("#item", "item")
            .expression_attribute_values(":id", AttributeValue::S(partition.as_str().to_owned()))
            .expression_attribute_values(":item", AttributeValue::S(item.to_owned()))
            .send()
            .await
            .map_err(|error| AwsError::of(QUERY, &error))?;
        Ok(found.count() > 0)
    }

    /// Whether any delivery of this event is recorded, in whatever bytes.
    pub async fn has_event(&self, partition: &CorrelationId, identity: &Identity) -> Result<bool, AwsError> {
        let query = self.beginning_with(partition, &format!("event#{identity}#")).select(Select::Count).limit(1);
        let found = query.send().await.map_err(|error| AwsError::of(QUERY, &error))?;
        Ok(found.count() > 0)
    }

    /// The jobs that are kept in one partition, such as that of a video's id, without their events.
    pub async fn jobs_at(&self, partition: &CorrelationId) -> Result<Vec<JobItem>, AwsError> {
        let items = self.beginning_with(partition, "job#").into_paginator().items().send();
        let items = items.try_collect().await.map_err(|error| AwsError::of(QUERY, &error))?;
        Ok(Record::of(items).jobs)
    }

    fn beginning_with(&self, partition: &CorrelationId, prefix: &str) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        query
            .key_condition_expression("id = :id AND begins_with(#item, :prefix)")
            .expression_attribute_names("#item", "item")
            .expression_attribute_values(":id", AttributeValue::S(partition.as_str().to_owned()))
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
    }

    async fn partition(&self, id: &str) -> Result<(Record, Pointers), AwsError> {
        let mut items = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("id = :id")
            .expression_attribute_values(":id", AttributeValue::S(id.to_owned()))
            .into_paginator()
            .items()
            .send();
        let (mut found, mut pointers) = (Record::default(), Pointers::new());
        while let Some(item) = items.next().await {
            let mut item = item.map_err(|error| AwsError::of(QUERY, &error))?;
            if !self.with_bodies {
                item.remove("body");
            }
            if let Some(Pointer { partition, job }) = found.take(item) {
                pointers.entry(partition).or_default().extend(job);
            }
        }
        Ok((found, pointers))
    }
}
