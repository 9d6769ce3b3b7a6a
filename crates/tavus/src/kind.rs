//! The kinds of jobs that a callback may be about.

/// The kinds that a callback URL may be made for, without the platform.
pub const KINDS: &[&str] = &["video", "replica", "conversation"];

const PREFIX: &str = "tavus.";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Video,
    Replica,
    Conversation,
}

impl Kind {
    /// The kind of a callback's path, or of a job.
    pub(crate) fn of(kind: &str) -> Option<Self> {
        match kind.strip_prefix(PREFIX).unwrap_or(kind) {
            "video" => Some(Self::Video),
            "replica" => Some(Self::Replica),
            "conversation" => Some(Self::Conversation),
            _ => None,
        }
    }

    /// The kind of a job, which has its platform. Without one it is HeyGen's.
    pub(crate) fn of_job(kind: &str) -> Option<Self> {
        Self::of(kind).filter(|_| kind.starts_with(PREFIX))
    }
}

/// The fields of a callback's body that may hold the id of the job, best first. None for an unknown kind.
pub fn claimed_ids(kind: &str) -> &'static [&'static str] {
    match Kind::of(kind) {
        Some(Kind::Video) => &["video_id"],
        // Replicas have been renamed to faces. A callback may name either.
        Some(Kind::Replica) => &["replica_id", "face_id"],
        Some(Kind::Conversation) => &["conversation_id"],
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_with_and_without_its_platform() {
        for kind in KINDS {
            assert!(Kind::of(kind).is_some(), "{kind}");
            assert_eq!(Kind::of(&format!("tavus.{kind}")), Kind::of(kind));
            assert_eq!((Kind::of_job(kind), Kind::of_job(&format!("tavus.{kind}"))), (None, Kind::of(kind)));
            assert!(!claimed_ids(kind).is_empty(), "{kind}");
        }
        for other in ["", "document", "did.video", "tavus.", "tavus.tavus.video", "Video"] {
            assert_eq!((Kind::of(other), claimed_ids(other)), (None, &[][..]), "{other}");
        }
    }
}
