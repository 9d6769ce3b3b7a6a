//! A limit of calls per minute.

use time::{Duration, OffsetDateTime};

const MINUTE: Duration = Duration::MINUTE;

/// The calls of one minute, which begins with the first of them.
#[derive(Debug, Default)]
pub(crate) struct Window {
    since: Option<OffsetDateTime>,
    calls: u32,
}

impl Window {
    /// Counts a call.
    ///
    /// # Errors
    ///
    /// There were as many as allowed. Returns the seconds until the next minute begins, at least one.
    pub(crate) fn take(&mut self, limit: u32, now: OffsetDateTime) -> Result<(), u32> {
        let since = match self.since.filter(|since| now - *since < MINUTE) {
            Some(since) => since,
            None => {
                self.calls = 0;
                *self.since.insert(now)
            }
        };
        if self.calls >= limit {
            let left = (since + MINUTE - now).as_seconds_f64().ceil();
            return Err((left as u32).max(1));
        }
        self.calls += 1;
        Ok(())
    }
}
