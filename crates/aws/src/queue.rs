//! Sending to SQS.

use crate::error::AwsError;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;

/// One SQS queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at `url`.
    pub fn new(client: Client, url: String) -> Self {
        Queue { client, url }
    }

    /// Returns once SQS holds the message, on several disks.
    pub async fn send(&self, message: String) -> Result<(), AwsError> {
        self.send_with(message, &[]).await
    }

    /// As [`send`](Self::send), with text attributes beside the message.
    pub async fn send_with(&self, message: String, attributes: &[(&str, &str)]) -> Result<(), AwsError> {
        let mut request = self.client.send_message().queue_url(&self.url).message_body(message);
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(*value).build();
            request = request.message_attributes(
                *name,
                value.map_err(|_| AwsError {
                    operation: "sqs:SendMessage",
                    class: crate::error::ErrorClass::Permanent,
                    code: "attribute could not be built".into(),
                    message: None,
                })?,
            );
        }
        request.send().await.map_err(|error| AwsError::of("sqs:SendMessage", &error))?;
        Ok(())
    }
}
