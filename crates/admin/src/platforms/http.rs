//! Calls of a platform's API: its own host only, no redirect, a time limit, and repetitions only where they do no harm.

use crate::config::Config;
use crate::error::Error;
use crate::platforms::call_error::{CallError, Kind, kind};
use crate::platforms::said::said;
use heygen::api::{RetryPolicy, Timeouts, http_client};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Response};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use url::Url;
use webhook::{ErrorClass, Platform, backoff};

/// In bytes. A list of 100 webhooks is far smaller.
const LARGEST_BODY: usize = 8 << 20;

/// Synthesia says with it how many seconds to wait.
const RATE_LIMIT_RESET: &str = "ratelimit-reset";

pub(crate) struct Http {
    platform: Platform,
    client: Client,
    base: String,
    authorization: (HeaderName, HeaderValue),
    key: String,
    timeouts: Timeouts,
    retry: RetryPolicy,
    changes_until: Option<Instant>,
}

impl Http {
    pub(crate) fn new(platform: Platform, key: String, config: &Config) -> Result<Self, Error> {
        let base = config.platforms.base_urls.get(&platform).map(String::as_str);
        let base = base.or(::platforms::look_up::base_url(platform)).and_then(plain_base);
        let base = base.ok_or_else(|| settings(platform, "the base URL is not http(s)://host[:port][/path]"))?;
        let (name, value) = ::platforms::look_up::authorization(platform, &key);
        let header = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
        let (name, mut value) =
            header.ok_or_else(|| settings(platform, "the API key has a character that no key has"))?;
        value.set_sensitive(true);
        let client = http_client(config.timeouts).ok_or_else(|| settings(platform, "TLS cannot be used"))?;
        let Config { timeouts, retry, changes_until, .. } = *config;
        Ok(Http { platform, client, base, authorization: (name, value), key, timeouts, retry, changes_until })
    }

    /// Whether a change that is sent after this wait ends in time.
    pub(crate) fn has_time_after(&self, wait: Duration) -> bool {
        self.changes_until.is_none_or(|until| Instant::now() + wait + self.timeouts.attempt <= until)
    }

    /// The answer of a successful call; `Null` if it is empty.
    pub(crate) async fn call(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CallError> {
        let start = Instant::now();
        let mut attempts = 0;
        loop {
            if method != Method::GET && !self.has_time_after(Duration::ZERO) {
                return Err(self.error(operation, Kind::TooLate));
            }
            attempts += 1;
            let left = self.retry.deadline.saturating_sub(start.elapsed()).min(self.timeouts.attempt);
            let attempt = timeout(left, self.attempt(operation, &method, path, body)).await;
            let (error, asked) = match attempt.unwrap_or_else(|_| Err((self.error(operation, Kind::NoAnswer), None))) {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let wait = backoff(self.retry.base, self.retry.cap, attempts).max(asked.unwrap_or_default());
            let is_over = attempts >= self.retry.attempts || start.elapsed() + wait >= self.retry.deadline;
            if is_over || !may_repeat(&method, error.kind) {
                return Err(error);
            }
            tracing::warn!(platform = self.platform.name(), operation, attempt = attempts, reason = %error, "retrying a call");
            sleep(wait).await;
        }
    }

    async fn attempt(
        &self,
        operation: &'static str,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, (CallError, Option<Duration>)> {
        let failed = |kind| (self.error(operation, kind), None);
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        request = request.header(self.authorization.0.clone(), self.authorization.1.clone());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let mut response = request.send().await.map_err(|_| failed(Kind::NoAnswer))?;
        let status = response.status().as_u16();
        let asked = waits(response.headers());
        let is_success = response.status().is_success();
        let body = match read(&mut response).await {
            Ok(body) => body,
            // The status is known, even if the rest is lost.
            Err(kind) if is_success => {
                return Err((CallError { status: Some(status), ..self.error(operation, kind) }, None));
            }
            Err(_) => Vec::new(),
        };
        let json = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
        let kind = match (&json, is_success) {
            (Ok(_), true) => return Ok(json.unwrap_or_default()),
            (answer, _) => kind(status, answer.as_ref().is_ok_and(Value::is_object)),
        };
        let said = json.ok().and_then(|answer| said(&answer, &self.key));
        Err((CallError { status: Some(status), said, ..self.error(operation, kind) }, asked))
    }

    pub(crate) fn error(&self, operation: &'static str, kind: Kind) -> CallError {
        CallError { platform: self.platform, operation, kind, status: None, said: None }
    }
}

/// A user would be a second credential, and a query would end up in every path.
fn plain_base(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    is_plain.then(|| text.trim_end_matches('/').to_owned())
}

async fn read(response: &mut Response) -> Result<Vec<u8>, Kind> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Kind::NoAnswer)? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(Kind::Odd);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A create would register a second webhook, unless the platform refused to look at it.
fn may_repeat(method: &Method, kind: Kind) -> bool {
    match kind {
        Kind::Limited => true,
        Kind::Server | Kind::NoAnswer => method != Method::POST,
        _ => false,
    }
}

fn waits(headers: &HeaderMap) -> Option<Duration> {
    let seconds = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
    seconds(RETRY_AFTER.as_str()).or_else(|| seconds(RATE_LIMIT_RESET)).map(Duration::from_secs)
}

fn settings(platform: Platform, reason: &str) -> Error {
    Error::Platform { reason: format!("{} settings: {reason}", platform.title()), class: ErrorClass::Permanent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_no_harm_is_repeated() {
        for kind in [Kind::Server, Kind::NoAnswer] {
            assert!(!may_repeat(&Method::POST, kind), "{kind:?}");
            assert!([Method::GET, Method::DELETE, Method::PATCH].iter().all(|method| may_repeat(method, kind)));
        }
        assert!(may_repeat(&Method::POST, Kind::Limited));
        assert!([Kind::Key, Kind::Rejected, Kind::Odd].iter().all(|kind| !may_repeat(&Method::GET, *kind)));
    }

    #[test]
    fn a_base_url_with_a_credential_or_a_query_is_not_used() {
        assert_eq!(plain_base("https://api.example.invalid/v/").as_deref(), Some("https://api.example.invalid/v"));
        for wrong in ["", "api.example.invalid", "ftp://h.invalid", "https://u:p@h.invalid", "https://h.invalid?x"] {
            assert_eq!(plain_base(wrong), None, "{wrong}");
        }
    }
}
