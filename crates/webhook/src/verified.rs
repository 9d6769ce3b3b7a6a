//! Verification is part of the type: a body that has not been verified cannot be read.

use std::fmt;

use crate::signature::ExpectedMac;
use crate::{Secret, Signature};

/// The body of a request. It can be measured and verified; the bytes are not accessible before.
///
/// Make one where the request enters the program, so that no unverified bytes are left which
/// could be read by mistake:
///
/// ```compile_fail
/// let body = webhook::Unverified::new(b"{}".to_vec());
/// body.body();
/// ```
pub struct Unverified(Vec<u8>);

impl Unverified {
    /// Takes the raw bytes of a request's body, before anything decoded or re-serialised them.
    pub fn new(body: Vec<u8>) -> Self {
        Self(body)
    }

    /// The length of the body in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the body has no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Accepts the body if any of `signatures` is its HMAC-SHA256 under any of `secrets`, compared
    /// in constant time.
    ///
    /// There may be several of each: HeyGen has renamed its header, so a request can carry two,
    /// and after a rotation the previous secret stays valid for a while. No body verifies when
    /// either list is empty. Where the signature covers a timestamp, too, use
    /// [`Signed`](crate::Signed).
    ///
    /// # Errors
    ///
    /// Returns the body itself, so that the caller can try again with newer secrets.
    pub fn verify(self, signatures: &[Signature], secrets: &[&Secret]) -> Result<Verified, Self> {
        self.verify_after(b"", signatures, secrets)
    }

    /// The bytes of a body that is only claimed. Nothing of it may be recorded.
    pub(crate) fn claim(&self) -> &[u8] {
        &self.0
    }

    /// The same for signatures of `before` and the body.
    pub(crate) fn verify_after(
        self,
        before: &[u8],
        signatures: &[Signature],
        secrets: &[&Secret],
    ) -> Result<Verified, Self> {
        let matched = secrets.iter().position(|secret| {
            let expected = ExpectedMac::of(secret, before, &self.0);
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

/// A body that its platform signed.
///
/// [`Unverified::verify`] makes one. [`Verified::assume_authentic`] is for bodies that were
/// verified before, and are read back from where they were stored.
pub struct Verified {
    body: Vec<u8>,
    matched: Option<usize>,
}

impl Verified {
    /// Takes a body without verifying it.
    ///
    /// The caller guarantees that the body comes from a channel which itself proves the sender: a
    /// queue to which only verified bodies are written, or a response of the platform's API. Calling it
    /// with the body of a request disables the verification.
    ///
    /// To make each call a deliberate one, name this function in clippy's `disallowed-methods` and
    /// annotate the legitimate calls with `#[expect(clippy::disallowed_methods, reason = "…")]`, as
    /// this project does.
    pub fn assume_authentic(body: Vec<u8>) -> Self {
        Self { body, matched: None }
    }

    /// The raw body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The raw body, by value.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The index, in the list given to [`Unverified::verify`], of the secret that matched;
    /// `None` for a body that was assumed to be authentic.
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
    #![allow(clippy::disallowed_methods, reason = "no request is involved")]

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
        let verified = Verified::assume_authentic(b"canary".to_vec());
        assert_eq!(verified.matched(), None);
        assert_eq!(format!("{verified:?}"), "Verified(6 bytes)");
    }
}
