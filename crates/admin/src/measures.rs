//! What is measured of the endpoints, whenever somebody looks at them.

use crate::plan::Plan;
use aws::secrets::EndpointSecret;
use aws::telemetry::{Unit, measure};
use time::OffsetDateTime;

/// How many changes are left to make.
pub(crate) fn drift(plan: &Plan) {
    measure("EndpointDrift", plan.changes.len(), Unit::Count, &[]);
}

/// The age of the oldest secret that is in use, as far as ages are known.
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
    use heygen::Secret;
    use time::macros::datetime;

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
        // Nobody knows how old a secret is that someone stored by hand, and 0 would be a lie.
        assert_eq!(oldest_days(&[stored(None)], now), None);
        assert_eq!(oldest_days(&[EndpointSecret { current: None, ..known[0].clone() }], now), None);
    }
}
