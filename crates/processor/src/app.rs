//! One message, from the queue to the table.

use crate::circuit::Circuit;
use crate::config::Config;
use crate::retry::History;
use aws::envelope::{Delivery, REPLAY, Unreadable};
use aws::error::ErrorClass;
use aws::probe;
use aws::queue::Queue;
use aws::sdk::Sdk;
use aws::table::{Recorded, Table};
use aws::telemetry::{Metrics, TARGET};
use aws_lambda_events::sqs::SqsMessage;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};
use tracing::Span;
use tracing::field::Empty;
use webhook::{Event, Job, Platform, Reason, Status};

/// How long one message is retried within an invocation: long enough for a conflict with another event of the same job.
/// What takes longer is for the queue, which waits without cost.
const PATIENCE: Duration = Duration::from_secs(3);

/// A dead-lettered message has room for this much of a reason, however long its body is; see
/// [`aws::envelope::MAX_MESSAGE_BYTES`].
const LONGEST_REASON: usize = 600;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The message may be deleted: its event is in the table, or it is in the dead-letter queue.
    Settled,
    /// SQS has to deliver the message again, for this reason.
    Retry(String),
}

#[derive(Debug)]
pub struct App {
    table: Table,
    queue: Queue,
    dead_letters: Queue,
    /// In seconds.
    longest_wait: u16,
}

/// The span of one message: every line within it shows these fields.
pub(crate) fn span(message_id: Option<&str>) -> Span {
    tracing::info_span!(
        target: TARGET, "message",
        message_id, request_id = Empty, platform = Empty, endpoint = Empty, identity = Empty, correlation_id = Empty
    )
}

impl App {
    pub fn new(config: Config, sdk: &Sdk) -> Self {
        App {
            table: Table::new(sdk.dynamodb(), config.table_name, config.dedupe),
            queue: Queue::new(sdk.sqs(), config.queue_url),
            dead_letters: Queue::new(sdk.sqs(), config.dead_letter_queue_url),
            longest_wait: config.longest_wait,
        }
    }

    /// Records one message's event. Within the message's span.
    pub(crate) async fn process(&self, message: &SqsMessage, circuit: &Circuit, end: Instant) -> Outcome {
        let delivery = match Delivery::open(message.body.as_deref().unwrap_or_default()) {
            Ok(delivery) => delivery,
            // The later release may run beside this one, or be deployed again.
            Err(newer @ Unreadable::Newer(_)) => return Outcome::Retry(newer.to_string()),
            Err(unreadable) => return self.dead_letter(message, &unreadable.to_string()).await,
        };
        let event = platforms::read(delivery.platform, &delivery.body);
        let span = Span::current();
        span.record("request_id", &delivery.request_id);
        if delivery.platform != Platform::HeyGen {
            span.record("platform", delivery.platform.name());
        }
        span.record("endpoint", &delivery.endpoint);
        span.record("identity", event.identity.as_str());
        span.record("correlation_id", event.correlation_id().as_str());
        if circuit.is_open() {
            return Outcome::Retry("not tried: the messages before it could not be recorded".into());
        }
        let now = Instant::now();
        if now >= end {
            return Outcome::Retry("not tried: no time left".into());
        }
        let deadline = end.min(now + PATIENCE);
        match self.table.record(&delivery, &event, OffsetDateTime::now_utc(), deadline).await {
            Ok(recorded) => {
                circuit.worked();
                report(recorded, &event, &delivery);
                Outcome::Settled
            }
            Err(error) if error.class == ErrorClass::Permanent => {
                circuit.worked();
                self.dead_letter(message, &error.to_string()).await
            }
            Err(error) => {
                circuit.failed();
                tracing::error!(%error, class = error.class.as_str(), "the event could not be recorded");
                Outcome::Retry(error.to_string())
            }
        }
    }

