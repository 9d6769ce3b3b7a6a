//! What an event changes on its job's item, and under which condition.

use super::items::{self, NO_CALLBACK_ID};
use super::{Entry, Recorded, unbuildable};
use crate::clock;
use crate::error::AwsError;
use crate::jobs::NO_ENTITY;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, Update};
use heygen::{CorrelationId, Job};
use std::collections::HashMap;

/// [`Job::supersedes`] in DynamoDB's words, for a job whose links do not say when they expire.
const STATUS_IS_BEHIND: &str = "(attribute_not_exists(status_rank) OR status_rank < :rank OR (status_rank = :rank \
                                AND attribute_not_exists(links_expire_at) AND decided_by > :decided_by))";

/// The same for a job whose links do; the update sets that attribute, too.
const STATUS_OR_LINKS_ARE_BEHIND: &str = "(attribute_not_exists(status_rank) OR status_rank < :rank OR (status_rank = :rank \
                                          AND (attribute_not_exists(links_expire_at) OR links_expire_at < :set_links_expire_at \
                                          OR (links_expire_at = :set_links_expire_at AND decided_by > :decided_by))))";

/// Of several `callback_id`s for one job the smallest stays, so that their order does not matter.
const CALLBACK_ID_MAY_BE_SET: &str = "(attribute_not_exists(callback_id) OR callback_id = :no_callback_id \
                                      OR callback_id >= :callback_id)";

/// There is a job, with another `callback_id` that gives way.
const CALLBACK_ID_IS_NEW: &str = "attribute_exists(status_rank) AND (attribute_not_exists(callback_id) \
                                  OR callback_id = :no_callback_id OR callback_id > :callback_id)";

/// Each is one conditional update. What DynamoDB rejects is followed by a smaller one, down to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobChange {
    StatusAndCallbackId,
    Status,
    CallbackId,
    /// The event is stored without changing a job.
    Nothing,
    /// The same, because the job's item has no room for the change.
    Omitted,
}

impl JobChange {
    pub fn first(entry: &Entry<'_>) -> Self {
        match (&entry.job, &entry.event.callback_id) {
            (None, _) => JobChange::Nothing,
            (Some(_), None) => JobChange::Status,
            (Some(_), Some(_)) => JobChange::StatusAndCallbackId,
        }
    }

    /// What is left to be changed if this was rejected. `found` is the job's `callback_id`, if DynamoDB returned it.
    ///
    /// A status and a `callback_id` never go back, so what was rejected once need not be tried again.
    pub fn next(self, entry: &Entry<'_>, found: Option<&str>) -> Self {
        let Some(own) = entry.event.callback_id.as_deref().map(CorrelationId::of) else { return JobChange::Nothing };
        match (self, found) {
            (JobChange::StatusAndCallbackId, Some(found)) if found == own.as_str() => JobChange::Nothing,
            (JobChange::StatusAndCallbackId, Some(found)) if found == NO_CALLBACK_ID || found > own.as_str() => {
                JobChange::CallbackId
            }
            (JobChange::StatusAndCallbackId, _) => JobChange::Status,
            (JobChange::Status, _) => JobChange::CallbackId,
            (JobChange::CallbackId | JobChange::Nothing | JobChange::Omitted, _) => JobChange::Nothing,
        }
    }

    pub fn recorded(self) -> Recorded {
        match self {
            JobChange::StatusAndCallbackId | JobChange::Status => Recorded::JobUpdated,
            JobChange::CallbackId | JobChange::Nothing => Recorded::EventOnly,
            JobChange::Omitted => Recorded::JobOmitted,
        }
    }

    /// The update of the job's item.
    pub fn update(self, table: &str, entry: &Entry<'_>, job: &Job) -> Result<Option<Update>, AwsError> {
        let update = match self {
            JobChange::StatusAndCallbackId => {
                let condition = format!("{} AND {CALLBACK_ID_MAY_BE_SET}", status_condition(job));
                status(entry, job, ":callback_id").condition_expression(condition)
            }
            JobChange::Status => status(entry, job, "if_not_exists(callback_id, :no_callback_id)")
                .condition_expression(status_condition(job)),
            JobChange::CallbackId => Update::builder()
                // The status stays: for the pipe, which publishes the job once more.
                .update_expression("SET callback_id = :callback_id, previous_status = #status, updated_at = :now")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":now", text(clock::to_text(entry.now)))
                .condition_expression(CALLBACK_ID_IS_NEW),
            JobChange::Nothing | JobChange::Omitted => return Ok(None),
        };
        let update = match &entry.event.callback_id {
            Some(id) if self != JobChange::Status => {
                update.expression_attribute_values(":callback_id", text(CorrelationId::of(id)))
            }
            _ => update,
        };
        update
            .table_name(table)
            .key("id", text(&entry.place.partition))
            .key("item", text(job.item_key()))
            .expression_attribute_values(":no_callback_id", text(NO_CALLBACK_ID))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map(Some)
            .map_err(unbuildable)
    }
}

fn status_condition(job: &Job) -> String {
    let behind = if job.links_expire_at.is_some() { STATUS_OR_LINKS_ARE_BEHIND } else { STATUS_IS_BEHIND };
    // Once such an item is deleted, another job has taken its place.
    let there = if is_placeholder(job) { "attribute_exists(id) AND " } else { "" };
    format!("{there}{behind}")
}

/// Whether the job was tracked before HeyGen's id was known. Only recovery makes events of such a job.
pub fn is_placeholder(job: &Job) -> bool {
    job.entity_id.starts_with(NO_ENTITY)
}

/// Sets all that the event says of its job.
fn status(entry: &Entry<'_>, job: &Job, callback_id: &str) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
    let (set, gone) = items::job_attributes(entry, job);
    // Every name goes through a placeholder: several, "status" among them, are reserved words.
    let written = set.keys().map(String::as_str).chain(gone.iter().copied());
    let names = written.map(|name| (format!("#{name}"), name.to_owned())).collect();
    let assignments: String = set.keys().map(|name| format!(", #{name} = :set_{name}")).collect();
    let removed: Vec<_> = gone.iter().map(|name| format!("#{name}")).collect();
    let remove = if removed.is_empty() { String::new() } else { format!(" REMOVE {}", removed.join(", ")) };
    let values: HashMap<_, _> = set.into_iter().map(|(name, value)| (format!(":set_{name}"), value)).collect();
    Update::builder()
        // The status before, which only DynamoDB knows: expressions see the item before the update.
        .update_expression(format!(
            "SET previous_status = if_not_exists(#status, :none), callback_id = {callback_id}{assignments}{remove}"
        ))
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(Some(values))
        .expression_attribute_values(":none", text("none"))
        .expression_attribute_values(":rank", AttributeValue::N(job.status.rank().to_string()))
        .expression_attribute_values(":decided_by", text(&job.decided_by))
}

fn text(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}
