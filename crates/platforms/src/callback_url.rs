//! Where a platform says that it posts a job's callbacks. The URL is a credential for that job.

use serde_json::Value;
use webhook::Platform;

/// The callback URL in a platform's answer about a job, if it repeats one. HeyGen's API repeats none.
pub fn callback_url(platform: Platform, kind: &str, answer: &Value) -> Option<String> {
    match platform {
        Platform::HeyGen | Platform::Synthesia | Platform::ElevenLabs => None,
        Platform::Tavus => tavus::callback_url(kind, answer),
        Platform::Did => did::callback_url(kind, answer),
    }
}

/// Whether an answer about a job of this kind that has no URL says that the job has none.
pub fn repeats_callback_url(platform: Platform, kind: &str) -> bool {
    match platform {
        Platform::HeyGen | Platform::Synthesia | Platform::ElevenLabs => false,
        Platform::Tavus => tavus::repeats_callback_url(kind),
        Platform::Did => did::repeats_callback_url(kind),
    }
}
