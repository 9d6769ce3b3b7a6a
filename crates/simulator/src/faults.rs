//! Faults that tests inject into calls of the API.

use crate::clock::http_date;
use crate::rejection::{Dialect, Rejection};
use crate::{Clock, lock};
use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Which call a fault applies to. A fault applies to one call, the first that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// The next call with this method and path, in which `*` matches one segment.
    Next(&'static str, &'static str),
    /// The n-th call of this platform's API. The first is 1.
    Nth(usize),
}

/// A fault in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Closes the connection without processing the call.
    DropRequest,
    /// Delays the processing of the call, which counts as in progress meanwhile.
    Stall(Duration),
    /// Responds with an error in the format of the API, without processing the call.
    Error {
        /// The HTTP status, such as 429 or 500.
        status: u16,
        /// The error code of v3, such as `rate_limit_exceeded`.
        code: &'static str,
        /// The header `Retry-After`, if any.
        retry_after: Option<RetryAfter>,
    },
    /// Responds with an HTML page like that of a gateway, with this status, without processing the call.
    Gateway(u16),
    /// Responds with status 200 and an `error` in the body, without processing the call.
    ErrorIn200,
    /// Processes the call, then closes the connection without a response.
    DropResponse,
    /// Processes the call, then responds with an edited response. A repetition with the same idempotency key gets the
    /// edited response, too.
    Edit(Edit),
}

/// Edits a response: its status, and its body as JSON (null if it is not JSON).
#[derive(Clone)]
pub struct Edit(Arc<Change>);

type Change = dyn Fn(&mut u16, &mut Value) + Send + Sync;

impl Edit {
    /// Makes an edit from a function that changes the status or the body.
    pub fn new(edit: impl Fn(&mut u16, &mut Value) + Send + Sync + 'static) -> Self {
        Edit(Arc::new(edit))
    }

    pub(crate) fn apply(&self, status: StatusCode, body: &[u8]) -> (StatusCode, Bytes) {
        let (mut status, mut body) = (status.as_u16(), serde_json::from_slice(body).unwrap_or_default());
        self.0(&mut status, &mut body);
        (status_code(status), Bytes::from(body.to_string()))
    }
}

/// A function cannot be shown.
impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Edit")
    }
}

/// Only an edit and its clones are equal.
impl PartialEq for Edit {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Edit {}

/// The two forms of the header `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(u64),
    /// An HTTP date, this long after now.
    Date(Duration),
}

impl Fault {
    /// An [`Edit`] of the response.
    pub fn edit(edit: impl Fn(&mut u16, &mut Value) + Send + Sync + 'static) -> Self {
        Fault::Edit(Edit::new(edit))
    }

    /// Status 500 with `internal_error`.
    pub fn internal() -> Self {
        Fault::Error { status: 500, code: "internal_error", retry_after: None }
    }

    /// Status 429 with `rate_limit_exceeded`.
    pub fn rate_limited(retry_after: RetryAfter) -> Self {
        Fault::Error { status: 429, code: "rate_limit_exceeded", retry_after: Some(retry_after) }
    }

    /// Status 429 with `quota_exceeded`, which does not pass by waiting.
    pub fn quota_exceeded() -> Self {
        Fault::Error { status: 429, code: "quota_exceeded", retry_after: None }
    }

    /// The response that replaces the processing of the call, if this fault has one.
    pub(crate) fn instead(&self, dialect: Dialect, clock: &Clock) -> Option<Response> {
        match self {
            Fault::Stall(_) | Fault::DropResponse | Fault::Edit(_) => None,
            Fault::DropRequest => Some(dropped()),
            Fault::Error { status, code, retry_after } => {
                let rejection = Rejection::new(status_code(*status), code, "Injected by the test");
                let retry_after = retry_after.map(|wait| match wait {
                    RetryAfter::Seconds(seconds) => seconds.to_string(),
                    RetryAfter::Date(ahead) => http_date(clock.now() + ahead),
                });
                Some(dialect.respond(&Rejection { retry_after, ..rejection }))
            }
            Fault::Gateway(status) => {
                let page = Html("<html><head><title>Gateway error</title></head><body></body></html>");
                Some((status_code(*status), page).into_response())
            }
            Fault::ErrorIn200 => {
                let error = json!({"code": "internal_error", "message": "Injected by the test"});
                Some(Json(json!({"data": null, "error": error})).into_response())
            }
        }
    }
}

/// Marks a response that is not sent: the server closes the connection instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropped;

pub(crate) fn dropped() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(Dropped);
    response
}

/// An invalid status is a mistake in the test; 500 makes it visible.
fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<(When, Fault)>>);

impl Faults {
    pub(crate) fn inject(&self, when: When, fault: Fault) {
        lock(&self.0).push((when, fault));
    }

    /// Removes and returns the first fault that matches a call.
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