    /// Lets a message wait on the queue; one that has waited too long is dead-lettered instead of expiring. Within the
    /// message's span, and until `end` at most.
    pub(crate) async fn give_back(&self, message: &SqsMessage, reason: &str, end: Instant) -> Outcome {
        let history = History::of(message, OffsetDateTime::now_utc());
        if history.is_over() {
            let hours = history.age.as_secs() / 3_600;
            let reason = format!("gave up after {} attempts in {hours} hours: {reason}", history.receives);
            if let Ok(Outcome::Settled) = timeout_at(end, self.dead_letter(message, &reason)).await {
                return Outcome::Settled;
            }
        }
        let wait = history.wait(self.longest_wait);
        let postponed = self.queue.postpone(message.receipt_handle.as_deref().unwrap_or_default(), wait);
        match timeout_at(end, postponed).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let class = error.class.as_str();
                tracing::warn!(%error, class, "the wait could not be set: the queue's visibility timeout applies");
            }
            Err(_) => tracing::warn!("no time left to set the wait: the queue's visibility timeout applies"),
        }
        report_retry(reason, history, wait);
        Outcome::Retry(reason.to_owned())
    }

    /// Retrying cannot help this message: it goes to the dead-letter queue now, with the reason, and unchanged, so that
    /// it can be sent back once the reason is gone.
    async fn dead_letter(&self, message: &SqsMessage, reason: &str) -> Outcome {
        let text = message.body.clone().unwrap_or_default();
        let id = message.message_id.as_deref().unwrap_or_default();
        let reason = &reason[..reason.floor_char_boundary(LONGEST_REASON)];
        if let Err(error) = self.dead_letters.send_with(text, &[("reason", reason), ("message_id", id)]).await {
            let class = error.class.as_str();
            tracing::error!(%error, class, reason, "the message could not be dead-lettered");
            return Outcome::Retry(error.to_string());
        }
        let mut metrics = Metrics::default();
        metrics.count("Events", &[("Outcome", "dead_letter")]);
        tracing::error!(target: TARGET, outcome = "dead_letter", reason, %metrics, "message dead-lettered");
        Outcome::Settled
    }
}

/// The message's one line, for a message that goes back to the queue.
fn report_retry(reason: &str, history: History, wait_seconds: u32) {
    let mut metrics = Metrics::default();
    metrics.count("Events", &[("Outcome", "retry")]);
    metrics.seconds("SecondsOnQueue", history.age.as_secs_f64());
    tracing::warn!(
        target: TARGET, outcome = "retry", reason, receives = history.receives, wait_seconds, %metrics,
        "message returned to the queue"
    );
}

/// The message's one line, for an event that is in the table.
fn report(recorded: Recorded, event: &Event, delivery: &Delivery) {
    let job = event.job();
    let event_type = probe::type_label(event);
    let is_probe = probe::is_probe(event);
    let outcome = if is_probe { probe::LABEL } else { recorded.as_str() };
    let mut metrics = Metrics::of(delivery.platform);
    metrics.count("Events", &[("Outcome", outcome)]);
    if recorded != Recorded::Duplicate && !is_probe {
        // A replayed event was received long ago.
        if delivery.via != REPLAY {
            let seconds = (OffsetDateTime::now_utc() - delivery.received_at).as_seconds_f64();
            metrics.seconds("SecondsToRecord", seconds.max(0.0));
        }
        if event_type == "unknown" {
            metrics.count("UnknownEventTypes", &[]);
        }
        if !event.is_json {
            metrics.count("UnreadableBodies", &[]);
        }
    }
    let reason = job.as_ref().and_then(Job::reason);
    let mut seconds = None;
    // Usage: once for each status of a job, and not again for other links, or for a replayed event.
    if let (Recorded::JobUpdated, Some(job)) = (recorded, &job) {
        metrics.count("JobStatusChanges", &[("Status", job.status.as_str())]);
        if reason == Some(Reason::NoCredit) {
            metrics.count("JobsWithoutCredit", &[]);
        }
        seconds = event.duration_seconds.filter(|_| job.status == Status::Succeeded);
        if let Some(seconds) = seconds {
            metrics.seconds("VideoSeconds", f64::from(seconds));
        }
    }
    tracing::info!(
        target: TARGET,
        outcome,
        reason = (!event.is_json).then_some("the body is not JSON"),
        event_type,
        job = job.as_ref().map(Job::item_key),
        job_status = job.as_ref().map(|job| job.status.as_str()),
        failure = reason.map(Reason::as_str),
        video_seconds = seconds,
        %metrics,
        "event recorded"
    );
}
