//! One message, from the queue to the table.

use crate::config::Config;
use aws::envelope::Delivery;
use aws::error::ErrorClass;
use aws::queue::Queue;
use aws::sdk::Sdk;
use aws::table::{Recorded, Table};
use aws::telemetry::{self, Unit};
use aws_lambda_events::sqs::SqsMessage;
use heygen::{Event, Job};
use time::OffsetDateTime;
use tokio::time::Instant;

/// What is to happen to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It may be deleted: its event is in the table, or it is in the dead-letter queue.
    Settled,
    /// SQS has to deliver it again.
    Retry,
}

/// The processor's state.
#[derive(Debug)]
pub struct App {
    table: Table,
    dead_letters: Queue,
}

impl App {
    /// Builds the clients.
    pub fn new(config: Config, sdk: &Sdk) -> Self {
        App {
            table: Table::new(sdk.dynamodb(), config.table_name, config.dedupe),
            dead_letters: Queue::new(sdk.sqs(), config.dead_letter_queue_url),
        }
    }

    /// Records one message's event, and says in the log and in a metric what became of it.
    pub async fn process(&self, message: SqsMessage, deadline: Instant) -> Outcome {
        let id = message.message_id.unwrap_or_default();
        let text = message.body.unwrap_or_default();
        let delivery = match Delivery::open(&text) {
            Ok(delivery) => delivery,
            Err(unreadable) => return self.bury(&id, text, &unreadable.to_string()).await,
        };
        let event = Event::read(&delivery.body);
        let recorded = match self.table.record(&delivery, &event, OffsetDateTime::now_utc(), deadline).await {
            Ok(recorded) => recorded,
            Err(error) if error.class == ErrorClass::Permanent => {
                return self.bury(&id, text, &error.to_string()).await;
            }
            Err(error) => {
                tracing::error!(
                    message_id = id,
                    request_id = delivery.request_id,
                    endpoint = delivery.endpoint,
                    identity = event.identity.as_str(),
                    correlation_id = event.correlation_id().as_str(),
                    %error,
                    class = ?error.class,
                    "the event is not recorded"
                );
                return Outcome::Retry;
            }
        };
        let job = event.job();
        tracing::info!(
            message_id = id,
            request_id = delivery.request_id,
            endpoint = delivery.endpoint,
            outcome = recorded.as_str(),
            identity = event.identity.as_str(),
            correlation_id = event.correlation_id().as_str(),
            event_type = event.type_label(),
            job = job.as_ref().map(Job::item_key),
            status = job.as_ref().map(|job| job.status.as_str()),
            "event recorded"
        );
        count(recorded, &event, job.as_ref(), delivery.received_at);
        Outcome::Settled
    }

    /// No retry can help this message: it goes to the dead-letter queue now, with the reason, and as
    /// it is, so that it can be sent back once the reason is gone.
    async fn bury(&self, id: &str, text: String, reason: &str) -> Outcome {
        if let Err(error) = self.dead_letters.send_with(text, &[("reason", reason), ("message_id", id)]).await {
            tracing::error!(message_id = id, %error, class = ?error.class, reason, "the message did not reach the dead-letter queue");
            return Outcome::Retry;
        }
        tracing::error!(message_id = id, outcome = "dead_letter", reason, "the message can never be recorded");
        telemetry::count("Events", &[("Outcome", "dead_letter")]);
        Outcome::Settled
    }
}

/// What became of one event, in metrics.
fn count(recorded: Recorded, event: &Event, job: Option<&Job>, received_at: OffsetDateTime) {
    telemetry::count("Events", &[("Outcome", recorded.as_str())]);
    if recorded == Recorded::Duplicate {
        return;
    }
    let seconds = (OffsetDateTime::now_utc() - received_at).as_seconds_f64().max(0.0);
    telemetry::measure("SecondsToRecord", seconds, Unit::Seconds, &[]);
    if !event.event_type.as_ref().is_some_and(|event_type| event_type.is_known()) {
        telemetry::count("UnknownEventTypes", &[]);
    }
    if let (Recorded::JobUpdated, Some(job)) = (recorded, job) {
        telemetry::count("Jobs", &[("Status", job.status.as_str())]);
    }
}
