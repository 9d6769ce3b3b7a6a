//! The index of the job items that have to be looked at, and when to look at one again.

use crate::config::Config;
use crate::track::tracked::{DUE_AT, INDEX, SHARD, SHARDS};
use aws::error::AwsError;
use aws::jobs::{JobItem, NO_ENTITY, Record};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use std::cmp::Reverse;
use std::collections::HashMap;
use time::OffsetDateTime;
use webhook::Platform;

/// The items of one page, which are read before any of them is looked at: as many as HeyGen returns states of in one call.
const PAGE: i32 = 100;
/// So many items of a shard are searched for those of one platform.
const SEARCHED: i32 = 1_000;

#[derive(Debug, Clone)]
pub(crate) struct Due {
    client: Client,
    table: String,
}

/// A job's item, and when it was due.
#[derive(Debug, Clone)]
pub(crate) struct DueJob {
    pub(crate) job: JobItem,
    pub(crate) at: i64,
}

/// Some of the items of one shard that are due.
pub(crate) struct Page {
    pub(crate) due: Vec<DueJob>,
    /// Where the next page begins; `None` after the last one.
    pub(crate) next: Option<Start>,
}

/// A place in the index. Items that have been looked at are due later, and those before it that could not be stay there.
pub(crate) struct Start(HashMap<String, AttributeValue>);

impl Due {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        Due { client, table: config.table.clone() }
    }

    /// The items of one shard that are due, the longest overdue first. The index may lag behind; the items themselves are as
    /// they are now.
    pub(crate) async fn page(&self, shard: &str, start: Option<Start>, now: OffsetDateTime) -> Result<Page, AwsError> {
        let query = self.client.query().table_name(&self.table).index_name(INDEX).limit(PAGE);
        let found = query
            .key_condition_expression(format!("{SHARD} = :shard AND {DUE_AT} <= :now"))
            .expression_attribute_values(":shard", S(shard.to_owned()))
            .expression_attribute_values(":now", N(now.unix_timestamp().to_string()))
            .set_exclusive_start_key(start.map(|Start(key)| key))
            .send()
            .await
            .map_err(|error| AwsError::of("dynamodb:Query", &error))?;
        let mut due = Vec::new();
        for keys in found.items() {
            due.extend(self.item(keys).await?.filter(|due| due.at <= now.unix_timestamp()));
        }
        Ok(Page { due, next: found.last_evaluated_key.map(Start) })
    }

    /// When the item that has been due longest was due, or will be, in Unix seconds; `None` if nothing is expected.
    pub(crate) async fn oldest(&self) -> Result<Option<i64>, AwsError> {
        let first = Self::shards().into_iter().map(|shard| async move {
            let query = self.client.query().table_name(&self.table).index_name(INDEX).limit(1);
            let query = query.key_condition_expression(format!("{SHARD} = :shard"));
            let found = query.expression_attribute_values(":shard", S(shard.to_owned())).send().await;
            let found = found.map_err(|error| AwsError::of("dynamodb:Query", &error))?;
            Ok(found.items().first().and_then(due_at))
        });
        Ok(futures::future::try_join_all(first).await?.into_iter().flatten().min())
    }

    /// At most `most` jobs of a platform other than HeyGen whose ids are known: those of `preferred` kinds first, and of these
    /// the ones that are due last, which are mostly the newest.
    pub(crate) async fn newest(
        &self,
        platform: Platform,
        most: usize,
        preferred: impl Fn(&str) -> bool,
    ) -> Result<Vec<JobItem>, AwsError> {
        let of_platform = Self::shards().into_iter().map(|shard| async move {
            let query = self.client.query().table_name(&self.table).index_name(INDEX).limit(SEARCHED);
            let query = query.scan_index_forward(false).key_condition_expression(format!("{SHARD} = :shard"));
            let query = query.filter_expression("begins_with(#item, :platform)");
            let query = query.expression_attribute_names("#item", "item");
            let query = query.expression_attribute_values(":platform", S(format!("job#{platform}.")));
            let found = query.expression_attribute_values(":shard", S(shard.to_owned())).send().await;
            let found = found.map_err(|error| AwsError::of("dynamodb:Query", &error))?;
            Ok(found.items.unwrap_or_default())
        });
        let mut keys = futures::future::try_join_all(of_platform).await?.concat();
        let placeholder = format!("#{NO_ENTITY}");
        keys.retain(|keys| item(keys).is_some_and(|item| !item.contains(&placeholder)));
        keys.sort_by_key(|keys| Reverse((kind(keys).is_some_and(&preferred), due_at(keys))));
        let mut jobs = Vec::new();
        for keys in keys.iter().take(most) {
            jobs.extend(self.item(keys).await?.map(|due| due.job));
        }
        Ok(jobs)
    }

    pub(crate) fn shards() -> [&'static str; 16] {
        SHARDS
    }

    async fn item(&self, keys: &HashMap<String, AttributeValue>) -> Result<Option<DueJob>, AwsError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let get = ["id", "item"].into_iter().fold(get, |get, name| match keys.get(name) {
            Some(value) => get.key(name, value.clone()),
            None => get,
        });
        let got = get.send().await.map_err(|error| AwsError::of("dynamodb:GetItem", &error))?;
        Ok(got.item.and_then(|item| {
            let at = due_at(&item)?;
            Some(DueJob { job: Record::of([item]).jobs.pop()?, at })
        }))
    }

    /// Looks at the item again at `at`, or never. Nothing happens if somebody else has changed when it is due.
    pub(crate) async fn next(&self, due: &DueJob, at: Option<OffsetDateTime>) -> Result<(), AwsError> {
        let update = self.client.update_item().table_name(&self.table);
        let update = update.key("id", S(due.job.id.clone())).key("item", S(due.job.item.clone()));
        let update = match at {
            Some(at) => update
                .update_expression(format!("SET {DUE_AT} = :at"))
                .expression_attribute_values(":at", N(at.unix_timestamp().to_string())),
            None => update.update_expression(format!("REMOVE {SHARD}, {DUE_AT}")),
        };
        let updated = update
            .condition_expression(format!("{DUE_AT} = :was"))
            .expression_attribute_values(":was", N(due.at.to_string()))
            .send()
            .await;
        match updated {
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            updated => updated.map(drop).map_err(|error| AwsError::of("dynamodb:UpdateItem", &error)),
        }
    }
}

fn due_at(item: &HashMap<String, AttributeValue>) -> Option<i64> {
    item.get(DUE_AT)?.as_n().ok()?.parse().ok()
}

fn item(keys: &HashMap<String, AttributeValue>) -> Option<&str> {
    Some(keys.get("item")?.as_s().ok()?)
}

/// The kind in the sort key of a job, `job#<kind>#<entity id>…`
fn kind(keys: &HashMap<String, AttributeValue>) -> Option<&str> {
    item(keys)?.split('#').nth(1)
}
