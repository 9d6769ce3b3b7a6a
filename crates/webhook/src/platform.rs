//! The platforms whose webhooks are received.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Defines [`Platform`] and the list of all from one list.
macro_rules! platforms {
    ($($(#[$about:meta])* $name:ident,)*) => {
        /// A platform. The set is closed: a `match` on it has to say what each one does.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Platform {
            $($(#[$about])* $name,)*
        }

        impl Platform {
            /// All of them, HeyGen first.
            pub const ALL: [Platform; [$(stringify!($name)),*].len()] = [$(Platform::$name),*];
        }
    };
}

platforms! {
    /// The one that is meant where none is named: in paths, in the table and on the bus.
    #[default]
    HeyGen,
    /// Signed; two types of events.
    Synthesia,
    /// Signed; jobs of several products.
    ElevenLabs,
    /// Not signed.
    Tavus,
    /// D-ID; not signed.
    Did,
}

/// A text is not the name of a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a platform is one of {}", Platform::ALL.map(Platform::name).join(", "))]
pub struct UnknownPlatform;

impl Platform {
    /// The name in paths, kinds, items and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeyGen => "heygen",
            Self::Synthesia => "synthesia",
            Self::ElevenLabs => "elevenlabs",
            Self::Tavus => "tavus",
            Self::Did => "did",
        }
    }

    /// The name as the platform writes it: for people, and in the detail types of events on the bus.
    pub const fn title(self) -> &'static str {
        match self {
            Self::HeyGen => "HeyGen",
            Self::Synthesia => "Synthesia",
            Self::ElevenLabs => "ElevenLabs",
            Self::Tavus => "Tavus",
            Self::Did => "D-ID",
        }
    }

    /// Whether the platform signs its deliveries. What the others send is never recorded: it only says that there is
    /// something to look up.
    pub const fn is_signed(self) -> bool {
        match self {
            Self::HeyGen | Self::Synthesia | Self::ElevenLabs => true,
            Self::Tavus | Self::Did => false,
        }
    }

    /// Whether a callback URL, with a token in its path, may be handed to it for one job.
    pub const fn takes_callback_urls(self) -> bool {
        match self {
            Self::HeyGen | Self::Tavus | Self::Did => true,
            Self::Synthesia | Self::ElevenLabs => false,
        }
    }

    /// The platform of a job, by its kind: `synthesia.video`. HeyGen's kinds carry no platform.
    pub fn of_kind(kind: &str) -> Self {
        let prefix = kind.split_once('.').map(|(prefix, _)| prefix);
        let named = Self::ALL.into_iter().find(|platform| *platform != Self::HeyGen && prefix == Some(platform.name()));
        named.unwrap_or_default()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Platform {
    type Err = UnknownPlatform;

    fn from_str(name: &str) -> Result<Self, UnknownPlatform> {
        Self::ALL.into_iter().find(|platform| platform.name() == name).ok_or(UnknownPlatform)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_everywhere() {
        for platform in Platform::ALL {
            assert_eq!(platform.name().parse(), Ok(platform));
            assert_eq!(serde_json::to_value(platform).unwrap(), platform.name());
            assert!(platform.is_signed() || platform.takes_callback_urls(), "{platform} has no way in");
        }
        assert_eq!(Platform::ALL[0], Platform::default());
        assert_eq!("HeyGen".parse::<Platform>(), Err(UnknownPlatform));
        assert!(UnknownPlatform.to_string().starts_with("a platform is one of heygen, synthesia, "));
    }

    #[test]
    fn a_kind_says_its_platform_unless_it_is_heygens() {
        for (kind, platform) in [
            ("synthesia.video", Platform::Synthesia),
            ("did.talk", Platform::Did),
            ("avatar_video", Platform::HeyGen),
            ("hologram.draft", Platform::HeyGen),
            ("heygen.video", Platform::HeyGen),
            ("synthesia", Platform::HeyGen),
            ("", Platform::HeyGen),
        ] {
            assert_eq!(Platform::of_kind(kind), platform, "{kind}");
        }
    }
}
