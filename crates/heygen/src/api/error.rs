//! The errors of calls.

use std::fmt;
use std::time::Duration;

use crate::ErrorClass;

/// A failed call. It contains no credential, no secret and no response body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The operation, such as `heygen:CreateEndpoint`.
    pub operation: &'static str,
    /// Whether a retry can help.
    pub class: ErrorClass,
    /// What went wrong.
    pub kind: Kind,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    /// HeyGen's error code: such as `rate_limit_exceeded` in v3, `400542` in v1.
    pub code: Option<String>,
    /// HeyGen's message, without links and anything that looks like a key; or the error of the
    /// network; or the content type of a response that is not JSON.
    pub message: Option<String>,
    /// The header `X-Request-Id`, for HeyGen's support.
    pub request_id: Option<String>,
    /// The header `Retry-After`, as the time from now.
    pub retry_after: Option<Duration>,
    /// The number of attempts; 0 if the call was not sent.
    pub attempts: u32,
}

/// What went wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The configured version of the API does not have the call. Not sent.
    Unsupported,
    /// v1 ignores an update without a URL, and reports no error. Not sent.
    UrlRequired,
    /// An id that is not valid in a path or a query. Not sent.
    InvalidId,
    /// 401.
    Unauthorized,
    /// 402.
    InsufficientCredit,
    /// 403.
    Forbidden,
    /// 404 from HeyGen itself, not from a gateway.
    NotFound,
    /// 409 while HeyGen still processes the first request with this idempotency key.
    InProgress,
    /// Any other 409.
    Conflict,
    /// 429.
    RateLimited,
    /// 429 because a quota is used up: waiting does not help.
    QuotaExceeded,
    /// Any other error that HeyGen reports.
    Rejected,
    /// 5xx.
    Server,
    /// 3xx. Redirects are not followed, because the credential is for one host.
    Redirected,
    /// No response in time. The change may have been made.
    Timeout,
    /// No connection, or the connection broke. The change may have been made.
    Connection,
    /// A response that is not HeyGen's, such as the HTML page of a gateway.
    NotJson,
    /// A response of more than 8 MiB.
    TooLarge,
    /// JSON that lacks a documented field.
    Unexpected,
    /// The response is about another endpoint: the idempotency key was used before.
    KeyReused,
    /// A page's `next_token` leads back to an earlier page, or to itself.
    RepeatedToken,
    /// A list of more than 1,000 pages or 100,000 elements.
    EndlessList,
    /// v1 no longer has the call: 410, or 404 for a documented path.
    Gone,
    /// [`ApiConfig::changes_until`](super::ApiConfig::changes_until) is too near. The last attempt was not sent.
    TooLate,
}

impl Kind {
    /// Whether a retry can help.
    pub fn class(self) -> ErrorClass {
        match self {
            Self::Unauthorized | Self::InsufficientCredit | Self::Forbidden | Self::QuotaExceeded => ErrorClass::Denied,
            Self::InProgress
            | Self::RateLimited
            | Self::Server
            | Self::Timeout
            | Self::Connection
            | Self::NotJson
            | Self::TooLate => ErrorClass::Transient,
            Self::Unsupported
            | Self::UrlRequired
            | Self::InvalidId
            | Self::NotFound
            | Self::Conflict
            | Self::Rejected
            | Self::Redirected
            | Self::TooLarge
            | Self::Unexpected
            | Self::KeyReused
            | Self::RepeatedToken
            | Self::EndlessList
            | Self::Gone => ErrorClass::Permanent,
        }
    }

