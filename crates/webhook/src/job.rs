//! The status of a job, which never goes backwards.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::shortened;
use crate::{Failure, Identity, Platform, Reason};

/// The longest parts, in bytes, that stand in a key as they are. Together they stay below the 1024
/// bytes of a sort key in DynamoDB.
const KIND_LIMIT: usize = 128;
const ENTITY_ID_LIMIT: usize = 384;
const LANGUAGE_LIMIT: usize = 128;
const CALLBACK_ID_LIMIT: usize = 256;

/// The status of a job. Success outranks failure: a platform may retry a failed job, and then the
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
    /// Who does it.
    pub platform: Platform,
    /// The kind of job: HeyGen's `avatar_video`, `video_translate`, …; `synthesia.video` and the like.
    pub kind: String,
    /// The platform's id of what the job makes.
    pub entity_id: String,
    /// How the job ended.
    pub status: Status,
    /// The identity of the event that reported the status.
    pub identity: Identity,
    /// The key of that event, as in [`Event::item_key`](crate::Event::item_key): the identity and the digest of
    /// the body.
    pub decided_by: String,
    /// The type of that event.
    pub event_type: String,
    /// When that event happened, as a Unix time in seconds, where one entity may have several results.
    pub occurred_at: Option<i64>,
    /// URLs of the results, if it succeeded; named as in [`Event::links`](crate::Event::links).
    pub links: BTreeMap<String, String>,
    /// Why it failed, if it did and the platform gave a reason.
    pub failure: Option<Failure>,
    /// The language of a translation. One translation into two languages is two jobs.
    pub output_language: Option<String>,
    /// The `callback_id` of a job on a reused entity, such as a second training of one group: the
    /// entity alone does not distinguish the two jobs.
    pub distinguishing_callback_id: Option<String>,
    /// When its links expire, as a Unix time in seconds: the earliest of those that say so.
    pub links_expire_at: Option<i64>,
}

impl Job {
    /// The key of the job: `job#<kind>#<entity id>`, then `#language=<language>` of a translation
    /// and `#callback_id=<callback_id>` of a job on an entity that is used again.
    ///
    /// A `#` or `%` in a part is percent-encoded, and a part that is longer than its limit is replaced
    /// by `sha256:` and the hex of its SHA-256, so that two jobs never share a key.
    pub fn item_key(&self) -> String {
        let mut key = format!("job#{}#{}", part(&self.kind, KIND_LIMIT), part(&self.entity_id, ENTITY_ID_LIMIT));
        if let Some(language) = &self.output_language {
            key = format!("{key}#language={}", part(language, LANGUAGE_LIMIT));
        }
        if let Some(callback_id) = &self.distinguishing_callback_id {
            key = format!("{key}#callback_id={}", part(callback_id, CALLBACK_ID_LIMIT));
        }
        key
    }

    /// What a failed job's failure says about starting it again. Without a failure, that is unknown.
    pub fn reason(&self) -> Option<Reason> {
        let failed = self.status == Status::Failed;
        failed.then(|| self.failure.as_ref().map_or(Reason::WillNotPass, Failure::reason))
    }

    /// Whether this report replaces `other`, a report of another event about the same job.
    ///
    /// The higher status does; of equal ones the one whose links expire later, then the one that
    /// happened later, then that of the smaller identity, then that of the smaller body digest. That is an order without our clock, since no platform promises an order of
    /// delivery: whatever the order and the repetition of events, the same one wins. A store must put
    /// the same into its condition.
    pub fn supersedes(&self, other: &Self) -> bool {
        let rank =
            |job: &Self| (job.status, job.links_expire_at.unwrap_or_default(), job.occurred_at.unwrap_or_default());
        rank(self).cmp(&rank(other)).then_with(|| other.decided_by.cmp(&self.decided_by)).is_gt()
    }

    /// The job after one more event: the report that supersedes the other.
    pub fn merge(current: Option<Self>, next: Self) -> Self {
        match current {
            Some(current) if !next.supersedes(&current) => current,
            _ => next,
        }
    }
}

