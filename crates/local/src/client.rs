//! A stack from outside: post deliveries, and read the record, the queues and the logs.
//!
//! All calls block; inside an async runtime they panic.

use crate::aws_api::AwsApi;
use crate::error::{Context, Error, Result};
use crate::interrupt;
use crate::logs::{self, LogLine};
use crate::secrets;
use crate::stack::Stack;
use aws::error::AwsError;
use aws::jobs::{Jobs, Record};
use aws::sdk::Sdk;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use serde_json::Value;
use simulator::Remote;
use simulator::http::{Http, Response};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The header that HeyGen puts the signature in.
pub const SIGNATURE: &str = "Signature";
/// The limit of API Gateway.
const HTTP_LIMIT: Duration = Duration::from_secs(30);

/// Threads may share it.
#[derive(Debug)]
pub struct Client {
    stack: Stack,
    api: AwsApi,
    http: Http,
    sqs: aws_sdk_sqs::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    secrets: aws_sdk_secretsmanager::Client,
    runtime: Runtime,
}

/// How many messages a queue has. AWS calls the numbers approximate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    pub waiting: u64,
    /// Being processed, or waiting for a retry.
    pub in_flight: u64,
}

/// A message of the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub id: String,
    pub body: String,
    /// Message attributes that are text.
    pub attributes: Vec<(String, String)>,
    pub received: u32,
}

impl Client {
    /// For the stack of `STACK_JSON`, else the one that is running.
    pub fn load() -> Result<Self> {
        Self::new(Stack::load()?)
    }

    pub fn new(stack: Stack) -> Result<Self> {
        let sdk = Sdk::new(&stack.region, stack.aws_endpoint.as_deref(), stack.aws_credentials()?);
        Ok(Client {
            api: AwsApi::of(&stack)?,
            http: Http::new(HTTP_LIMIT),
            sqs: sdk.sqs(),
            dynamodb: sdk.dynamodb(),
            secrets: sdk.secrets(),
            runtime: Builder::new_current_thread().enable_all().build().context("Starting a runtime")?,
            stack,
        })
    }

    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// AWS's HTTP APIs, for what has no method here.
    pub fn api(&self) -> &AwsApi {
        &self.api
    }

    /// The simulated HeyGen that posts to the stack.
    pub fn simulator(&self) -> Result<Remote> {
        let access = self.stack.simulator.clone();
        access.map(Remote::new).ok_or_else(|| Error::failed("this stack has no simulated HeyGen: use a local one"))
    }

    /// Signs a body with the endpoint's secret and posts it as HeyGen does.
    pub fn deliver(&self, endpoint: &str, body: &[u8]) -> Result<Response> {
        let signature = webhook::sign(&self.secret(endpoint)?, body);
        self.post(endpoint, &[(SIGNATURE, &signature)], body)
    }

    /// Posts a body to an endpoint with these headers.
    pub fn post(&self, endpoint: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Response> {
        let headers = [&[("Content-Type", "application/json")], headers].concat();
        self.request("POST", &format!("/webhooks/heygen/{endpoint}"), &headers, body)
    }

    /// Any request to the API. `path` begins with a slash.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Response> {
        Ok(self.http.send(method, &format!("{}{path}", self.stack.api_url), headers, body)?)
    }

    /// The endpoint's signing secret.
    pub fn secret(&self, endpoint: &str) -> Result<webhook::Secret> {
        let id = &self.stack.endpoint(endpoint)?.secret;
        let got = self
            .runtime
            .block_on(self.secrets.get_secret_value().secret_id(id).send())
            .map_err(|error| Error::aws("Reading a signing secret", &error))?;
        let value: Value =
            serde_json::from_str(got.secret_string().unwrap_or_default()).context("Reading a signing secret")?;
        let secret = webhook::Secret::new(value["current"].as_str().unwrap_or_default());
        secret.map_err(|_| Error::Failed(format!("the endpoint {endpoint} has no current secret")))
    }

    /// Stores the value of the endpoint's secret, such as `{"current": "whsec_…"}`; creates the secret if there is none.
    pub fn put_secret(&self, endpoint: &str, value: &Value) -> Result<()> {
        let name = &self.stack.endpoint(endpoint)?.secret;
        self.runtime.block_on(secrets::store(&self.secrets, name, &value.to_string()))
    }

