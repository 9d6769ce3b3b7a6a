//! The client.

use std::fmt;
use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::Value;
use tokio::time::Instant;

use super::config::{ApiConfig, ApiVersion, InvalidConfig, base_url};
use super::response::V1_NOT_FOUND;
use super::transport::{Call, Transport};
use super::{ApiError, IdempotencyKey, Kind, RetryPolicy, Timeouts, retry};

/// A client of HeyGen's management API.
///
/// Constructing it is cheap: the HTTP client is built with the first call, and reuses its
/// connections. Calls need a tokio runtime with time and I/O.
pub struct Api {
    version: ApiVersion,
    base: Url,
    retry: RetryPolicy,
    timeouts: Timeouts,
    changes_until: Option<Instant>,
    transport: Transport,
}

impl Api {
    /// Makes a client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for an invalid base URL or credential.
    pub fn new(config: &ApiConfig) -> Result<Self, InvalidConfig> {
        Ok(Self {
            version: config.version,
            base: base_url(&config.base_url)?,
            retry: config.retry,
            timeouts: config.timeouts,
            changes_until: config.changes_until,
            transport: Transport::new(&config.credential, config.timeouts)?,
        })
    }

    /// The version of the API that it calls.
    pub fn version(&self) -> ApiVersion {
        self.version
    }

    /// How far HeyGen's clock was ahead of this one when it first responded, to a second or two; negative if it was
    /// behind. `None` before a response with a date.
    pub fn clock_ahead(&self) -> Option<time::Duration> {
        self.transport.clock_ahead()
    }

    /// Whether a change that is sent after this wait ends before [`ApiConfig::changes_until`].
    pub fn has_time_after(&self, wait: Duration) -> bool {
        self.changes_until.is_none_or(|until| Instant::now() + wait + self.timeouts.attempt <= until)
    }

    /// A call of `path`, below the base URL, with those parameters of `query` that have a value.
    pub(super) fn call(
        &self,
        operation: &'static str,
        method: Method,
        path: &[&str],
        query: &[(&str, Option<&str>)],
    ) -> Call {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        for (name, value) in query {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        Call { operation, method, url, body: None, key: None }
    }

    /// Sends `call`, with retries, and returns the whole body.
    pub(super) async fn send(&self, call: &Call) -> Result<Value, ApiError> {
        let attempt = async |left| {
            if call.method != Method::GET && !self.has_time_after(Duration::ZERO) {
                return Err(call.failed(Kind::TooLate));
            }
            self.transport.attempt(call, left).await
        };
        let result = retry::run(&self.retry, call.repeat(), attempt).await;
        result.map_err(|error| if self.is_gone(call, &error) { error.of_kind(Kind::Gone) } else { error })
    }

    /// Whether v1 does not have a documented path any more. Its 404 for an endpoint that it does not have has a code of
    /// its own.
    fn is_gone(&self, call: &Call, error: &ApiError) -> bool {
        let missing = error.status == Some(404) && error.code.as_deref() != Some(V1_NOT_FOUND);
        self.version == ApiVersion::V1
            && call.url.path().contains("/v1/webhook/")
            && (error.status == Some(410) || missing)
    }

    /// For a call that v1 does not have.
    pub(super) fn needs_v3(&self, operation: &'static str) -> Result<(), ApiError> {
        match self.version {
            ApiVersion::V3 => Ok(()),
            ApiVersion::V1 => Err(ApiError::new(operation, Kind::Unsupported)),
        }
    }

    /// The key if the version supports it: v1 ignores it, so that a retry would do the work twice.
    pub(super) fn supported(&self, key: Option<&IdempotencyKey>) -> Option<IdempotencyKey> {
        key.filter(|_| self.version.replays_by_key()).cloned()
    }
}

/// Whether an id can be part of a path or a query. A URL drops `.` and `..`, so that the call would have another target,
/// and a comma separates the ids of a list.
pub fn is_id(id: &str) -> bool {
    let plain = |char: char| !char.is_control() && !char.is_whitespace() && char != ',';
    !matches!(id, "" | "." | "..") && id.chars().all(plain)
}

/// Checks an id before it becomes part of a path or a query.
pub(super) fn id<'a>(operation: &'static str, id: &'a str) -> Result<&'a str, ApiError> {
    if is_id(id) { Ok(id) } else { Err(ApiError::new(operation, Kind::InvalidId)) }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("version", &self.version).field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}
