//! A circuit breaker: a table that fails for every message is not tried with the whole batch.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The circuit opens when this many messages in a row could not be recorded.
const LIMIT: usize = 3;

/// Of one batch.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    failures: AtomicUsize,
}

impl Circuit {
    /// Whether the rest of the batch is to go back to the queue without an attempt.
    pub fn is_open(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= LIMIT
    }

    /// The table responded as it should, even if it rejected the event.
    pub fn worked(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    pub fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}
