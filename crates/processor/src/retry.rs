//! How long a message waits on the queue until its next attempt, and when it has waited long enough.

use aws_lambda_events::sqs::SqsMessage;
use std::time::Duration;
use time::OffsetDateTime;

const HOUR: u64 = 60 * 60;

/// The queue's `MessageRetentionPeriod`: SQS deletes a message that is older.
pub const RETENTION: Duration = Duration::from_secs(14 * 24 * HOUR);
/// The queue's `maxReceiveCount`, which is also SQS's limit: SQS itself dead-letters a message that was received more
/// often. Its copy has no reason, and still expires 14 days after it was first sent.
pub const MAX_RECEIVES: u32 = 1_000;

/// From this age on, a message that fails is dead-lettered. The rest of the retention is for further attempts if the
/// dead-letter queue rejects it, too.
const GIVE_UP_AGE: Duration = Duration::from_secs(14 * 24 * HOUR - 12 * HOUR);
/// The same for a message that was received far too often for its age: because its waits could not be set, or because
/// it makes the function crash.
const GIVE_UP_RECEIVES: u32 = MAX_RECEIVES - 10;

/// The wait after the first attempt, at most. It doubles with each attempt.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// From this attempt on, which is after about four days, waits are three times as long: 14 days of waits of 15 minutes
/// are more receives than SQS allows.
const PATIENT_FROM: u32 = 500;

/// What SQS knows of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct History {
    /// How often it was received, this time included.
    pub receives: u32,
    /// Since it was sent to the queue.
    pub age: Duration,
}

impl History {
    /// A message without SQS's attributes counts as received once, just now.
    pub fn of(message: &SqsMessage, now: OffsetDateTime) -> Self {
        let number = |name: &str| message.attributes.get(name)?.parse::<u64>().ok();
        let now_ms = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        let sent_ms = number("SentTimestamp").unwrap_or(now_ms);
        History {
            receives: number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
            age: Duration::from_millis(now_ms.saturating_sub(sent_ms)),
        }
    }

    /// Whether this was the last attempt.
    pub fn is_over(self) -> bool {
        self.age >= GIVE_UP_AGE || self.receives >= GIVE_UP_RECEIVES
    }

    /// Until the next attempt, in seconds. `longest` is in seconds, too. Half of a wait is random, so that the messages of
    /// an outage do not return all at once.
    pub fn wait(self, longest: u16) -> u32 {
        let patience = if self.receives < PATIENT_FROM { 1 } else { 3 };
        let longest = Duration::from_secs(u64::from(longest) * patience);
        let doubled = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(self.receives.saturating_sub(1)));
        let wait = doubled.min(longest).mul_f64(0.5 + fastrand::f64() / 2.0);
        let seconds = (wait.as_millis() + 500) / 1_000;
        u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `MaxRetryWaitSeconds`
    const LONGEST: u16 = 900;

    fn received(receives: u32) -> History {
        History { receives, age: Duration::ZERO }
    }

    /// The ages, in seconds, at which a message that always fails is received until it is over.
    fn attempts() -> Vec<u64> {
        let (mut age, mut ages) = (Duration::ZERO, vec![]);
        loop {
            ages.push(age.as_secs());
            let history = History { receives: u32::try_from(ages.len()).unwrap(), age };
            if history.is_over() {
                return ages;
            }
            age += Duration::from_secs(u64::from(history.wait(LONGEST)));
        }
    }

    #[test]
    fn a_message_that_always_fails_is_tried_until_its_retention_ends_in_fewer_receives_than_sqs_allows() {
        for seed in 0..100 {
            fastrand::seed(seed);
            let ages = attempts();
            let last = Duration::from_secs(*ages.last().unwrap());
            assert!(last >= GIVE_UP_AGE, "given up after {} receives at the age of {last:?}", ages.len());
            assert!(last < RETENTION, "SQS has deleted it");
            assert!((800..GIVE_UP_RECEIVES).contains(&u32::try_from(ages.len()).unwrap()), "{} receives", ages.len());
            // Eight hours of outage.
            let during = ages.iter().filter(|age| **age < 8 * HOUR).count();
            assert!((45..60).contains(&during), "{during} receives in eight hours");
        }
    }

    #[test]
    fn the_first_waits_are_seconds_and_the_longest_is_15_minutes_for_days() {
        for (receives, longest) in
            [(1, 2), (2, 4), (5, 32), (9, 512), (10, 900), (499, 900), (500, 2_700), (u32::MAX, 2_700)]
        {
            let waits: Vec<_> = (0..500).map(|_| received(receives).wait(LONGEST)).collect();
            assert!(waits.iter().all(|wait| (longest / 2..=longest).contains(wait)), "{receives}: {waits:?}");
            for edge in [0.55, 0.95] {
                let below = waits.iter().filter(|wait| f64::from(**wait) < f64::from(longest) * edge).count();
                assert!((1..500).contains(&below), "{receives}: {below} of 500 waits are below {edge} of {longest} s");
            }
        }
    }

    #[test]
    fn no_wait_is_zero() {
        assert!((0..100).all(|_| received(1).wait(1) == 1));
    }

    #[test]
    fn twelve_hours_before_it_expires_a_message_is_over_however_often_it_was_received() {
        let aged = |hours: u64| History { receives: 1, age: Duration::from_secs(hours * HOUR) };
        assert!(!aged(13 * 24 + 11).is_over());
        assert!(aged(13 * 24 + 12).is_over());
        assert!(!received(989).is_over());
        assert!(received(990).is_over());
    }

    #[test]
    fn sqs_says_how_often_and_how_long_it_has_had_a_message() {
        let mut message = SqsMessage::default();
        let now = OffsetDateTime::from_unix_timestamp(1_000).unwrap();
        assert_eq!(History::of(&message, now), received(1));
        for (name, value) in [("ApproximateReceiveCount", "7"), ("SentTimestamp", "400000")] {
            message.attributes.insert(name.into(), value.into());
        }
        assert_eq!(History::of(&message, now), History { receives: 7, age: Duration::from_secs(600) });
        // The clocks of two machines differ.
        message.attributes.insert("SentTimestamp".into(), "1000001".into());
        assert_eq!(History::of(&message, now).age, Duration::ZERO);
    }
}
