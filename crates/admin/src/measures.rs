//! The metrics.

use crate::plan::Plan;
use aws::secrets::EndpointSecret;
use aws::telemetry::{Metrics, TARGET, Unit, count, measure};
use time::OffsetDateTime;
use webhook::Platform;

/// One sync; `outcome` is `unchanged`, `changed`, `held_back`, `rejected` or `failed`.
pub(crate) fn sync(outcome: &str) {
    count("EndpointSyncs", &[("Outcome", outcome)]);
}

/// One change; `outcome` is `done` or `failed`.
pub(crate) fn change(name: &str, outcome: &str) {
    count("EndpointChanges", &[("Change", name), ("Outcome", outcome)]);
}

/// The number of differences that are left, and of endpoints that do not work.
pub(crate) fn drift(plan: &Plan, unverified: usize) {
    measure("EndpointDrift", plan.drift() + unverified, Unit::Count, &[]);
}

/// The number of endpoints whose last verification failed.
pub(crate) fn unverified(count: usize) {
    measure("EndpointsUnverified", count, Unit::Count, &[]);
}

/// The number of our endpoints that HeyGen has disabled.
pub(crate) fn disabled(count: usize) {
    measure("EndpointsDisabled", count, Unit::Count, &[]);
}

/// The endpoints of another platform: the outcome of a sync, if there was one, the differences that were found or are left,
/// and how many webhooks were disabled.
pub(crate) fn platform(platform: Platform, outcome: Option<&str>, drift: usize, disabled: usize) {
    let mut metrics = Metrics::of(platform);
    if let Some(outcome) = outcome {
        metrics.count("EndpointSyncs", &[("Outcome", outcome)]);
    }
    metrics.measure("EndpointDrift", drift, Unit::Count, &[]);
    metrics.measure("EndpointsDisabled", disabled, Unit::Count, &[]);
    tracing::info!(target: TARGET, %metrics);
}

/// One change at another platform; `outcome` is `done` or `failed`.
pub(crate) fn platform_change(platform: Platform, name: &str, outcome: &str) {
    let mut metrics = Metrics::of(platform);
    metrics.count("EndpointChanges", &[("Change", name), ("Outcome", outcome)]);
    tracing::info!(target: TARGET, %metrics);
}

/// The age of the oldest current secret; nothing if no age is known.
pub(crate) fn secrets<'a>(stored: impl IntoIterator<Item = &'a EndpointSecret>, now: OffsetDateTime) {
    if let Some(days) = oldest_days(stored, now) {
        measure("OldestSecretDays", days, Unit::None, &[]);
    }
}

fn oldest_days<'a>(stored: impl IntoIterator<Item = &'a EndpointSecret>, now: OffsetDateTime) -> Option<i64> {
    let since = stored.into_iter().filter(|stored| stored.current.is_some()).filter_map(|stored| stored.current_since);
    Some((now - since.min()?).whole_days().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;
    use webhook::Secret;

    #[test]
    fn the_oldest_secret_whose_age_is_known_counts() {
        let now = datetime!(2026-11-21 12:00 UTC);
        let stored = |since| EndpointSecret {
            current: Secret::new("whsec_x").ok(),
            current_since: since,
            ..EndpointSecret::default()
        };
        let known = [Some(datetime!(2026-11-01 13:00 UTC)), None, Some(datetime!(2026-11-20 12:00 UTC))].map(stored);
        assert_eq!(oldest_days(&known, now), Some(19));
        // The age of a secret that was stored by hand is unknown, and 0 would be wrong.
        assert_eq!(oldest_days(&[stored(None)], now), None);
        assert_eq!(oldest_days(&[EndpointSecret { current: None, ..known[0].clone() }], now), None);
    }
}
