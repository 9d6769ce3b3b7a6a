//! One message, from the queue to the table.

use crate::config::Config;
use aws::envelope::Delivery;
use aws::error::ErrorClass;
use aws::queue::Queue;
use aws::sdk::Sdk;
use aws::table::{Recorded, Table};
use aws::telemetry::{Metrics, TARGET};
use aws_lambda_events::sqs::SqsMessage;
use heygen::{Event, Job};
use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::Span;
use tracing::field::Empty;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The message may be deleted: its event is in the table, or it is in the dead-letter queue.
    Settled,
    /// SQS has to deliver the message again.
    Retry,
}

#[derive(Debug)]
pub struct App {
    table: Table,
    dead_letters: Queue,
}

/// The span of one message: every line within it shows these fields.
pub(crate) fn span(message_id: Option<&str>) -> Span {
    tracing::info_span!(
        target: TARGET, "message",
        message_id, request_id = Empty, endpoint = Empty, identity = Empty, correlation_id = Empty
    )
}

/// The message's one line, for a message that goes back to the queue.
pub(crate) fn report_retry(reason: &str) {
    let mut metrics = Metrics::default();
    metrics.count("Events", &[("Outcome", "retry")]);
    tracing::warn!(target: TARGET, outcome = "retry", reason, %metrics, "message returned to the queue");
}

impl App {
    pub fn new(config: Config, sdk: &Sdk) -> Self {
        App {
            table: Table::new(sdk.dynamodb(), config.table_name, config.dedupe),
            dead_letters: Queue::new(sdk.sqs(), config.dead_letter_queue_url),
        }
    }

    /// Records one message's event. Within the message's span.
    pub(crate) async fn process(&self, message: SqsMessage, deadline: Instant) -> Outcome {
        let id = message.message_id.unwrap_or_default();
        let text = message.body.unwrap_or_default();
        let delivery = match Delivery::open(&text) {
            Ok(delivery) => delivery,
            Err(unreadable) => return self.dead_letter(&id, text, &unreadable.to_string()).await,
        };
        let event = Event::read(&delivery.body);
        let span = Span::current();
        span.record("request_id", &delivery.request_id);
        span.record("endpoint", &delivery.endpoint);
        span.record("identity", event.identity.as_str());
        span.record("correlation_id", event.correlation_id().as_str());
        match self.table.record(&delivery, &event, OffsetDateTime::now_utc(), deadline).await {
            Ok(recorded) => {
                report(recorded, &event, delivery.received_at);
                Outcome::Settled
            }
            Err(error) if error.class == ErrorClass::Permanent => self.dead_letter(&id, text, &error.to_string()).await,
            Err(error) => {
                tracing::error!(%error, class = error.class.as_str(), "the event could not be recorded");
                Outcome::Retry
            }
        }
    }

    /// Retrying cannot help this message: it goes to the dead-letter queue now, with the reason, and unchanged, so that
    /// it can be sent back once the reason is gone.
    async fn dead_letter(&self, id: &str, text: String, reason: &str) -> Outcome {
        if let Err(error) = self.dead_letters.send_with(text, &[("reason", reason), ("message_id", id)]).await {
            let class = error.class.as_str();
            tracing::error!(%error, class, reason, "the message could not be dead-lettered");
            return Outcome::Retry;
        }
        let mut metrics = Metrics::default();
        metrics.count("Events", &[("Outcome", "dead_letter")]);
        tracing::error!(target: TARGET, outcome = "dead_letter", reason, %metrics, "message dead-lettered");
        Outcome::Settled
    }
}

/// The message's one line, for an event that is in the table.
fn report(recorded: Recorded, event: &Event, received_at: OffsetDateTime) {
    let job = event.job();
    let event_type = event.type_label();
    let mut metrics = Metrics::default();
    metrics.count("Events", &[("Outcome", recorded.as_str())]);
    if recorded != Recorded::Duplicate {
        metrics.seconds("SecondsToRecord", (OffsetDateTime::now_utc() - received_at).as_seconds_f64().max(0.0));
        if event_type == "unknown" {
            metrics.count("UnknownEventTypes", &[]);
        }
    }
    if let (Recorded::JobUpdated, Some(job)) = (recorded, &job) {
        metrics.count("JobStatusChanges", &[("Status", job.status.as_str())]);
    }
    tracing::info!(
        target: TARGET,
        outcome = recorded.as_str(),
        event_type,
        job = job.as_ref().map(Job::item_key),
        job_status = job.as_ref().map(|job| job.status.as_str()),
        %metrics,
        "event recorded"
    );
}
