//! A batch: several messages at a time, each failing alone.

use crate::app::{App, Outcome};
use aws::telemetry;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures::{StreamExt, stream};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

/// Messages that are worked on at once.
const AT_ONCE: usize = 10;

/// What an invocation needs to report after its last message.
const RESERVE: Duration = Duration::from_millis(1_000);

/// A failed message cannot be reported alone, so the batch as a whole is.
#[derive(Debug, Error)]
#[error("a message without an id failed: the whole batch is tried again")]
pub struct NoMessageId;

/// Works a batch off and reports the messages that SQS has to deliver again. `until` is when Lambda
/// ends the invocation.
pub async fn process(app: Arc<App>, batch: SqsEvent, until: SystemTime) -> Result<SqsBatchResponse, NoMessageId> {
    let left = until.duration_since(SystemTime::now()).unwrap_or_default();
    let deadline = Instant::now() + left.saturating_sub(RESERVE);

    let outcomes = stream::iter(batch.records).map(|message| {
        let app = Arc::clone(&app);
        let id = message.message_id.clone();
        // A task of its own, so that a panic is this message's alone.
        let task = tokio::spawn(async move { app.process(message, deadline).await });
        async move { (id, timeout_at(deadline, task).await) }
    });
    let outcomes: Vec<_> = outcomes.buffer_unordered(AT_ONCE).collect().await;

    let mut response = SqsBatchResponse::default();
    for (id, outcome) in outcomes {
        let reason = match outcome {
            Ok(Ok(Outcome::Settled)) => continue,
            Ok(Ok(Outcome::Retry)) => "failed",
            Ok(Err(_)) => "panicked",
            Err(_) => "out of time",
        };
        tracing::error!(message_id = id, outcome = "retry", reason, "the message goes back to the queue");
        telemetry::count("Events", &[("Outcome", "retry")]);
        // An empty id would make SQS take the whole batch for done, or for failed.
        let id = id.filter(|id| !id.is_empty()).ok_or(NoMessageId)?;
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}