fn part(text: &str, limit: usize) -> String {
    shortened(&text.replace('%', "%25").replace('#', "%23"), limit)
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("kind", &self.kind)
            .field("entity_id", &self.entity_id)
            .field("status", &self.status)
            .field("identity", &self.identity)
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
            platform: Platform::HeyGen,
            kind: "avatar_video".to_owned(),
            entity_id: "v1".to_owned(),
            status,
            identity: Identity::try_from(decided_by.to_string().repeat(64)).unwrap(),
            decided_by: format!("event#{}", decided_by.to_string().repeat(64)),
            event_type: "avatar_video.any".to_owned(),
            occurred_at: None,
            links: BTreeMap::from([("video".to_owned(), "https://x.invalid/canary".to_owned())]),
            failure: Some(Failure { code: None, message: Some("canary".to_owned()) }),
            output_language: None,
            distinguishing_callback_id: None,
            links_expire_at: None,
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
    fn of_two_equal_reports_the_smaller_event_key_wins() {
        let (a, b) = (job(Status::Succeeded, 'a'), job(Status::Succeeded, 'b'));
        assert!(a.supersedes(&b));
        assert!(!b.supersedes(&a));
        assert!(!a.supersedes(&a));
        assert_eq!(Job::merge(Some(b.clone()), a.clone()), a);
        assert_eq!(Job::merge(Some(a.clone()), b), a);
    }

    #[test]
    fn of_two_equal_reports_the_one_whose_links_expire_later_stands() {
        let until = |identity, links_expire_at| Job { links_expire_at, ..job(Status::Succeeded, identity) };
        for (later, earlier) in [(Some(2), Some(1)), (Some(1), None)] {
            for (a, b) in [('a', 'b'), ('b', 'a'), ('a', 'a')] {
                assert!(until(a, later).supersedes(&until(b, earlier)), "{later:?} {earlier:?} {a} {b}");
                assert!(!until(b, earlier).supersedes(&until(a, later)));
            }
        }
        assert!(!until('a', Some(9)).supersedes(&Job { status: Status::Succeeded, ..until('a', Some(9)) }));
        let failed = Job { links_expire_at: Some(9), ..job(Status::Failed, 'a') };
        assert!(until('b', None).supersedes(&failed), "status comes first");
    }

    #[test]
    fn a_failed_job_has_a_reason_and_no_other_has() {
        let failed = |message: Option<&str>| {
            let failure = message.map(|message| Failure { code: None, message: Some(message.to_owned()) });
            Job { failure, ..job(Status::Failed, 'a') }.reason()
        };
        assert_eq!(failed(Some("Rendering timed out")), Some(Reason::MayPass));
        assert_eq!(failed(None), Some(Reason::WillNotPass), "HeyGen gave no reason");
        assert_eq!(job(Status::Succeeded, 'a').reason(), None);
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

        let mut long = Job {
            kind: "k".repeat(128),
            entity_id: "e".repeat(384),
            output_language: Some("l".repeat(128)),
            distinguishing_callback_id: Some("c".repeat(256)),
            ..job(Status::Failed, 'a')
        };
        let key = long.item_key();
        assert_eq!(
            key,
            format!(
                "job#{}#{}#language={}#callback_id={}",
                long.kind,
                long.entity_id,
                "l".repeat(128),
                "c".repeat(256)
            )
        );
        assert!(key.len() <= 1024);
        long.entity_id.push('e');
        let key = long.item_key();
        assert!(key.contains("#sha256:") && key.len() <= 1024, "{key}");
        long.entity_id.push('e');
        assert_ne!(long.item_key(), key);
    }

    #[test]
    fn no_part_of_a_key_runs_into_another() {
        let key = |entity_id: &str, language: Option<&str>, callback_id: Option<&str>| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let job = job(Status::Failed, 'a');
            Job {
                entity_id: entity_id.into(),
                output_language: text(language),
                distinguishing_callback_id: text(callback_id),
                ..job
            }
            .item_key()
        };
        let keys = [
            key("a", None, None),
            key("a", Some("b"), None),
            key("a", None, Some("b")),
            key("a#language=b", None, None),
            key("a", Some("b#callback_id=c"), None),
            key("a", Some("b"), Some("c")),
            key("a%23language=b", None, None),
        ];
        let different: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len(), "{keys:?}");
    }

    #[test]
    fn debug_shows_neither_links_nor_failures() {
        let shown = format!("{:?}", job(Status::Failed, 'a'));
        assert!(shown.contains("avatar_video") && !shown.contains("canary"), "{shown}");
    }
}
