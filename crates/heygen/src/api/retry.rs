//! When a call is tried again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{ApiError, Kind};

/// How often and how long to try.
///
/// Tried again are: 429 for every call, unless a quota is used up; 5xx, timeouts and broken
/// connections for GET and DELETE and for what carries an idempotency key; and 409
/// `request_in_progress` for the latter. An update (PATCH) is tried again only after a 429.
/// The n-th wait is a random part of `base`·2ⁿ⁻¹, `cap` at most, and never less than what
/// `Retry-After` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts per call, the first included.
    pub attempts: u32,
    /// The longest first wait.
    pub base: Duration,
    /// The longest wait.
    pub cap: Duration,
    /// The longest call, all attempts and waits included. A wait that would pass it is not begun.
    pub deadline: Duration,
}

/// 5 attempts, 1 s to 30 s apart, 2 min in all.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            deadline: Duration::from_secs(120),
        }
    }
}

/// What a second try could do that the first did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// The work, twice.
    Harmful,
    /// Nothing.
    Harmless,
    /// Nothing, because HeyGen knows the idempotency key.
    Keyed,
}

impl Repeat {
    fn allows(self, kind: Kind) -> bool {
        match kind {
            Kind::RateLimited => true,
            Kind::Server | Kind::Timeout | Kind::Connection => self != Self::Harmful,
            Kind::InProgress => self == Self::Keyed,
            _ => false,
        }
    }
}

impl RetryPolicy {
    /// Full jitter: many clients that failed together do not come back together.
    fn wait(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.base.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        doubled.min(self.cap).mul_f64(fastrand::f64()).max(asked.unwrap_or_default())
    }
}

/// Runs `attempt`, which is told how much time is left, until it succeeds or nothing speaks for another try.
pub(super) async fn run<T, F: Future<Output = Result<T, ApiError>>>(
    policy: &RetryPolicy,
    repeat: Repeat,
    mut attempt: impl FnMut(Duration) -> F,
) -> Result<T, ApiError> {
    let start = Instant::now();
    let left = || policy.deadline.saturating_sub(start.elapsed());
    let mut attempts = 0;
    loop {
        attempts += 1;
        let error = match attempt(left()).await {
            Ok(done) => return Ok(done),
            Err(error) => ApiError { attempts, ..error },
        };
        let wait = policy.wait(attempts, error.retry_after);
        if !repeat.allows(error.kind) || attempts >= policy.attempts || wait >= left() {
            return Err(error);
        }
        tracing::warn!(
            operation = error.operation,
            attempt = attempts,
            kind = ?error.kind,
            status = error.status,
            code = error.code,
            wait_ms = wait.as_millis(),
            "HeyGen is asked again"
        );
        sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 4,
        base: Duration::from_secs(1),
        cap: Duration::from_secs(30),
        deadline: Duration::from_secs(120),
    };

    fn error(kind: Kind, retry_after: Option<u64>) -> ApiError {
        ApiError { retry_after: retry_after.map(Duration::from_secs), ..ApiError::new("heygen:Test", kind) }
    }

    /// How often it was tried and how long it took, if every attempt fails in the same way.
    async fn failing(policy: RetryPolicy, repeat: Repeat, error: ApiError) -> (u32, Duration) {
        let start = Instant::now();
        let result: Result<(), _> = run(&policy, repeat, |_| std::future::ready(Err(error.clone()))).await;
        (result.unwrap_err().attempts, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_tried_again() {
        use Repeat::{Harmful, Harmless, Keyed};
        for (kind, repeated_by) in [
            (Kind::RateLimited, &[Harmful, Harmless, Keyed][..]),
            (Kind::Server, &[Harmless, Keyed]),
            (Kind::Timeout, &[Harmless, Keyed]),
            (Kind::Connection, &[Harmless, Keyed]),
            (Kind::InProgress, &[Keyed]),
            (Kind::QuotaExceeded, &[]),
            (Kind::Unauthorized, &[]),
            (Kind::Conflict, &[]),
            (Kind::Rejected, &[]),
            (Kind::NotJson, &[]),
        ] {
            for repeat in [Harmful, Harmless, Keyed] {
                let expected = if repeated_by.contains(&repeat) { 4 } else { 1 };
                assert_eq!(failing(POLICY, repeat, error(kind, None)).await.0, expected, "{kind:?} {repeat:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn at_least_as_long_as_retry_after_asks_for() {
        let (attempts, took) = failing(POLICY, Repeat::Harmful, error(Kind::RateLimited, Some(35))).await;
        assert_eq!(attempts, 4);
        // The timer of tokio counts in milliseconds, and rounds up.
        assert!(took >= Duration::from_secs(3 * 35) && took < Duration::from_secs(3 * 35 + 1), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_deadline_is_not_begun() {
        for asked in [120, u64::MAX] {
            let (attempts, took) = failing(POLICY, Repeat::Keyed, error(Kind::RateLimited, Some(asked))).await;
            assert_eq!((attempts, took), (1, Duration::ZERO));
        }
        let (attempts, took) = failing(POLICY, Repeat::Keyed, error(Kind::RateLimited, Some(50))).await;
        assert_eq!(attempts, 3, "two waits of 50 s fit into 120 s");
        assert!(took < POLICY.deadline);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_is_told_how_much_time_is_left() {
        let mut told = Vec::new();
        let _: Result<(), _> = run(&POLICY, Repeat::Keyed, |left| {
            told.push(left.as_secs());
            std::future::ready(Err(error(Kind::RateLimited, Some(40))))
        })
        .await;
        assert_eq!(told[0], 120);
        assert!((79..=80).contains(&told[1]), "{told:?}");
    }

    #[test]
    fn waits_double_up_to_the_cap_and_are_anything_below() {
        for (attempt, longest) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30), (u32::MAX, 30)] {
            let waits: Vec<_> = (0..500).map(|_| POLICY.wait(attempt, None)).collect();
            let longest = Duration::from_secs(longest);
            assert!(waits.iter().all(|wait| *wait <= longest), "{attempt}");
            assert!(waits.iter().any(|wait| *wait > longest.mul_f64(0.9)), "{attempt}");
            assert!(waits.iter().any(|wait| *wait < longest.mul_f64(0.1)), "{attempt}");
        }
    }
}
