//! The status of a job, which never goes backwards.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::shortened;
use crate::{Failure, Identity};

/// The longest entity id, in bytes, that is part of a key unchanged.
const ENTITY_ID_LIMIT: usize = 512;
/// The same for a kind. Together they stay below DynamoDB's 1024 bytes of sort key.
const KIND_LIMIT: usize = 256;

/// The status of a job. Success outranks failure: HeyGen may retry a failed job, and then the
/// finished video is what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No event that ends the job was received yet.
    Pending,
    /// The job failed, and may still succeed.
    Failed,
    /// The job has its result. This is final.
    Succeeded,
}

impl Status {
    /// The name in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Succeeded => "succeeded",
        }
    }

    /// The status as a number that stores can compare: 0 (pending), 1 (failed) or 2 (succeeded).
    pub fn rank(self) -> u8 {
        self as u8
    }
}

/// A job as one event reports it: a video, a translation into one language, a trained avatar.
///
/// `Debug` omits the links, because anyone who has one can fetch the result, and the failure texts.
#[derive(Clone, PartialEq, Eq)]
pub struct Job {
    /// The kind of job, from the event's type: `avatar_video`, `video_translate`, …
    pub kind: String,
    /// HeyGen's id of what the job makes.
    pub entity_id: String,
    /// How the job ended.
    pub status: Status,
    /// The event that reported the status.
    pub decided_by: Identity,
    /// The type of that event.
    pub event_type: String,
    /// URLs of the results, if it succeeded; named as in [`Event::links`](crate::Event::links).
    pub links: BTreeMap<String, String>,
    /// Why it failed, if it did and HeyGen gave a reason.
    pub failure: Option<Failure>,
    /// The language of a translation, such as `Spanish`.
    pub output_language: Option<String>,
}

impl Job {
    /// A key that is unique among the jobs of one correlation id: `job#<kind>#<entity id>`, at most
    /// 1024 bytes.
    ///
    /// An entity id longer than 512 bytes, or a kind longer than 256, is replaced by `sha256:`
    /// and the hex of its SHA-256.
    pub fn item_key(&self) -> String {
        let kind = shortened(&self.kind, KIND_LIMIT);
        let entity_id = shortened(&self.entity_id, ENTITY_ID_LIMIT);
        format!("job#{kind}#{entity_id}")
    }

    /// Whether this report replaces `other`, a report of another event about the same job.
    ///
    /// The higher status wins; with equal statuses, the smaller identity. This order needs no
    /// clock, because HeyGen guarantees no order of delivery: the same report wins for any order
    /// and any repetition of events. A store's conditional write must use the same rule.
    pub fn supersedes(&self, other: &Self) -> bool {
        match self.status.cmp(&other.status) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => self.decided_by < other.decided_by,
            std::cmp::Ordering::Less => false,
        }
    }

    /// The job after one more event: the report that supersedes the other.
    pub fn merge(current: Option<Self>, next: Self) -> Self {
        match current {
            Some(current) if !next.supersedes(&current) => current,
            _ => next,
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("kind", &self.kind)
            .field("entity_id", &self.entity_id)
            .field("status", &self.status)
            .field("decided_by", &self.decided_by)
            .field("event_type", &self.event_type)
            .field("output_language", &self.output_language)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(status: Status, decided_by: char) -> Job {
        Job {
            kind: "avatar_video".to_owned(),
            entity_id: "v1".to_owned(),
            status,
            decided_by: Identity::try_from(decided_by.to_string().repeat(64)).unwrap(),
            event_type: "avatar_video.any".to_owned(),
            links: BTreeMap::from([("video".to_owned(), "https://x.invalid/canary".to_owned())]),
            failure: Some(Failure { code: None, message: Some("canary".to_owned()) }),
            output_language: None,
        }
    }

    #[test]
    fn the_status_of_a_job_never_goes_backwards() {
        use Status::{Failed, Pending, Succeeded};
        for (current, next, wins) in [
            (Pending, Failed, Failed),
            (Pending, Succeeded, Succeeded),
            (Failed, Pending, Failed),
            (Failed, Succeeded, Succeeded),
            (Succeeded, Pending, Succeeded),
            (Succeeded, Failed, Succeeded),
        ] {
            // With the smaller identity on either side: the status is compared first.
            for (a, b) in [('a', 'b'), ('b', 'a')] {
                let merged = Job::merge(Some(job(current, a)), job(next, b));
                assert_eq!(merged.status, wins, "{current:?} then {next:?}");
            }
        }
    }

    #[test]
    fn of_two_equal_reports_the_smaller_identity_wins() {
        let (a, b) = (job(Status::Succeeded, 'a'), job(Status::Succeeded, 'b'));
        assert!(a.supersedes(&b));
        assert!(!b.supersedes(&a));
        assert!(!a.supersedes(&a));
        assert_eq!(Job::merge(Some(b.clone()), a.clone()), a);
        assert_eq!(Job::merge(Some(a.clone()), b), a);
    }

    #[test]
    fn the_first_report_is_the_job() {
        assert_eq!(Job::merge(None, job(Status::Failed, 'a')), job(Status::Failed, 'a'));
    }

    #[test]
    fn a_status_has_one_name_and_one_rank() {
        use Status::{Failed, Pending, Succeeded};
        for (status, name, rank) in [(Pending, "pending", 0), (Failed, "failed", 1), (Succeeded, "succeeded", 2)] {
            assert_eq!(status.as_str(), name);
            assert_eq!(status.rank(), rank);
            assert_eq!(serde_json::to_value(status).unwrap(), name);
        }
        assert!(Pending < Failed && Failed < Succeeded);
    }

    #[test]
    fn the_item_key_names_kind_and_entity_and_fits_a_sort_key() {
        assert_eq!(job(Status::Failed, 'a').item_key(), "job#avatar_video#v1");

        let mut long = job(Status::Failed, 'a');
        long.kind = "k".repeat(256);
        long.entity_id = "e".repeat(512);
        assert_eq!(long.item_key(), format!("job#{}#{}", long.kind, long.entity_id));
        assert!(long.item_key().len() <= 1024);

        long.kind.push('k');
        long.entity_id.push('e');
        let key = long.item_key();
        assert!(key.starts_with("job#sha256:") && key.contains("#sha256:"), "{key}");
        long.entity_id.push('e');
        assert_ne!(long.item_key(), key);
    }

    #[test]
    fn debug_shows_neither_links_nor_failures() {
        let shown = format!("{:?}", job(Status::Failed, 'a'));
        assert!(shown.contains("avatar_video") && !shown.contains("canary"), "{shown}");
    }
}
