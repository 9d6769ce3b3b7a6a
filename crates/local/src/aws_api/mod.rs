//! AWS by its HTTP APIs, for what has no SDK client here.
//!
//! The AWS CLI takes a second to start and was started hundreds of times by the tests; SDK crates for Lambda,
//! CloudFormation, IAM and CloudWatch would cost minutes of compile time. Signing is in the dependency tree anyway.

mod percent;
mod services;
mod xml;

pub use services::{JsonService, QueryService};

use crate::error::{Context, Error, Result};
use crate::stack::Stack;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use percent::{decoded, encoded};
use serde_json::Value;
use simulator::http::{Http, Response};
use std::time::{Duration, SystemTime};

/// Longer than `admin` may take.
const LIMIT: Duration = Duration::from_secs(310);

/// Calls to one account and region. Everything blocks; threads may share it.
#[derive(Debug, Clone)]
pub struct AwsApi {
    http: Http,
    endpoint: Option<String>,
    region: String,
    credentials: Credentials,
}

struct Request<'a> {
    service: &'a str,
    method: &'a str,
    /// Begins with a slash.
    path: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

impl AwsApi {
    /// For a local AWS if there is an endpoint, else for the real one.
    pub fn new(endpoint: Option<&str>, region: &str, credentials: Credentials) -> Self {
        let endpoint = endpoint.map(str::to_owned);
        AwsApi { http: Http::new(LIMIT), endpoint, region: region.to_owned(), credentials }
    }

    /// For the AWS of a stack.
    pub fn of(stack: &Stack) -> Result<Self> {
        Ok(Self::new(stack.aws_endpoint.as_deref(), &stack.region, stack.aws_credentials()?))
    }

    /// The result as JSON, in which every number is text and an empty list is an empty text.
    pub fn query(&self, service: QueryService, action: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let form = [("Action", action), ("Version", service.version())].into_iter().chain(parameters.iter().copied());
        let body: Vec<_> = form.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let answer = self.send(&Request {
            service: service.name(),
            method: "POST",
            path: "/",
            headers: &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
            body: body.join("&").as_bytes(),
        })?;
        xml::result(&String::from_utf8_lossy(&answer.body), action)
    }

    /// An operation such as `FilterLogEvents`.
    pub fn json(&self, service: JsonService, operation: &str, input: &Value) -> Result<Value> {
        let target = format!("{}.{operation}", service.target());
        let answer = self.send(&Request {
            service: service.name(),
            method: "POST",
            path: "/",
            headers: &[("content-type", service.content_type()), ("x-amz-target", &target)],
            body: input.to_string().as_bytes(),
        })?;
        read_json(&answer.body, operation)
    }

    /// An operation of a service with paths, such as `PUT /2015-03-31/event-source-mappings/ID` of `lambda`.
    pub fn rest(&self, service: &str, method: &str, path: &str, input: &Value) -> Result<Value> {
        let headers = [("content-type", "application/json")];
        let body = if input.is_null() { String::new() } else { input.to_string() };
        let answer = self.send(&Request { service, method, path, headers: &headers, body: body.as_bytes() })?;
        read_json(&answer.body, path)
    }

    /// A function's configuration, as Lambda describes it.
    pub fn function(&self, name: &str) -> Result<Value> {
        let path = format!("/2015-03-31/functions/{name}/configuration");
        let answer = self.send(&Request { service: "lambda", method: "GET", path: &path, headers: &[], body: &[] })?;
        read_json(&answer.body, "GetFunctionConfiguration")
    }

    /// Replaces a function's environment variables. On AWS that takes a moment; a local AWS has done it by then.
    pub fn set_variables(&self, function: &str, variables: &Value) -> Result<()> {
        let path = format!("/2015-03-31/functions/{function}/configuration");
        let body = serde_json::json!({ "Environment": { "Variables": variables } }).to_string();
        let headers = [("content-type", "application/json")];
        self.send(&Request {
            service: "lambda",
            method: "PUT",
            path: &path,
            headers: &headers,
            body: body.as_bytes(),
        })?;
        Ok(())
    }

