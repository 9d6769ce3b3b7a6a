//! How much of the invocation's time is left.

use std::time::Duration;
use tokio::time::Instant;

/// The end of an invocation's time is kept for finishing one step, such as a page of a list, and for the reply.
pub(crate) const RESERVE: Duration = Duration::from_secs(60);

/// Passed down, so that long work stops in time and says where it stopped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    until: Instant,
}

impl Budget {
    pub(crate) fn of(limit: Duration) -> Self {
        Budget { until: Instant::now() + limit.saturating_sub(RESERVE) }
    }

    /// One of as many equal parts of what is left.
    pub(crate) fn share(self, parts: usize) -> Self {
        let left = self.left() / u32::try_from(parts).unwrap_or(u32::MAX).max(1);
        Budget { until: Instant::now() + left }
    }

    /// How long one more step may take.
    pub(crate) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Whether another step may begin.
    pub(crate) fn is_left(&self) -> bool {
        Instant::now() < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_step_begins_in_the_reserve() {
        let budget = Budget::of(Duration::from_secs(300));
        tokio::time::advance(Duration::from_secs(239)).await;
        assert!(budget.is_left() && budget.left() == Duration::from_secs(1));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!budget.is_left() && budget.left().is_zero());
        assert!(!Budget::of(Duration::from_secs(3)).is_left());
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_is_a_part_of_what_is_left() {
        let budget = Budget::of(Duration::from_secs(360));
        tokio::time::advance(Duration::from_secs(100)).await;
        let share = budget.share(5);
        tokio::time::advance(Duration::from_secs(39)).await;
        assert!(share.is_left());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!share.is_left() && budget.is_left());
        assert!(!Budget::of(Duration::ZERO).share(0).is_left());
    }
}
