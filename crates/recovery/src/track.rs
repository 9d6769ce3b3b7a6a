//! Registers a job that a team has started or is about to start, before or after its events.
//!
//! It writes the job's item, where the job's events will find it, and the pointer from its `callback_id`. What an event has
//! written stays, and so does what was tracked before, unless it is given anew.

use crate::action::TrackOptions;
use crate::config::Config;
use crate::error::Error;
use crate::tracked::{DUE_AT, EXPECTED_BY, KEEP_FRESH, SHARD, SHARDS, Subject, TRACKED_AT, is_ours};
use aws::clock::to_text;
use aws::error::AwsError;
use aws::jobs::JobItem;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::AttributeValue::{self, Bool, N, S};
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use heygen::{CorrelationId, Job, Place};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;

const TRANSACTION: &str = "dynamodb:TransactWriteItems";

/// Of several `callback_id`s for one job the smallest stays, as with the processor.
const CALLBACK_ID_MAY_BE_SET: &str =
    "attribute_not_exists(callback_id) OR callback_id = :none_yet OR callback_id >= :callback_id";

/// Of a `callback_id`, in bytes: with more, part of a key would be a digest.
const LONGEST_ID: usize = 256;

#[derive(Debug, Clone)]
pub(crate) struct Tracking {
    client: Client,
    table: String,
    expected_within: Duration,
}

/// Where a tracked job is.
pub(crate) struct Tracked {
    pub(crate) place: Place,
    pub(crate) job: Job,
    pub(crate) expected_by: OffsetDateTime,
}

impl Tracking {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        Tracking { client, table: config.table.clone(), expected_within: config.expected_within }
    }

    pub(crate) async fn track(&self, options: &TrackOptions, now: OffsetDateTime) -> Result<Tracked, Error> {
        let wrong = |what: String| Error::InvalidRequest(what);
        if options.callback_id.is_empty() || options.callback_id.len() > LONGEST_ID {
            return Err(wrong(format!("callback_id: 1 to {LONGEST_ID} bytes are needed")));
        }
        if let Some(name) = options.attributes.keys().find(|name| is_ours(name)) {
            return Err(wrong(format!("attributes: {name:?} is an attribute of heygen-webhooks, choose another name")));
        }
        let subject = options.subject();
        let job = subject.job().ok_or_else(|| wrong(format!("{:?} is no kind of a job", options.kind)))?;
        let place = subject.event().place();
        let expected_by = options.expected_by.unwrap_or(now + self.expected_within);
        let mut own = BTreeMap::new();
        for (name, value) in &options.attributes {
            own.insert(name.clone(), attribute(value));
        }

        let mut writes = Vec::new();
        if options.entity_id.is_some() {
            // It may have been tracked before its entity was known.
            let placeholder = Subject { entity_id: None, ..subject.clone() };
            writes.extend(self.deletion_of(&placeholder)?);
        }
        let key = place.pointer_key(Some(&job));
        let pointer = place
            .pointer_from
            .as_ref()
            .map(|from| self.pointer(from.as_str(), key, place.partition.as_str(), &job.item_key()));
        writes.extend(pointer.transpose()?);
        let written = Written {
            job: &job,
            callback_id: &options.callback_id,
            expected_by,
            keep_fresh: options.keep_fresh,
            own,
            now,
        };
        if !self.write(&place, &written, true, &writes).await? {
            self.write(&place, &written, false, &writes).await?;
        }
        Ok(Tracked { place, job, expected_by })
    }

    /// False if the job has a smaller `callback_id` already.
    async fn write(
        &self,
        place: &Place,
        written: &Written<'_>,
        sets_callback_id: bool,
        others: &[TransactWriteItem],
    ) -> Result<bool, AwsError> {
        let update = written.update(&self.table, place, sets_callback_id)?;
        let mut writes = vec![TransactWriteItem::builder().update(update).build()];
        writes.extend(others.iter().cloned());
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(writes)).send().await else {
            return Ok(true);
        };
        if sets_callback_id
            && let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
            && cancelled.cancellation_reasons().first().and_then(|reason| reason.code())
                == Some("ConditionalCheckFailed")
        {
            return Ok(false);
        }
        Err(AwsError::of(TRANSACTION, &error))
    }

    fn pointer(&self, from: &str, key: String, partition: &str, job: &str) -> Result<TransactWriteItem, AwsError> {
        let put = Put::builder()
            .table_name(&self.table)
            .item("id", text(from))
            .item("item", text(key))
            .item("partition", text(partition))
            .item("job", text(job))
            .build()
            .map_err(|_| AwsError::unbuildable(TRANSACTION))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn pointer_to(&self, from: &str, job: &JobItem) -> Result<TransactWriteItem, AwsError> {
        self.pointer(from, format!("pointer#{}", job.item), &job.id, &job.item)
    }

    /// Deletes a job's item and the pointer to it, if they exist.
    fn deletion_of(&self, subject: &Subject<'_>) -> Result<Vec<TransactWriteItem>, AwsError> {
        let place = subject.event().place();
        let Some(job) = subject.job() else { return Ok(Vec::new()) };
        let mut keys = vec![(place.partition.to_string(), job.item_key())];
        keys.extend(place.pointer_from.as_ref().map(|from| (from.to_string(), place.pointer_key(Some(&job)))));
        keys.into_iter().map(|key| self.deletion(key)).collect()
    }

    fn deletion(&self, (id, item): (String, String)) -> Result<TransactWriteItem, AwsError> {
        let delete = Delete::builder().table_name(&self.table).key("id", S(id)).key("item", S(item)).build();
        let delete = delete.map_err(|_| AwsError::unbuildable(TRANSACTION))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Moves what a team wrote on a job whose entity was not known to the job that turned out to be it, and deletes the
    /// former.
    pub(crate) async fn replace(&self, placeholder: &JobItem, by: &JobItem) -> Result<(), AwsError> {
        let mut keys = vec![(placeholder.id.clone(), placeholder.item.clone())];
        let callback_id = placeholder.callback_id.clone();
        keys.extend(callback_id.clone().map(|id| (id, format!("pointer#{}", placeholder.item))));
        let mut writes = keys.into_iter().map(|key| self.deletion(key)).collect::<Result<Vec<_>, _>>()?;
        writes.extend(callback_id.map(|from| self.pointer_to(&from, by)).transpose()?);
        let tracked = [TRACKED_AT, EXPECTED_BY, KEEP_FRESH, SHARD, DUE_AT];
        let fields = placeholder.attributes.as_object().into_iter().flatten();
        let moved: Vec<_> = fields.filter(|(name, _)| !is_ours(name) || tracked.contains(&name.as_str())).collect();
        let mut update =
            Update::builder().table_name(&self.table).key("id", S(by.id.clone())).key("item", S(by.item.clone()));
        let mut assignments = Vec::new();
        for (index, (name, value)) in moved.iter().enumerate() {
            assignments.push(format!("#n{index} = if_not_exists(#n{index}, :v{index})"));
            update = update
                .expression_attribute_names(format!("#n{index}"), name.as_str())
                .expression_attribute_values(format!(":v{index}"), attribute(value));
        }
        let update = update
            .update_expression(format!("SET {}", assignments.join(", ")))
            .condition_expression("attribute_exists(id)")
            .build()
            .map_err(|_| AwsError::unbuildable(TRANSACTION))?;
        writes.push(TransactWriteItem::builder().update(update).build());
        let sent = self.client.transact_write_items().set_transact_items(Some(writes)).send().await;
        sent.map(drop).map_err(|error| AwsError::of(TRANSACTION, &error))
    }
}

/// What tracking sets on a job's item.
struct Written<'a> {
    job: &'a Job,
    callback_id: &'a str,
    expected_by: OffsetDateTime,
    keep_fresh: Option<bool>,
    own: BTreeMap<String, AttributeValue>,
    now: OffsetDateTime,
}