    /// Invokes a function and waits for its response. A function error is an error with the function's message.
    pub fn invoke(&self, function: &str, payload: &[u8]) -> Result<Value> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let headers = [("content-type", "application/json")];
        let request = Request { service: "lambda", method: "POST", path: &path, headers: &headers, body: payload };
        let answer = self.send(&request)?;
        let response = read_json(&answer.body, "Invoke")?;
        if answer.header("x-amz-function-error").is_none() {
            return Ok(response);
        }
        Err(Error::Failed(response["errorMessage"].as_str().map_or_else(|| response.to_string(), str::to_owned)))
    }

    /// A policy document of a role.
    pub fn role_policy(&self, role: &str, policy: &str) -> Result<Value> {
        let got = self.query(QueryService::Iam, "GetRolePolicy", &[("RoleName", role), ("PolicyName", policy)])?;
        // IAM percent-encodes it.
        read_json(&decoded(got["PolicyDocument"].as_str().unwrap_or_default()), "GetRolePolicy")
    }

    /// Replaces a policy document of a role.
    pub fn put_role_policy(&self, role: &str, policy: &str, document: &Value) -> Result<()> {
        let document = document.to_string();
        let parameters = [("RoleName", role), ("PolicyName", policy), ("PolicyDocument", &document)];
        self.query(QueryService::Iam, "PutRolePolicy", &parameters).map(drop)
    }

    /// Creates a bucket, if it is not there yet.
    pub fn create_bucket(&self, bucket: &str) -> Result<()> {
        let request = Request { service: "s3", method: "PUT", path: &format!("/{bucket}"), headers: &[], body: &[] };
        self.send(&request).map(drop)
    }

    /// Puts an object; returns its URL.
    pub fn put_object(&self, bucket: &str, key: &str, body: &[u8]) -> Result<String> {
        let path = format!("/{bucket}/{key}");
        self.send(&Request { service: "s3", method: "PUT", path: &path, headers: &[], body })?;
        Ok(self.object_url(bucket, key))
    }

    /// Where CloudFormation finds an object.
    pub fn object_url(&self, bucket: &str, key: &str) -> String {
        format!("{}/{bucket}/{key}", self.base("s3"))
    }

    fn base(&self, service: &str) -> String {
        match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            // Of all regions.
            None if service == "iam" => "https://iam.amazonaws.com".to_owned(),
            None => format!("https://{service}.{}.amazonaws.com", self.region),
        }
    }

    fn send(&self, request: &Request<'_>) -> Result<Response> {
        let Request { service, method, path, headers, body } = *request;
        let url = format!("{}{path}", self.base(service));
        let signature = self
            .signature(request, &url)
            .map_err(|why| Error::Failed(format!("Signing a request to {service}: {why}")))?;
        let mut all_headers = headers.to_vec();
        all_headers.extend(signature.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let answer = self.http.send(method, &url, &all_headers, body)?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        // The path and not the body, which may hold a secret.
        let what = format!("{method} {path} ({service})");
        Err(Error::Aws { what, why: format!("{}: {}", answer.status, reason(&answer.body)) })
    }

    fn signature(
        &self,
        request: &Request<'_>,
        url: &str,
    ) -> std::result::Result<Vec<(String, String)>, Box<dyn std::error::Error + Send + Sync>> {
        let identity = self.credentials.clone().into();
        let mut settings = SigningSettings::default();
        let mut body = SignableBody::Bytes(request.body);
        let mut signed_headers = request.headers.to_vec();
        if request.service == "s3" {
            settings.percent_encoding_mode = aws_sigv4::http_request::PercentEncodingMode::Single;
            // Hashing 100 MB without optimisation takes longer than all else.
            body = SignableBody::UnsignedPayload;
            signed_headers.push(("x-amz-content-sha256", "UNSIGNED-PAYLOAD"));
        }
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(request.service)
            .time(SystemTime::now())
            .settings(settings)
            .build()?
            .into();
        let signable = SignableRequest::new(request.method, url, signed_headers.iter().copied(), body)?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let mut headers: Vec<_> =
            instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if request.service == "s3" {
            headers.push(("x-amz-content-sha256".to_owned(), "UNSIGNED-PAYLOAD".to_owned()));
        }
        Ok(headers)
    }
}

fn read_json(body: &[u8], operation: &str) -> Result<Value> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).context(format_args!("Reading the response to {operation}"))
}

/// AWS's own message, in JSON or XML.
fn reason(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let from_json = || {
        let value: Value = serde_json::from_slice(body).ok()?;
        ["message", "Message", "__type"].into_iter().find_map(|name| value[name].as_str().map(str::to_owned))
    };
    from_json().or_else(|| xml::message(&text)).unwrap_or_else(|| text.chars().take(500).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_awss_message_in_json_and_in_xml() {
        assert_eq!(reason(br#"{"__type":"X","message":"no such group"}"#), "no such group");
        let xml = b"<ErrorResponse><Error><Code>X</Code><Message>no such stack</Message></Error></ErrorResponse>";
        assert_eq!(reason(xml), "no such stack");
        assert_eq!(reason(b"plain"), "plain");
    }
}
