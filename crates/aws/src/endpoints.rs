//! What the functions share about endpoints: their names, paths and secrets.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use webhook::Platform;

/// The path of HeyGen's endpoints is this and the name.
pub const PATH: &str = "/webhooks/heygen/";

/// The names in a comma separated list.
pub fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// An endpoint that is not in the list of HeyGen's: of another platform, or for HeyGen's callback URLs. As a text
/// `tavus/main`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlatformEndpoint {
    pub platform: Platform,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an endpoint of another platform is written as platform/name, such as synthesia/main")]
pub struct InvalidEndpoint;

impl PlatformEndpoint {
    /// Where the platform posts its signed deliveries to.
    pub fn path(&self) -> String {
        format!("/webhooks/{self}")
    }

    /// The name of the secret that the platform signs with; `prefix` is `SECRET_PREFIX`.
    pub fn signing_secret(&self, prefix: &str) -> String {
        format!("{prefix}{self}")
    }

    /// The name of the secret that callback tokens are made with; `prefix` is `CALLBACK_PREFIX`.
    pub fn callback_secret(&self, prefix: &str) -> String {
        format!("{prefix}{self}")
    }
}

impl fmt::Display for PlatformEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.platform, self.name)
    }
}

impl FromStr for PlatformEndpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let (platform, name) = text.split_once('/').ok_or(InvalidEndpoint)?;
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 40 || !name.bytes().all(is_plain) {
            return Err(InvalidEndpoint);
        }
        Ok(PlatformEndpoint { platform: platform.parse().map_err(|_| InvalidEndpoint)?, name: name.to_owned() })
    }
}

/// The comma separated list of a variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlatformEndpoints(pub Vec<PlatformEndpoint>);

impl FromStr for PlatformEndpoints {
    type Err = InvalidEndpoint;

    fn from_str(list: &str) -> Result<Self, InvalidEndpoint> {
        names(list).iter().map(|name| name.parse()).collect::<Result<_, _>>().map(PlatformEndpoints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_of_a_platform_is_written_with_it() {
        let PlatformEndpoints(all) = "synthesia/main, tavus/a-1,".parse().unwrap();
        assert_eq!(
            all.iter().map(PlatformEndpoint::path).collect::<Vec<_>>(),
            ["/webhooks/synthesia/main", "/webhooks/tavus/a-1"]
        );
        assert_eq!(all[1].callback_secret("shop/callbacks/"), "shop/callbacks/tavus/a-1");
        for wrong in ["main", "/main", "synthesia/", "sora/main", "synthesia/Main", "synthesia/a/b"] {
            assert_eq!(wrong.parse::<PlatformEndpoints>(), Err(InvalidEndpoint), "{wrong}");
        }
    }
}
