//! Requests that ran out of time, noted in the table so that the schedule goes on with them.
//!
//! A note that someone's own request writes replaces what was there. The schedule writes and deletes a note only if it is
//! still the one that it read: so of two runs at once the first one counts, and the work of the other one is repeated.

pub(crate) mod rest;

use crate::config::Config;
use crate::error::Error;
use crate::key::Key;
use crate::unfinished::rest::{Rest, digest, rest};
use aws::clock::{from_text, to_text};
use aws::error::AwsError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use serde_json::Value;
use std::collections::HashMap;
use time::{Duration, OffsetDateTime};

const PREFIX: &str = "unfinished#";
const IS_UNCHANGED: &str = "#version = :version";
/// A request that has failed for so long is given up.
const PATIENCE: Duration = Duration::days(7);

#[derive(Debug, Clone)]
pub(crate) struct Unfinished {
    client: Client,
    table: String,
    partition: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Note {
    item: String,
    /// With its continuation.
    pub(crate) request: Value,
    noted_at: OffsetDateTime,
    /// Since when it has failed each time.
    failing_since: Option<OffsetDateTime>,
    /// When it was written, in Unix nanoseconds: a note that was deleted and written again is another one.
    version: i128,
}

impl Note {
    fn of(item: &HashMap<String, AttributeValue>) -> Option<Self> {
        let text = |name: &str| item.get(name)?.as_s().ok();
        let time = |name: &str| from_text(text(name)?).ok();
        Some(Note {
            item: text("item")?.clone(),
            request: serde_json::from_str(text("request")?).unwrap_or_default(),
            noted_at: time("noted_at")?,
            failing_since: time("failing_since"),
            version: item.get("version")?.as_n().ok()?.parse().ok()?,
        })
    }

    fn is_given_up(&self, now: OffsetDateTime) -> bool {
        self.failing_since.is_some_and(|since| since + PATIENCE <= now)
    }
}

impl Unfinished {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        Unfinished { client, table: config.table.clone(), partition: config.partition() }
    }

    /// Those that were written longest ago come first.
    pub(crate) async fn all(&self) -> Result<Vec<Note>, AwsError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let items = query
            .key_condition_expression("id = :id AND begins_with(#item, :prefix)")
            .expression_attribute_names("#item", "item")
            .expression_attribute_values(":id", S(self.partition.clone()))
            .expression_attribute_values(":prefix", S(PREFIX.to_owned()))
            .into_paginator()
            .items()
            .send();
        let items = items.try_collect().await.map_err(|error| AwsError::of("dynamodb:Query", &error))?;
        let mut notes: Vec<_> = items.iter().filter_map(Note::of).collect();
        notes.sort_by_key(|note| note.version);
        Ok(notes)
    }

    /// Notes what is left of someone's request.
    pub(crate) async fn note(&self, left: &Value, now: OffsetDateTime) -> Result<(), AwsError> {
        let (item, request) = (format!("{PREFIX}{}", digest(left)), left.clone());
        let note = Note { item, request, noted_at: now, failing_since: None, version: now.unix_timestamp_nanos() };
        self.put(&note, None, None).await.map(drop)
    }

    /// Someone's request is done.
    pub(crate) async fn forget(&self, request: &Value) -> Result<(), AwsError> {
        self.delete(&format!("{PREFIX}{}", digest(request)), None).await.map(drop)
    }

    /// Replaces or removes a note after a run of its request, and returns whether the request is done. If another run
    /// has changed the note meanwhile, that stands.
    pub(crate) async fn settle(&self, note: &Note, done: &Result<Value, Error>, now: OffsetDateTime) -> bool {
        let action = note.request["action"].as_str();
        let rest = done.as_ref().map(|reply| rest(&note.request, reply));
        let written = Note { version: now.unix_timestamp_nanos(), ..note.clone() };
        let kept = match &rest {
            Ok(Rest::Left(left)) => {
                tracing::info!(action, "an unfinished request goes on");
                let next = Note { request: left.clone(), failing_since: None, ..written };
                self.put(&next, None, Some(note.version)).await
            }
            Ok(Rest::Nothing | Rest::NotNoted) => {
                tracing::info!(action, "an unfinished request is done");
                self.delete(&note.item, Some(note.version)).await
            }
            Err(error) => {
                let (class, is_given_up) = (error.class().as_str(), note.is_given_up(now));
                tracing::error!(%error, class, action, is_given_up, "an unfinished request failed");
                let next = Note { failing_since: note.failing_since.or(Some(now)), ..written };
                match is_given_up {
                    true => self.delete(&note.item, Some(note.version)).await,
                    false => self.put(&next, Some(error), Some(note.version)).await,
                }
            }
        };
        if let Err(error) = kept {
            tracing::error!(%error, class = error.class.as_str(), action, "an unfinished request is repeated");
        }
        matches!(rest, Ok(Rest::Nothing | Rest::NotNoted))
    }

    fn key(&self, item: &str) -> HashMap<String, AttributeValue> {
        Key { id: self.partition.clone(), item: item.to_owned() }.to_item()
    }

    async fn put(&self, note: &Note, error: Option<&Error>, over: Option<i128>) -> Result<bool, AwsError> {
        let mut fields = self.key(&note.item);
        let texts = [
            ("request", Some(note.request.to_string())),
            ("noted_at", Some(to_text(note.noted_at))),
            ("failing_since", note.failing_since.map(to_text)),
            ("error", error.map(ToString::to_string)),
            ("class", error.map(|error| error.class().as_str().to_owned())),
        ];
        fields.extend(texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), S(value?)))));
        fields.insert("version".to_owned(), N(note.version.to_string()));
        let mut put = self.client.put_item().table_name(&self.table).set_item(Some(fields));
        if let Some(over) = over {
            put = put.condition_expression(IS_UNCHANGED).expression_attribute_names("#version", "version");
            put = put.expression_attribute_values(":version", N(over.to_string()));
        }
        match put.send().await {
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            put => put.map(|_| true).map_err(|error| AwsError::of("dynamodb:PutItem", &error)),
        }
    }

    async fn delete(&self, item: &str, over: Option<i128>) -> Result<bool, AwsError> {
        let mut delete = self.client.delete_item().table_name(&self.table).set_key(Some(self.key(item)));
        if let Some(over) = over {
            delete = delete.condition_expression(IS_UNCHANGED).expression_attribute_names("#version", "version");
            delete = delete.expression_attribute_values(":version", N(over.to_string()));
        }
        match delete.send().await {
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            deleted => deleted.map(|_| true).map_err(|error| AwsError::of("dynamodb:DeleteItem", &error)),
        }
    }
}
