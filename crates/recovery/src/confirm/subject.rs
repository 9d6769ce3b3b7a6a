//! Which job a callback is about. Pure.
//!
//! Whoever knows a callback URL can put any id into the body. What the team itself has tracked therefore comes first.

use crate::track::tracked::TIMES_TRACKED;
use aws::jobs::JobItem;
use webhook::Status;

/// The job to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) entity_id: String,
    /// The answer counts only if it names the order itself.
    pub(crate) must_name_order: bool,
}

/// `jobs` are those of the callback's `callback_id`.
///
/// An order whose job was tracked with the platform's id is about that job, whatever the body claims. Once it has ended,
/// another id may be a further attempt for the same order: it is asked for, and the answer has to name the order. `None` if
/// neither the body nor the team said an id.
pub(crate) fn subject(claimed: Option<&str>, kind: &str, jobs: &[JobItem]) -> Option<Subject> {
    let of = |id: &str, must_name_order| Some(Subject { entity_id: id.to_owned(), must_name_order });
    let tracked: Vec<_> = jobs.iter().filter(|job| job.kind == kind && is_tracked_by_id(job)).collect();
    let open = tracked.iter().find(|job| matches!(job.status, None | Some(Status::Pending)));
    match (claimed, open.or(tracked.first())) {
        (Some(id), None) => of(id, false),
        (Some(id), _) if tracked.iter().any(|job| job.entity_id == id) => of(id, false),
        (Some(id), _) if open.is_none() => of(id, true),
        (_, Some(job)) => of(&job.entity_id, false),
        (None, None) => None,
    }
}

/// A request that gives the id of a job that was tracked before takes that one's place, and counts as another; an event
/// that does so does not count.
fn is_tracked_by_id(job: &JobItem) -> bool {
    let is_renewed = job.attributes[TIMES_TRACKED].as_u64() >= Some(2);
    !job.is_placeholder() && job.tracked_at.is_some() && (job.tracked_as.is_none() || is_renewed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(id: &str, status: Status) -> JobItem {
        JobItem {
            kind: "tavus.video".to_owned(),
            entity_id: id.to_owned(),
            status: Some(status),
            tracked_at: Some("2026-11-30T00:00:00.000Z".to_owned()),
            ..JobItem::default()
        }
    }

    fn asked(claimed: Option<&str>, jobs: &[JobItem]) -> Option<(String, bool)> {
        subject(claimed, "tavus.video", jobs).map(|subject| (subject.entity_id, subject.must_name_order))
    }

    fn expected(id: &str, must_name_order: bool) -> Option<(String, bool)> {
        Some((id.to_owned(), must_name_order))
    }

    #[test]
    fn without_a_tracked_job_the_claimed_id_is_asked_for() {
        let other = JobItem { kind: "tavus.replica".to_owned(), ..job("r1", Status::Pending) };
        let placeholder = job("callback_id:order", Status::Pending);
        let by_event = JobItem { tracked_at: None, ..job("v0", Status::Pending) };
        let resolved = JobItem { tracked_as: Some("job#tavus.video#x".to_owned()), ..job("v0", Status::Pending) };
        for jobs in [vec![], vec![other], vec![placeholder], vec![by_event], vec![resolved]] {
            assert_eq!(asked(Some("v1"), &jobs), expected("v1", false), "{jobs:?}");
            assert_eq!(asked(None, &jobs), None, "{jobs:?}");
        }
    }

    #[test]
    fn a_tracked_job_is_asked_for_whatever_the_body_claims() {
        let jobs = [job("v0", Status::Succeeded), job("v1", Status::Pending)];
        assert_eq!(asked(Some("v1"), &jobs), expected("v1", false));
        assert_eq!(asked(Some("v0"), &jobs), expected("v0", false));
        assert_eq!(asked(Some("strangers"), &jobs), expected("v1", false));
        assert_eq!(asked(None, &jobs), expected("v1", false));
        let attributes = json!({ TIMES_TRACKED: 2 });
        let renewed =
            JobItem { tracked_as: Some("job#tavus.video#x".to_owned()), attributes, ..job("v1", Status::Pending) };
        assert_eq!(asked(Some("strangers"), &[renewed]), expected("v1", false));
    }

    #[test]
    fn a_further_attempt_has_to_name_the_order() {
        let jobs = [job("v0", Status::Failed)];
        assert_eq!(asked(Some("v1"), &jobs), expected("v1", true));
        assert_eq!(asked(None, &jobs), expected("v0", false));
    }
}
