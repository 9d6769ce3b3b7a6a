//! Idempotency keys: with the same key, HeyGen returns the same response.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The key of one create or one rotation: `^[A-Za-z0-9_\-:.]{1,255}$`.
///
/// For 24 h HeyGen responds to a repetition with the first response, including the secret, even if
/// the request is a different one. So make a key for one change, store it before the call, and use
/// it for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct IdempotencyKey(String);

/// A text is not a valid idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 1 to 255 letters, digits and any of _ - : .")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The longest key that HeyGen accepts, in bytes.
    const MAX: usize = 255;

    /// Takes the key unchanged.
    ///
    /// # Errors
    ///
    /// [`InvalidIdempotencyKey`] for a key that HeyGen would reject.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidIdempotencyKey> {
        let key = key.into();
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte);
        if (1..=Self::MAX).contains(&key.len()) && key.bytes().all(valid) {
            Ok(Self(key))
        } else {
            Err(InvalidIdempotencyKey)
        }
    }

    /// The value of the header `Idempotency-Key`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = InvalidIdempotencyKey;

    fn try_from(key: String) -> Result<Self, InvalidIdempotencyKey> {
        Self::new(key)
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_heygen_accepts_is_a_key() {
        for good in ["a", "rotate:ep_1.2026-11-21", &"x".repeat(255)] {
            assert_eq!(IdempotencyKey::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "é", "a\n", &"x".repeat(256)] {
            assert!(IdempotencyKey::new(bad).is_err(), "{bad:?}");
            assert!(serde_json::from_value::<IdempotencyKey>(bad.into()).is_err(), "{bad:?}");
        }
    }
}
