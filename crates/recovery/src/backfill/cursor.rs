//! How far each of HeyGen's lists was read, kept in the table.
//!
//! A list is read from its first page on, and the newest comes first. So the cursor itself moves only at the end of a scan;
//! until then the token of the next page is kept, with which a later run continues.

use crate::config::Config;
use aws::error::{AwsError, ErrorClass};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use std::collections::HashMap;

/// Times are in Unix seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// When the list was to be read for the first time.
    pub(crate) first_run: Option<i64>,
    /// All that ended between the first run and this time was compared with what is recorded.
    pub(crate) read_until: Option<i64>,
    /// The last scan that got to its end, without its token.
    pub(crate) done: Option<Scan>,
    /// The last run that found something that was never received, and how much.
    pub(crate) missed: Option<Missed>,
    /// What is left of a scan that ran out of time, or failed.
    pub(crate) scan: Option<Scan>,
    /// Changes with each write, so that of two runs at once one stops.
    pub(crate) version: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missed {
    pub(crate) count: i64,
    pub(crate) at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The times that it compares, from and before.
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// Of the next page; `None` for the first.
    pub(crate) token: Option<String>,
}

const IS_UNCHANGED: &str = "attribute_not_exists(#version) OR #version = :version";

#[derive(Debug, Clone)]
pub(crate) struct Cursors {
    client: Client,
    table: String,
    partition: String,
}

impl Cursors {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        Cursors { client, table: config.table.clone(), partition: config.partition() }
    }

    fn key(&self, list: &str) -> HashMap<String, AttributeValue> {
        let item = format!("cursor#{list}");
        HashMap::from([("id".to_owned(), S(self.partition.clone())), ("item".to_owned(), S(item))])
    }

    /// The default if the list was never read.
    pub(crate) async fn read(&self, list: &str) -> Result<Cursor, AwsError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let got = get.set_key(Some(self.key(list))).send().await;
        let item = got.map_err(|error| AwsError::of("dynamodb:GetItem", &error))?.item.unwrap_or_default();
        Ok(Cursor::of(&item))
    }

    /// False if another run has written since `cursor` was read. Then that run continues, and this one has to stop.
    pub(crate) async fn write(&self, list: &str, cursor: &mut Cursor) -> Result<bool, AwsError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(self.item(list, cursor)));
        let written = put
            // If the response to this call is lost, its repetition looks like another run: the next run continues then.
            .condition_expression(IS_UNCHANGED)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", N(cursor.version.to_string()))
            .send()
            .await;
        match written {
            Ok(_) => {
                cursor.version += 1;
                Ok(true)
            }
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            Err(error) => Err(AwsError::of("dynamodb:PutItem", &error)),
        }
    }

    /// All or none; false as with one.
    pub(crate) async fn write_all(&self, cursors: &mut [(&str, Cursor)]) -> Result<bool, AwsError> {
        const OPERATION: &str = "dynamodb:TransactWriteItems";
        let mut puts = Vec::with_capacity(cursors.len());
        for (list, cursor) in &*cursors {
            let put = Put::builder().table_name(&self.table).set_item(Some(self.item(list, cursor)));
            let put = put.condition_expression(IS_UNCHANGED).expression_attribute_names("#version", "version");
            let put = put.expression_attribute_values(":version", N(cursor.version.to_string())).build();
            let put = put.map_err(|error| AwsError::new(OPERATION, ErrorClass::Permanent, error.to_string()))?;
            puts.push(TransactWriteItem::builder().put(put).build());
        }
        match self.client.transact_write_items().set_transact_items(Some(puts)).send().await {
            Ok(_) => {
                cursors.iter_mut().for_each(|(_, cursor)| cursor.version += 1);
                Ok(true)
            }
            Err(error) if error.as_service_error().is_some_and(is_changed) => Ok(false),
            Err(error) => Err(AwsError::of(OPERATION, &error)),
        }
    }

    /// As it is after the next write.
    fn item(&self, list: &str, cursor: &Cursor) -> HashMap<String, AttributeValue> {
        let number = |value: Option<i64>| value.map(|value| N(value.to_string()));
        let (scan, done) = (cursor.scan.as_ref(), cursor.done.as_ref());
        let fields = [
            ("first_run", number(cursor.first_run)),
            ("read_until", number(cursor.read_until)),
            ("done_from", number(done.map(|scan| scan.from))),
            ("done_until", number(done.map(|scan| scan.until))),
            ("missed", number(cursor.missed.map(|missed| missed.count))),
            ("missed_at", number(cursor.missed.map(|missed| missed.at))),
            ("scan_from", number(scan.map(|scan| scan.from))),
            ("scan_until", number(scan.map(|scan| scan.until))),
            ("scan_token", scan.and_then(|scan| scan.token.clone()).map(S)),
            ("version", Some(N((cursor.version + 1).to_string()))),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        self.key(list).into_iter().chain(fields).collect()
    }
}

/// Whether another run has written one of the cursors, or is about to.
fn is_changed(error: &TransactWriteItemsError) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(canceled) = error else { return false };
    let mut codes = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    codes.any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}

impl Cursor {
    fn of(item: &HashMap<String, AttributeValue>) -> Self {
        let number = |name: &str| item.get(name)?.as_n().ok()?.parse::<i64>().ok();
        let token = item.get("scan_token").and_then(|token| token.as_s().ok()).cloned();
        let scan =
            |from, until, token| number(from).zip(number(until)).map(|(from, until)| Scan { from, until, token });
        let (left, done) = (scan("scan_from", "scan_until", token), scan("done_from", "done_until", None));
        let version = number("version").and_then(|version| version.try_into().ok()).unwrap_or_default();
        let missed = number("missed").zip(number("missed_at")).map(|(count, at)| Missed { count, at });
        Cursor { first_run: number("first_run"), read_until: number("read_until"), done, missed, scan: left, version }
    }
}
