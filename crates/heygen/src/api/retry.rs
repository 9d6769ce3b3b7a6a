//! Retries.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{ApiError, Kind};
use webhook::backoff;

/// How often and for how long a call is retried.
///
/// Every call is retried after 429, unless a quota is used up. GET, DELETE and calls with an
/// idempotency key are also retried after 5xx, timeouts and broken connections, and calls with a key
/// after 409 `request_in_progress`. An update (PATCH) is retried only after 429.
///
/// The n-th wait is a random part of `base`·2ⁿ⁻¹, at most `cap`, and at least `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The number of attempts per call, including the first.
    pub attempts: u32,
    /// The upper limit of the first wait.
    pub base: Duration,
    /// The upper limit of all waits.
    pub cap: Duration,
    /// The time limit of a call, including all attempts and waits. If the next wait would exceed it,
    /// the call fails at once.
    pub deadline: Duration,
}

/// 5 attempts, waits of up to 1 s to 30 s, 2 min in total.
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

/// Whether a call can be repeated when it is not known if HeyGen has processed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// No: HeyGen could make the change twice.
    Harmful,
    /// Yes: the second time has no further effect.
    Harmless,
    /// Yes: HeyGen recognises the idempotency key.
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
    /// How long to wait after failed attempt number `attempt`, if the response asks for a wait of `asked`.
    pub fn wait(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        backoff(self.base, self.cap, attempt).max(asked.unwrap_or_default())
    }
}

/// Runs `attempt`, with the time that is left, until it succeeds or must not be retried.
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
            class = error.class.as_str(),
            http_status = error.status,
            code = error.code,
            reason = error.kind.advice(),
            wait_ms = wait.as_millis(),
            "retrying a call of HeyGen's API"
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

    /// The number of attempts and the total time if every attempt fails in the same way.
    async fn failing(policy: RetryPolicy, repeat: Repeat, error: ApiError) -> (u32, Duration) {
        let start = Instant::now();
        let result: Result<(), _> = run(&policy, repeat, |_| std::future::ready(Err(error.clone()))).await;
        (result.unwrap_err().attempts, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_may_help_and_do_no_harm_is_retried() {
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
    async fn a_wait_is_at_least_as_long_as_retry_after() {
        let (attempts, took) = failing(POLICY, Repeat::Harmful, error(Kind::RateLimited, Some(35))).await;
        assert_eq!(attempts, 4);
        // Tokio's timer has a resolution of 1 ms, and rounds up.
        assert!(took >= Duration::from_secs(3 * 35) && took < Duration::from_secs(3 * 35 + 1), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_deadline_is_not_started() {
        for asked in [120, u64::MAX] {
            let (attempts, took) = failing(POLICY, Repeat::Keyed, error(Kind::RateLimited, Some(asked))).await;
            assert_eq!((attempts, took), (1, Duration::ZERO));
        }
        let (attempts, took) = failing(POLICY, Repeat::Keyed, error(Kind::RateLimited, Some(50))).await;
        assert_eq!(attempts, 3, "two waits of 50 s fit into 120 s");
        assert!(took < POLICY.deadline);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_gets_the_time_that_is_left() {
        let mut lefts = Vec::new();
        let _: Result<(), _> = run(&POLICY, Repeat::Keyed, |left| {
            lefts.push(left.as_secs());
            std::future::ready(Err(error(Kind::RateLimited, Some(40))))
        })
        .await;
        assert_eq!(lefts[0], 120);
        assert!((79..=80).contains(&lefts[1]), "{lefts:?}");
    }

    #[test]
    fn waits_are_random_below_a_limit_that_doubles_up_to_the_cap() {
        for (attempt, longest) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30), (u32::MAX, 30)] {
            let waits: Vec<_> = (0..500).map(|_| POLICY.wait(attempt, None)).collect();
            let longest = Duration::from_secs(longest);
            assert!(waits.iter().all(|wait| *wait <= longest), "{attempt}");
            assert!(waits.iter().any(|wait| *wait > longest.mul_f64(0.9)), "{attempt}");
            assert!(waits.iter().any(|wait| *wait < longest.mul_f64(0.1)), "{attempt}");
        }
    }
}
