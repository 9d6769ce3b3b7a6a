//! Verified is a type: what has not been verified cannot be read.

use std::fmt;

use crate::signature::ExpectedMac;
use crate::{Secret, Signature};

/// Bytes from outside. They can be counted and verified, and nothing else.
pub struct Unverified(Vec<u8>);

impl Unverified {
    /// Takes the raw bytes of a request's body, before anything decoded or re-serialised them.
    pub fn new(body: Vec<u8>) -> Self {
        Self(body)
    }

    /// The body's length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no body at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Accepts the body if any of `signatures` is its MAC under any of `secrets`.
    ///
    /// There may be several of each: HeyGen has renamed its header, so a request can carry two,
    /// and after a rotation the previous secret stays valid for a while. Nothing verifies when
    /// either list is empty.
    ///
    /// # Errors
    ///
    /// The bytes themselves come back, so that the caller can try again with fresher secrets.
    pub fn verify(self, signatures: &[Signature], secrets: &[&Secret]) -> Result<Verified, Self> {
        let matched = secrets.iter().position(|secret| {
            let expected = ExpectedMac::of(secret, &self.0);
            signatures.iter().any(|signature| expected.matches(signature))
        });
        match matched {
            Some(_) => Ok(Verified { body: self.0, matched }),
            None => Err(self),
        }
    }
}

impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unverified({} bytes)", self.0.len())
    }
}

/// Bytes that HeyGen is known to have sent.
///
/// Only [`Unverified::verify`] and [`Verified::from_trusted`] make one.
pub struct Verified {
    body: Vec<u8>,
    matched: Option<usize>,
}

impl Verified {
    /// Takes a body from a channel that itself proves the sender: a queue that only verified
    /// bodies enter, or an answer of HeyGen's API. Never for bytes of a request.
    pub fn from_trusted(body: Vec<u8>) -> Self {
        Self { body, matched: None }
    }

    /// The raw body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The raw body, given away.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The index, in the list given to [`Unverified::verify`], of the secret that matched;
    /// `None` for a body from a trusted channel.
    pub fn matched(&self) -> Option<usize> {
        self.matched
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({} bytes)", self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign;

    const BODY: &[u8] = br#"{"event_type":"avatar_video.success"}"#;

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    fn signature(secret: &Secret, body: &[u8]) -> Signature {
        sign(secret, body).parse().unwrap()
    }

    fn verify(signatures: &[Signature], secrets: &[&Secret]) -> Result<Verified, Unverified> {
        Unverified::new(BODY.to_vec()).verify(signatures, secrets)
    }

    #[test]
    fn any_signature_may_match_any_secret() {
        let (current, previous, stranger) = (secret("a"), secret("b"), secret("c"));
        let good = signature(&previous, BODY);
        let bad = signature(&stranger, BODY);

        let verified = verify(&[bad, good], &[&current, &previous]).unwrap();
        assert_eq!(verified.matched(), Some(1));
        assert_eq!(verified.body(), BODY);
        assert_eq!(verified.into_body(), BODY);
    }

    #[test]
    fn a_mismatch_gives_the_bytes_back() {
        let (ours, stranger) = (secret("a"), secret("c"));
        let unverified = verify(&[signature(&stranger, BODY)], &[&ours]).unwrap_err();

        let verified = unverified.verify(&[signature(&ours, BODY)], &[&ours]).unwrap();
        assert_eq!(verified.body(), BODY);
    }

    #[test]
    fn nothing_verifies_without_a_signature_or_without_a_secret() {
        let ours = secret("a");
        assert!(verify(&[], &[&ours]).is_err());
        assert!(verify(&[signature(&ours, BODY)], &[]).is_err());
        assert!(verify(&[], &[]).is_err());
    }

    #[test]
    fn an_empty_body_is_verified_like_any_other() {
        let ours = secret("a");
        let empty = Unverified::new(Vec::new());
        assert!(empty.is_empty());
        let empty = empty.verify(&[signature(&ours, BODY)], &[&ours]).unwrap_err();
        assert!(empty.verify(&[signature(&ours, b"")], &[&ours]).is_ok());
    }

    #[test]
    fn debug_shows_only_the_length() {
        let unverified = Unverified::new(b"canary".to_vec());
        assert_eq!(unverified.len(), 6);
        assert_eq!(format!("{unverified:?}"), "Unverified(6 bytes)");
        let trusted = Verified::from_trusted(b"canary".to_vec());
        assert_eq!(trusted.matched(), None);
        assert_eq!(format!("{trusted:?}"), "Verified(6 bytes)");
    }
}
