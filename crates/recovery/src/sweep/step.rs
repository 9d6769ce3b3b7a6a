//! What a sweep does with a job that is due. Pure.

use crate::track::tracked::{EXPECTED_BY, KEEP_FRESH, TRACKED_AT};
use aws::clock::from_text;
use aws::jobs::JobItem;
use heygen::api::EntityKind;
use platforms::look_up::paths;
use time::{Duration, OffsetDateTime};
use webhook::{Platform, Status};

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

/// `K` says what to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<K = EntityKind> {
    /// Nothing is expected of it any more.
    Forget,
    /// The platform's id of it is not known: another job may have turned out to be it.
    FindByCallbackId,
    /// Ask the platform how far it is.
    Ask(K),
    /// Ask the platform for new links.
    Refresh(K),
    /// Look at it again then.
    Later(OffsetDateTime),
}

pub(crate) fn step(job: &JobItem, now: OffsetDateTime) -> Step {
    step_of(job, EntityKind::of_job(&job.kind), FRESH_FOR, now)
}

/// Of a job of another platform than HeyGen, which has a call for each kind with a valid id.
pub(crate) fn step_elsewhere(job: &JobItem, platform: Platform, now: OffsetDateTime) -> Step<Platform> {
    let has_call = !paths(platform, &job.kind, &job.entity_id).is_empty();
    step_of(job, has_call.then_some(platform), fresh_for(job), now)
}

fn step_of<K>(job: &JobItem, kind: Option<K>, fresh_for: Duration, now: OffsetDateTime) -> Step<K> {
    match (job.status, kind) {
        (None | Some(Status::Pending), _) if job.is_placeholder() => Step::FindByCallbackId,
        (None | Some(Status::Pending), Some(kind)) => Step::Ask(kind),
        // There is no call for it: only its event can tell.
        (None | Some(Status::Pending), None) => Step::Later(again(job, now)),
        (Some(Status::Succeeded), Some(kind)) if is_kept_fresh(job) => match job.links_expire_at {
            Some(at) if at <= (now + fresh_for).unix_timestamp() => Step::Refresh(kind),
            Some(at) => OffsetDateTime::from_unix_timestamp(at).map_or(Step::Forget, |at| Step::Later(at - fresh_for)),
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
    let expire = expiry(job).unwrap_or(now);
    let half: Duration = (now - if is_sent { expire } else { expire - FRESH_FOR }) / 2;
    now + half.clamp(NEXT_LINKS, LONGEST_WAIT_FOR_LINKS)
}

/// Links of other platforms than HeyGen may live for an hour only: they are replaced after half of their life.
fn fresh_for(job: &JobItem) -> Duration {
    let received = from_text(&job.received_at).ok();
    let half: Option<Duration> = expiry(job).zip(received).map(|(expiry, received)| (expiry - received) / 2);
    half.map_or(FRESH_FOR, |half| half.clamp(Duration::ZERO, FRESH_FOR))
}

/// When to ask such a platform again that had no links which last longer.
pub(crate) fn refresh_elsewhere_again(job: &JobItem, now: OffsetDateTime) -> OffsetDateTime {
    let half: Duration = (now - (expiry(job).unwrap_or(now) - fresh_for(job))) / 2;
    now + half.clamp(SHORTEST_WAIT, LONGEST_WAIT_FOR_LINKS)
}

fn expiry(job: &JobItem) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(job.links_expire_at?).ok()
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
    fn a_job_of_another_platform_is_asked_for_if_its_id_can_be_part_of_a_path() {
        let job = |kind: &str, id: &str| JobItem { kind: kind.to_owned(), ..job(None, id) };
        let step = |kind: &str, id: &str| step_elsewhere(&job(kind, id), Platform::of_kind(kind), NOW);
        assert_eq!(step("tavus.video", "v1"), Step::Ask(Platform::Tavus));
        assert_eq!(step("did.talk", "callback_id:order_1"), Step::FindByCallbackId);
        assert_eq!(step("tavus.document", "v1"), Step::Later(NOW + Duration::HOUR));
        assert_eq!(step("did.talk", "../v1"), Step::Later(NOW + Duration::HOUR));
    }

    #[test]
    fn links_that_live_shortly_are_replaced_after_half_of_their_life() {
        let job = |hours| JobItem {
            kind: "did.talk".to_owned(),
            received_at: aws::clock::to_text(NOW),
            ..fresh(Some((NOW + Duration::hours(hours)).unix_timestamp()))
        };
        let step = |hours, now| step_elsewhere(&job(hours), Platform::Did, now);
        assert_eq!(step(24, NOW), Step::Later(NOW + Duration::hours(12)));
        assert_eq!(step(24, NOW + Duration::hours(12)), Step::Refresh(Platform::Did));
        assert_eq!(step(1, NOW), Step::Later(NOW + Duration::minutes(30)));
        assert_eq!(step(240, NOW), Step::Later(NOW + Duration::days(9)), "a day before, as at HeyGen");
        let again = |hours, after| refresh_elsewhere_again(&job(hours), NOW + after) - (NOW + after);
        assert_eq!(again(1, Duration::minutes(30)), SHORTEST_WAIT);
        assert_eq!(again(1, Duration::hours(5)), Duration::minutes(135));
        assert_eq!(again(1, Duration::days(9)), LONGEST_WAIT_FOR_LINKS);
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
