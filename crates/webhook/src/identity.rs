//! The identity of an event, by which a repeated delivery is recognised.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Platform;
use crate::canonical::canonical;
use crate::digest::digest;

/// The identity of an event: 64 lower-case hex digits, of SHA-256.
///
/// It is derived only from what the MAC covers. Headers are not covered: an attacker who captured a
/// delivery can replay it with other headers, and it must still be the same event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Identity(String);

/// A text is not an identity, which is 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an identity is 64 lower-case hex digits")]
pub struct InvalidIdentity;

impl Identity {
    /// The identity that is derived from these parts. The domain says which platform's event it is, and by what it is
    /// identified, so that events of two platforms never share one.
    pub fn of(domain: &str, parts: &[&[u8]]) -> Self {
        Self(digest(domain, parts))
    }

    /// The identity of an event that only its content tells from others: the canonical form of its body, or the bytes
    /// where there is none.
    pub fn of_content(platform: Platform, body: &[u8]) -> Self {
        match canonical(body) {
            Some(content) => Self::of(&format!("{platform} content"), &[&content]),
            None => Self::of(&format!("{platform} body"), &[body]),
        }
    }

    /// The 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// For identities that are read from a store.
impl TryFrom<String> for Identity {
    type Error = InvalidIdentity;

    fn try_from(text: String) -> Result<Self, InvalidIdentity> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.bytes().all(is_hex) {
            return Err(InvalidIdentity);
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_identity_is_read_from_a_store() {
        let identity = Identity::of("x", &[b"1"]);
        let stored = identity.to_string();
        let json = serde_json::to_string(&identity).unwrap();
        assert_eq!(serde_json::from_str::<Identity>(&json).unwrap(), identity);
        for text in ["", "abc", &stored[1..], &stored.to_uppercase()] {
            assert_eq!(Identity::try_from(text.to_owned()), Err(InvalidIdentity), "{text}");
        }
    }

    #[test]
    fn the_same_content_of_two_platforms_is_two_events() {
        for body in [&b"{}"[..], b"not json"] {
            let mut identities = Platform::ALL.map(|platform| Identity::of_content(platform, body)).to_vec();
            identities.sort();
            identities.dedup();
            assert_eq!(identities.len(), Platform::ALL.len());
        }
    }

    #[test]
    fn neither_domains_nor_parts_run_into_each_other() {
        assert_ne!(Identity::of("a", &[b"bc"]), Identity::of("ab", &[b"c"]));
        assert_ne!(Identity::of("a", &[b"b", b"c"]), Identity::of("a", &[b"bc"]));
    }
}
