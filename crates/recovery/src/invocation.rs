//! An invocation: one action.

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
    let id = &event.context.request_id;
    let span = tracing::info_span!(target: TARGET, "invocation", request_id = id);
    let limit = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
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
