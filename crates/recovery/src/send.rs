//! Sends what a platform said about a job to the queue, as if it had been delivered.

use aws::envelope::{Advisory, Delivery};
use aws::error::{AwsError, ErrorClass};
use aws::queue::Queue;
use time::OffsetDateTime;
use webhook::{Platform, Verified};

/// Where the receiver would say which endpoint got the delivery.
pub const ENDPOINT: &str = "recovery";

#[derive(Debug, Clone)]
pub(crate) struct Sender<'a> {
    pub(crate) queue: &'a Queue,
    /// Of this invocation, for finding its log lines.
    pub(crate) request_id: &'a str,
}

impl Sender<'_> {
    /// An event of HeyGen's. Returns once it is durable on the queue.
    pub(crate) async fn send(&self, body: Verified, via: &'static str) -> Result<(), AwsError> {
        self.send_of(Platform::HeyGen, body, via).await
    }

    /// The same for any platform.
    pub(crate) async fn send_of(&self, platform: Platform, body: Verified, via: &'static str) -> Result<(), AwsError> {
        let delivery = Delivery {
            platform,
            endpoint: ENDPOINT.to_owned(),
            received_at: OffsetDateTime::now_utc(),
            request_id: self.request_id.to_owned(),
            via: via.to_owned(),
            advisory: Advisory::default(),
            body,
        };
        put(self.queue, &delivery).await
    }
}

/// Returns once the delivery is durable on the queue.
pub(crate) async fn put(queue: &Queue, delivery: &Delivery) -> Result<(), AwsError> {
    let message = delivery
        .seal()
        .map_err(|too_large| AwsError::new("sqs:SendMessage", ErrorClass::Permanent, too_large.to_string()))?;
    queue.send(message).await
}
