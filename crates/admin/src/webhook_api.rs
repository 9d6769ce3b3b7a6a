//! The platforms beside HeyGen that have an API for webhooks. They differ in much, so each difference is a match.

use webhook::Platform;

/// Where a platform beside HeyGen delivers to, which says what there is to keep in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliversTo {
    /// A webhook that is registered.
    Webhook(WebhookApi),
    /// The callback URL of each job. So does HeyGen, whose registered endpoints have a list of their own.
    CallbackUrl,
}

impl DeliversTo {
    pub(crate) fn of(platform: Platform) -> Self {
        match platform {
            Platform::Synthesia => Self::Webhook(WebhookApi::Synthesia),
            Platform::ElevenLabs => Self::Webhook(WebhookApi::ElevenLabs),
            Platform::HeyGen | Platform::Tavus | Platform::Did => Self::CallbackUrl,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WebhookApi {
    Synthesia,
    ElevenLabs,
}

impl WebhookApi {
    pub(crate) fn of(platform: Platform) -> Option<Self> {
        match DeliversTo::of(platform) {
            DeliversTo::Webhook(api) => Some(api),
            DeliversTo::CallbackUrl => None,
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
