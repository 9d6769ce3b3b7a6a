#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod callback_url;
pub mod list;
pub mod look_up;

use heygen::HeaderNames;
use webhook::{Event, Platform, SignatureHeaderError, Signed, Verified};

/// Reads the signatures of a delivery. HeyGen's header is configuration.
///
/// # Errors
///
/// [`SignatureHeaderError`], which distinguishes a missing header from a malformed one. A platform that does not sign has
/// none.
pub fn signed<N: AsRef<str>, V: AsRef<[u8]>>(
    platform: Platform,
    headers: impl IntoIterator<Item = (N, V)>,
    heygen_headers: &HeaderNames,
) -> Result<Signed, SignatureHeaderError> {
    match platform {
        Platform::HeyGen => heygen_headers.signatures(headers).map(Signed::body),
        Platform::Synthesia => synthesia::signed(headers),
        Platform::ElevenLabs => elevenlabs::signed(headers),
        Platform::Tavus | Platform::Did => Err(SignatureHeaderError::Missing),
    }
}

/// Reads a body: a delivery, or an answer of the platform's API.
pub fn read(platform: Platform, body: &Verified) -> Event {
    match platform {
        Platform::HeyGen => heygen::read(body),
        Platform::Synthesia => synthesia::read(body),
        Platform::ElevenLabs => elevenlabs::read(body),
        Platform::Tavus => tavus::read(body),
        Platform::Did => did::read(body),
    }
}

/// The kinds of jobs that a callback URL may be made for, as in its path: without the platform.
pub fn callback_kinds(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::HeyGen => &["avatar_video", "video_translate"],
        Platform::Synthesia | Platform::ElevenLabs => &[],
        Platform::Tavus => tavus::KINDS,
        Platform::Did => did::KINDS,
    }
}

/// The kinds of jobs that the platform reports, without the platform; none where any may come, as at HeyGen.
pub fn kinds(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::HeyGen => &[],
        Platform::Synthesia => synthesia::KINDS,
        Platform::ElevenLabs => elevenlabs::KINDS,
        Platform::Tavus => tavus::KINDS,
        Platform::Did => did::KINDS,
    }
}

/// The names of the fields of a callback's body that may hold the platform's id of the job.
pub fn claimed_ids(platform: Platform, kind: &str) -> &'static [&'static str] {
    match platform {
        Platform::HeyGen => match kind {
            "video_translate" => &["video_translate_id"],
            _ => &["video_id"],
        },
        Platform::Synthesia | Platform::ElevenLabs => &[],
        Platform::Tavus => tavus::claimed_ids(kind),
        Platform::Did => did::claimed_ids(kind),
    }
}

/// The job's kind in the table and on the bus: HeyGen's carry no platform.
pub fn job_kind(platform: Platform, kind: &str) -> String {
    match platform {
        Platform::HeyGen => kind.to_owned(),
        _ => format!("{platform}.{kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_that_takes_callback_urls_has_kinds_for_them_and_says_where_the_id_is() {
        for platform in Platform::ALL {
            assert_eq!(callback_kinds(platform).is_empty(), !platform.takes_callback_urls(), "{platform}");
            for kind in callback_kinds(platform) {
                assert!(!claimed_ids(platform, kind).is_empty(), "{platform} {kind}");
                assert!(kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "part of a path: {kind}");
            }
        }
    }

    #[test]
    fn a_jobs_kind_says_its_platform() {
        for platform in Platform::ALL {
            for kind in kinds(platform).iter().chain(callback_kinds(platform)) {
                assert_eq!(Platform::of_kind(&job_kind(platform, kind)), platform, "{kind}");
            }
        }
    }
}
