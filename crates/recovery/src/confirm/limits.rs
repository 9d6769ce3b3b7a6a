//! How often the platforms are asked because of callbacks. It is kept in the table, so that two runs at once keep to it
//! together.

use crate::config::{Config, Confirming};
use crate::track::commit::until_unchanged;
use aws::error::AwsError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use std::collections::HashMap;
use std::time::Duration;
use time::OffsetDateTime;
use webhook::callback::Callback;
use webhook::digest::digest;

const TRANSACTION: &str = "dynamodb:TransactWriteItems";
/// Between two requests about one entity, in milliseconds.
const BETWEEN: i64 = 60_000;
/// For how long requests may be held back because a platform asked for it. It is asked again then, and may repeat that.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// The items expire after that, in seconds.
const KEPT: i64 = 3_600;

#[derive(Debug, Clone)]
pub(crate) struct Limits {
    client: Client,
    table: String,
    partition: String,
    confirming: Confirming,
}

/// Who wants to ask for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) callback: &'a Callback,
    /// Of the job, with the platform.
    pub(crate) kind: &'a str,
    pub(crate) entity_id: &'a str,
    pub(crate) received_at: OffsetDateTime,
    pub(crate) message_id: &'a str,
    /// How many requests it may take.
    pub(crate) requests: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permit {
    Ask,
    /// Another callback for the same order has asked since this one was received, and looks after it.
    Answered,
    /// Not before.
    Wait(Duration),
}

impl Limits {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        let (table, partition) = (config.table.clone(), config.partition());
        Limits { client, table, partition, confirming: config.confirming.clone() }
    }

    /// Takes note of the request, unless it has to wait: nothing is written then.
    pub(crate) async fn take(&self, wish: &Wish<'_>, now: OffsetDateTime) -> Result<Permit, AwsError> {
        until_unchanged(async || {
            let writes = [
                self.entity(wish, now)?,
                self.count(&of_platform(wish.callback), self.confirming.per_platform, wish.requests, now)?,
                self.count(&of_endpoint(wish.callback), self.confirming.per_endpoint, wish.requests, now)?,
            ];
            let done = self.client.transact_write_items().set_transact_items(Some(writes.into())).send().await;
            done.map_or_else(|error| refused(&error, wish, now), |_| Ok(Some(Permit::Ask)))
        })
        .await
    }

    /// Asks the platform nothing more before `now` and `wait`, to the minute.
    pub(crate) async fn pause(&self, callback: &Callback, wait: Duration, now: OffsetDateTime) -> Result<(), AwsError> {
        let last = minute(now + wait.min(LONGEST_PAUSE));
        for minute in minute(now)..=last {
            let update = self.client.update_item().table_name(&self.table);
            let update = update.set_key(Some(self.key(&minute_item(&of_platform(callback), minute))));
            let update = update.update_expression("SET requests = :all, expires_at = :expires_at");
            let update = update.expression_attribute_values(":all", N(self.confirming.per_platform.to_string()));
            let update = update.expression_attribute_values(":expires_at", expires_at(now));
            update.send().await.map_err(|error| AwsError::of("dynamodb:UpdateItem", &error))?;
        }
        Ok(())
    }

    /// Once a minute, whoever's order it is said to be.
    fn entity(&self, wish: &Wish<'_>, now: OffsetDateTime) -> Result<TransactWriteItem, AwsError> {
        let item = format!("confirm#entity#{}#{}", wish.kind, wish.entity_id);
        let update = Update::builder()
            .update_expression("SET asked_at = :now, asked_by = :message, asked_for = :order, expires_at = :expires_at")
            .condition_expression("attribute_not_exists(asked_at) OR asked_at <= :before")
            .expression_attribute_values(":now", N(milliseconds(now).to_string()))
            .expression_attribute_values(":before", N((milliseconds(now) - BETWEEN).to_string()))
            .expression_attribute_values(":message", S(wish.message_id.to_owned()))
            .expression_attribute_values(":order", S(order(wish.callback)));
        self.write(update, &item, now)
    }

    fn count(&self, of: &str, most: u32, requests: usize, now: OffsetDateTime) -> Result<TransactWriteItem, AwsError> {
        let room = i64::from(most) - i64::try_from(requests).unwrap_or(i64::MAX);
        let update = Update::builder()
            .update_expression("SET expires_at = :expires_at ADD requests :more")
            .condition_expression("attribute_not_exists(requests) OR requests <= :room")
            .expression_attribute_values(":more", N(requests.to_string()))
            .expression_attribute_values(":room", N(room.max(0).to_string()));
        self.write(update, &minute_item(of, minute(now)), now)
    }

    fn write(&self, update: UpdateBuilder, item: &str, now: OffsetDateTime) -> Result<TransactWriteItem, AwsError> {
        let update = update
            .table_name(&self.table)
            .set_key(Some(self.key(item)))
            .expression_attribute_values(":expires_at", expires_at(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|_| AwsError::unbuildable(TRANSACTION))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    fn key(&self, item: &str) -> HashMap<String, AttributeValue> {
        HashMap::from([("id".to_owned(), S(self.partition.clone())), ("item".to_owned(), S(item.to_owned()))])
    }
}

/// Why nothing was written; `None` if another run was writing at the same time.
fn refused<R>(
    error: &SdkError<TransactWriteItemsError, R>,
    wish: &Wish<'_>,
    now: OffsetDateTime,
) -> Result<Option<Permit>, AwsError> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return Err(AwsError::of(TRANSACTION, error));
    };
    let reasons = cancelled.cancellation_reasons();
    let is = |code: &str| reasons.iter().position(|reason| reason.code() == Some(code));
    match is("ConditionalCheckFailed") {
        Some(0) => Ok(Some(asked(reasons[0].item(), wish, now))),
        // In the next minute.
        Some(_) => Ok(Some(Permit::Wait(Duration::from_secs(60 - now.unix_timestamp().rem_euclid(60).unsigned_abs())))),
        None if is("TransactionConflict").is_some() => Ok(None),
        None => Err(AwsError::of(TRANSACTION, error)),
    }
}

