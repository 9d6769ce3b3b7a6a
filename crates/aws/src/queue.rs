//! Sending messages to SQS, and letting received ones wait.

use crate::error::AwsError;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;
use std::collections::HashMap;

const SEND: &str = "sqs:SendMessage";
const POSTPONE: &str = "sqs:ChangeMessageVisibility";

#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    pub fn new(client: Client, url: String) -> Self {
        Queue { client, url }
    }

    /// Returns once SQS has stored the message durably.
    pub async fn send(&self, message: String) -> Result<(), AwsError> {
        self.send_with(message, &[]).await
    }

    /// Like [`send`](Self::send), with text attributes.
    pub async fn send_with(&self, message: String, attributes: &[(&str, &str)]) -> Result<(), AwsError> {
        let mut built = HashMap::new();
        for (name, value) in attributes {
            let attribute = MessageAttributeValue::builder().data_type("String").string_value(*value).build();
            built.insert((*name).to_owned(), attribute.map_err(|_| AwsError::unbuildable(SEND))?);
        }
        let attributes = Some(built).filter(|built| !built.is_empty());
        let request = self.client.send_message().queue_url(&self.url).message_body(message);
        let sent = request.set_message_attributes(attributes).send().await;
        sent.map(drop).map_err(|error| AwsError::of(SEND, &error))
    }

    /// Makes SQS deliver a received message again after this many seconds, in place of the queue's visibility timeout.
    pub async fn postpone(&self, receipt_handle: &str, seconds: u32) -> Result<(), AwsError> {
        let seconds = i32::try_from(seconds).map_err(|_| AwsError::unbuildable(POSTPONE))?;
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt_handle);
        let postponed = request.visibility_timeout(seconds).send().await;
        postponed.map(drop).map_err(|error| AwsError::of(POSTPONE, &error))
    }
}
