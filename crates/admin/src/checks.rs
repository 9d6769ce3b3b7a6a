//! What the last verification of each endpoint found: an item per endpoint in the table.

use crate::config::Config;
use crate::verification::Verification;
use aws::clock::to_text;
use aws::error::AwsError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use std::collections::{BTreeMap, HashMap};
use time::{Duration, OffsetDateTime};

/// The sort key of an endpoint's item is this, followed by the endpoint's name.
const ITEM: &str = "verification#";

/// An endpoint that is no longer verified disappears.
const KEEP: Duration = Duration::days(90);

#[derive(Debug, Clone)]
pub(crate) struct Checks {
    client: Client,
    table: String,
    partition: String,
}

/// What is known of an endpoint. Times are RFC 3339.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    /// When it was last verified with success.
    pub(crate) verified_at: Option<String>,
    /// Why the last verification failed.
    pub(crate) problem: Option<String>,
}

impl Checks {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        Checks { client, table: config.table.clone(), partition: config.partition() }
    }

    /// Stores what was found at `now`, unless a later verification is stored already.
    pub(crate) async fn write(&self, found: &Verification, now: OffsetDateTime) -> Result<(), AwsError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", S(self.partition.clone()))
            .key("item", S(format!("{ITEM}{}", found.endpoint)))
            .condition_expression("attribute_not_exists(id) OR checked_at <= :now")
            .expression_attribute_values(":now", S(to_text(now)))
            .expression_attribute_values(":end", N((now + KEEP).unix_timestamp().to_string()));
        let update = match &found.problem {
            None => {
                update.update_expression("SET checked_at = :now, expires_at = :end, verified_at = :now REMOVE problem")
            }
            Some(problem) => update
                .update_expression("SET checked_at = :now, expires_at = :end, problem = :problem")
                .expression_attribute_values(":problem", S(problem.clone())),
        };
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(AwsError::of("dynamodb:UpdateItem", &error)),
        }
    }

    /// By the endpoint's name.
    pub(crate) async fn read(&self) -> Result<BTreeMap<String, Checked>, AwsError> {
        let mut items = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("id = :id AND begins_with(#item, :item)")
            .expression_attribute_names("#item", "item")
            .expression_attribute_values(":id", S(self.partition.clone()))
            .expression_attribute_values(":item", S(ITEM.to_owned()))
            .into_paginator()
            .items()
            .send();
        let mut found = BTreeMap::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| AwsError::of("dynamodb:Query", &error))?;
            if let Some(name) = text(&item, "item").and_then(|item| Some(item.strip_prefix(ITEM)?.to_owned())) {
                found
                    .insert(name, Checked { verified_at: text(&item, "verified_at"), problem: text(&item, "problem") });
            }
        }
        Ok(found)
    }
}

fn text(item: &HashMap<String, AttributeValue>, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}
