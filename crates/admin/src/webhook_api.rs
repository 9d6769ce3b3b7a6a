//! The platforms beside HeyGen that have an API for webhooks. They differ in much, so each difference is a match.

use webhook::Platform;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WebhookApi {
    Synthesia,
    ElevenLabs,
}

impl WebhookApi {
    /// `None` for HeyGen, whose endpoints have a list of their own, and for platforms that get a callback URL with each job.
    pub(crate) fn of(platform: Platform) -> Option<Self> {
        match platform {
            Platform::Synthesia => Some(Self::Synthesia),
            Platform::ElevenLabs => Some(Self::ElevenLabs),
            Platform::HeyGen | Platform::Tavus | Platform::Did => None,
        }
    }

    pub(crate) fn platform(self) -> Platform {
        match self {
            Self::Synthesia => Platform::Synthesia,
            Self::ElevenLabs => Platform::ElevenLabs,
        }
    }

    /// Whether a webhook can be changed after its creation. Where it cannot, another one replaces it.
    pub(crate) fn updates(self) -> bool {
        match self {
            Self::Synthesia => false,
            Self::ElevenLabs => true,
        }
    }

    /// Whether it can be chosen that failed deliveries are retried.
    pub(crate) fn chooses_retries(self) -> bool {
        match self {
            Self::Synthesia => false,
            Self::ElevenLabs => true,
        }
    }

    /// All that a webhook can subscribe to, sorted.
    pub(crate) fn events(self) -> &'static [&'static str] {
        match self {
            Self::Synthesia => &["video.completed", "video.failed"],
            Self::ElevenLabs => &["agent_qa", "flows", "speech_to_text", "voice_library_removal_notice"],
        }
    }
}
