//! One run at a time: a lease in the table, which a run takes before it changes anything.
//!
//! It lasts as long as an invocation can, so no other run takes it while its holder may still be running, and it needs no
//! renewal. A run that ends releases it. A run that was killed or timed out does not: others wait until it expires.
//!
//! The lease does not order a request that arrives after its run has ended, or been killed. Such a request does no lasting
//! harm, however late it is, within the day that HeyGen keeps its keys and Secrets Manager unused versions:
//!
//! | request | when it arrives late |
//! |---|---|
//! | create, rotate | the next run has repeated it with the same key, and HeyGen repeats its response; in v1, a second endpoint is deleted with `prune` |
//! | update, delete | it concerns one endpoint by its id; the next sync updates or creates it again |
//! | a stored value | rejected if a newer one is stored (see `store.rs`); a note that is accepted is completed by the next sync |
//! | a secret's deletion | the next sync restores the secret |

use crate::config::Config;
use crate::error::Error;
use aws::clock::to_text;
use aws::error::AwsError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use std::collections::HashMap;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

/// How long a run waits for another one. The rest of the function's time is for its own changes.
const PATIENCE: Duration = Duration::from_secs(100);
const PAUSE: Duration = Duration::from_millis(500);
/// The item's sort key.
const ITEM: &str = "lease";

#[derive(Debug, Clone)]
pub(crate) struct Lease {
    client: Client,
    table: String,
    id: String,
    lasts: Duration,
}

/// Released by [`release`](Self::release), or when it expires.
#[must_use]
#[derive(Debug)]
pub(crate) struct Held<'a> {
    lease: &'a Lease,
    owner: String,
}

impl Lease {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        Lease { client, table: config.table.clone(), id: config.partition(), lasts: config.longest_run }
    }

    /// Waits for another run to end. An error if it does not end in time.
    pub(crate) async fn take(&self, purpose: &str) -> Result<Held<'_>, Error> {
        let owner = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let give_up = Instant::now() + PATIENCE;
        let mut waits = false;
        loop {
            let Some(busy) = self.try_to_take(&owner, purpose, OffsetDateTime::now_utc()).await? else {
                return Ok(Held { lease: self, owner });
            };
            if Instant::now() >= give_up {
                return Err(busy);
            }
            if !waits {
                tracing::info!(reason = %busy, "waiting for another run to end");
                waits = true;
            }
            sleep(PAUSE).await;
        }
    }

    /// `None` if it was taken, else the error that says who has it.
    async fn try_to_take(&self, owner: &str, purpose: &str, now: OffsetDateTime) -> Result<Option<Error>, AwsError> {
        let until = now + self.lasts;
        let text = |time| S(to_text(time));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("id", S(self.id.clone()))
            .item("item", S(ITEM.to_owned()))
            .item("owner", S(owner.to_owned()))
            .item("purpose", S(purpose.to_owned()))
            .item("since", text(now))
            .item("until", text(until))
            .item("until_ms", milliseconds(until))
            // Where the table deletes what expired.
            .item("expires_at", N((until.unix_timestamp() + 1).to_string()))
            // Our own, if the response to an earlier attempt was lost.
            .condition_expression("attribute_not_exists(id) OR until_ms <= :now OR #owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":now", milliseconds(now))
            .expression_attribute_values(":owner", S(owner.to_owned()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(None) };
        if let Some(ConditionalCheckFailedException(failed)) = error.as_service_error() {
            return Ok(Some(busy(failed.item())));
        }
        Err(AwsError::of("dynamodb:PutItem", &error))
    }
}

impl Held<'_> {
    /// A failure is only logged: the lease expires.
    pub(crate) async fn release(self) {
        let Lease { client, table, id, .. } = self.lease;
        let delete = client.delete_item().table_name(table).key("id", S(id.clone())).key("item", S(ITEM.to_owned()));
        let delete = delete.condition_expression("#owner = :owner").expression_attribute_names("#owner", "owner");
        if let Err(error) = delete.expression_attribute_values(":owner", S(self.owner)).send().await {
            let error = AwsError::of("dynamodb:DeleteItem", &error);
            tracing::warn!(%error, class = error.class.as_str(), "the lease could not be released; it expires");
        }
    }
}

/// What the other run wrote into its lease.
fn busy(item: Option<&HashMap<String, AttributeValue>>) -> Error {
    let text = |name: &str| match item.and_then(|item| item.get(name)) {
        Some(S(text)) => text.clone(),
        _ => "?".to_owned(),
    };
    Error::Busy { purpose: text("purpose"), since: text("since"), until: text("until") }
}

fn milliseconds(time: OffsetDateTime) -> AttributeValue {
    N((time.unix_timestamp_nanos() / 1_000_000).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::env::Env;
    use aws::sdk::Timeouts;
    use aws::stub::{Reply, sdk};
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};
    use time::Duration as Span;

    /// A lease in a table with this item, and the item that was put last.
    fn lease(item: Option<Value>) -> (Lease, Arc<Mutex<Value>>) {
        let variables = |name: &str| match name {
            "SECRET_PREFIX" => Some("shop/endpoints/".to_owned()),
            "API_URL" | "ENDPOINTS" | "TABLE_NAME" | "STACK" => Some("shop".to_owned()),
            _ => None,
        };
        let put = Arc::new(Mutex::new(Value::Null));
        let seen = Arc::clone(&put);
        let sdk = sdk(Timeouts { attempts: 1, ..Timeouts::LONG }, move |operation, input| {
            assert_eq!(operation, "PutItem");
            *seen.lock().unwrap() = input["Item"].clone();
            match &item {
                Some(item) => Reply::Error(400, json!({"__type": "ConditionalCheckFailedException", "Item": item})),
                None => Reply::Ok(json!({})),
            }
        });
        (Lease::new(sdk.dynamodb(), &Config::read(Env::from_fn(variables)).unwrap()), put)
    }

    #[tokio::test]
    async fn it_lasts_longer_than_any_invocation_and_names_the_deployment() {
        let (free, put) = lease(None);
        let now = OffsetDateTime::UNIX_EPOCH + Span::days(20_000);
        assert!(free.try_to_take("me", "a sync", now).await.unwrap().is_none());
        let put = put.lock().unwrap().clone();
        assert_eq!((&put["id"]["S"], &put["item"]["S"]), (&json!("admin#shop/endpoints/"), &json!("lease")));
        let until = (now + Span::seconds(305)).unix_timestamp();
        assert_eq!(put["until_ms"]["N"], (until * 1_000).to_string());
        assert_eq!(put["expires_at"]["N"], (until + 1).to_string());
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_waits_in_vain_says_who_has_it() {
        let text = |text: &str| json!({ "S": text });
        let item = json!({"purpose": text("a rotation"), "since": text("10:00"), "until": text("10:05")});
        let (taken, _) = lease(Some(item));
        let start = Instant::now();
        let error = taken.take("a sync").await.unwrap_err();
        assert!(start.elapsed() >= PATIENCE);
        assert!(error.to_string().contains("a rotation, since 10:00) is in progress, until 10:05"), "{error}");
        // Without the old item, too.
        let (taken, _) = lease(Some(json!({})));
        assert!(taken.take("a sync").await.unwrap_err().to_string().contains("another run (?"));
    }
}
