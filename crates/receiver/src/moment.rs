//! A moment on two clocks: Lambda freezes an idle process, and AWS does not say that its monotonic clock goes on meanwhile.

use std::time::{Duration, SystemTime};
use tokio::time::Instant;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    monotonic: Instant,
    time_of_day: SystemTime,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Moment { monotonic: Instant::now(), time_of_day: SystemTime::now() }
    }

    /// The longer of the two times, because the time of day may be set back.
    pub(crate) fn elapsed(self) -> Duration {
        self.monotonic.elapsed().max(self.time_of_day.elapsed().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[tokio::test(start_paused = true)]
    async fn time_passes_while_either_clock_stands_still() {
        let before = Moment::now();
        assert!(before.elapsed() < HOUR);
        let frozen = Moment { time_of_day: before.time_of_day - HOUR, ..before };
        assert!(frozen.elapsed() >= HOUR);
        tokio::time::advance(HOUR).await;
        let set_back = Moment { time_of_day: before.time_of_day + HOUR, ..before };
        assert!(set_back.elapsed() >= HOUR);
    }
}