    /// What went wrong, and what to do about it.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Unsupported => "this version of HeyGen's API does not have this call: use the other version",
            Self::UrlRequired => "HeyGen's v1 ignores an update without a URL: pass the URL, changed or not",
            Self::InvalidId => "the id is not valid: look it up in the list",
            Self::Unauthorized => "HeyGen rejects the API key: check that it is the right one and was not revoked",
            Self::InsufficientCredit => "HeyGen requires payment: check the workspace's plan and credit",
            Self::Forbidden => "HeyGen does not allow this call with this API key: check its permissions and the plan",
            Self::NotFound => "HeyGen cannot find it: it may be deleted, or belong to another workspace",
            Self::InProgress => "HeyGen still processes this request: try again later, with the same idempotency key",
            Self::Conflict => "HeyGen reports a conflict: list what exists before the next change",
            Self::RateLimited => "HeyGen's rate limit is exceeded: try again later",
            Self::QuotaExceeded => "the workspace's quota is used up, and waiting does not help: raise the quota",
            Self::Rejected => "HeyGen does not accept the request: correct it",
            Self::Server => "HeyGen failed: try again later",
            Self::Redirected => "the response is a redirect, which is not followed: correct the base URL",
            Self::Timeout => "no response in time, so the change may or may not be made: try again",
            Self::Connection => "no connection, or it broke, so the change may or may not be made: try again",
            Self::NotJson => "the response is not HeyGen's: check the base URL and any proxy, and try again later",
            Self::TooLarge => "the response is larger than 8 MiB: narrow the request",
            Self::Unexpected => "the response lacks a documented field: HeyGen's API may have changed",
            Self::KeyReused => "the idempotency key was used for another endpoint: make a new key",
            Self::RepeatedToken => "HeyGen's list leads back to an earlier page: try again later",
            Self::EndlessList => "HeyGen's list does not end after 1,000 pages or 100,000 elements: try again later",
            Self::TooLate => "there is not enough time left for a change: try again",
            Self::Gone => "HeyGen's API v1 no longer has this call (its end was announced for 2026-11-01): use v3",
        }
    }
}

impl ApiError {
    /// Whether HeyGen may have made the requested change. It has not if nothing was sent, or if HeyGen itself rejected
    /// the only attempt: with a 4xx and an error code. A gateway's response, and a status that contradicts the body,
    /// prove nothing.
    pub fn may_have_changed(&self) -> bool {
        match self.kind {
            Kind::Unsupported | Kind::UrlRequired | Kind::InvalidId => false,
            Kind::InProgress | Kind::Timeout => true,
            Kind::TooLate => self.attempts > 1,
            _ => self.attempts > 1 || !self.is_rejection(),
        }
    }

    /// Whether repeating the call with its idempotency key would return the same response for 24 h. Not if there was no
    /// response, and not after an error that HeyGen reports before it looks at the key.
    pub fn is_replayed(&self) -> bool {
        match self.kind {
            Kind::Unsupported | Kind::UrlRequired | Kind::InvalidId | Kind::Connection | Kind::TooLate => false,
            Kind::Timeout => self.status.is_some(),
            Kind::InProgress | Kind::RateLimited => !self.is_rejection(),
            kind if kind.class() == ErrorClass::Denied => !self.is_rejection(),
            _ => true,
        }
    }

    pub(super) fn of_kind(self, kind: Kind) -> Self {
        Self { kind, class: kind.class(), ..self }
    }

    fn is_rejection(&self) -> bool {
        matches!(self.status, Some(400..=499)) && self.code.is_some()
    }

    pub(super) fn new(operation: &'static str, kind: Kind) -> Self {
        Self {
            operation,
            class: kind.class(),
            kind,
            status: None,
            code: None,
            message: None,
            request_id: None,
            retry_after: None,
            attempts: 0,
        }
    }
}

/// Such as `heygen:CreateEndpoint failed: HeyGen's rate limit is exceeded: try again later
/// (status 429, code rate_limit_exceeded, retry after 60 s, 5 attempts)`.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = [
            self.status.map(|status| format!("status {status}")),
            self.code.as_ref().map(|code| format!("code {code}")),
            self.message.as_ref().map(|message| format!("{message:?}")),
            self.request_id.as_ref().map(|id| format!("request {id}")),
            self.retry_after.map(|wait| format!("retry after {} s", wait.as_secs())),
            (self.attempts > 1).then(|| format!("{} attempts", self.attempts)),
        ];
        let details: Vec<_> = details.into_iter().flatten().collect();
        write!(f, "{} failed: {}", self.operation, self.kind.advice())?;
        if details.is_empty() { Ok(()) } else { write!(f, " ({})", details.join(", ")) }
    }
}

impl std::error::Error for ApiError {}
