//! Sending messages to SQS, receiving them, and letting received ones wait.

use crate::error::{AwsError, ErrorClass};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;
use time::OffsetDateTime;

const SEND: &str = "sqs:SendMessage";
const POSTPONE: &str = "sqs:ChangeMessageVisibility";
const RECEIVE: &str = "sqs:ReceiveMessage";
const DELETE: &str = "sqs:DeleteMessage";
const COUNT: &str = "sqs:GetQueueAttributes";

/// The most that SQS returns at once.
const BATCH: i32 = 10;
/// The most messages that one call shows again or deletes.
pub const MOST_IN_A_CALL: usize = 10;

/// A received message, hidden from others until its visibility timeout ends.
///
/// `Debug` omits the body.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// SQS's id, the same each time that the message is received.
    pub id: String,
    /// Of this receipt, for deleting the message or letting it wait.
    pub receipt_handle: String,
    pub body: String,
    /// The message's text attributes.
    pub attributes: BTreeMap<String, String>,
    pub sent_at: Option<OffsetDateTime>,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("id", &self.id).field("sent_at", &self.sent_at).finish_non_exhaustive()
    }
}

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

    /// Shows up to [`MOST_IN_A_CALL`] received messages to others again, at once.
    pub async fn show(&self, receipt_handles: &[&str]) -> Result<(), AwsError> {
        let mut request = self.client.change_message_visibility_batch().queue_url(&self.url);
        for (id, handle) in receipt_handles.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id.to_string()).receipt_handle(*handle);
            let entry = entry.visibility_timeout(0).build().map_err(|_| AwsError::unbuildable(POSTPONE))?;
            request = request.entries(entry);
        }
        let shown = request.send().await.map_err(|error| AwsError::of(POSTPONE, &error))?;
        shown.failed.first().map_or(Ok(()), |failed| Err(failure(POSTPONE, failed)))
    }

    /// Up to 10 messages, hidden from others for this long. None does not mean that the queue is empty: a message may be
    /// hidden, or not there yet. With any `wait`, of whole seconds, SQS asks all of its servers, not some.
    pub async fn receive(&self, hidden: Duration, wait: Duration) -> Result<Vec<Received>, AwsError> {
        let seconds = |time: Duration| i32::try_from(time.as_secs()).map_err(|_| AwsError::unbuildable(RECEIVE));
        let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(BATCH);
        let got = request
            .visibility_timeout(seconds(hidden)?)
            .wait_time_seconds(seconds(wait)?)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await
            .map_err(|error| AwsError::of(RECEIVE, &error))?;
        Ok(got.messages.unwrap_or_default().into_iter().map(Received::of).collect())
    }

    /// Deletes a received message.
    pub async fn delete(&self, receipt_handle: &str) -> Result<(), AwsError> {
        let request = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt_handle);
        request.send().await.map(drop).map_err(|error| AwsError::of(DELETE, &error))
    }

    /// Deletes up to [`MOST_IN_A_CALL`] received messages. Says of each whether it is deleted.
    pub async fn delete_all(&self, receipt_handles: &[&str]) -> Result<Vec<Result<(), AwsError>>, AwsError> {
        let mut request = self.client.delete_message_batch().queue_url(&self.url);
        for (id, handle) in receipt_handles.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder().id(id.to_string()).receipt_handle(*handle);
            request = request.entries(entry.build().map_err(|_| AwsError::unbuildable(DELETE))?);
        }
        let deleted = request.send().await.map_err(|error| AwsError::of(DELETE, &error))?;
        let failed = |id: usize| deleted.failed.iter().find(|failed| failed.id == id.to_string());
        Ok((0..receipt_handles.len())
            .map(|id| failed(id).map_or(Ok(()), |entry| Err(failure(DELETE, entry))))
            .collect())
    }

    /// How many messages wait, and how many are hidden, approximately.
    pub async fn depth(&self) -> Result<(u64, u64), AwsError> {
        use QueueAttributeName::{ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible};
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let request = request.attribute_names(ApproximateNumberOfMessages);
        let got = request.attribute_names(ApproximateNumberOfMessagesNotVisible).send().await;
        let counts = got.map_err(|error| AwsError::of(COUNT, &error))?.attributes.unwrap_or_default();
        let count = |name| counts.get(&name)?.parse::<u64>().ok();
        let both = count(ApproximateNumberOfMessages).zip(count(ApproximateNumberOfMessagesNotVisible));
        both.ok_or_else(|| AwsError::new(COUNT, ErrorClass::Transient, "unreadable response"))
    }
}

/// Of one message of a batch.
fn failure(operation: &'static str, entry: &BatchResultErrorEntry) -> AwsError {
    AwsError::of_code(operation, &entry.code)
}

impl Received {
    fn of(message: Message) -> Self {
        let own = message.message_attributes.unwrap_or_default().into_iter();
        let sent = message.attributes.and_then(|mut all| all.remove(&MessageSystemAttributeName::SentTimestamp));
        let milliseconds = sent.and_then(|sent| sent.parse::<i128>().ok());
        Received {
            id: message.message_id.unwrap_or_default(),
            receipt_handle: message.receipt_handle.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
            attributes: own.filter_map(|(name, value)| Some((name, value.string_value?))).collect(),
            sent_at: milliseconds.and_then(|ms| OffsetDateTime::from_unix_timestamp_nanos(ms * 1_000_000).ok()),
        }
    }
}
