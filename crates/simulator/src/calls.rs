//! What clients asked of the API. No header but the idempotency key is kept, no query and no body.

use crate::lock;
use std::sync::Mutex;

/// An API call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// What the client was told; `None` if it was told nothing, or not yet.
    pub status: Option<u16>,
}

impl Call {
    /// Whether it asks for a change.
    pub fn is_mutating(&self) -> bool {
        ["POST", "PUT", "PATCH", "DELETE"].contains(&self.method.as_str())
    }
}

#[derive(Default)]
pub(crate) struct Calls(Mutex<Vec<Call>>);

impl Calls {
    /// The number of a new call, which begins with 1.
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
