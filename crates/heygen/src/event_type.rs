//! The names of HeyGen's events, known and unknown.

use std::fmt;

/// An event's type, such as `avatar_video.success`.
///
/// HeyGen adds types about monthly, so any text is a valid type. Its kind and its outcome follow
/// from the pattern of the name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(String);

/// How a job ended, according to the type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The job has its result.
    Succeeded,
    /// The job failed.
    Failed,
    /// The type does not say, so the event affects no job.
    Unknown,
}

impl EventType {
    /// The types that HeyGen's documents and generated clients name, sorted. A type that is missing
    /// here is received, recorded and reported like any other, but logs and metrics call it
    /// `unknown`.
    pub const KNOWN: &'static [&'static str] = &[
        "ai_clipping.fail",
        "ai_clipping.success",
        "avatar_video.fail",
        "avatar_video.success",
        "avatar_video_caption.fail",
        "avatar_video_caption.success",
        "avatar_video_gif.fail",
        "avatar_video_gif.success",
        "batch.finished",
        "hyperframes_video.fail",
        "hyperframes_video.success",
        "instant_avatar.fail",
        "instant_avatar.success",
        "live_avatar.fail",
        "live_avatar.success",
        "personalized_video",
        "photo_avatar_add_motion.fail",
        "photo_avatar_add_motion.success",
        "photo_avatar_generation.fail",
        "photo_avatar_generation.success",
        "photo_avatar_train.fail",
        "photo_avatar_train.success",
        "proofread_creation.fail",
        "proofread_creation.success",
        "video_agent.fail",
        "video_agent.success",
        "video_translate.fail",
        "video_translate.preflight.download_failed",
        "video_translate.preflight.validation_failed",
        "video_translate.success",
    ];

    /// Takes any name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as HeyGen wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, by value.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether the name is one of [`EventType::KNOWN`]. For logs and metrics only; no decision
    /// should depend on it.
    pub fn is_known(&self) -> bool {
        Self::KNOWN.contains(&self.as_str())
    }

    /// The kind of job the event is about: `avatar_video` for `avatar_video.fail`.
    /// If the outcome is unknown, the whole name.
    pub fn kind(&self) -> &str {
        self.parts().0
    }

    /// How the job ended, according to the name.
    pub fn outcome(&self) -> Outcome {
        self.parts().1
    }

    fn parts(&self) -> (&str, Outcome) {
        match self.as_str() {
            // Both are sent once, at the end, and have no failing counterpart.
            "personalized_video" => return ("personalized_video", Outcome::Succeeded),
            "batch.finished" => return ("batch", Outcome::Succeeded),
            _ => {}
        }
        if let Some(check) = self.0.strip_prefix("video_translate.preflight.")
            && check.ends_with("_failed")
        {
            return ("video_translate", Outcome::Failed);
        }
        let split = [(".success", Outcome::Succeeded), (".fail", Outcome::Failed)]
            .into_iter()
            .find_map(|(suffix, outcome)| Some((self.0.strip_suffix(suffix)?, outcome)));
        match split {
            Some((kind, outcome)) if is_name(kind) => (kind, outcome),
            _ => (&self.0, Outcome::Unknown),
        }
    }
}

/// A kind becomes part of a key whose separator is `#`, so only characters of HeyGen's names count.
fn is_name(kind: &str) -> bool {
    let in_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !kind.is_empty() && kind.bytes().all(in_a_name)
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_types_are_sorted_and_none_is_repeated() {
        for pair in EventType::KNOWN.windows(2) {
            assert!(pair[0] < pair[1], "EventType::KNOWN: {:?} must come before {:?}, and only once", pair[1], pair[0]);
        }
    }

    #[test]
    fn every_known_type_says_how_its_job_ended() {
        for name in EventType::KNOWN {
            let known = EventType::new(*name);
            assert!(known.is_known());
            assert_ne!(known.outcome(), Outcome::Unknown, "{name}");
        }
    }

    #[test]
    fn kind_and_outcome_follow_from_the_name() {
        use Outcome::{Failed, Succeeded, Unknown};
        for (name, kind, outcome) in [
            ("avatar_video.success", "avatar_video", Succeeded),
            ("avatar_video.fail", "avatar_video", Failed),
            ("personalized_video", "personalized_video", Succeeded),
            ("batch.finished", "batch", Succeeded),
            ("video_translate.preflight.download_failed", "video_translate", Failed),
            ("video_translate.preflight.quota_failed", "video_translate", Failed),
            ("hologram.success", "hologram", Succeeded),
            ("hologram.draft.fail", "hologram.draft", Failed),
            ("hologram.started", "hologram.started", Unknown),
            ("video_translate.preflight.passed", "video_translate.preflight.passed", Unknown),
            ("avatar_video.Success", "avatar_video.Success", Unknown),
            (".success", ".success", Unknown),
            ("a#b.success", "a#b.success", Unknown),
            ("", "", Unknown),
        ] {
            let event_type = EventType::new(name);
            assert_eq!((event_type.kind(), event_type.outcome()), (kind, outcome), "{name:?}");
        }
    }
}
