//! Idempotency keys: with the same key, HeyGen gives the same answer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The key of one create or one rotation: `^[A-Za-z0-9_\-:.]{1,255}$`.
///
/// For 24 h HeyGen answers a repetition with the first answer, the secret included, even if the
/// request is another one. So a key is made for one change, stored before the call, and used
/// for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct IdempotencyKey(String);

/// A text is not an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 1 to 255 letters, digits and any of _ - : .")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The longest key that HeyGen takes.
    const MAX: usize = 255;

    /// Takes the key as it is.
    ///
    /// # Errors
    ///
    /// [`InvalidIdempotencyKey`] for what HeyGen would refuse.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidIdempotencyKey> {
        let key = key.into();
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte);
        if (1..=Self::MAX).contains(&key.len()) && key.bytes().all(valid) {
            Ok(Self(key))
        } else {
            Err(InvalidIdempotencyKey)
        }
    }

    /// The key as it is sent.
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
    fn only_what_heygen_takes_is_a_key() {
        for good in ["a", "rotate:ep_1.2026-11-21", &"x".repeat(255)] {
            assert_eq!(IdempotencyKey::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "é", "a\n", &"x".repeat(256)] {
            assert!(IdempotencyKey::new(bad).is_err(), "{bad:?}");
            assert!(serde_json::from_value::<IdempotencyKey>(bad.into()).is_err(), "{bad:?}");
        }
    }
}
