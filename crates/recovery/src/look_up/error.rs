//! Why a platform did not say how a job is.

use aws::api_key::ApiKeyError;
use std::fmt;
use std::time::Duration;
use thiserror::Error;
use webhook::{ErrorClass, Platform};

/// It quotes neither the response, nor the key, nor a link.
#[derive(Debug, Error)]
pub enum LookUpError {
    #[error("{0}")]
    Key(#[from] ApiKeyError),
    #[error("{0}")]
    Call(Failed),
}

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub platform: Platform,
    pub problem: Problem,
    /// Of the response, if there was one.
    pub status: Option<u16>,
    /// The wait that the platform asks for.
    pub retry_after: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// There is no call for jobs of this kind, or the id can be part of no path. Nothing was sent.
    NoCall,
    /// The base URL is none, or the key has characters that no header may have. Nothing was sent.
    Settings,
    /// 401 or 403.
    Rejected,
    /// 402.
    Payment,
    RateLimited,
    Server,
    Timeout,
    Connection,
    /// What came is not the platform's: the page of a gateway.
    NotJson,
    Redirected,
    TooLarge,
    /// The next page of a list is one that was read, or there are far too many.
    Endless,
    /// Any other 4xx.
    Refused,
}

impl Problem {
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Problem::Rejected,
            402 => Problem::Payment,
            408 => Problem::Timeout,
            429 => Problem::RateLimited,
            300..=399 => Problem::Redirected,
            400..=499 => Problem::Refused,
            _ => Problem::Server,
        }
    }

    pub fn class(self) -> ErrorClass {
        match self {
            Problem::Rejected | Problem::Payment => ErrorClass::Denied,
            Problem::RateLimited | Problem::Server | Problem::Timeout | Problem::Connection | Problem::NotJson => {
                ErrorClass::Transient
            }
            Problem::NoCall
            | Problem::Settings
            | Problem::Redirected
            | Problem::TooLarge
            | Problem::Endless
            | Problem::Refused => ErrorClass::Permanent,
        }
    }

    /// Whether the same call may succeed a moment later.
    pub(super) fn may_pass(self) -> bool {
        self.class() == ErrorClass::Transient && self != Problem::NotJson
    }

    fn advice(self) -> &'static str {
        match self {
            Problem::NoCall => "it has no call for jobs of this kind, or the id is not valid",
            Problem::Settings => "its base URL or its API key is not valid: correct it",
            Problem::Rejected => "it rejects the API key: check that it is the right one, and what it may do",
            Problem::Payment => "it requires payment: check the account's plan and credit",
            Problem::RateLimited => "its rate limit is exceeded: try again later",
            Problem::Server => "it failed: try again later",
            Problem::Timeout => "no response in time: try again later",
            Problem::Connection => "no connection, or it broke: try again later",
            Problem::NotJson => "the response is not its own: check the base URL, and try again later",
            Problem::Redirected => "the response is a redirect, which is not followed: correct the base URL",
            Problem::TooLarge => "the response is larger than 8 MiB",
            Problem::Endless => "its list does not end: a page leads back to an earlier one",
            Problem::Refused => "it does not accept the request",
        }
    }
}

impl LookUpError {
    pub fn class(&self) -> ErrorClass {
        match self {
            LookUpError::Key(error) => error.class(),
            LookUpError::Call(failed) => failed.problem.class(),
        }
    }

    /// The wait that the platform asks for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            LookUpError::Key(_) => None,
            LookUpError::Call(failed) => failed.retry_after,
        }
    }
}

/// Such as `Tavus could not be asked: its rate limit is exceeded: try again later (status 429, retry after 20 s)`.
impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be asked: {}", self.platform.title(), self.problem.advice())?;
        let status = self.status.map(|status| format!("status {status}"));
        let wait = self.retry_after.map(|wait| format!("retry after {} s", wait.as_secs()));
        let details: Vec<_> = status.into_iter().chain(wait).collect();
        if details.is_empty() { Ok(()) } else { write!(f, " ({})", details.join(", ")) }
    }
}
