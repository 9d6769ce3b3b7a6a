//! CloudFormation's custom resource: deploying registers the endpoints, and deleting the stack deletes them if so
//! configured.
//!
//! CloudFormation waits up to an hour for a response at a pre-signed URL, so it gets one whatever happens.

use crate::action::SyncOptions;
use crate::app::App;
use crate::error::Error;
use crate::reply::{CustomResourceReply, Reply, Summary};
use aws::endpoints::names;
use heygen::api::{Timeouts, http_client};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// The physical id after a failed creation: deleting it, as a rollback does, has nothing to do.
const NOT_REGISTERED: &str = "heygen-endpoints:none";
/// The physical id after a creation. It never changes, so CloudFormation never replaces the resource.
const REGISTERED: &str = "heygen-endpoints";

/// In characters, of up to 4 bytes. CloudFormation accepts 4096 bytes in all, and gets the text twice.
const LONGEST_TEXT: usize = 400;
const ATTEMPTS: u32 = 4;

/// CloudFormation's request. Without `Debug`, because the URL is a credential.
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
    #[serde(default)]
    old_resource_properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Properties {
    /// Comma-separated names.
    endpoints: String,
}

impl Request {
    /// `None` if the invocation is not CloudFormation's.
    pub(crate) fn read(payload: &Value) -> Option<Self> {
        payload.get("ResponseURL")?;
        serde_json::from_value(payload.clone()).ok()
    }
}

/// What CloudFormation gets.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'a> {
    status: &'static str,
    reason: &'a str,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Data<'a> {
    text: &'a str,
}

/// Handles CloudFormation's request, and sends it the response.
pub(crate) async fn respond(app: Result<&App, Error>, request: &Request, limit: Duration) -> Result<Reply, Error> {
    let (operation, cloudformation_request_id) = (request.request_type.as_str(), request.request_id.as_str());
    let old_id = request.physical_resource_id.as_deref().unwrap_or(NOT_REGISTERED);
    let handled = match app {
        Ok(app) => tokio::time::timeout(limit, handle(app, request, old_id)).await,
        // Nothing was registered, so nothing has to be deleted, even if the configuration is wrong.
        Err(_) if operation == "Delete" && old_id == NOT_REGISTERED => Ok(Ok(nothing_to_delete())),
        Err(error) => Ok(Err(error)),
    };
    let result = handled.unwrap_or(Err(Error::Timeout));
    if let Err(error) = &result {
        let class = error.class().as_str();
        tracing::error!(operation, cloudformation_request_id, %error, class, "custom resource failed");
    }
    let succeeded = result.is_ok();
    let physical_id = if succeeded && operation == "Create" { REGISTERED } else { old_id };
    send(request, physical_id, result).await?;
    Ok(Reply::CustomResource(CustomResourceReply { request_type: operation.to_owned(), succeeded }))
}

async fn handle(app: &App, request: &Request, physical_id: &str) -> Result<String, Error> {
    let operation = request.request_type.as_str();
    match operation {
        "Delete" if physical_id == NOT_REGISTERED => Ok(nothing_to_delete()),
        "Delete" if !app.config().deregister_on_delete => {
            Ok("The endpoints stay at HeyGen: the parameter DeregisterOnDelete is false.".to_owned())
        }
        "Delete" => Ok(format!("Deleted {} endpoints at HeyGen.", app.deregister().await?.len())),
        _ => match app.sync(&SyncOptions::default()).await {
            Ok(synced) => {
                delete_secrets_of_removed(app, request).await;
                Ok(Summary { done: &synced.done, left: &synced.left }.to_string())
            }
            // A failure would roll the configuration back, and it could never be applied. So it is deployed, and a
            // sync with force applies it.
            Err(error @ Error::TooManyRemovals(_)) => {
                tracing::warn!(%error, class = error.class().as_str(), "deployed, but not applied");
                delete_secrets_of_removed(app, request).await;
                Ok(error.to_string())
            }
            Err(error) => {
                // The rollback deletes the API that these endpoints post to.
                if let ("Create", Error::Partial { done, .. }) = (operation, &error)
                    && let Err(error) = app.delete_created(done).await
                {
                    tracing::error!(%error, class = error.class().as_str(), "could not delete the endpoints just created");
                }
                Err(error)
            }
        },
    }
}

/// A failure is only logged: a secret that is left is no reason to roll back.
async fn delete_secrets_of_removed(app: &App, request: &Request) {
    let before = names(&request.old_resource_properties.endpoints);
    if let Err(error) = app.delete_secrets_of_removed(&before).await {
        let class = error.class().as_str();
        tracing::warn!(%error, class, "could not delete the secrets of removed endpoints");
    }
}

fn nothing_to_delete() -> String {
    "Nothing was registered.".to_owned()
}

async fn send(request: &Request, physical_id: &str, result: Result<String, Error>) -> Result<(), Error> {
    let (status, text) = match result {
        Ok(text) => ("SUCCESS", text),
        Err(error) => ("FAILED", error.to_string()),
    };
    let shortened: String = text.chars().take(LONGEST_TEXT).collect();
    let response = Response {
        status,
        reason: &shortened,
        physical_resource_id: physical_id,
        stack_id: &request.stack_id,
        request_id: &request.request_id,
        logical_resource_id: &request.logical_resource_id,
        data: Data { text: &shortened },
    };
    let body = serde_json::to_string(&response).map_err(|_| Error::CloudFormation)?;
    let client = http_client(Timeouts::default()).ok_or(Error::CloudFormation)?;
    for attempt in 1..=ATTEMPTS {
        // The URL is signed for a request without a content type.
        let put = client.put(&request.response_url).timeout(Duration::from_secs(10)).body(body.clone());
        match put.send().await {
            Ok(response) if response.status().is_success() => return Ok(()),
            Ok(response) => {
                let http_status = response.status().as_u16();
                tracing::warn!(attempt, http_status, "CloudFormation did not accept the response")
            }
            Err(error) => {
                // Its text would show the URL.
                tracing::warn!(attempt, error = %error.without_url(), "CloudFormation could not be reached")
            }
        }
        tokio::time::sleep(Duration::from_millis(200) * attempt).await;
    }
    Err(Error::CloudFormation)
}
