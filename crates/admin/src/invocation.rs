//! An invocation: an action, or CloudFormation's request.

use crate::action::Action;
use crate::app::App;
use crate::custom_resource;
use crate::error::Error;
use crate::reply::Reply;
use aws::env::ConfigError;
use aws::telemetry::TARGET;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::Value;
use std::time::{Duration, SystemTime};
use tracing::Instrument;

/// The end of the function's time, kept for reporting that it timed out.
const RESERVE: Duration = Duration::from_secs(5);

/// Handles an invocation before its deadline. A wrong configuration is the error of each invocation.
pub async fn respond(app: Result<&App, &ConfigError>, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let span = tracing::info_span!(target: TARGET, "invocation", request_id = event.context.request_id);
    let limit = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default().saturating_sub(RESERVE);
    handle(app.map_err(Error::from), event.payload, limit).instrument(span).await
}

async fn handle(app: Result<&App, Error>, payload: Value, limit: Duration) -> Result<Value, Diagnostic> {
    let reply = match custom_resource::Request::read(&payload) {
        Some(request) => custom_resource::respond(app, &request, limit).await,
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
    tokio::time::timeout(limit, app.changing_for(limit).run(action)).await.unwrap_or(Err(Error::Timeout))
}
