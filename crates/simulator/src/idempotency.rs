//! `Idempotency-Key`: a repetition gets the first response, whatever its body.

use crate::lock;
use crate::rejection::Rejection;
use axum::body::Bytes;
use axum::http::StatusCode;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use time::OffsetDateTime;

/// How long a response is kept (HeyGen's v3 documentation).
const MEMORY: Duration = Duration::from_hours(24);
const LONGEST_KEY: usize = 255;

/// Status and body of a response.
pub(crate) type Stored = (StatusCode, Bytes);

/// The used keys of the workspace.
#[derive(Default)]
pub(crate) struct Idempotency {
    entries: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    since: OffsetDateTime,
    /// `None` while the first request is in progress.
    response: Option<Stored>,
}

impl Idempotency {
    /// Claims a key. Returns the response to its first request, or `None` if this is the first.
    pub(crate) fn claim(&self, key: &str, now: OffsetDateTime) -> Result<Option<Stored>, Rejection> {
        if !is_key(key) {
            let pattern = r"Idempotency-Key must match ^[A-Za-z0-9_\-:.]{1,255}$";
            return Err(Rejection::invalid("Idempotency-Key", pattern));
        }
        let mut entries = lock(&self.entries);
        entries.retain(|_, entry| entry.response.is_none() || now < entry.since + MEMORY);
        match entries.get(key) {
            Some(Entry { response: Some(response), .. }) => Ok(Some(response.clone())),
            Some(Entry { response: None, .. }) => Err(Rejection::in_progress()),
            None => {
                entries.insert(key.to_owned(), Entry { since: now, response: None });
                Ok(None)
            }
        }
    }

    /// Stores the response to the first request.
    pub(crate) fn store(&self, key: &str, response: Stored) {
        if let Some(entry) = lock(&self.entries).get_mut(key) {
            entry.response = Some(response);
        }
    }
}

fn is_key(key: &str) -> bool {
    let in_a_key = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte);
    (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(in_a_key)
}
