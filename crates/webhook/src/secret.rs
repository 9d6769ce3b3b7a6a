//! The secret with which HeyGen signs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The secret of one webhook endpoint, exactly as its platform showed it (such as HeyGen's `whsec_…`).
///
/// The key of the MAC is the whole string as UTF-8 bytes, prefix included. Where the part after a
/// prefix looks like base64, no platform decodes it.
///
/// A secret is never empty: a deployment that lacks its secret must fail instead of accepting what
/// was signed with the empty key. It serialises as a plain string, so serialise it only into a
/// secret store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Secret(String);

/// The secret was the empty string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret is empty")]
pub struct EmptySecret;

impl Secret {
    /// Takes the secret as it is, without trimming.
    ///
    /// # Errors
    ///
    /// [`EmptySecret`] for the empty string.
    pub fn new(secret: impl Into<String>) -> Result<Self, EmptySecret> {
        let secret = secret.into();
        if secret.is_empty() {
            return Err(EmptySecret);
        }
        Ok(Self(secret))
    }

    /// The key of the MAC.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl TryFrom<String> for Secret {
    type Error = EmptySecret;

    fn try_from(secret: String) -> Result<Self, EmptySecret> {
        Self::new(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_secret_cannot_be_made() {
        assert_eq!(Secret::new(""), Err(EmptySecret));
        assert!(serde_json::from_str::<Secret>(r#""""#).is_err());
    }

    #[test]
    fn a_secret_is_a_plain_string_in_json() {
        let secret: Secret = serde_json::from_str(r#""whsec_x""#).unwrap();
        assert_eq!(secret.as_bytes(), b"whsec_x");
        assert_eq!(serde_json::to_string(&secret).unwrap(), r#""whsec_x""#);
    }

    #[test]
    fn debug_does_not_show_the_secret() {
        let secret = Secret::new("whsec_canary").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    }
}
