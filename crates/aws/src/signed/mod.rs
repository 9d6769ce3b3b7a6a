//! Single calls of AWS without the service's SDK crate, which would cost minutes of compile time and a megabyte of each binary.
//!
//! Below the SDK crates is a runtime that they share. It signs, retries and limits the time here as it does there.

mod rejection;
mod service;
mod xml;

pub use service::Service;

use crate::error::AwsError;
use crate::sdk::Timeouts;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{Region, SharedHttpClient};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{AuthSchemeOptionResolverParams, SharedAuthSchemeOptionResolver};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use rejection::Rejection;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use thiserror::Error;

const RETRIED: &[u16] = &[429, 500, 502, 503, 504];

/// Made by [`Sdk::calls`](crate::sdk::Sdk::calls). An operation is named as in policies, such as `ssm:GetParameter`.
#[derive(Debug, Clone)]
pub struct Calls {
    pub(crate) region: Region,
    pub(crate) endpoints: BTreeMap<&'static str, String>,
    pub(crate) credentials: SharedCredentialsProvider,
    pub(crate) http: SharedHttpClient,
    pub(crate) timeouts: Timeouts,
}

/// A function that was invoked did not return a result.
#[derive(Debug, Error)]
pub enum InvokeError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// What the function itself says: show it only if the function is one that keeps secrets out of its errors.
    #[error("the function failed: {kind}")]
    Function { kind: String, message: Message },
}

/// A text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Message(pub String);

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

struct Request {
    service: Service,
    operation: &'static str,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// A response with a status of 2xx.
struct Response {
    function_failed: bool,
    body: Value,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Response")
    }
}

impl Calls {
    /// An operation of a service that takes its name in a header. It is retried, so it must be safe to repeat.
    pub async fn json(&self, service: Service, operation: &'static str, input: &Value) -> Result<Value, AwsError> {
        let (Some((target, content_type)), Some((_, name))) = (service.json(), operation.split_once(':')) else {
            return Err(AwsError::unbuildable(operation));
        };
        let headers = vec![("content-type", content_type.to_owned()), ("x-amz-target", format!("{target}.{name}"))];
        let (method, path, body) = ("POST", "/".to_owned(), input.to_string());
        let request = Request { service, operation, method, path, headers, body };
        Ok(self.send(request, self.timeouts).await?.body)
    }

    /// The attributes that an operation of a service returns that takes a form and responds in XML.
    pub async fn attributes(
        &self,
        service: Service,
        operation: &'static str,
        parameters: &[(&str, &str)],
    ) -> Result<BTreeMap<String, String>, AwsError> {
        let (Some(version), Some((_, name))) = (service.query(), operation.split_once(':')) else {
            return Err(AwsError::unbuildable(operation));
        };
        let form = [("Action", name), ("Version", version)].into_iter().chain(parameters.iter().copied());
        let form: Vec<_> = form.map(|(name, value)| format!("{name}={}", percent(value))).collect();
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        let (method, path, body) = ("POST", "/".to_owned(), form.join("&"));
        let request = Request { service, operation, method, path, headers, body };
        let response = self.send(request, self.timeouts).await?;
        Ok(xml::attributes(response.body.as_str().unwrap_or_default()))
    }

    /// A read of a service with paths, given as segments: `["v1", "pipes", name]`.
    pub async fn get(&self, service: Service, operation: &'static str, path: &[&str]) -> Result<Value, AwsError> {
        let (method, path, headers, body) = ("GET", encoded(path), Vec::new(), String::new());
        let request = Request { service, operation, method, path, headers, body };
        Ok(self.send(request, self.timeouts).await?.body)
    }

    /// Invokes a function once, without retries, and waits for its result for this long.
    pub async fn invoke(&self, function: &str, payload: &Value, limit: Duration) -> Result<Value, InvokeError> {
        let request = Request {
            service: Service::Lambda,
            operation: "lambda:InvokeFunction",
            method: "POST",
            path: encoded(&["2015-03-31", "functions", function, "invocations"]),
            headers: vec![("content-type", "application/json".to_owned())],
            body: payload.to_string(),
        };
        let response = self.send(request, Timeouts { attempts: 1, attempt: limit, operation: limit }).await?;
        if !response.function_failed {
            return Ok(response.body);
        }
        let text = |name: &str| response.body[name].as_str().unwrap_or_default().to_owned();
        Err(InvokeError::Function { kind: text("errorType"), message: Message(text("errorMessage")) })
    }

    async fn send(&self, request: Request, timeouts: Timeouts) -> Result<Response, AwsError> {
        let Request { service, operation, method, path, headers, body } = request;
        let url = self.endpoints.get(service.id()).cloned().unwrap_or_else(|| service.url(self.region.as_ref()));
        let call = Operation::builder()
            .service_name(service.name())
            .operation_name(operation)
            .http_client(self.http.clone())
            .endpoint_url(&url)
            .standard_retry(&RetryConfig::standard().with_max_attempts(timeouts.attempts))
            .retry_classifier(TransientErrorClassifier::<Rejection>::new())
            .retry_classifier(AwsErrorCodeClassifier::<Rejection>::new())
            .retry_classifier(HttpStatusCodeClassifier::new_from_codes(RETRIED))
            .timeout_config(timeouts.config())
            .runtime_plugin(self.signing(service))
            .serializer(move |()| {
                let mut request = HttpRequest::new(SdkBody::from(body.as_str()));
                request.set_method(method)?;
                request.set_uri(path.as_str())?;
                for (name, value) in &headers {
                    request.headers_mut().try_insert(*name, value.clone())?;
                }
                Ok(request)
            })
            .deserializer(read)
            .build();
        call.invoke(()).await.map_err(|error| AwsError::of(operation, &error))
    }

    fn signing(&self, service: Service) -> StaticRuntimePlugin {
        let mut config = Layer::new("signing");
        config.store_put(AuthSchemeOptionResolverParams::new(()));
        config.store_put(SensitiveOutput);
        config.store_put(SigV4OperationSigningConfig {
            region: Some(self.region.clone().into()),
            name: Some(service.name().into()),
            ..SigV4OperationSigningConfig::default()
        });
        let schemes = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
        let components = RuntimeComponentsBuilder::new("signing")
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(schemes)))
            // The credentials are in the environment: there is nothing to save.
            .with_identity_cache(Some(IdentityCache::no_cache()))
            .with_identity_resolver(SCHEME_ID, self.credentials.clone());
        StaticRuntimePlugin::new().with_config(config.freeze()).with_runtime_components(components)
    }
}

fn read(response: &HttpResponse) -> Result<Response, OrchestratorError<Rejection>> {
    let body = response.body().bytes().unwrap_or_default();
    if !response.status().is_success() {
        return Err(OrchestratorError::operation(Rejection::read(response, body)));
    }
    let function_failed = response.headers().get("x-amz-function-error").is_some();
    let is_xml = response.headers().get("content-type").is_some_and(|kind| kind.contains("xml"));
    let body = match body {
        [] => Value::Null,
        body if is_xml => Value::String(String::from_utf8_lossy(body).into_owned()),
        // Not serde's error, which may quote the body.
        body => serde_json::from_slice(body).map_err(|_| OrchestratorError::response("no JSON".into()))?,
    };
    Ok(Response { function_failed, body })
}

/// A path of these segments, in which nothing has a meaning of its own.
fn encoded(segments: &[&str]) -> String {
    segments.iter().map(|segment| format!("/{}", percent(segment))).collect()
}

fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
