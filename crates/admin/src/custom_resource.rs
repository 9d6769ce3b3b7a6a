//! CloudFormation's custom resource: deploying registers the endpoints, and deleting the stack deletes them if so
//! configured.
//!
//! CloudFormation waits up to an hour for a response at a pre-signed URL, so it gets one whatever happens.

use crate::action::SyncOptions;
use crate::app::App;
use crate::change::ChangeKind;
use crate::error::Error;
use crate::measures;
use crate::reply::{CustomResourceReply, Reply};
use crate::update::{self, Properties};
use heygen::api::{Timeouts, http_client};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// The physical id after a failed creation: deleting it, as a rollback does, has nothing to do.
const NOT_REGISTERED: &str = "heygen-endpoints:none";
/// The physical id after a creation. It never changes, so CloudFormation never replaces the resource.
const REGISTERED: &str = "heygen-endpoints";

/// The start of the physical id after a failed creation whose endpoints could not be deleted. Their names follow, separated
/// by commas: deleting it, as a rollback does, deletes them.
const UNFINISHED: &str = "heygen-endpoints:unfinished:";
/// CloudFormation's limit for a physical id, in bytes.
const LONGEST_ID: usize = 1024;

/// The end of a creation's time, kept for deleting what it has registered if it fails.
const CLEANUP: Duration = Duration::from_secs(30);

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
    let Outcome { physical_id, result } = match app {
        Ok(app) => {
            let handled = tokio::time::timeout(limit, handle(app, request, old_id, limit)).await;
            handled.unwrap_or_else(|_| timed_out(operation, old_id))
        }
        // Nothing was registered, so nothing has to be deleted, even if the configuration is wrong.
        Err(_) if operation == "Delete" && old_id == NOT_REGISTERED => Outcome::of(old_id, Ok(nothing_to_delete())),
        Err(error) => Outcome::of(old_id, Err(error)),
    };
    if let Err(error) = &result {
        let class = error.class().as_str();
        tracing::error!(operation, cloudformation_request_id, %error, class, "custom resource failed");
    }
    let succeeded = result.is_ok();
    send(request, &physical_id, result).await?;
    Ok(Reply::CustomResource(CustomResourceReply { request_type: operation.to_owned(), succeeded }))
}

/// What CloudFormation is to know of a request.
struct Outcome {
    physical_id: String,
    result: Result<String, Error>,
}

impl Outcome {
    fn of(physical_id: &str, result: Result<String, Error>) -> Self {
        Outcome { physical_id: physical_id.to_owned(), result }
    }
}

async fn handle(app: &App, request: &Request, old_id: &str, limit: Duration) -> Outcome {
    let (operation, app) = (request.request_type.as_str(), &app.deploying().changing_for(limit));
    match operation {
        "Create" => {
            let created = app.alone("a creation of the stack", async { Ok(create(app, limit).await) }).await;
            created.unwrap_or_else(|busy| Outcome::of(NOT_REGISTERED, Err(busy)))
        }
        "Delete" => Outcome::of(old_id, delete(app, old_id).await),
        "Update" => {
            let text = update::update(app, &request.resource_properties, &request.old_resource_properties).await;
            Outcome::of(old_id, text)
        }
        _ => Outcome::of(old_id, Err(Error::UnknownRequestType(operation.to_owned()))),
    }
}

async fn delete(app: &App, physical_id: &str) -> Result<String, Error> {
    if physical_id == NOT_REGISTERED {
        return Ok(nothing_to_delete());
    }
    if let Some(names) = physical_id.strip_prefix(UNFINISHED) {
        let names = aws::endpoints::names(names).into_iter().collect();
        app.alone("a deletion of the stack", app.delete_created(&names)).await?;
        return Ok("Deleted what the failed creation had registered at HeyGen.".to_owned());
    }
    if !app.config().deregister_on_delete {
        return Ok("The endpoints stay at HeyGen: the parameter DeregisterOnDelete is false.".to_owned());
    }
    let deleted = app.alone("a deletion of the stack", app.deregister()).await?;
    Ok(format!("Deleted {} endpoints at HeyGen.", deleted.len()))
}

async fn create(app: &App, limit: Duration) -> Outcome {
    let error = match app.changing_for(limit.saturating_sub(CLEANUP)).sync(&SyncOptions::default()).await {
        Ok(synced) => return Outcome::of(REGISTERED, Ok(synced.to_string())),
        Err(error) => error,
    };
    // The rollback deletes the API that these endpoints post to.
    let names = created(&error);
    let Err(left) = app.delete_created(&names).await else { return Outcome::of(NOT_REGISTERED, Err(error)) };
    tracing::error!(error = %left, class = left.class().as_str(), "could not delete the endpoints just created");
    Outcome { physical_id: unfinished(names), result: Err(error) }
}

/// The names that a failed sync has registered, or may have.
fn created(error: &Error) -> BTreeSet<String> {
    let Error::Partial { done, failed } = error else { return BTreeSet::new() };
    let changes = done.iter().chain(failed.iter().map(|(change, _)| change));
    let created = changes.filter(|change| matches!(change.kind, ChangeKind::Create { .. }));
    created.map(|change| change.endpoint.clone()).collect()
}

/// Without the names if they are too long: the notes of changes without a result are found in any case.
fn unfinished(names: BTreeSet<String>) -> String {
    let id = format!("{UNFINISHED}{}", names.into_iter().collect::<Vec<_>>().join(","));
    if id.len() <= LONGEST_ID { id } else { UNFINISHED.to_owned() }
}

fn timed_out(operation: &str, old_id: &str) -> Outcome {
    match operation {
        "Update" => {
            // The sync was interrupted before it could count itself.
            measures::sync("failed");
            Outcome::of(old_id, Ok(update::not_applied(&Error::Timeout)))
        }
        "Create" => Outcome::of(UNFINISHED, Err(Error::Timeout)),
        _ => Outcome::of(old_id, Err(Error::Timeout)),
    }
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
        let text = timed_out("Update", REGISTERED).result.unwrap();
        assert!(text.starts_with("Deployed, but not applied") && text.contains("timed out"), "{text}");
        for operation in ["Create", "Delete"] {
            assert!(matches!(timed_out(operation, REGISTERED).result, Err(Error::Timeout)));
        }
        assert_eq!(timed_out("Create", NOT_REGISTERED).physical_id, UNFINISHED, "its deletion finds what is noted");
    }
}
