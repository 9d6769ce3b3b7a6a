//! The configuration of a client.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use tokio::time::Instant;

use super::RetryPolicy;

/// Which of HeyGen's two APIs to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiVersion {
    /// The current API, below `/v3`.
    V3,
    /// The legacy API, below `/v1`. HeyGen announced its end for 2026-11-01, with exceptions.
    V1,
}

impl ApiVersion {
    /// Whether repeating a create or a rotation with its [`IdempotencyKey`](super::IdempotencyKey)
    /// returns the first response again. If not, and the response to a create is lost, look for the
    /// endpoint in the list.
    pub fn replays_by_key(self) -> bool {
        self == Self::V3
    }

    /// Whether [`Api::rotate_secret`](super::Api::rotate_secret) exists.
    pub fn rotates_secrets(self) -> bool {
        self == Self::V3
    }

    /// Whether [`Api::endpoints`](super::Api::endpoints) returns secrets. If not, a secret that was
    /// not stored is lost.
    pub fn lists_secrets(self) -> bool {
        self == Self::V1
    }
}

/// Authenticates the calls. `Debug` shows only which variant it is.
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

/// The time limits of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection, including TLS.
    pub connect: Duration,
    /// For the whole attempt, from the connection to the last byte of the response.
    pub attempt: Duration,
}

/// 5 s for the connection, 15 s for the attempt.
impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), attempt: Duration::from_secs(15) }
    }
}

/// The configuration of an [`Api`](super::Api).
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Which API to use.
    pub version: ApiVersion,
    /// Scheme and host, and optionally a path to which the paths of all calls are appended. Values
    /// other than [`ApiConfig::BASE_URL`] are for tests, simulators and proxies. The credential is
    /// sent to it, so it should be `https` unless it is on this machine.
    pub base_url: String,
    /// Authenticates the calls.
    pub credential: Credential,
    /// The time limits of one attempt.
    pub timeouts: Timeouts,
    /// How often a failed call is retried.
    pub retry: RetryPolicy,
    /// No change is sent unless its attempt ends before this time, whatever the response; lists are not limited.
    pub changes_until: Option<Instant>,
}

impl ApiConfig {
    /// HeyGen's production host.
    pub const BASE_URL: &'static str = "https://api.heygen.com";

    /// HeyGen's production host, with the default timeouts and retries.
    pub fn new(version: ApiVersion, credential: Credential) -> Self {
        Self {
            version,
            base_url: Self::BASE_URL.to_owned(),
            credential,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            changes_until: None,
        }
    }
}

/// Why a configuration is invalid. It quotes neither the URL nor the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// Not a plain `http` or `https` URL.
    #[error("the base URL is not http(s)://host[:port][/path]")]
    BaseUrl,
    /// Not valid as the value of a header.
    #[error("the credential is empty, or contains white space (a line end?) or another character that no key has")]
    Credential,
}

/// Reads a base URL. It rejects a user, a query and a fragment: a user would be a second credential, and be logged.
///
/// # Errors
///
/// [`InvalidConfig::BaseUrl`].
pub fn base_url(text: &str) -> Result<Url, InvalidConfig> {
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
