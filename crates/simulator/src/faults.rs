//! What goes wrong between a client and the API, on order.

use crate::clock::http_date;
use crate::rejection::{Rejection, Version};
use crate::{Clock, lock};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;
use std::sync::Mutex;
use std::time::Duration;

/// Which call goes wrong. A rule is used up by the first call that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// The next call with this method and path, where `*` stands for any one segment.
    Next(&'static str, &'static str),
    /// The n-th call to this simulator; the first one is 1.
    Nth(usize),
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends without an answer; nothing was done.
    DropRequest,
    /// It takes so much longer, and is in flight all the while.
    Stall(Duration),
    /// An error in the envelope of the API's version; nothing was done.
    Error {
        /// Such as 429 or 500.
        status: u16,
        /// v3's code, such as `rate_limit_exceeded`.
        code: &'static str,
        /// When the client may ask again.
        retry_after: Option<RetryAfter>,
    },
    /// A gateway's page in HTML, with this status; nothing was done.
    Gateway(u16),
    /// 200, and yet the body has `error`; nothing was done.
    ErrorIn200,
    /// It was done, and the connection ends without an answer.
    DropAnswer,
}

/// `Retry-After` has two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(u64),
    /// A date so far from now.
    Date(Duration),
}

impl Fault {
    /// An internal error.
    pub fn internal() -> Self {
        Fault::Error { status: 500, code: "internal_error", retry_after: None }
    }

    /// Too many requests for now.
    pub fn rate_limited(retry_after: RetryAfter) -> Self {
        Fault::Error { status: 429, code: "rate_limit_exceeded", retry_after: Some(retry_after) }
    }

    /// Too many requests for this plan, which does not pass by waiting.
    pub fn quota_exceeded() -> Self {
        Fault::Error { status: 429, code: "quota_exceeded", retry_after: None }
    }

    /// The answer that is given instead of doing anything, if this is a fault of that kind.
    pub(crate) fn instead(&self, version: Version, clock: &Clock) -> Option<Response> {
        match self {
            Fault::Stall(_) | Fault::DropAnswer => None,
            Fault::DropRequest => Some(dropped()),
            Fault::Error { status, code, retry_after } => {
                let refusal = Rejection::new(status_code(*status), code, "This was ordered by the test");
                let retry_after = retry_after.map(|wait| match wait {
                    RetryAfter::Seconds(seconds) => seconds.to_string(),
                    RetryAfter::Date(ahead) => http_date(clock.now() + ahead),
                });
                Some(version.answer(&Rejection { retry_after, ..refusal }))
            }
            Fault::Gateway(status) => {
                let page = Html("<html><head><title>Gateway error</title></head><body></body></html>");
                Some((status_code(*status), page).into_response())
            }
            Fault::ErrorIn200 => {
                let error = json!({"code": "internal_error", "message": "This was ordered by the test"});
                Some(Json(json!({"data": null, "error": error})).into_response())
            }
        }
    }
}

/// An answer that the client never gets: the server ends the connection instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropped;

pub(crate) fn dropped() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(Dropped);
    response
}

/// A number that is no status is a mistake in the test, which a 500 shows.
fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<(When, Fault)>>);

impl Faults {
    pub(crate) fn order(&self, when: When, fault: Fault) {
        lock(&self.0).push((when, fault));
    }

    /// The fault for a call, if one was ordered.
    pub(crate) fn take(&self, number: usize, method: &str, path: &str) -> Option<Fault> {
        let mut rules = lock(&self.0);
        let index = rules.iter().position(|(when, _)| match when {
            When::Next(of, pattern) => *of == method && matches(pattern, path),
            When::Nth(nth) => *nth == number,
        })?;
        Some(rules.remove(index).1)
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.split('/'), path.split('/'));
    pattern.clone().count() == path.clone().count() && pattern.zip(path).all(|(want, is)| want == "*" || want == is)
}
