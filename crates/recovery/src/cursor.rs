//! How far each of HeyGen's lists was read, kept in the table.
//!
//! A list is read from its first page on, and the newest comes first. So the cursor itself moves only at the end of a scan;
//! until then the token of the next page is kept, with which a later run continues.

use crate::config::Config;
use aws::error::AwsError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use std::collections::HashMap;

/// Times are in Unix seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// All that is older was compared with what is recorded.
    pub(crate) read_until: Option<i64>,
    /// The last run that found something that was never received, and how much.
    pub(crate) missed: Option<Missed>,
    /// What is left of a scan that ran out of time, or failed.
    pub(crate) scan: Option<Scan>,
    /// Changes with each write, so that of two runs at once one stops.
    version: u64,
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
        let put = self.client.put_item().table_name(&self.table).set_item(Some(self.key(list)));
        let number = |value: Option<i64>| value.map(|value| N(value.to_string()));
        let scan = cursor.scan.as_ref();
        let next = cursor.version + 1;
        let fields = [
            ("read_until", number(cursor.read_until)),
            ("missed", number(cursor.missed.map(|missed| missed.count))),
            ("missed_at", number(cursor.missed.map(|missed| missed.at))),
            ("scan_from", number(scan.map(|scan| scan.from))),
            ("scan_until", number(scan.map(|scan| scan.until))),
            ("scan_token", scan.and_then(|scan| scan.token.clone()).map(S)),
            ("version", Some(N(next.to_string()))),
        ];
        let put = fields.into_iter().fold(put, |put, (name, value)| match value {
            Some(value) => put.item(name, value),
            None => put,
        });
        let written = put
            // If the response to this call is lost, its repetition looks like another run: the next run continues then.
            .condition_expression("attribute_not_exists(#version) OR #version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", N(cursor.version.to_string()))
            .send()
            .await;
        match written {
            Ok(_) => {
                cursor.version = next;
                Ok(true)
            }
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            Err(error) => Err(AwsError::of("dynamodb:PutItem", &error)),
        }
    }
}

impl Cursor {
    fn of(item: &HashMap<String, AttributeValue>) -> Self {
        let number = |name: &str| item.get(name)?.as_n().ok()?.parse::<i64>().ok();
        let scan = number("scan_from").zip(number("scan_until")).map(|(from, until)| Scan {
            from,
            until,
            token: item.get("scan_token").and_then(|token| token.as_s().ok()).cloned(),
        });
        let version = number("version").and_then(|version| version.try_into().ok()).unwrap_or_default();
        let missed = number("missed").zip(number("missed_at")).map(|(count, at)| Missed { count, at });
        Cursor { read_until: number("read_until"), missed, scan, version }
    }
}
