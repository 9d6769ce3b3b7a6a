//! Sends what HeyGen said about a job to the queue, as if it had been delivered.

use aws::envelope::{Advisory, Delivery};
use aws::error::{AwsError, ErrorClass};
use aws::queue::Queue;
use time::OffsetDateTime;
use webhook::Verified;

/// Where the receiver would say which endpoint got the delivery.
pub const ENDPOINT: &str = "recovery";

#[derive(Debug, Clone)]
pub(crate) struct Sender<'a> {
    pub(crate) queue: &'a Queue,
    /// Of this invocation, for finding its log lines.
    pub(crate) request_id: &'a str,
}

impl Sender<'_> {
    /// Returns once the event is durable on the queue.
    pub(crate) async fn send(&self, body: Verified, via: &'static str) -> Result<(), AwsError> {
        let delivery = Delivery {
            platform: webhook::Platform::HeyGen,
            endpoint: ENDPOINT.to_owned(),
            received_at: OffsetDateTime::now_utc(),
            request_id: self.request_id.to_owned(),
            via: via.to_owned(),
            advisory: Advisory::default(),
            body,
        };
        let message = delivery
            .seal()
            .map_err(|too_large| AwsError::new("sqs:SendMessage", ErrorClass::Permanent, too_large.to_string()))?;
        self.queue.send(message).await
    }
}
