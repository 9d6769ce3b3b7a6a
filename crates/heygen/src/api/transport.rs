//! One attempt over HTTP.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Method, Request, Response, Url, redirect, retry};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::response::ResponseHead;
use super::retry::Repeat;
use super::scrub::Scrub;
use super::{ApiError, Credential, IdempotencyKey, InvalidConfig, Kind, Timeouts, retry_after};

/// The largest response that is read, in bytes. A page of 100 of the largest known events is far
/// smaller.
const LARGEST_BODY: usize = 8 << 20;

/// A request, which may be sent several times.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<Value>,
    pub(super) key: Option<IdempotencyKey>,
}

impl Call {
    pub(super) fn repeat(&self) -> Repeat {
        match self.method {
            _ if self.key.is_some() => Repeat::Keyed,
            Method::GET | Method::DELETE => Repeat::Harmless,
            _ => Repeat::Harmful,
        }
    }

    pub(super) fn failed(&self, kind: Kind) -> ApiError {
        ApiError::new(self.operation, kind)
    }

    /// The error for a successful response whose body is not as documented.
    pub(super) fn misunderstood(&self, kind: Kind) -> ApiError {
        ApiError { attempts: 1, ..self.failed(kind) }
    }
}

pub(super) struct Transport {
    client: OnceLock<Client>,
    /// The header that carries the credential.
    credential: (HeaderName, HeaderValue),
    timeouts: Timeouts,
    scrub: Scrub,
    /// How far HeyGen's clock was ahead at the first response that had a date.
    clock_ahead: OnceLock<time::Duration>,
}

impl Transport {
    pub(super) fn new(credential: &Credential, timeouts: Timeouts) -> Result<Self, InvalidConfig> {
        let text = credential.text();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidConfig::Credential);
        }
        let (name, value) = match credential {
            Credential::ApiKey(key) => (HeaderName::from_static("x-api-key"), key.clone()),
            Credential::Bearer(token) => (AUTHORIZATION, format!("Bearer {token}")),
        };
        let mut value = HeaderValue::try_from(value).map_err(|_| InvalidConfig::Credential)?;
        value.set_sensitive(true);
        let scrub = Scrub { credential: text.to_owned() };
        let (client, clock_ahead) = (OnceLock::new(), OnceLock::new());
        Ok(Self { client, credential: (name, value), timeouts, scrub, clock_ahead })
    }

    pub(super) fn clock_ahead(&self) -> Option<time::Duration> {
        self.clock_ahead.get().copied()
    }

    /// Sends `call` once, and fails after `left` at the latest.
    pub(super) async fn attempt(&self, call: &Call, left: Duration) -> Result<Value, ApiError> {
        let result = timeout(self.timeouts.attempt.min(left), self.exchange(call)).await;
        result.unwrap_or_else(|_| Err(call.failed(Kind::Timeout)))
    }

    async fn exchange(&self, call: &Call) -> Result<Value, ApiError> {
        let failed = |error| self.failed(call, &error);
        let request = self.request(call)?;
        let response = self.client(call)?.execute(request).await.map_err(failed)?;

        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        if let Some(date) = header(DATE.as_str()).and_then(retry_after::http_date) {
            self.clock_ahead.get_or_init(|| date - OffsetDateTime::now_utc());
        }
        let head = ResponseHead {
            status: response.status().as_u16(),
            content_type: header(CONTENT_TYPE.as_str()).and_then(|text| self.scrub.token(text.split(';').next()?)),
            request_id: header("x-request-id").and_then(|id| self.scrub.token(id)),
            retry_after: header(RETRY_AFTER.as_str())
                .and_then(|value| retry_after::parse(value, OffsetDateTime::now_utc())),
        };
        let body = match self.body(call, response).await {
            Ok(body) => body,
            // An error status is known, even if the rest of the response is lost.
            Err(error) if head.is_success() => return Err(ApiError { status: Some(head.status), ..error }),
            Err(_) => Vec::new(),
        };
        head.read(call.operation, &body, &self.scrub)
    }

    fn request(&self, call: &Call) -> Result<Request, ApiError> {
        let mut request = Request::new(call.method.clone(), call.url.clone());
        let mut headers = HeaderMap::new();
        headers.insert(self.credential.0.clone(), self.credential.1.clone());
        if let Some(key) = &call.key {
            let value = HeaderValue::try_from(key.as_str()).map_err(|_| call.failed(Kind::Rejected))?;
            headers.insert("idempotency-key", value);
        }
        if let Some(body) = &call.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.to_string().into());
        }
        *request.headers_mut() = headers;
        Ok(request)
    }

    async fn body(&self, call: &Call, response: Response) -> Result<Vec<u8>, ApiError> {
        let body = body(response).await.map_err(|error| self.failed(call, &error))?;
        body.ok_or_else(|| call.failed(Kind::TooLarge))
    }

    /// The innermost source is the error of the network; the outer ones quote the URL.
    fn failed(&self, call: &Call, error: &reqwest::Error) -> ApiError {
        let mut source = error.source();
        while let Some(deeper) = source.and_then(Error::source) {
            source = Some(deeper);
        }
        let kind = if error.is_timeout() { Kind::Timeout } else { Kind::Connection };
        let message = source.and_then(|source| self.scrub.message(&source.to_string()));
        ApiError { message, ..call.failed(kind) }
    }

    /// The client is built with the first call, because most processes make no call.
    fn client(&self, call: &Call) -> Result<&Client, ApiError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = http_client(self.timeouts).ok_or_else(|| call.failed(Kind::Connection))?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// The body of a response; `None` if it is larger than 8 MiB, of which the rest is not read.
///
/// # Errors
///
/// The connection broke.
pub async fn body(mut response: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// The HTTP client of [`Api`](super::Api), for calls to other servers: HTTP/1.1 over TLS, with ring
/// and embedded roots. It uses no proxy, follows no redirect and does not retry, since each of them
/// could send a credential to another host or make a change twice. It applies only the timeout of
/// the connection. `None` if the client cannot be built.
pub fn http_client(timeouts: Timeouts) -> Option<Client> {
    http_client_builder(timeouts)?.build().ok()
}

/// The same, before it is built. `None` if TLS cannot be configured.
pub fn http_client_builder(timeouts: Timeouts) -> Option<ClientBuilder> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = Client::builder()
        .user_agent(concat!("heygen-webhooks/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
        .connect_timeout(timeouts.connect);
    Some(builder)
}
