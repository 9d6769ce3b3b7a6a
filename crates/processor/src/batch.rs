//! A batch: several messages at a time, each failing alone.

use crate::app::{self, App, Outcome};
use crate::circuit::Circuit;
use crate::error::Error;
use aws::env::ConfigError;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{StreamExt, stream};
use lambda_runtime::Diagnostic;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

/// How many messages are processed concurrently. Few, so that a broken table is noticed before all of a batch are tried.
const AT_ONCE: usize = 3;

/// The time that an invocation needs after its last attempt: half of it to return the messages that are left to the
/// queue, the other half to respond.
const RESERVE: Duration = Duration::from_millis(2_000);

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
    let circuit = Arc::new(Circuit::default());
    let attempts = stream::iter(batch.records).map(|message| {
        let id = message.message_id.clone();
        let attempted = attempt(Arc::clone(&app), Arc::clone(&circuit), message, deadline);
        async move { (id, attempted.await) }
    });
    let outcomes: Vec<_> = attempts.buffer_unordered(AT_ONCE).collect().await;

    let mut response = SqsBatchResponse::default();
    for (id, _) in outcomes.into_iter().filter(|(_, outcome)| *outcome != Outcome::Settled) {
        // An empty id would make SQS treat the whole batch as done, or as failed.
        let id = id.filter(|id| !id.is_empty()).ok_or(Error::NoMessageId)?;
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}

async fn attempt(app: Arc<App>, circuit: Arc<Circuit>, message: SqsMessage, deadline: Instant) -> Outcome {
    let span = app::span(message.message_id.as_deref());
    let message = Arc::new(message);
    let work = {
        let (app, message) = (Arc::clone(&app), Arc::clone(&message));
        async move { app.process(&message, &circuit, deadline).await }
    };
    // A task of its own, so that a panic fails this message only.
    let task = tokio::spawn(work.instrument(span.clone()));
    let reason = match timeout_at(deadline, task).await {
        Ok(Ok(Outcome::Settled)) => return Outcome::Settled,
        Ok(Ok(Outcome::Retry(reason))) => reason,
        Ok(Err(_)) => "panicked".to_owned(),
        Err(_) => "about to time out".to_owned(),
    };
    app.give_back(&message, &reason, deadline + RESERVE / 2).instrument(span).await
}
