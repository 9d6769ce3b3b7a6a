//! How long to wait between attempts.

use std::time::Duration;

/// The wait after failed attempt number `attempt`: a random part of `base`·2ⁿ⁻¹, `cap` at most.
///
/// This is full jitter, so that clients that failed at the same time do not retry at the same time.
pub fn backoff(base: Duration, cap: Duration, attempt: u32) -> Duration {
    let doubled = base.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    doubled.min(cap).mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_are_spread_over_the_whole_range() {
        let (base, cap) = (Duration::from_millis(100), Duration::from_millis(300));
        for (attempt, longest) in [(1, 100), (2, 200), (3, 300), (u32::MAX, 300)] {
            let longest = Duration::from_millis(longest);
            let waits: Vec<_> = (0..200).map(|_| backoff(base, cap, attempt)).collect();
            assert!(waits.iter().all(|wait| *wait <= longest), "{attempt}");
            assert!(waits.iter().any(|wait| *wait > longest.mul_f64(0.8)), "{attempt}");
            assert!(waits.iter().any(|wait| *wait < longest.mul_f64(0.2)), "{attempt}");
        }
    }
}
