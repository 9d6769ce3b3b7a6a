//! Asking a platform for a list of jobs. HeyGen's API has a client of its own, in crate `heygen`.

use webhook::Platform;
use webhook::list::Page;

/// By what a job of a platform's lists is known to be meant for this deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It has a value of the caller's. An account has jobs of others, too.
    OwnValue,
    /// It was to be reported to a callback URL of this deployment.
    CallbackUrl,
    /// By nothing: every job of the account counts, as the platform repeats no value of the caller's.
    None,
}

/// The platform's lists that say for each job whether it is meant for this deployment. Each name begins with the platform's;
/// that of a list whose jobs are of one kind is the kind.
pub fn lists(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::HeyGen => &[],
        Platform::Synthesia => &synthesia::LISTS,
        Platform::ElevenLabs => &elevenlabs::LISTS,
        // Its list of videos says neither whose callback URL one has, nor any value of the caller's that could not be
        // another team's name of a video.
        Platform::Tavus => &[],
        Platform::Did => &did::LISTS,
    }
}

/// How a job of these lists is known.
pub fn mark(platform: Platform) -> Mark {
    match platform {
        Platform::HeyGen | Platform::Synthesia => Mark::OwnValue,
        Platform::ElevenLabs => Mark::None,
        Platform::Tavus | Platform::Did => Mark::CallbackUrl,
    }
}

/// The path, below the base URL, of a page of a list; of the first one without a token. `None` if there is no such list.
pub fn path(platform: Platform, list: &str, token: Option<&str>) -> Option<String> {
    if !lists(platform).contains(&list) {
        return None;
    }
    match platform {
        Platform::HeyGen | Platform::Tavus => None,
        Platform::Synthesia => Some(synthesia::list_path(token)),
        Platform::ElevenLabs => Some(elevenlabs::list_path(list, token)),
        Platform::Did => did::list_path(list, token),
    }
}

/// Reads a page; `None` if the text is none of this list.
pub fn page(platform: Platform, list: &str, body: &[u8]) -> Option<Page> {
    match platform {
        Platform::HeyGen | Platform::Tavus => None,
        Platform::Synthesia => synthesia::page(body),
        Platform::ElevenLabs => elevenlabs::page(body),
        Platform::Did => did::page(list, body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_has_a_path_and_a_name_that_says_its_platform() {
        for platform in Platform::ALL {
            for list in lists(platform) {
                assert_eq!(Platform::of_kind(list), platform, "{list}");
                assert!(path(platform, list, None).unwrap().starts_with('/'), "{list}");
                assert!(page(platform, list, b"[]").is_none(), "{list}");
            }
            assert!(path(platform, "video", None).is_none(), "{platform}");
        }
    }

    #[test]
    fn only_a_platform_that_takes_callback_urls_is_known_by_them() {
        for platform in Platform::ALL {
            assert!(mark(platform) != Mark::CallbackUrl || platform.takes_callback_urls(), "{platform}");
        }
    }
}
