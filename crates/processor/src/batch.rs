//! A batch: several messages at a time, each failing alone.

use crate::app::{self, App, Outcome};
use crate::error::Error;
use aws::env::ConfigError;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures::{StreamExt, stream};
use lambda_runtime::Diagnostic;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

/// How many messages are processed concurrently.
const AT_ONCE: usize = 10;

/// The time that an invocation needs to report after its last message.
const RESERVE: Duration = Duration::from_millis(1_000);

/// Responds to one invocation. Without a configuration every batch fails, and the error names what is missing: the
/// messages stay on the queue.
pub async fn respond(
    app: Result<Arc<App>, ConfigError>,
    batch: SqsEvent,
    until: SystemTime,
) -> Result<SqsBatchResponse, Diagnostic> {
    let processed = match app {
        Ok(app) => process(app, batch, until).await,
        Err(error) => Err(error.into()),
    };
    processed.map_err(|error| {
        tracing::error!(%error, class = error.class().as_str(), "the batch failed");
        error.into()
    })
}

/// Processes a batch and reports the messages that SQS has to deliver again. `until` is when Lambda ends the invocation.
pub async fn process(app: Arc<App>, batch: SqsEvent, until: SystemTime) -> Result<SqsBatchResponse, Error> {
    let left = until.duration_since(SystemTime::now()).unwrap_or_default();
    let deadline = Instant::now() + left.saturating_sub(RESERVE);

    let outcomes = stream::iter(batch.records).map(|message| {
        let app = Arc::clone(&app);
        let id = message.message_id.clone();
        let span = app::span(id.as_deref());
        let work = async move { app.process(message, deadline).await };
        // A task of its own, so that a panic fails this message only.
        let task = tokio::spawn(work.instrument(span.clone()));
        async move { (id, span, timeout_at(deadline, task).await) }
    });
    let outcomes: Vec<_> = outcomes.buffer_unordered(AT_ONCE).collect().await;

    let mut response = SqsBatchResponse::default();
    for (id, span, outcome) in outcomes {
        let reason = match outcome {
            Ok(Ok(Outcome::Settled)) => continue,
            Ok(Ok(Outcome::Retry)) => "failed",
            Ok(Err(_)) => "panicked",
            Err(_) => "about to time out",
        };
        span.in_scope(|| app::report_retry(reason));
        // An empty id would make SQS treat the whole batch as done, or as failed.
        let id = id.filter(|id| !id.is_empty()).ok_or(Error::NoMessageId)?;
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}
