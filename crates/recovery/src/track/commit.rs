//! One transaction on job items that were read before. It changes nothing if somebody else has changed one of them since.

use crate::config::Config;
use crate::key::Key;
use crate::track::merge::Item;
use aws::error::{AwsError, ErrorClass};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use std::collections::HashMap;
use std::time::Duration;

const TRANSACTION: &str = "dynamodb:TransactWriteItems";
/// How often everything is read again, because somebody else has changed it.
const ATTEMPTS: u32 = 16;
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub(crate) struct Items {
    client: Client,
    table: String,
}

/// What to write.
pub(crate) struct Commit<'a> {
    pub(crate) key: &'a Key,
    /// As it was read; empty if there is no such item.
    pub(crate) before: &'a Item,
    /// The attributes that change.
    pub(crate) set: &'a Item,
    /// An item to delete, as it was read.
    pub(crate) replaced: Option<(&'a Key, &'a Item)>,
    /// Pointers to delete.
    pub(crate) gone: Vec<Key>,
    /// A pointer to write.
    pub(crate) pointer: Option<Item>,
}

impl Items {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        Items { client, table: config.table.clone() }
    }

    pub(crate) async fn read(&self, key: &Key) -> Result<Option<Item>, AwsError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let got = get.set_key(Some(key.to_item())).send().await;
        Ok(got.map_err(|error| AwsError::of("dynamodb:GetItem", &error))?.item)
    }

    /// False if an item is not as it was read.
    pub(crate) async fn commit(&self, commit: Commit<'_>) -> Result<bool, AwsError> {
        let mut writes = vec![self.update(&commit)?];
        if let Some((key, item)) = commit.replaced {
            writes.push(self.delete(key, item)?);
        }
        for key in &commit.gone {
            writes.push(self.delete(key, &Item::new())?);
        }
        if let Some(pointer) = commit.pointer {
            let put = Put::builder().table_name(&self.table).set_item(Some(pointer)).build().map_err(unbuildable)?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(writes)).send().await else {
            return Ok(true);
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return Err(AwsError::of(TRANSACTION, &error));
        };
        let codes: Vec<_> = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
        let is_permanent = |code: &str| matches!(code, "ValidationError" | "ItemCollectionSizeLimitExceeded");
        match codes.iter().find(|code| is_permanent(code)) {
            // Such as an item that would become larger than DynamoDB allows.
            Some(code) => Err(AwsError::new(TRANSACTION, ErrorClass::Permanent, *code)),
            None if codes.iter().any(|code| matches!(*code, "ConditionalCheckFailed" | "TransactionConflict")) => {
                Ok(false)
            }
            None => Err(AwsError::of(TRANSACTION, &error)),
        }
    }

    fn update(&self, commit: &Commit<'_>) -> Result<TransactWriteItem, AwsError> {
        let mut written = Expressions::default();
        let exists = if commit.before.is_empty() { "attribute_not_exists(id)" } else { "attribute_exists(id)" };
        let (mut assignments, mut conditions) = (Vec::new(), vec![exists.to_owned()]);
        for (name, value) in commit.set {
            conditions.push(written.is_as_before(name, commit.before.get(name)));
            assignments.push(format!("{} = {}", written.name(name), written.value(value)));
        }
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(commit.key.to_item()))
            .update_expression(format!("SET {}", assignments.join(", ")))
            .condition_expression(conditions.join(" AND "))
            .set_expression_attribute_names(Some(written.names))
            .set_expression_attribute_values(Some(written.values));
        Ok(TransactWriteItem::builder().update(update.build().map_err(unbuildable)?).build())
    }

    /// With every attribute as in `before`, if there are any.
    fn delete(&self, key: &Key, before: &Item) -> Result<TransactWriteItem, AwsError> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key.to_item()));
        let mut written = Expressions::default();
        let conditions: Vec<_> = before.iter().map(|(name, value)| written.is_as_before(name, Some(value))).collect();
        let delete = match conditions.is_empty() {
            true => delete,
            false => delete
                .condition_expression(conditions.join(" AND "))
                .set_expression_attribute_names(Some(written.names))
                .set_expression_attribute_values(Some(written.values)),
        };
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(unbuildable)?).build())
    }
}

/// Repeats `attempt`, which reads and writes, until nobody else has changed what it read.
pub(crate) async fn until_unchanged<T>(attempt: impl AsyncFn() -> Result<Option<T>, AwsError>) -> Result<T, AwsError> {
    for attempts in 1..=ATTEMPTS {
        if let Some(done) = attempt().await? {
            return Ok(done);
        }
        tokio::time::sleep(webhook::backoff(FIRST_WAIT, LONGEST_WAIT, attempts)).await;
    }
    Err(AwsError::new(TRANSACTION, ErrorClass::Transient, "others keep changing the item"))
}

/// The placeholders of names, several of which are reserved words, and of values.
#[derive(Default)]
struct Expressions {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expressions {
    fn name(&mut self, name: &str) -> String {
        if let Some((known, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return known.clone();
        }
        let placeholder = format!("#{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: &AttributeValue) -> String {
        let placeholder = format!(":{}", self.values.len());
        self.values.insert(placeholder.clone(), value.clone());
        placeholder
    }

    fn is_as_before(&mut self, name: &str, before: Option<&AttributeValue>) -> String {
        let name = self.name(name);
        match before {
            Some(value) => format!("{name} = {}", self.value(value)),
            None => format!("attribute_not_exists({name})"),
        }
    }
}

fn unbuildable(_: aws_sdk_dynamodb::error::BuildError) -> AwsError {
    AwsError::unbuildable(TRANSACTION)
}
