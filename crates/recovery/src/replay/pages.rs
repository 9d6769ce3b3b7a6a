//! What is recorded, page by page: for a replay by time, which needs to look at every item.

use crate::key::Key;
use aws::clock::to_text;
use aws::error::AwsError;
use aws::jobs::Record;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::S;
use time::OffsetDateTime;

/// What of the table is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Without their results.
    Jobs,
    /// With their bodies.
    Events,
}

#[derive(Debug, Clone)]
pub(crate) struct Table {
    client: Client,
    name: String,
}

impl Table {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Table { client, name }
    }

    /// Of one MiB of the table, what is of this part and of this time or later; and where the next page begins.
    pub(crate) async fn page(
        &self,
        part: Part,
        since: Option<OffsetDateTime>,
        from: Option<&Key>,
    ) -> Result<(Record, Option<Key>), AwsError> {
        let (prefix, time) = match part {
            Part::Jobs => ("job#", "updated_at"),
            Part::Events => ("event#", "received_at"),
        };
        let since = since.map_or_else(String::new, to_text);
        let mut scan = self
            .client
            .scan()
            .table_name(&self.name)
            .filter_expression("begins_with(#item, :prefix) AND #time >= :since")
            .expression_attribute_names("#item", "item")
            .expression_attribute_names("#time", time)
            .expression_attribute_values(":prefix", S(prefix.to_owned()))
            .expression_attribute_values(":since", S(since))
            .set_exclusive_start_key(from.map(Key::to_item));
        if part == Part::Jobs {
            scan = scan
                .projection_expression("id, #item, #status, previous_status, event_type, #time")
                .expression_attribute_names("#status", "status");
        }
        let page = scan.send().await.map_err(|error| AwsError::of("dynamodb:Scan", &error))?;
        let next = page.last_evaluated_key.and_then(|key| {
            let text = |name: &str| key.get(name)?.as_s().ok().cloned();
            Some(Key { id: text("id")?, item: text("item")? })
        });
        Ok((Record::of(page.items.unwrap_or_default()), next))
    }
}
