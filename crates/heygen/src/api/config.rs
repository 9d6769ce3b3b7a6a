//! What a client is made from.

use std::fmt;
use std::time::Duration;

use reqwest::Url;

use super::RetryPolicy;

/// Which of HeyGen's two APIs to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiVersion {
    /// The current one.
    V3,
    /// The legacy one, whose end HeyGen announces for 2026-11-01, with exceptions.
    V1,
}

impl ApiVersion {
    /// Whether repeating a create or a rotation with its [`IdempotencyKey`](super::IdempotencyKey)
    /// gives the first answer again. Where it does not, a create whose answer was lost has to be
    /// looked for in the list.
    pub fn replays_by_key(self) -> bool {
        self == Self::V3
    }

    /// Whether [`Api::rotate_secret`](super::Api::rotate_secret) exists.
    pub fn rotates_secrets(self) -> bool {
        self == Self::V3
    }

    /// Whether [`Api::endpoints`](super::Api::endpoints) shows secrets. Where it does not, a
    /// secret that was not stored is lost.
    pub fn lists_secrets(self) -> bool {
        self == Self::V1
    }
}

/// What HeyGen knows us by. `Debug` shows the kind alone.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// Sent as `X-Api-Key`.
    ApiKey(String),
    /// Sent as `Authorization: Bearer`.
    Bearer(String),
}

impl Credential {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::ApiKey(text) | Self::Bearer(text) => text,
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKey(_) => "ApiKey(redacted)",
            Self::Bearer(_) => "Bearer(redacted)",
        })
    }
}

/// How long one attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect, TLS included.
    pub connect: Duration,
    /// In all, from the connection to the last byte of the answer.
    pub attempt: Duration,
}

/// 5 s to connect, 15 s in all.
impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), attempt: Duration::from_secs(15) }
    }
}

/// Everything a client is made from.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Which API to speak.
    pub version: ApiVersion,
    /// Where HeyGen is: scheme, host, and at most a path that all calls' paths are appended to.
    /// Another one than [`ApiConfig::BASE_URL`] is for tests, simulators and proxies; it gets the
    /// credential, so it should be `https` unless it is on this machine.
    pub base_url: String,
    /// What HeyGen knows us by.
    pub credential: Credential,
    /// How long one attempt may take.
    pub timeouts: Timeouts,
    /// When to try again.
    pub retry: RetryPolicy,
}

impl ApiConfig {
    /// HeyGen's host.
    pub const BASE_URL: &'static str = "https://api.heygen.com";

    /// HeyGen itself, with the default timeouts and retries.
    pub fn new(version: ApiVersion, credential: Credential) -> Self {
        Self {
            version,
            base_url: Self::BASE_URL.to_owned(),
            credential,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
        }
    }
}

/// A configuration that no client can be made from. It quotes neither the URL nor the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// Not a plain `http` or `https` URL.
    #[error("the base URL is not http(s)://host[:port][/path]")]
    BaseUrl,
    /// It would not survive as a header's value.
    #[error("the credential is empty, or has a space or another character that no key has; is there a line end in it?")]
    Credential,
}

/// Takes no user, query or fragment: the first would be a second credential, and shown in logs.
pub(super) fn base_url(text: &str) -> Result<Url, InvalidConfig> {
    let url = Url::parse(text).map_err(|_| InvalidConfig::BaseUrl)?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain { Ok(url) } else { Err(InvalidConfig::BaseUrl) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_scheme_host_and_path() {
        for good in [ApiConfig::BASE_URL, "http://127.0.0.1:8080", "https://proxy.invalid/heygen/"] {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for bad in ["", "api.heygen.com", "ftp://x.invalid", "https://u:p@x.invalid", "https://x.invalid/?a=b"] {
            assert_eq!(base_url(bad), Err(InvalidConfig::BaseUrl), "{bad}");
        }
    }
}
