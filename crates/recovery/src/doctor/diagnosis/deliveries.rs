//! The deliveries of the last day, as they were measured.

use super::endpoints::rotate;
use super::{Findings, Observed, duration};
use crate::doctor::measured::Measured;
use crate::doctor::observed::Endpoint;
use aws::jobs::printable;

pub(super) fn find(all: &mut Findings, observed: &Observed) {
    let Some(measured) = all.seen("the metrics", &observed.measured) else { return };
    wrong_secret(all, observed, measured);
    if measured.unreadable_bodies > 0 {
        all.warning(
            "unreadable-bodies",
            format!(
                "Events of the last day whose body is not JSON to its end: {}. They changed no job.",
                measured.unreadable_bodies
            ),
            "See docs/operations.md#unreadable-bodies. They are recorded, and this finding ends a day after the last one.",
        );
    }
    if measured.unknown_event_types > 0 {
        all.info(
            "unknown-event-types",
            format!(
                "Events of the last day with no type, or with one that this version does not know: {}. They are recorded as they are.",
                measured.unknown_event_types
            ),
            "See docs/operations.md#unknown-event-types. This finding ends a day after the last one.",
        );
    }
}

/// What HeyGen signs with a secret that is not stored here is rejected, and nothing is accepted any more.
fn wrong_secret(all: &mut Findings, observed: &Observed, measured: &Measured) {
    let Some(mismatched) = measured.mismatched_at.filter(|at| measured.accepted_at < Some(*at)) else { return };
    let remedy = match suspects(observed, mismatched).as_deref() {
        Some([]) => return,
        Some([name]) => rotate(name),
        _ => "The saved query `Rejected deliveries` shows at which endpoint signatures do not match. Rotate the secret of that \
              one, see docs/operations.md#signature-failures."
            .into(),
    };
    all.error(
        "secret-wrong",
        format!(
            "{} ago, the signature of a delivery did not match the stored secret, and none was accepted since: HeyGen signs \
             with another secret, unless somebody else posts.",
            duration(observed.now - mismatched)
        ),
        remedy.then("The schedule brings back what was rejected."),
    );
}

/// The endpoints whose stored secret may not be HeyGen's; `None` if the endpoints are not known. After a rotation it is.
fn suspects(observed: &Observed, mismatched: i64) -> Option<Vec<String>> {
    let list = observed.endpoints.as_ref()?.as_ref().ok()?;
    let is_suspect = |one: &&Endpoint| {
        let is_stored = one.state == "registered" && one.secret.as_deref() == Some("stored");
        is_stored && one.secret_since().is_none_or(|at| at <= mismatched)
    };
    let found = list.endpoints.iter().filter(is_suspect);
    Some(found.filter_map(|one| one.endpoint.as_deref()).map(printable).collect())
}
