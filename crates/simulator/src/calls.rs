//! The list of API calls. Of a request it keeps no body, no query, and no header but the idempotency key.

use crate::lock;
use serde::{Deserialize, Serialize};
use std::sync::Mutex;

/// A call of a platform's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The HTTP method, in upper case.
    pub method: String,
    /// The path, without its query, and without the simulator's prefix of the platform.
    pub path: String,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The status of the response; `None` if the connection was closed instead, or there is none yet.
    pub status: Option<u16>,
}

impl Call {
    /// Whether the method requests a change.
    pub fn is_mutating(&self) -> bool {
        ["POST", "PUT", "PATCH", "DELETE"].contains(&self.method.as_str())
    }
}

#[derive(Default)]
pub(crate) struct Calls(Mutex<Vec<Call>>);

impl Calls {
    /// Adds a call and returns its number. The first is 1.
    pub(crate) fn begin(&self, call: Call) -> usize {
        let mut calls = lock(&self.0);
        calls.push(call);
        calls.len()
    }

    pub(crate) fn end(&self, number: usize, status: u16) {
        if let Some(call) = lock(&self.0).get_mut(number - 1) {
            call.status = Some(status);
        }
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        lock(&self.0).clone()
    }
}
