//! What the headers of a request say about its signature.

use time::OffsetDateTime;

use crate::{Secret, Signature, Unverified, Verified};

/// Why a request's headers hold no signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureHeaderError {
    /// The request has none of the headers.
    #[error("the request has no signature header")]
    Missing,
    /// The request has such a header, but none of its values is 64 hex digits; or the timestamp is missing.
    #[error("no signature header holds exactly 64 hex digits")]
    Malformed,
}

/// The signatures of a request, and what they cover besides its body.
#[derive(Debug, Clone)]
pub struct Signed {
    signatures: Vec<Signature>,
    before_body: Vec<u8>,
    at: Option<OffsetDateTime>,
}

impl Signed {
    /// Signatures of the body alone.
    pub fn body(signatures: Vec<Signature>) -> Self {
        Self { signatures, before_body: Vec::new(), at: None }
    }

    /// Signatures of `timestamp "." body`, with the text of the timestamp exactly as it came: it is parsed for the age
    /// only.
    pub fn timestamped(signatures: Vec<Signature>, timestamp: &[u8]) -> Self {
        let at = std::str::from_utf8(timestamp).ok().and_then(time_of);
        Self { signatures, before_body: [timestamp, b"."].concat(), at }
    }

    /// When the platform says that it signed; `None` if the signature covers no time, or one that cannot be read. It is
    /// to be believed once the body is verified.
    pub fn at(&self) -> Option<OffsetDateTime> {
        self.at
    }

    /// Accepts the body if any of the signatures is right under any of `secrets`, compared in constant time.
    ///
    /// # Errors
    ///
    /// Returns the body itself, so that the caller can try again with newer secrets.
    pub fn verify(&self, body: Unverified, secrets: &[&Secret]) -> Result<Verified, Unverified> {
        body.verify_after(&self.before_body, &self.signatures, secrets)
    }
}

/// The time that a text says: Unix seconds, else RFC 3339.
pub fn time_of(text: &str) -> Option<OffsetDateTime> {
    use time::format_description::well_known::Rfc3339;
    let text = text.trim();
    match text.parse() {
        Ok(seconds) => OffsetDateTime::from_unix_timestamp(seconds).ok(),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign;

    fn secret() -> Secret {
        Secret::new("key").unwrap()
    }

    fn signature(message: &[u8]) -> Vec<Signature> {
        vec![sign(&secret(), message).parse().unwrap()]
    }

    fn is_accepted(signed: &Signed) -> bool {
        signed.verify(Unverified::new(b"body".to_vec()), &[&secret()]).is_ok()
    }

    #[test]
    fn a_timestamp_is_part_of_what_is_signed_as_the_text_that_came() {
        assert!(is_accepted(&Signed::timestamped(signature(b"1760000000.body"), b"1760000000")));
        for other in [&b"1760000001"[..], b"01760000000", b"1760000000 ", b""] {
            assert!(!is_accepted(&Signed::timestamped(signature(b"1760000000.body"), other)));
        }
        assert!(!is_accepted(&Signed::timestamped(signature(b"body"), b"1760000000")));
        assert!(is_accepted(&Signed::timestamped(signature(b"odd \xff.body"), b"odd \xff")));
    }

    #[test]
    fn without_a_timestamp_the_body_alone_is_signed() {
        assert!(is_accepted(&Signed::body(signature(b"body"))));
        assert!(!is_accepted(&Signed::body(signature(b".body"))));
        assert_eq!(Signed::body(Vec::new()).at(), None);
    }

    #[test]
    fn a_time_is_read_in_each_of_its_forms() {
        let at = |text: &str| Signed::timestamped(Vec::new(), text.as_bytes()).at().map(OffsetDateTime::unix_timestamp);
        for text in ["1760000000", " 1760000000", "2025-10-09T08:53:20Z", "2025-10-09T10:53:20.000+02:00"] {
            assert_eq!(at(text), Some(1_760_000_000), "{text}");
        }
        for text in ["", "soon", "99999999999999999999", "2025-10-09"] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
