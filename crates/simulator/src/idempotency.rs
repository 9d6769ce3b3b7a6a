//! `Idempotency-Key`: the first answer is given again, whatever the body says.

use crate::lock;
use crate::rejection::Rejection;
use axum::body::Bytes;
use axum::http::StatusCode;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use time::OffsetDateTime;

/// How long an answer is remembered (HeyGen's v3 documentation).
const MEMORY: Duration = Duration::from_hours(24);
const LONGEST_KEY: usize = 255;

/// What was answered.
pub(crate) type Answered = (StatusCode, Bytes);

/// The keys that were used, one set for the whole workspace.
#[derive(Default)]
pub(crate) struct Idempotency {
    entries: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    since: OffsetDateTime,
    /// None while the first request is being worked on.
    answered: Option<Answered>,
}

impl Idempotency {
    /// Claims a key: the answer of its first request, or none if this is the first one.
    pub(crate) fn claim(&self, key: &str, now: OffsetDateTime) -> Result<Option<Answered>, Rejection> {
        if !is_key(key) {
            let pattern = r"Idempotency-Key has to match ^[A-Za-z0-9_\-:.]{1,255}$";
            return Err(Rejection::invalid("Idempotency-Key", pattern));
        }
        let mut entries = lock(&self.entries);
        entries.retain(|_, entry| entry.answered.is_none() || now < entry.since + MEMORY);
        match entries.get(key) {
            Some(Entry { answered: Some(answered), .. }) => Ok(Some(answered.clone())),
            Some(Entry { answered: None, .. }) => Err(Rejection::in_progress()),
            None => {
                entries.insert(key.to_owned(), Entry { since: now, answered: None });
                Ok(None)
            }
        }
    }

    /// Remembers the answer to the first request.
    pub(crate) fn answered(&self, key: &str, answered: Answered) {
        if let Some(entry) = lock(&self.entries).get_mut(key) {
            entry.answered = Some(answered);
        }
    }
}

fn is_key(key: &str) -> bool {
    let in_a_key = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte);
    (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(in_a_key)
}
