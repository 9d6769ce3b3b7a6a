//! What had ended before a list's first run, of the elements that do not say when they ended. It was not meant for this
//! deployment, and nothing but its id tells it from what ends later.

use crate::config::Config;
use aws::error::AwsError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::{self, Bool, S, Ss};
use std::collections::{BTreeSet, HashMap};

/// As many ids are kept of a list.
const MOST: usize = 500;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Before {
    ids: BTreeSet<String>,
    /// Whether there are more than those.
    pub(crate) has_more: bool,
}

impl Before {
    /// Whether an element had ended, as far as that is known. `created` is whether it was created before the first run.
    pub(crate) fn has(&self, id: &str, created: Option<bool>) -> bool {
        self.ids.contains(id) || self.has_more && created == Some(true)
    }

    /// Takes ids up to the limit, and returns those that are new.
    pub(crate) fn take(&mut self, ids: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut new = Vec::new();
        for id in ids {
            if self.ids.contains(&id) {
                continue;
            }
            if self.ids.len() >= MOST {
                self.has_more = true;
                break;
            }
            self.ids.insert(id.clone());
            new.push(id);
        }
        new
    }
}

/// Where they are kept.
#[derive(Debug, Clone)]
pub(crate) struct Befores {
    client: Client,
    table: String,
    partition: String,
}

impl Befores {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        Befores { client, table: config.table.clone(), partition: config.partition() }
    }

    fn key(&self, list: &str) -> HashMap<String, AttributeValue> {
        let item = format!("before#{list}");
        HashMap::from([("id".to_owned(), S(self.partition.clone())), ("item".to_owned(), S(item))])
    }

    pub(crate) async fn read(&self, list: &str) -> Result<Before, AwsError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let got = get.set_key(Some(self.key(list))).send().await;
        let item = got.map_err(|error| AwsError::of("dynamodb:GetItem", &error))?.item.unwrap_or_default();
        let ids = item.get("ids").and_then(|ids| ids.as_ss().ok()).cloned().unwrap_or_default();
        let has_more = item.get("has_more").and_then(|value| value.as_bool().ok()).copied().unwrap_or_default();
        Ok(Before { ids: ids.into_iter().collect(), has_more })
    }

    /// Writes what [`Before::take`] returned. Repeated, it changes nothing.
    pub(crate) async fn add(&self, list: &str, new: Vec<String>, has_more: bool) -> Result<(), AwsError> {
        let update = self.client.update_item().table_name(&self.table).set_key(Some(self.key(list)));
        let update = update.expression_attribute_values(":has_more", Bool(has_more));
        // A set is never empty.
        let update = match new.is_empty() {
            true => update.update_expression("SET has_more = :has_more"),
            false => update
                .update_expression("SET has_more = :has_more ADD ids :ids")
                .expression_attribute_values(":ids", Ss(new)),
        };
        update.send().await.map_err(|error| AwsError::of("dynamodb:UpdateItem", &error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_what_was_created_before_the_first_run_counts_as_ended() {
        let mut before = Before::default();
        let ids = |range: std::ops::Range<usize>| range.map(|n| format!("v{n}")).collect::<Vec<_>>();
        assert_eq!(before.take(ids(0..MOST)).len(), MOST);
        assert_eq!(before.take(ids(0..MOST)), Vec::<String>::new());
        assert!(before.has("v1", None) && !before.has("v500", Some(true)), "all of them are known");
        assert_eq!(before.take(ids(MOST..MOST + 2)), Vec::<String>::new());
        assert!(before.has("v500", Some(true)));
        assert!(!before.has("v500", Some(false)) && !before.has("v500", None));
    }
}
