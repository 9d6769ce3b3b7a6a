//! Asking a platform for one job. HeyGen's API has a client of its own, in crate `heygen`.

use serde_json::Value;
use webhook::Platform;

/// Scheme and host of the platform's API; `None` where the platform's own client is used.
pub fn base_url(platform: Platform) -> Option<&'static str> {
    match platform {
        Platform::HeyGen => None,
        Platform::Synthesia => Some(synthesia::BASE_URL),
        Platform::ElevenLabs => Some(elevenlabs::BASE_URL),
        Platform::Tavus => Some(tavus::BASE_URL),
        Platform::Did => Some(did::BASE_URL),
    }
}

/// The name and the value of the header that authenticates a call.
pub fn authorization(platform: Platform, key: &str) -> (&'static str, String) {
    match platform {
        Platform::HeyGen => ("x-api-key", key.to_owned()),
        Platform::Synthesia => synthesia::authorization(key),
        Platform::ElevenLabs => elevenlabs::authorization(key),
        Platform::Tavus => tavus::authorization(key),
        Platform::Did => did::authorization(key),
    }
}

/// The paths, below the base URL, that describe a job, to be asked in order until one is found; none if the kind cannot be
/// looked up, or the id is none that may become part of a path.
pub fn paths(platform: Platform, kind: &str, entity_id: &str) -> Vec<String> {
    match platform {
        Platform::HeyGen => Vec::new(),
        Platform::Synthesia => synthesia::paths(kind, entity_id),
        Platform::ElevenLabs => elevenlabs::paths(kind, entity_id),
        Platform::Tavus => tavus::paths(kind, entity_id),
        Platform::Did => did::paths(kind, entity_id),
    }
}

/// The caller's own value in an answer, if the platform repeats one for this kind.
pub fn echoed(platform: Platform, kind: &str, answer: &Value) -> Option<String> {
    match platform {
        Platform::HeyGen => None,
        Platform::Synthesia => synthesia::echoed(kind, answer),
        Platform::ElevenLabs => elevenlabs::echoed(kind, answer),
        Platform::Tavus => tavus::echoed(kind, answer),
        Platform::Did => did::echoed(kind, answer),
    }
}