impl Written<'_> {
    fn update(&self, table: &str, place: &Place, sets_callback_id: bool) -> Result<Update, AwsError> {
        let mut set: Vec<(&str, AttributeValue, Keep)> = vec![
            ("kind", text(&self.job.kind), Keep::First),
            ("entity_id", text(CorrelationId::of(&self.job.entity_id)), Keep::First),
            ("status", text("pending"), Keep::First),
            ("status_rank", N("0".to_owned()), Keep::First),
            ("updated_at", text(to_text(self.now)), Keep::First),
            (TRACKED_AT, text(to_text(self.now)), Keep::First),
            (EXPECTED_BY, text(to_text(self.expected_by)), Keep::Last),
            (SHARD, text(SHARDS[fastrand::usize(..SHARDS.len())]), Keep::First),
            (DUE_AT, N(self.expected_by.unix_timestamp().to_string()), Keep::Last),
        ];
        set.extend(self.keep_fresh.map(|keep| (KEEP_FRESH, Bool(keep), Keep::Last)));
        let language = self.job.output_language.as_ref();
        set.extend(language.map(|language| ("output_language", text(CorrelationId::of(language)), Keep::First)));
        set.extend(self.own.iter().map(|(name, value)| (name.as_str(), value.clone(), Keep::Last)));
        let callback_id = text(CorrelationId::of(self.callback_id));
        if sets_callback_id {
            set.push(("callback_id", callback_id.clone(), Keep::Last));
        }

        let mut update = Update::builder();
        let mut assignments = Vec::new();
        for (index, (name, value, keep)) in set.into_iter().enumerate() {
            assignments.push(match keep {
                Keep::First => format!("#n{index} = if_not_exists(#n{index}, :v{index})"),
                Keep::Last => format!("#n{index} = :v{index}"),
            });
            update = update
                .expression_attribute_names(format!("#n{index}"), name)
                .expression_attribute_values(format!(":v{index}"), value);
        }
        if sets_callback_id {
            update = update
                .condition_expression(CALLBACK_ID_MAY_BE_SET)
                .expression_attribute_values(":callback_id", callback_id)
                .expression_attribute_values(":none_yet", text(""));
        }
        update
            .table_name(table)
            .key("id", text(&place.partition))
            .key("item", text(self.job.item_key()))
            .update_expression(format!("SET {}", assignments.join(", ")))
            .build()
            .map_err(|_| AwsError::unbuildable(TRANSACTION))
    }
}

/// Of an attribute that is there already, the first value stays or the last one is set.
#[derive(Clone, Copy)]
enum Keep {
    First,
    Last,
}

fn text(text: impl ToString) -> AttributeValue {
    S(text.to_string())
}

/// JSON as DynamoDB has it.
fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => Bool(*value),
        Value::Number(number) => N(number.to_string()),
        Value::String(text) => S(text.clone()),
        Value::Array(values) => AttributeValue::L(values.iter().map(attribute).collect()),
        Value::Object(fields) => {
            AttributeValue::M(fields.iter().map(|(name, value)| (name.clone(), attribute(value))).collect())
        }
    }
}
