//! CloudFormation's custom resource: deploying registers the endpoints, and deleting the stack deletes them if so
//! configured.
//!
//! CloudFormation waits up to an hour for a response at a pre-signed URL, so it gets one whatever happens.

use crate::action::SyncOptions;
use crate::app::App;
use crate::error::Error;
use crate::measures;
use crate::reply::{CustomResourceReply, Reply};
use crate::update::{self, Properties};
use heygen::api::{Timeouts, http_client};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// The physical id after a failed creation: deleting it, as a rollback does, has nothing to do.
const NOT_REGISTERED: &str = "heygen-endpoints:none";
/// The physical id after a creation. It never changes, so CloudFormation never replaces the resource.
const REGISTERED: &str = "heygen-endpoints";

/// In bytes, before JSON escapes some of them. CloudFormation accepts 4096 bytes in all.
const LONGEST_TEXT: usize = 1500;
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
    resource_properties: Properties,
    #[serde(default)]
    old_resource_properties: Properties,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
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
    let result = match app {
        Ok(app) => {
            let handled = tokio::time::timeout(limit, handle(app, request, old_id)).await;
            handled.unwrap_or_else(|_| timed_out(operation))
        }
        // Nothing was registered, so nothing has to be deleted, even if the configuration is wrong.
        Err(_) if operation == "Delete" && old_id == NOT_REGISTERED => Ok(nothing_to_delete()),
        Err(error) => Err(error),
    };
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
        "Delete" => {
            let deleted = app.alone("a deletion of the stack", app.deregister()).await?;
            Ok(format!("Deleted {} endpoints at HeyGen.", deleted.len()))
        }
        "Update" => update::update(app, &request.resource_properties, &request.old_resource_properties).await,
        _ => app.alone("a creation of the stack", create(app)).await,
    }
}

async fn create(app: &App) -> Result<String, Error> {
    match app.sync(&SyncOptions::default()).await {
        Ok(synced) => Ok(synced.to_string()),
        Err(error) => {
            // The rollback deletes the API that these endpoints post to.
            if let Error::Partial { done, .. } = &error
                && let Err(error) = app.delete_created(done).await
            {
                tracing::error!(%error, class = error.class().as_str(), "could not delete the endpoints just created");
            }
            Err(error)
        }
    }
}

fn timed_out(operation: &str) -> Result<String, Error> {
    if operation != "Update" {
        return Err(Error::Timeout);
    }
    // The sync was interrupted before it could count itself.
    measures::sync("failed");
    Ok(update::not_applied(&Error::Timeout))
}

fn nothing_to_delete() -> String {
    "Nothing was registered.".to_owned()
}

async fn send(request: &Request, physical_id: &str, result: Result<String, Error>) -> Result<(), Error> {
    let (status, text) = match &result {
        Ok(text) => ("SUCCESS", text.clone()),
        Err(error) => ("FAILED", error.to_string()),
    };
    let shortened = &text[..text.floor_char_boundary(LONGEST_TEXT)];
    let response = Response {
        status,
        reason: result.is_err().then_some(shortened),
        physical_resource_id: physical_id,
        stack_id: &request.stack_id,
        request_id: &request.request_id,
        logical_resource_id: &request.logical_resource_id,
        data: result.is_ok().then_some(Data { text: shortened }),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_that_times_out_succeeds_and_says_what_was_not_done() {
        let text = timed_out("Update").unwrap();
        assert!(text.starts_with("Deployed, but not applied") && text.contains("timed out"), "{text}");
        for operation in ["Create", "Delete"] {
            assert!(matches!(timed_out(operation), Err(Error::Timeout)));
        }
    }
}