    /// The jobs and events of a `callback_id`, or of an entity.
    pub fn record(&self, id: &str) -> Result<Record> {
        let jobs = Jobs::new(self.dynamodb.clone(), self.stack.table.clone());
        let found = self.runtime.block_on(async {
            let (mut found, of_entity) = (jobs.of_callback_id(id).await?, jobs.of_entity(id).await?);
            found.jobs.extend(of_entity.jobs);
            found.events.extend(of_entity.events);
            Ok(found)
        });
        let mut found = found.map_err(|error: AwsError| Error::Failed(format!("Reading the table: {error}")))?;
        found.jobs.sort_by(|a, b| (&a.id, &a.item).cmp(&(&b.id, &b.item)));
        found.jobs.dedup_by(|a, b| (&a.id, &a.item) == (&b.id, &b.item));
        found.events.sort_by(|a, b| (&a.id, &a.item).cmp(&(&b.id, &b.item)));
        found.events.dedup_by(|a, b| (&a.id, &a.item) == (&b.id, &b.item));
        Ok(found)
    }

    /// All jobs, and all events but probes: for a table as small as a local one. Nothing that is deployed scans.
    pub fn whole_record(&self) -> Result<Record> {
        let items =
            self.dynamodb.scan().table_name(&self.stack.table).consistent_read(true).into_paginator().items().send();
        let items: std::result::Result<Vec<_>, _> = self.runtime.block_on(items.collect());
        let mut record = Record::of(items.map_err(|error| Error::aws("Reading the table", &error))?);
        record.events.retain(|event| event.via != aws::probe::LABEL);
        Ok(record)
    }

    /// Any DynamoDB call.
    pub fn dynamodb<T>(&self, call: impl AsyncFnOnce(&aws_sdk_dynamodb::Client) -> T) -> T {
        self.runtime.block_on(call(&self.dynamodb))
    }

    /// Any SQS call.
    pub fn sqs<T>(&self, call: impl AsyncFnOnce(&aws_sdk_sqs::Client) -> T) -> T {
        self.runtime.block_on(call(&self.sqs))
    }

    /// Any Secrets Manager call.
    pub fn secrets<T>(&self, call: impl AsyncFnOnce(&aws_sdk_secretsmanager::Client) -> T) -> T {
        self.runtime.block_on(call(&self.secrets))
    }

    pub fn queue_depth(&self) -> Result<Depth> {
        self.depth(&self.stack.queue_url)
    }

    pub fn dlq_depth(&self) -> Result<Depth> {
        self.depth(&self.stack.dlq_url)
    }

    fn depth(&self, url: &str) -> Result<Depth> {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Waiting, ApproximateNumberOfMessagesNotVisible as InFlight,
        };
        let get = self.sqs.get_queue_attributes().queue_url(url).attribute_names(Waiting).attribute_names(InFlight);
        let got =
            self.runtime.block_on(get.send()).map_err(|error| Error::aws("Asking for a queue's depth", &error))?;
        let number = |name| got.attributes().and_then(|all| all.get(&name)?.parse().ok()).unwrap_or(0);
        Ok(Depth { waiting: number(Waiting), in_flight: number(InFlight) })
    }

    /// Up to 10 messages of the dead-letter queue, which stay in it.
    pub fn dead_letters(&self) -> Result<Vec<DeadLetter>> {
        self.receive_dead(0)
    }

    /// Up to 10 messages of the dead-letter queue, hidden from others for `seconds`.
    pub fn receive_dead(&self, seconds: i32) -> Result<Vec<DeadLetter>> {
        let receive = self
            .sqs
            .receive_message()
            .queue_url(&self.stack.dlq_url)
            .max_number_of_messages(10)
            .visibility_timeout(seconds)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let got = self.runtime.block_on(receive.send()).map_err(|error| Error::aws("Reading dead letters", &error))?;
        let letter = |message: &aws_sdk_sqs::types::Message| {
            let own = message.message_attributes().into_iter().flatten();
            let count =
                message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
            DeadLetter {
                id: message.message_id().unwrap_or_default().to_owned(),
                body: message.body().unwrap_or_default().to_owned(),
                attributes: own
                    .filter_map(|(name, value)| Some((name.clone(), value.string_value()?.to_owned())))
                    .collect(),
                received: count.and_then(|count| count.parse().ok()).unwrap_or(0),
            }
        };
        Ok(got.messages().iter().map(letter).collect())
    }

    /// The log lines of all functions since a time in Unix milliseconds, by time.
    pub fn logs(&self, since: u64) -> Result<Vec<LogLine>> {
        logs::read(&self.api, &self.stack, since)
    }

    /// Asks until there is a result; an error with `what` if there is none within `limit`.
    pub fn wait_for<T>(&self, what: &str, limit: Duration, ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        interrupt::poll(limit, Duration::from_millis(100), ask)?
            .ok_or_else(|| Error::Failed(format!("waited {} s for {what}", limit.as_secs())))
    }
}
