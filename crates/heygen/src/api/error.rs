//! What can go wrong with a call, and what to do next.

use std::fmt;
use std::time::Duration;

use crate::ErrorClass;

/// A failed call, with neither a credential nor a secret nor a response body in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The operation, `heygen:CreateEndpoint` say.
    pub operation: &'static str,
    /// What follows from it.
    pub class: ErrorClass,
    /// What went wrong.
    pub kind: Kind,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// HeyGen's error code: a word in v3, digits in v1.
    pub code: Option<String>,
    /// HeyGen's own words, with links and whatever looks like a key left out; or what the network
    /// said; or the content type of an answer that is not JSON.
    pub message: Option<String>,
    /// For HeyGen's support.
    pub request_id: Option<String>,
    /// When HeyGen wants to be asked again.
    pub retry_after: Option<Duration>,
    /// How often it was tried; 0 if it was not sent at all.
    pub attempts: u32,
}

/// What went wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The configured version has no such call. Not sent.
    Unsupported,
    /// v1 changes nothing, and says nothing, if an update has no URL. Not sent.
    UrlRequired,
    /// An id that no path or query could carry as it is. Not sent.
    InvalidId,
    /// 401.
    Unauthorized,
    /// 402.
    InsufficientCredit,
    /// 403.
    Forbidden,
    /// HeyGen itself, not a gateway, says that there is no such thing.
    NotFound,
    /// 409 while the first request with this idempotency key is still worked on.
    InProgress,
    /// Any other 409.
    Conflict,
    /// 429.
    RateLimited,
    /// 429 that does not clear by waiting.
    QuotaExceeded,
    /// Any other refusal.
    Rejected,
    /// 5xx.
    Server,
    /// 3xx, which is not followed: the credential is for one host.
    Redirected,
    /// No answer in time. The work may be done all the same.
    Timeout,
    /// No connection, or it broke. The work may be done all the same.
    Connection,
    /// An answer that HeyGen cannot have given.
    NotJson,
    /// An answer of more than 8 MiB.
    TooLarge,
    /// JSON in which something is missing.
    Unexpected,
    /// The answer is about another endpoint: its idempotency key was used before.
    KeyReused,
    /// A list that leads back to a page it has shown.
    RepeatedToken,
}

impl Kind {
    /// What follows from it.
    pub fn class(self) -> ErrorClass {
        match self {
            Self::Unauthorized | Self::InsufficientCredit | Self::Forbidden | Self::QuotaExceeded => ErrorClass::Denied,
            Self::InProgress | Self::RateLimited | Self::Server | Self::Timeout | Self::Connection | Self::NotJson => {
                ErrorClass::Transient
            }
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
            | Self::RepeatedToken => ErrorClass::Permanent,
        }
    }

    /// What went wrong, and what to do next.
    fn advice(self) -> &'static str {
        match self {
            Self::Unsupported => "this version of HeyGen's API has no such call: use the other one",
            Self::UrlRequired => "HeyGen's v1 ignores an update without a URL: give the URL, changed or not",
            Self::InvalidId => "that is not an id of HeyGen's: look it up in the list",
            Self::Unauthorized => "HeyGen refuses the API key: check that it is the right one and was not revoked",
            Self::InsufficientCredit => "HeyGen wants to be paid: check the workspace's plan and credit",
            Self::Forbidden => "HeyGen does not allow this key to do that: check its permissions and the plan",
            Self::NotFound => "HeyGen knows no such thing: it may be deleted, or of another workspace",
            Self::InProgress => "HeyGen still works on this request: try again later, with the same idempotency key",
            Self::Conflict => "HeyGen sees a conflict: list what is there, and decide anew",
            Self::RateLimited => "HeyGen is asked too often: try again later",
            Self::QuotaExceeded => "the workspace's quota is used up, and waiting does not clear it: raise it",
            Self::Rejected => "HeyGen does not accept the request: correct it",
            Self::Server => "HeyGen failed: try again later",
            Self::Redirected => "the answer is a redirect, which is not followed: correct the base URL",
            Self::Timeout => "no answer in time: try again, since the work may or may not be done",
            Self::Connection => "no connection, or it broke: try again, since the work may or may not be done",
            Self::NotJson => "the answer is not HeyGen's: check the base URL and any proxy, and try again later",
            Self::TooLarge => "the answer is larger than 8 MiB: narrow the request",
            Self::Unexpected => "the answer lacks what HeyGen documents: its API may have changed",
            Self::KeyReused => "the idempotency key was used for another endpoint: make a new key",
            Self::RepeatedToken => "HeyGen's list leads back to a page it has shown: try again later",
        }
    }
}

impl ApiError {
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

/// Such as `heygen:CreateEndpoint failed: HeyGen is asked too often: try again later (status 429,
/// code rate_limit_exceeded, retry after 60 s, 5 attempts)`.
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
