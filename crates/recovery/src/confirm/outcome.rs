//! The outcome of a callback, and what happens to its message. Pure, but for the log line.

use crate::error::Error;
use crate::look_up::error::{Failed, LookUpError, Problem};
use aws::error::{AwsError, ErrorClass};
use aws::telemetry::{Metrics, TARGET};
use heygen::api::{ApiError, Kind};
use std::time::Duration;
use webhook::{Platform, backoff};

const MINUTE: Duration = Duration::from_secs(60);
/// Between two requests whose answer does not change until somebody does something.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// For so long after a callback a job that runs is asked for again.
const RUNNING_FOR: Duration = Duration::from_secs(2 * 60 * 60);
/// SQS hides a message for 12 hours at most.
const LONGEST_ON_QUEUE: Duration = Duration::from_secs(11 * 60 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The answer is on the queue.
    Confirmed,
    Running,
    /// By a request that began after the callback was received.
    Answered,
    OtherOrder,
    /// To the platform; or nobody has said an id.
    Unknown,
    Limited,
    Denied,
    Failed,
    /// No callback at all.
    Unreadable,
}

/// What happens to the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Done,
    /// It comes again after that.
    Wait(Duration),
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Outcome::Confirmed => "confirmed",
            Outcome::Running => "running",
            Outcome::Answered => "answered",
            Outcome::OtherOrder => "other_order",
            Outcome::Unknown => "unknown",
            Outcome::Limited => "limited",
            Outcome::Denied => "denied",
            Outcome::Failed => "failed",
            Outcome::Unreadable => "unreadable",
        }
    }

    /// The line of one callback.
    pub(crate) fn report(self, platform: Platform, then: Then, receives: u32, error: Option<&Error>) {
        let outcome = self.as_str();
        let (receives, wait_seconds) = match then {
            Then::Done => (None, None),
            Then::Wait(wait) => (Some(receives), Some(wait.as_secs())),
        };
        let (class, reason) = error.map(|error| (error.class().as_str(), error.to_string())).unzip();
        let mut metrics = Metrics::of(platform);
        metrics.count("Confirmations", &[("Outcome", outcome)]);
        match self {
            Outcome::Denied | Outcome::Failed | Outcome::Unreadable => tracing::error!(
                target: TARGET, outcome, class, reason, receives, wait_seconds, %metrics, "callback not confirmed"
            ),
            Outcome::OtherOrder => {
                let reason = "the platform says that the job is another order's";
                tracing::warn!(target: TARGET, outcome, reason, %metrics, "callback dropped");
            }
            _ => tracing::info!(target: TARGET, outcome, receives, wait_seconds, %metrics, "callback looked at"),
        }
    }
}

/// How long a job that runs is left alone: the longer, the older the callback is; in the end for good. The sweep looks
/// after it if it is tracked.
pub(crate) fn running(age: Duration) -> Then {
    match age < RUNNING_FOR {
        true => Then::Wait(age.clamp(MINUTE, LONGEST_WAIT)),
        false => Then::Done,
    }
}

/// Spread over more time the more often the message has come back: the others of a flood wait, too.
pub(crate) fn limited(at_least: Duration, receives: u32) -> Then {
    Then::Wait(at_least + MINUTE.mul_f64(fastrand::f64() * f64::from(receives.clamp(1, 10))))
}

/// Of a request without an answer.
pub(crate) fn failed(error: &Error, receives: u32) -> (Outcome, Then) {
    if error.class() == ErrorClass::Denied {
        return (Outcome::Denied, Then::Wait(LONGEST_WAIT));
    }
    if is_hopeless(error) {
        return (Outcome::Failed, Then::Done);
    }
    let wait = backoff(MINUTE, LONGEST_WAIT, receives).max(MINUTE);
    (Outcome::Failed, Then::Wait(wait.max(retry_after(error).unwrap_or_default()).min(LONGEST_ON_QUEUE)))
}

/// Whether the same callback will never have an answer. Not if a setting is wrong, which somebody will correct.
fn is_hopeless(error: &Error) -> bool {
    match error {
        Error::LookUp(LookUpError::Call(Failed { problem, .. })) => {
            matches!(problem, Problem::NoCall | Problem::Refused | Problem::TooLarge)
        }
        Error::HeyGen(ApiError { kind, .. }) => {
            matches!(kind, Kind::Rejected | Kind::InvalidId | Kind::Unsupported | Kind::TooLarge | Kind::Unexpected)
        }
        Error::Aws(AwsError { class, .. }) => *class == ErrorClass::Permanent,
        _ => false,
    }
}

/// The wait that a platform asks for.
pub(crate) fn retry_after(error: &Error) -> Option<Duration> {
    match error {
        Error::LookUp(error) => error.retry_after(),
        Error::HeyGen(error) => error.retry_after,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_runs_is_asked_for_a_bounded_number_of_times() {
        let (mut age, mut asked) = (Duration::ZERO, 1);
        while let Then::Wait(wait) = running(age) {
            assert!(wait >= MINUTE);
            (age, asked) = (age + wait, asked + 1);
        }
        assert!((8..=16).contains(&asked), "{asked}");
    }

    #[test]
    fn a_wait_is_at_least_what_the_platform_asks_for() {
        let failed = |retry_after| {
            let failed =
                Failed { platform: Platform::Tavus, problem: Problem::RateLimited, status: Some(429), retry_after };
            super::failed(&Error::LookUp(LookUpError::Call(failed)), 1)
        };
        assert_eq!(failed(None), (Outcome::Failed, Then::Wait(MINUTE)));
        let asked = Duration::from_secs(300);
        assert_eq!(failed(Some(asked)), (Outcome::Failed, Then::Wait(asked)));
        assert_eq!(failed(Some(Duration::MAX)), (Outcome::Failed, Then::Wait(LONGEST_ON_QUEUE)));
    }
}
