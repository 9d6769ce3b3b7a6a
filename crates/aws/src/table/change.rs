//! What an event changes on its job's item, and under which condition.

use super::items::{self, Item, NO_CALLBACK_ID};
use super::{Entry, Recorded, unbuildable};
use crate::clock;
use crate::error::AwsError;
use crate::jobs::NO_ENTITY;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, Update};
use std::collections::HashMap;
use webhook::{CorrelationId, Job, Platform};

// Together, this and `result_is_behind` are [`Job::supersedes`] in DynamoDB's words. They compare with values that the update sets, too.

/// The job has no status yet, or a lower one.
const STATUS_IS_BEHIND: &str = "(attribute_not_exists(status_rank) OR status_rank < :set_status_rank)";

/// It has this status, from an event that gives way.
fn result_is_behind(job: &Job) -> String {
    let key_is_behind = "decided_by > :set_decided_by".to_owned();
    let is_behind = match job.platform {
        // None of its events has a time.
        Platform::HeyGen => key_is_behind,
        _ => is_less_or("occurred_at", job.occurred_at, &key_is_behind),
    };
    let is_behind = is_less_or("links_expire_at", job.links_expire_at, &is_behind);
    format!("(status_rank = :set_status_rank AND {is_behind})")
}

/// The number is smaller than the one that is set, or they are equal and `tie` holds. One that is absent is the smallest.
fn is_less_or(name: &str, set: Option<i64>, tie: &str) -> String {
    match set {
        Some(_) => {
            format!("(attribute_not_exists({name}) OR {name} < :set_{name} OR ({name} = :set_{name} AND {tie}))")
        }
        None => format!("(attribute_not_exists({name}) AND {tie})"),
    }
}

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
    /// A new status, with its links or its failure.
    Status,
    ResultAndCallbackId,
    /// Other links or another failure of the same status.
    Result,
    CallbackId,
    /// The event is stored without changing a job.
    Nothing,
    /// The same, because the job's item has no room for the change.
    Omitted,
}

/// What DynamoDB returned of a job's item whose condition did not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    callback_id: Option<String>,
    rank: Option<u8>,
    links_expire_at: Option<i64>,
    occurred_at: Option<i64>,
    decided_by: Option<String>,
}

impl Found {
    pub fn of(item: Option<&Item>) -> Self {
        let text = |name| item?.get(name)?.as_s().ok().cloned();
        let number = |name| item?.get(name)?.as_n().ok()?.parse().ok();
        Found {
            callback_id: text("callback_id"),
            rank: number("status_rank").and_then(|rank| u8::try_from(rank).ok()),
            links_expire_at: number("links_expire_at"),
            occurred_at: number("occurred_at"),
            decided_by: text("decided_by"),
        }
    }

    /// Whether the job may still get this result, because it has the same status from an event that gives way. What
    /// DynamoDB did not return may be anything.
    fn has_result_behind(&self, job: &Job) -> bool {
        let (Some(rank), Some(decided_by)) = (self.rank, &self.decided_by) else { return true };
        let later = |own: Option<i64>, other: Option<i64>| own.unwrap_or_default().cmp(&other.unwrap_or_default());
        let result = later(job.links_expire_at, self.links_expire_at)
            .then_with(|| later(job.occurred_at, self.occurred_at))
            .then_with(|| decided_by.cmp(&job.decided_by));
        rank == job.status.rank() && result.is_gt()
    }
}

impl JobChange {
    pub fn first(entry: &Entry<'_>) -> Self {
        match (&entry.job, &entry.event.callback_id) {
            (None, _) => JobChange::Nothing,
            (Some(_), None) => JobChange::Status,
            (Some(_), Some(_)) => JobChange::StatusAndCallbackId,
        }
    }

    /// What is left to be changed if this was rejected.
    ///
    /// A status and a `callback_id` never go back, so what was rejected once need not be tried again.
    pub fn next(self, entry: &Entry<'_>, found: &Found) -> Self {
        let own = entry.event.callback_id.as_deref().map(CorrelationId::of);
        let known = found.callback_id.as_deref().zip(own.as_ref());
        let may_set_id = known.is_some_and(|(found, own)| found == NO_CALLBACK_ID || found >= own.as_str());
        let has_other_id = known.is_none_or(|(found, own)| may_set_id && found != own.as_str());
        let may_set_result = entry.job.as_ref().is_some_and(|job| found.has_result_behind(job));
        match self {
            JobChange::StatusAndCallbackId if !may_set_id => JobChange::Status,
            JobChange::StatusAndCallbackId if may_set_result => JobChange::ResultAndCallbackId,
            JobChange::ResultAndCallbackId if !may_set_id => JobChange::Result,
            JobChange::Status if may_set_result => JobChange::Result,
            JobChange::CallbackId | JobChange::Nothing | JobChange::Omitted => JobChange::Nothing,
            _ if own.is_some() && has_other_id => JobChange::CallbackId,
            _ => JobChange::Nothing,
        }
    }

    pub fn recorded(self) -> Recorded {
        match self {
            JobChange::StatusAndCallbackId | JobChange::Status => Recorded::JobUpdated,
            JobChange::ResultAndCallbackId | JobChange::Result => Recorded::JobRenewed,
            JobChange::CallbackId | JobChange::Nothing => Recorded::EventOnly,
            JobChange::Omitted => Recorded::JobOmitted,
        }
    }

    fn sets_callback_id(self) -> bool {
        matches!(self, JobChange::StatusAndCallbackId | JobChange::ResultAndCallbackId | JobChange::CallbackId)
    }

    /// The update of the job's item.
    pub fn update(self, table: &str, entry: &Entry<'_>, job: &Job) -> Result<Option<Update>, AwsError> {
        let update = match self {
            JobChange::StatusAndCallbackId => {
                result(entry, job, self).condition_expression(both(&status_is_behind(job)))
            }
            JobChange::Status => result(entry, job, self).condition_expression(status_is_behind(job)),
            JobChange::ResultAndCallbackId => {
                result(entry, job, self).condition_expression(both(&result_is_behind(job)))
            }
            JobChange::Result => result(entry, job, self).condition_expression(result_is_behind(job)),
            JobChange::CallbackId => Update::builder()
                // The status stays: for the pipe, which publishes the job once more.
                .update_expression("SET callback_id = :callback_id, previous_status = #status, updated_at = :now")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":now", text(clock::to_text(entry.now)))
                .condition_expression(CALLBACK_ID_IS_NEW),
            JobChange::Nothing | JobChange::Omitted => return Ok(None),
        };
        let update = match &entry.event.callback_id {
            Some(id) if self.sets_callback_id() => {
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

fn both(condition: &str) -> String {
    format!("{condition} AND {CALLBACK_ID_MAY_BE_SET}")
}

fn status_is_behind(job: &Job) -> String {
    // Once such an item is deleted, another job has taken its place.
    let there = if is_placeholder(job) { "attribute_exists(id) AND " } else { "" };
    format!("{there}{STATUS_IS_BEHIND}")
}

/// Whether the job was tracked before HeyGen's id was known. Only recovery makes events of such a job.
pub fn is_placeholder(job: &Job) -> bool {
    job.entity_id.starts_with(NO_ENTITY)
}

/// Sets all that the event says of its job.
fn result(entry: &Entry<'_>, job: &Job, change: JobChange) -> UpdateBuilder {
    let callback_id =
        if change.sets_callback_id() { ":callback_id" } else { "if_not_exists(callback_id, :no_callback_id)" };
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
}

fn text(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}
