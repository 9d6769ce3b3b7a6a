//! What the platforms beside HeyGen make, and whom they tell about it.

use crate::jobs::JobKind;
use crate::random;
use std::fmt;
use webhook::Platform;

/// Defines [`Product`], the list of all and their names from one list.
macro_rules! products {
    ($($(#[$about:meta])* $product:ident = $name:literal,)*) => {
        /// A kind of job at a platform beside HeyGen.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Product {
            $($(#[$about])* $product,)*
        }

        impl Product {
            /// All of them.
            pub const ALL: [Product; [$($name),*].len()] = [$(Product::$product),*];

            /// The name of the kind, with its platform.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Product::$product => $name,)*
                }
            }
        }
    };
}

products! {
    /// A video of Synthesia.
    SynthesiaVideo = "synthesia.video",
    /// A video that ElevenLabs generates (Flows).
    ElevenLabsVideo = "elevenlabs.video",
    /// An image that ElevenLabs generates (Flows).
    ElevenLabsImage = "elevenlabs.image",
    /// Speech that ElevenLabs generates as a job (Flows).
    ElevenLabsSpeech = "elevenlabs.speech",
    /// A video of Tavus.
    TavusVideo = "tavus.video",
    /// The training of a replica at Tavus.
    TavusReplica = "tavus.replica",
    /// A conversation at Tavus. A failure is the reason of its end.
    TavusConversation = "tavus.conversation",
    /// A talk of D-ID.
    DidTalk = "did.talk",
    /// A clip of D-ID.
    DidClip = "did.clip",
    /// An animation of D-ID.
    DidAnimation = "did.animation",
    /// A scene of D-ID.
    DidScene = "did.scene",
}

impl Product {
    /// The product of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.name() == name)
    }

    /// Whose product it is.
    pub fn platform(self) -> Platform {
        Platform::of_kind(self.name())
    }

    /// A job that is reported to this URL, if its platform takes one.
    pub fn calling(self, url: impl Into<String>) -> JobKind {
        JobKind::On(self, Notify::Url(CallbackUrl(url.into())))
    }

    /// A new id. Only talks and clips have a prefix, because D-ID documents no other by example.
    pub(crate) fn new_id(self) -> String {
        let id = random::opaque();
        match self {
            Product::SynthesiaVideo => random::uuid(),
            Product::ElevenLabsVideo | Product::ElevenLabsImage | Product::ElevenLabsSpeech => format!("gen_{id}"),
            Product::TavusVideo | Product::TavusReplica | Product::TavusConversation | Product::DidAnimation => id,
            Product::DidScene => id,
            Product::DidTalk => format!("tlk_{id}"),
            Product::DidClip => format!("clp_{id}"),
        }
    }
}

/// A job that the subscribed webhooks hear of, if its platform has webhooks.
impl From<Product> for JobKind {
    fn from(product: Product) -> Self {
        JobKind::On(product, Notify::Subscribed)
    }
}

/// Who hears of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notify {
    /// Every webhook that subscribes to it.
    Subscribed,
    /// These webhooks, by their ids, if they subscribe to it.
    Webhooks(Vec<String>),
    /// A URL, without a signature, at Tavus and D-ID.
    Url(CallbackUrl),
    /// Nobody.
    Nobody,
}

/// The URL that a job is reported to. It may hold a token, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackUrl(pub String);

impl fmt::Debug for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackUrl(redacted)")
    }
}
