//! The items of the table: jobs and events.

use crate::error::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The rows of one or more correlation ids, in the table's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// `job#…`
    pub jobs: Vec<JobRow>,
    /// `event#…`
    pub events: Vec<EventRow>,
}

/// A job's row. An attribute that is not there is `None`, or empty.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct JobRow {
    /// The partition key.
    pub correlation_id: String,
    /// The sort key, `job#<kind>#<entity id>`.
    pub item: String,
    /// `avatar_video`, …
    pub kind: String,
    /// The id of what it makes.
    pub entity_id: String,
    /// `pending`, `failed` or `succeeded`.
    pub status: String,
    /// The same, as 0, 1 or 2.
    pub status_rank: Option<u8>,
    /// The identity of the event that decided so.
    pub decided_by: String,
    /// That event's type.
    pub event_type: String,
    /// Pre-signed: a link gives access to the result.
    pub links: BTreeMap<String, String>,
    pub failure: Option<FailureRow>,
    /// For a translation.
    pub output_language: Option<String>,
    /// Unix time in seconds.
    pub links_expire_at: Option<i64>,
    /// RFC 3339.
    pub received_at: String,
    /// RFC 3339.
    pub updated_at: String,
    pub endpoint: String,
    /// Every attribute, a team's own ones as well.
    #[serde(skip)]
    pub attributes: Value,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FailureRow {
    pub code: Option<String>,
    pub message: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct EventRow {
    /// The partition key.
    pub correlation_id: String,
    /// The sort key, `event#<identity>`.
    pub item: String,
    /// `avatar_video.success`, …; `None` if the body has none.
    pub event_type: Option<String>,
    pub endpoint: String,
    pub via: String,
    /// The body: its text, or base64 if it is not text.
    pub body: Option<String>,
    /// RFC 3339.
    pub received_at: String,
    /// Unix time in seconds.
    pub expires_at: Option<i64>,
    /// Every attribute.
    #[serde(skip)]
    pub attributes: Value,
}

impl EventRow {
    pub fn identity(&self) -> &str {
        self.item.strip_prefix("event#").unwrap_or(&self.item)
    }
}

impl Rows {
    /// Takes an item of the table.
    pub(crate) fn take(&mut self, item: Value) -> Result<()> {
        let key = item["item"].as_str().unwrap_or_default();
        if key.starts_with("event#") {
            let row: EventRow = serde_json::from_value(item.clone()).context("Reading an event's item")?;
            self.events.push(EventRow { attributes: item, ..row });
        } else {
            let row: JobRow = serde_json::from_value(item.clone()).context("Reading a job's item")?;
            self.jobs.push(JobRow { attributes: item, ..row });
        }
        Ok(())
    }
}
