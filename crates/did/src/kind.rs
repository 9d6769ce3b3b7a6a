//! The kinds of jobs that a callback may be about.

/// The kinds that a callback URL may be made for, without the platform. Nothing in a callback says its kind.
///
/// Avatars of clips are not among them: D-ID takes a callback URL for one, and has no way to look it up.
pub const KINDS: &[&str] = &["talk", "clip", "animation", "scene", "expressive", "translation", "scene_avatar"];

const PREFIX: &str = "did.";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Talk,
    Clip,
    Animation,
    Scene,
    Expressive,
    Translation,
    SceneAvatar,
}

impl Kind {
    /// The kind of a callback's path, or of a job.
    pub(crate) fn of(kind: &str) -> Option<Self> {
        match kind.strip_prefix(PREFIX).unwrap_or(kind) {
            "talk" => Some(Self::Talk),
            "clip" => Some(Self::Clip),
            "animation" => Some(Self::Animation),
            "scene" => Some(Self::Scene),
            "expressive" => Some(Self::Expressive),
            "translation" => Some(Self::Translation),
            "scene_avatar" => Some(Self::SceneAvatar),
            _ => None,
        }
    }

    /// The kind of a job, which has its platform. Without one it is HeyGen's.
    pub(crate) fn of_job(kind: &str) -> Option<Self> {
        Self::of(kind).filter(|_| kind.starts_with(PREFIX))
    }
}

/// The fields of a callback's body that may hold the id of the job. None for an unknown kind.
pub fn claimed_ids(kind: &str) -> &'static [&'static str] {
    match Kind::of(kind) {
        Some(_) => &["id"],
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
            assert_eq!(Kind::of(&format!("did.{kind}")), Kind::of(kind));
            assert_eq!((Kind::of_job(kind), Kind::of_job(&format!("did.{kind}"))), (None, Kind::of(kind)));
            assert_eq!(claimed_ids(kind), ["id"]);
        }
        for other in ["", "agent", "clip_avatar", "tavus.talk", "did.", "did.did.talk", "Talk"] {
            assert_eq!((Kind::of(other), claimed_ids(other)), (None, &[][..]), "{other}");
        }
    }
}
