//! Which headers of a request may carry a signature, and reading it from them.

use std::str::FromStr;

use crate::{Signature, SignatureHeaderError};

/// The most signatures that are read from one request. A genuine one has one or two; each is compared
/// with the MAC under every secret.
const MOST_SIGNATURES: usize = 8;

/// The names of the headers that may carry a signature, in lower case.
///
/// HeyGen's documents name `Signature` (v1, and v3 since about September 2026) and
/// `Heygen-Signature` (v3 before that); the default is both. The list is configuration, because a
/// receiver that expects a header which HeyGen no longer sends rejects every delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderNames(Vec<String>);

/// Why a text is not a list of header names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeaderNames {
    /// No name at all: nothing could ever be verified.
    #[error("no header name given")]
    Empty,
    /// Not a token in the sense of RFC 9110, section 5.1.
    #[error("{0:?} is not a header name")]
    NotAName(String),
}

impl HeaderNames {
    /// The first name, for senders of signatures.
    pub fn first(&self) -> &str {
        // No list is empty.
        self.0.first().map(String::as_str).unwrap_or_default()
    }

    /// Reads the signatures from a request's headers: pairs of name and value, such as
    /// `&http::HeaderMap` or a list of `(&str, &str)`. Names match in any case.
    ///
    /// There may be several: HeyGen has renamed its header, so a request can carry both, and a
    /// gateway may join repeated headers with commas, as API Gateway's payload format 2.0 does.
    /// Values that are not signatures are ignored as long as there is one that is, and so are more
    /// than eight signatures.
    ///
    /// # Errors
    ///
    /// [`SignatureHeaderError`], which distinguishes a missing header from a malformed one.
    pub fn signatures<N: AsRef<str>, V: AsRef<[u8]>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Vec<Signature>, SignatureHeaderError> {
        let mut signatures = Vec::new();
        let mut found = false;
        for (name, value) in headers {
            if self.0.iter().any(|known| known.eq_ignore_ascii_case(name.as_ref())) {
                found = true;
                let more = value.as_ref().split(|byte| *byte == b',').filter_map(signature);
                signatures.extend(more.take(MOST_SIGNATURES - signatures.len()));
            }
        }
        match (found, signatures.is_empty()) {
            (false, _) => Err(SignatureHeaderError::Missing),
            (true, true) => Err(SignatureHeaderError::Malformed),
            (true, false) => Ok(signatures),
        }
    }
}

/// One element of a header's comma-separated list; HTTP allows white space around it.
fn signature(element: &[u8]) -> Option<Signature> {
    std::str::from_utf8(element).ok()?.trim_matches([' ', '\t']).parse().ok()
}

impl Default for HeaderNames {
    fn default() -> Self {
        Self(vec!["signature".to_owned(), "heygen-signature".to_owned()])
    }
}

/// Reads a comma-separated list, such as `Signature, X-HeyGen-Signature`.
impl FromStr for HeaderNames {
    type Err = InvalidHeaderNames;

    fn from_str(list: &str) -> Result<Self, InvalidHeaderNames> {
        if list.trim().is_empty() {
            return Err(InvalidHeaderNames::Empty);
        }
        list.split(',').map(header_name).collect::<Result<_, _>>().map(Self)
    }
}

fn header_name(item: &str) -> Result<String, InvalidHeaderNames> {
    let name = item.trim();
    if name.is_empty() || !name.bytes().all(is_token_byte) {
        return Err(InvalidHeaderNames::NotAName(name.to_owned()));
    }
    Ok(name.to_ascii_lowercase())
}

/// `tchar` of RFC 9110, section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(list: &str) -> Vec<String> {
        list.parse::<HeaderNames>().unwrap().0
    }

    /// How many signatures `headers` hold, with the default names.
    fn count(headers: &[(&str, &[u8])]) -> Result<usize, SignatureHeaderError> {
        let signatures = HeaderNames::default().signatures(headers.iter().copied())?;
        Ok(signatures.len())
    }

    const A: &[u8] = &[b'a'; 64];
    const B: &[u8] = &[b'b'; 64];

    #[test]
    fn both_documented_names_are_the_default() {
        assert_eq!(HeaderNames::default().0, ["signature", "heygen-signature"]);
        assert_eq!(HeaderNames::default().first(), "signature");
    }

    #[test]
    fn a_list_is_trimmed_and_lower_cased() {
        assert_eq!(parsed("Signature"), ["signature"]);
        assert_eq!(parsed(" Signature , X-HeyGen-Signature"), ["signature", "x-heygen-signature"]);
    }

    #[test]
    fn what_is_not_a_list_of_header_names_is_rejected() {
        use InvalidHeaderNames::{Empty, NotAName};
        for (list, error) in [
            ("", Empty),
            ("  ", Empty),
            (",", NotAName(String::new())),
            ("signature,", NotAName(String::new())),
            ("my signature", NotAName("my signature".to_owned())),
            ("signature:", NotAName("signature:".to_owned())),
            ("signaturé", NotAName("signaturé".to_owned())),
        ] {
            assert_eq!(list.parse::<HeaderNames>(), Err(error), "{list:?}");
        }
    }

    #[test]
    fn every_signature_header_counts_in_any_case() {
        assert_eq!(count(&[("SIGNATURE", A), ("host", b"x"), ("HeyGen-Signature", B)]), Ok(2));
        assert_eq!(count(&[("signature", A), ("signature", B)]), Ok(2));
        assert_eq!(count(&[("signature", b"garbage"), ("heygen-signature", A)]), Ok(1));
    }

    #[test]
    fn joined_headers_are_read_as_several_signatures() {
        for separator in [",", ", ", " ,\t", ",,"] {
            let joined = [A, separator.as_bytes(), B].concat();
            assert_eq!(count(&[("signature", &joined)]), Ok(2), "{separator:?}");
        }
        let joined = [b"garbage,", A].concat();
        assert_eq!(count(&[("signature", &joined)]), Ok(1));
    }

    #[test]
    fn a_request_has_eight_signatures_at_most() {
        let joined = [A, b","].concat().repeat(1_000);
        assert_eq!(count(&[("signature", &joined)]), Ok(8));
        assert_eq!(count(&[("signature", A); 1_000]), Ok(8));
        let behind_garbage = [&b"garbage,".repeat(1_000), A].concat();
        assert_eq!(count(&[("signature", &behind_garbage)]), Ok(1));
    }

    #[test]
    fn a_joined_signature_verifies_like_one_of_its_own() {
        let secret = crate::Secret::new("whsec_x").unwrap();
        let joined = format!("{},{}", "0".repeat(64), crate::sign(&secret, b"body"));
        let signatures = HeaderNames::default().signatures([("Signature", joined)]).unwrap();
        assert!(crate::Unverified::new(b"body".to_vec()).verify(&signatures, &[&secret]).is_ok());
    }

    #[test]
    fn a_missing_signature_header_is_not_taken_for_a_malformed_one() {
        use SignatureHeaderError::{Malformed, Missing};
        assert_eq!(count(&[]), Err(Missing));
        assert_eq!(count(&[("x-signature", A)]), Err(Missing));
        for value in ["", ",", "garbage", "sha256=0123", "\u{e9}"] {
            assert_eq!(count(&[("signature", value.as_bytes())]), Err(Malformed), "{value:?}");
        }
        assert_eq!(count(&[("signature", &[0xff; 64])]), Err(Malformed), "not UTF-8");
        assert_eq!(count(&[("signature", &A[1..])]), Err(Malformed));
    }
}
