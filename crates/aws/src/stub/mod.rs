//! A stub for AWS's HTTP side, for tests of what no local AWS does on demand: conflicts, throttling, no response.
//! The SDK above it is the real one, with its retries and timeouts.

pub mod lambda;

use crate::sdk::{Sdk, Timeouts};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub enum Reply {
    Ok(Value),
    /// An error response: its status, and the document with `__type`.
    Error(u16, Value),
    Broken,
    /// A function that Lambda invoked failed with this.
    FunctionError(Value),
    /// There is never a response.
    Silent,
}

impl Reply {
    pub fn error(status: u16, code: &str) -> Self {
        Reply::Error(status, json!({"__type": code, "message": "canary-message"}))
    }
}

/// An [`Sdk`] whose calls go to `aws`, which gets the operation, such as `SendMessage`, and its input. A service with paths
/// has the method and the path instead, such as `GET /v1/pipes/name`.
pub fn sdk(timeouts: Timeouts, aws: impl Fn(&str, Value) -> Reply + Send + Sync + 'static) -> Sdk {
    requests("us-east-1", timeouts, move |request| {
        let input = request.body().bytes().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        match request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next()) {
            Some(operation) => aws(operation, input),
            None => {
                let path = request.uri().splitn(4, '/').last().unwrap_or_default();
                aws(&format!("{} /{path}", request.method()), input)
            }
        }
    })
}

/// An [`Sdk`] whose requests go to `aws` as they are sent.
pub fn requests(region: &str, timeouts: Timeouts, aws: impl Fn(&HttpRequest) -> Reply + Send + Sync + 'static) -> Sdk {
    let credentials = Credentials::new("id", "secret", Some("session".to_owned()), None, "stub");
    Sdk::new(region, None, credentials).over(Stub(Arc::new(aws)).into_shared(), timeouts)
}

type Aws = dyn Fn(&str, Value) -> Reply + Send + Sync;

type Requests = dyn Fn(&HttpRequest) -> Reply + Send + Sync;

#[derive(Clone)]
struct Stub(Arc<Requests>);

impl fmt::Debug for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stub")
    }
}

impl HttpClient for Stub {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}

impl HttpConnector for Stub {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let reply = (self.0)(&request);
        HttpConnectorFuture::new(async move {
            let is_function_error = matches!(reply, Reply::FunctionError(_));
            let (status, body) = match reply {
                Reply::Ok(body) | Reply::FunctionError(body) => (200, body),
                Reply::Error(status, body) => (status, body),
                Reply::Broken => return Err(ConnectorError::io("the connection broke".into())),
                Reply::Silent => std::future::pending().await,
            };
            let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
            let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
            if is_function_error {
                response.headers_mut().insert("x-amz-function-error", "Unhandled");
            }
            Ok(response)
        })
    }
}
