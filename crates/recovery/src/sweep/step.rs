//! What a sweep does with a job that is due. Pure.

use crate::track::tracked::{EXPECTED_BY, KEEP_FRESH, TRACKED_AT};
use aws::clock::from_text;
use aws::jobs::JobItem;
use heygen::api::EntityKind;
use time::{Duration, OffsetDateTime};
use webhook::Status;

/// Links are replaced this long before they expire.
pub(crate) const FRESH_FOR: Duration = Duration::DAY;
/// After something was sent, the item is looked at again, to see that it was applied.
pub(crate) const SETTLES_IN: Duration = Duration::minutes(10);
const SHORTEST_WAIT: Duration = Duration::minutes(15);
const LONGEST_WAIT: Duration = Duration::hours(6);
/// HeyGen may give the same links until they expire.
const NEXT_LINKS: Duration = Duration::HOUR;
const LONGEST_WAIT_FOR_LINKS: Duration = Duration::hours(12);
/// A failed job may succeed yet, and its links are to be kept fresh then.
const FAILED_WAIT: Duration = Duration::DAY;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing is expected of it any more.
    Forget,
    /// HeyGen's id of it is not known: another job may have turned out to be it.
    FindByCallbackId,
    /// Ask HeyGen how far it is.
    Ask(EntityKind),
    /// Ask HeyGen for new links.
    Refresh(EntityKind),
    /// Look at it again then.
    Later(OffsetDateTime),
}

pub(crate) fn step(job: &JobItem, now: OffsetDateTime) -> Step {
    let kind = EntityKind::of_job(&job.kind);
    match (job.status, kind) {
        (None | Some(Status::Pending), _) if job.is_placeholder() => Step::FindByCallbackId,
        (None | Some(Status::Pending), Some(kind)) => Step::Ask(kind),
        // HeyGen has no call for it: only its event can tell.
        (None | Some(Status::Pending), None) => Step::Later(again(job, now)),
        (Some(Status::Succeeded), Some(kind)) if is_kept_fresh(job) => match job.links_expire_at {
            Some(at) if at <= (now + FRESH_FOR).unix_timestamp() => Step::Refresh(kind),
            Some(at) => OffsetDateTime::from_unix_timestamp(at).map_or(Step::Forget, |at| Step::Later(at - FRESH_FOR)),
            None => Step::Forget,
        },
        (Some(Status::Failed), Some(_)) if is_kept_fresh(job) && !job.is_placeholder() => {
            Step::Later(now + FAILED_WAIT)
        }
        _ => Step::Forget,
    }
}

/// When to ask for new links again. They were due a day before they expired; if HeyGen has none, or none that last longer
/// than those that have expired, it is asked less and less often.
pub(crate) fn refresh_again(job: &JobItem, now: OffsetDateTime, is_sent: bool) -> OffsetDateTime {
    let expire = job.links_expire_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()).unwrap_or(now);
    let half: Duration = (now - if is_sent { expire } else { expire - FRESH_FOR }) / 2;
    now + half.clamp(NEXT_LINKS, LONGEST_WAIT_FOR_LINKS)
}

/// The longer it is overdue, the longer until it is looked at again.
pub(crate) fn again(job: &JobItem, now: OffsetDateTime) -> OffsetDateTime {
    let half: Duration = overdue(job, now) / 2;
    now + half.clamp(SHORTEST_WAIT, LONGEST_WAIT)
}

/// Since when it should have ended.
pub(crate) fn overdue(job: &JobItem, now: OffsetDateTime) -> Duration {
    let time = |name: &str| job.attributes[name].as_str().and_then(|text| from_text(text).ok());
    let since = time(EXPECTED_BY).or_else(|| time(TRACKED_AT)).unwrap_or(now);
    (now - since).max(Duration::ZERO)
}

