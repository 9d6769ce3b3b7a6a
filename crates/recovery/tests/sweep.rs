//! Sweeps with DynamoDB responses that no local AWS produces on demand.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use aws::env::Env;
use aws::stub::Reply;
use recovery::{App, Config};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A function that may read HeyGen's API key.
fn app(dynamodb: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static) -> App {
    let variables = |name: &str| {
        let value = match name {
            "STACK" => "shop",
            "TABLE_NAME" => "table",
            "QUEUE_URL" => common::QUEUE,
            "DEAD_LETTER_QUEUE_URL" => common::DEAD,
            "UNDELIVERED_QUEUE_URL" => common::UNDELIVERED,
            "API_KEY_SECRET" => "api-key",
            // Nothing is due, so HeyGen is not asked.
            "HEYGEN_BASE_URL" => "http://127.0.0.1:9",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let once = aws::sdk::Timeouts { attempts: 1, ..aws::sdk::Timeouts::LONG };
    let sdk = aws::stub::sdk(once, move |operation, input| match operation {
        "GetSecretValue" => Reply::Ok(json!({"SecretString": "key", "VersionId": "1"})),
        _ => dynamodb(operation, &input),
    });
    App::new(Config::read(Env::from_fn(variables)).unwrap(), &sdk)
}

#[test]
fn a_shard_that_cannot_be_read_stops_no_other() {
    let shards = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shards);
    let app = app(move |operation, input| {
        assert_eq!(operation, "Query");
        let shard = input["ExpressionAttributeValues"][":shard"]["S"].as_str().unwrap().to_owned();
        let fails = shard == "3";
        seen.lock().unwrap().push(shard);
        if fails {
            return Reply::Error(400, json!({"__type": "ProvisionedThroughputExceededException"}));
        }
        Reply::Ok(json!({"Items": [], "Count": 0}))
    });
    let error = common::ask(&app, json!({"action": "sweep"}), Duration::from_secs(300)).unwrap_err();
    assert!(error.contains("dynamodb:Query"), "{error}");
    assert_eq!(shards.lock().unwrap().len(), 16, "{shards:?}");
}
