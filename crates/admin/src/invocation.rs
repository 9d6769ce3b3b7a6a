//! An invocation: an action, or CloudFormation's request.

use crate::action::Action;
use crate::app::App;
use crate::custom_resource;
use crate::error::Error;
use crate::reply::Reply;
use aws::env::ConfigError;
use lambda_runtime::Diagnostic;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// The end of the function's time, kept for reporting that it timed out.
const RESERVE: Duration = Duration::from_secs(5);

/// Handles an invocation before `deadline`. A wrong configuration is the error of each invocation.
pub async fn answer(
    app: Result<&App, &ConfigError>,
    payload: Value,
    deadline: SystemTime,
) -> Result<Value, Diagnostic> {
    let limit = deadline.duration_since(SystemTime::now()).unwrap_or_default().saturating_sub(RESERVE);
    let app = app.map_err(Error::from);
    let reply = match custom_resource::Request::read(&payload) {
        Some(request) => custom_resource::answer(app, &request, limit).await,
        None => run(app, payload, limit).await,
    };
    match reply {
        Ok(reply) => Ok(reply.to_json()),
        Err(error) => {
            tracing::error!(%error, class = error.class().as_str(), "action failed");
            Err(error.into())
        }
    }
}

async fn run(app: Result<&App, Error>, payload: Value, limit: Duration) -> Result<Reply, Error> {
    let (app, action) = (app?, Action::read(payload)?);
    tokio::time::timeout(limit, app.run(action)).await.unwrap_or(Err(Error::Timeout))
}