fn is_kept_fresh(job: &JobItem) -> bool {
    job.attributes[KEEP_FRESH] == true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    fn job(status: Option<Status>, entity_id: &str) -> JobItem {
        JobItem {
            kind: "avatar_video".to_owned(),
            entity_id: entity_id.to_owned(),
            status,
            attributes: json!({EXPECTED_BY: "2026-11-21T10:00:00Z"}),
            ..JobItem::default()
        }
    }

    fn fresh(links_expire_at: Option<i64>) -> JobItem {
        JobItem { links_expire_at, attributes: json!({ KEEP_FRESH: true }), ..job(Some(Status::Succeeded), "v1") }
    }

    #[test]
    fn a_pending_job_is_asked_for_if_heygen_has_a_call_for_it() {
        for status in [None, Some(Status::Pending)] {
            assert_eq!(step(&job(status, "v1"), NOW), Step::Ask(EntityKind::Video));
            assert_eq!(step(&job(status, "callback_id:order_1"), NOW), Step::FindByCallbackId);
            let training = JobItem { kind: "photo_avatar_train".to_owned(), ..job(status, "g1") };
            assert_eq!(step(&training, NOW), Step::Later(NOW + Duration::HOUR));
        }
    }

    #[test]
    fn a_job_that_ended_is_forgotten_unless_its_links_are_kept_fresh() {
        assert_eq!(step(&job(Some(Status::Succeeded), "v1"), NOW), Step::Forget);
        assert_eq!(step(&job(Some(Status::Failed), "v1"), NOW), Step::Forget);
        assert_eq!(step(&job(Some(Status::Failed), "callback_id:order_1"), NOW), Step::Forget);
        let in_days = |days| fresh(Some((NOW + Duration::days(days)).unix_timestamp()));
        assert_eq!(step(&in_days(7), NOW), Step::Later(NOW + Duration::days(6)));
        assert_eq!(step(&in_days(1), NOW), Step::Refresh(EntityKind::Video));
        assert_eq!(step(&in_days(-1), NOW), Step::Refresh(EntityKind::Video));
        assert_eq!(step(&fresh(None), NOW), Step::Forget, "links that do not expire need no others");
        let failed = JobItem { status: Some(Status::Failed), ..in_days(1) };
        assert_eq!(step(&failed, NOW), Step::Later(NOW + Duration::DAY), "it may succeed yet");
        assert_eq!(step(&JobItem { entity_id: "callback_id:o".to_owned(), ..failed }, NOW), Step::Forget);
    }

    #[test]
    fn links_that_heygen_does_not_have_are_asked_for_less_and_less_often() {
        let expired_for = |hours, is_sent| {
            let job = fresh(Some((NOW - Duration::hours(hours)).unix_timestamp()));
            refresh_again(&job, NOW, is_sent) - NOW
        };
        assert_eq!(expired_for(-24, false), Duration::HOUR);
        assert_eq!(expired_for(-14, false), Duration::hours(5));
        assert_eq!(expired_for(-14, true), Duration::HOUR, "there are new ones, and they may be the same");
        assert_eq!((expired_for(6, true), expired_for(1_000, true)), (Duration::hours(3), Duration::hours(12)));
        let mut asked = (0, NOW - Duration::DAY);
        while asked.1 < NOW + Duration::days(6) {
            let job = fresh(Some(NOW.unix_timestamp()));
            asked = (asked.0 + 1, refresh_again(&job, asked.1, false));
        }
        assert!(asked.0 < 7 * 4, "{} calls in a week", asked.0);
    }

    #[test]
    fn the_longer_a_job_is_overdue_the_less_often_it_is_looked_at() {
        let overdue_for = |hours| {
            let expected = NOW - Duration::hours(hours);
            let attributes = json!({EXPECTED_BY: aws::clock::to_text(expected)});
            again(&JobItem { attributes, ..job(None, "v1") }, NOW) - NOW
        };
        assert_eq!(overdue_for(0), SHORTEST_WAIT);
        assert_eq!(overdue_for(2), Duration::HOUR);
        assert_eq!(overdue_for(1_000), LONGEST_WAIT);
        assert_eq!(overdue_for(-5), SHORTEST_WAIT);
    }
}