/// Of an entity that was asked for within the last minute. The callback that asked is on the queue until it is settled,
/// so one for the same order that was received before need not be.
fn asked(item: Option<&HashMap<String, AttributeValue>>, wish: &Wish<'_>, now: OffsetDateTime) -> Permit {
    let text = |name: &str| item?.get(name)?.as_s().ok().map(String::as_str);
    let asked_at = item.and_then(|item| item.get("asked_at")?.as_n().ok()?.parse::<i64>().ok());
    let asked_at = asked_at.unwrap_or_else(|| milliseconds(now));
    let is_own = text("asked_by") == Some(wish.message_id);
    let is_same_order = text("asked_for") == Some(&order(wish.callback));
    if is_same_order && !is_own && milliseconds(wish.received_at) <= asked_at {
        return Permit::Answered;
    }
    let wait = (asked_at + BETWEEN - milliseconds(now)).clamp(1_000, BETWEEN);
    Permit::Wait(Duration::from_millis(wait.unsigned_abs()))
}

fn of_platform(callback: &Callback) -> String {
    callback.platform.name().to_owned()
}

fn of_endpoint(callback: &Callback) -> String {
    format!("{}/{}", callback.platform, callback.endpoint)
}

fn minute_item(of: &str, minute: i64) -> String {
    format!("confirm#minute#{minute}#{of}")
}

fn minute(at: OffsetDateTime) -> i64 {
    at.unix_timestamp().div_euclid(60)
}

/// As one word: a `callback_id` may be of any characters.
fn order(callback: &Callback) -> String {
    digest("order", &[callback.endpoint.as_bytes(), callback.correlation.as_bytes()])
}

fn expires_at(now: OffsetDateTime) -> AttributeValue {
    N((now.unix_timestamp() + KEPT).to_string())
}

fn milliseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}
