//! CloudFormation's side: deploying registers, and deleting deregisters if so configured.
//!
//! CloudFormation waits for an answer at a pre-signed URL, for up to an hour; so it gets one
//! whatever happens.

use crate::action::SyncOptions;
use crate::app::App;
use crate::error::Error;
use heygen::api::{Timeouts, http_client};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Of a resource whose creation failed. Deleting it, as a rollback does, has nothing to do.
const NOT_REGISTERED: &str = "heygen-endpoints:none";
/// Of every other. It never changes, so CloudFormation never replaces the resource.
const REGISTERED: &str = "heygen-endpoints";

/// In characters, which may take 4 bytes each. CloudFormation takes 4096 in all, and gets the text twice.
const LONGEST_TEXT: usize = 400;
const ATTEMPTS: u32 = 4;

/// What CloudFormation asks for. No `Debug`: the URL is a key.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Request {
    request_type: String,
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
}

impl Request {
    /// `None` if it is not CloudFormation that asks.
    pub(crate) fn read(payload: &Value) -> Option<Self> {
        payload.get("ResponseURL")?;
        serde_json::from_value(payload.clone()).ok()
    }
}

/// What CloudFormation is told.
struct Outcome {
    physical_id: String,
    result: Result<String, Error>,
}

/// Does what CloudFormation asks for, and tells it.
pub(crate) async fn answer(app: Result<&App, Error>, request: &Request, limit: Duration) -> Result<Value, Error> {
    let kind = request.request_type.as_str();
    let physical_id = request.physical_resource_id.clone().unwrap_or_else(|| NOT_REGISTERED.to_owned());
    let done = match app {
        Ok(app) => tokio::time::timeout(limit, carry_out(app, kind, &physical_id)).await,
        // What was never registered can be deleted, whatever the configuration says.
        Err(_) if kind == "Delete" && physical_id == NOT_REGISTERED => Ok(Ok(nothing_to_delete())),
        Err(error) => Ok(Err(error)),
    };
    let result = done.unwrap_or(Err(Error::TooSlow));
    let physical_id = match &result {
        Ok(_) if kind == "Create" => REGISTERED.to_owned(),
        _ => physical_id,
    };
    let outcome = Outcome { physical_id, result };
    if let Err(error) = &outcome.result {
        tracing::error!(request = kind, %error, class = ?error.class(), "custom resource failed");
    }
    respond(request, &outcome).await?;
    Ok(json!({"action": "custom-resource", "request": kind, "ok": outcome.result.is_ok()}))
}

async fn carry_out(app: &App, kind: &str, physical_id: &str) -> Result<String, Error> {
    match kind {
        "Delete" if physical_id == NOT_REGISTERED => Ok(nothing_to_delete()),
        "Delete" if !app.config().deregister_on_delete => {
            Ok("The endpoints stay at HeyGen: the parameter DeregisterOnDelete is false.".to_owned())
        }
        "Delete" => Ok(format!("Deregistered: {}.", app.deregister().await?.len())),
        _ => match app.sync(&SyncOptions::default()).await {
            Ok(synced) => Ok(synced.to_string()),
            // The configuration is as its owner wants it. Failing would take it back, so that it could never
            // be applied: it is deployed, and applied by a sync that is forced.
            Err(refusal @ Error::TooManyRemovals { .. }) => {
                tracing::warn!(error = %refusal, class = ?refusal.class(), "deployed, and not applied");
                Ok(refusal.to_string())
            }
            Err(error) => {
                // This deployment is about to be rolled back, and with it what its endpoints lead to.
                if let ("Create", Error::Partly { done, .. }) = (kind, &error)
                    && let Err(error) = app.take_back(done).await
                {
                    tracing::error!(%error, class = ?error.class(), "endpoints that were just created could not be deleted");
                }
                Err(error)
            }
        },
    }
}

fn nothing_to_delete() -> String {
    "Nothing was registered.".to_owned()
}

async fn respond(request: &Request, outcome: &Outcome) -> Result<(), Error> {
    let (status, text) = match &outcome.result {
        Ok(text) => ("SUCCESS", text.clone()),
        Err(error) => ("FAILED", error.to_string()),
    };
    let text: String = text.chars().take(LONGEST_TEXT).collect();
    let body = json!({
        "Status": status, "Reason": text, "PhysicalResourceId": outcome.physical_id, "StackId": request.stack_id,
        "RequestId": request.request_id, "LogicalResourceId": request.logical_resource_id, "Data": {"Text": text},
    });
    let unreachable = || Error::Config("CloudFormation could not be told of the outcome".to_owned());
    let client = http_client(Timeouts::default()).ok_or_else(unreachable)?;
    for attempt in 1..=ATTEMPTS {
        // The URL is signed for a request without a content type.
        let put = client.put(&request.response_url).timeout(Duration::from_secs(10)).body(body.to_string());
        match put.send().await {
            Ok(response) if response.status().is_success() => return Ok(()),
            Ok(response) => {
                tracing::warn!(attempt, status = response.status().as_u16(), "CloudFormation did not take the answer")
            }
            // Its text would show the URL.
            Err(error) => tracing::warn!(attempt, error = %error.without_url(), "CloudFormation was not reached"),
        }
        tokio::time::sleep(Duration::from_millis(200) * attempt).await;
    }
    Err(unreachable())
}
