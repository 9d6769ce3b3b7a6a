//! An invocation: someone's action, or CloudFormation's.

use crate::action::Action;
use crate::app::App;
use crate::custom_resource;
use crate::error::Error;
use aws::env::ConfigError;
use lambda_runtime::Diagnostic;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// What is left of the function's time for saying that it is over.
const RESERVE: Duration = Duration::from_secs(5);

/// Answers an invocation before `deadline`. A configuration that is wrong is said to whoever asks.
///
/// # Errors
///
/// What failed, with its class as the type.
pub async fn answer(
    app: Result<&App, &ConfigError>,
    payload: Value,
    deadline: SystemTime,
) -> Result<Value, Diagnostic> {
    let limit = deadline.duration_since(SystemTime::now()).unwrap_or_default().saturating_sub(RESERVE);
    let app = app.map_err(Error::from);
    let answer = match custom_resource::Request::read(&payload) {
        Some(request) => custom_resource::answer(app, &request, limit).await,
        None => run(app, payload, limit).await,
    };
    answer.map_err(|error| {
        tracing::error!(%error, class = ?error.class(), "action failed");
        error.into()
    })
}

async fn run(app: Result<&App, Error>, payload: Value, limit: Duration) -> Result<Value, Error> {
    let (app, action) = (app?, Action::read(payload)?);
    tokio::time::timeout(limit, app.run(action)).await.unwrap_or(Err(Error::TooSlow))
}
