//! An invocation: one action, or a batch of callbacks.

use crate::app::App;
use crate::error::Error;
use aws::telemetry::TARGET;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::Value;
use std::time::{Duration, SystemTime};
use tracing::Instrument;

/// The end of the function's time, kept for reporting that it timed out.
const RESERVE: Duration = Duration::from_secs(5);

/// Handles an invocation before its deadline.
pub async fn respond(app: &App, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let limit = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
    if event.payload["Records"].is_array() {
        // Boxed, since its type nests deeper than the compiler's default allows.
        return Box::pin(confirm(app, event.payload, limit)).await;
    }
    let id = &event.context.request_id;
    let span = tracing::info_span!(target: TARGET, "invocation", request_id = id);
    handle(app, event.payload, id, limit).instrument(span).await
}

async fn handle(app: &App, payload: Value, request_id: &str, limit: Duration) -> Result<Value, Diagnostic> {
    let work = app.answer(payload, request_id, limit);
    match tokio::time::timeout(limit.saturating_sub(RESERVE), work).await.unwrap_or(Err(Error::Timeout)) {
        Ok(answer) => Ok(answer.to_json()),
        Err(error) => {
            tracing::error!(%error, class = error.class().as_str(), "action failed");
            Err(error.into())
        }
    }
}

/// An error fails the whole batch, whose messages come again.
async fn confirm(app: &App, payload: Value, limit: Duration) -> Result<Value, Diagnostic> {
    let batch = serde_json::from_value(payload);
    // serde's message would quote what it found.
    let batch = batch.map_err(|_| Error::InvalidRequest("not a batch of messages".to_owned()));
    let confirmed = match batch {
        Ok(batch) => app.confirm(batch, limit).await,
        Err(error) => Err(error),
    };
    match confirmed {
        Ok(response) => Ok(serde_json::json!(response)),
        Err(error) => {
            tracing::error!(%error, class = error.class().as_str(), "the batch failed");
            Err(error.into())
        }
    }
}
