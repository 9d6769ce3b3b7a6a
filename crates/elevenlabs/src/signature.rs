//! How ElevenLabs signs: the hex HMAC-SHA256 of the timestamp's text, a dot and the raw body, in one header with the
//! timestamp: `t=1760000000,v0=70f2…`.

use webhook::{Secret, Signature, SignatureHeaderError, Signed};

/// The header with the timestamp and the signature.
pub const SIGNATURE: &str = "ElevenLabs-Signature";

/// Its name in one of the documented examples.
const OTHER_NAME: &str = "x-elevenlabs-signature";

/// The most signatures that are read from one request. A genuine one has one.
const MOST_SIGNATURES: usize = 8;

/// Reads the signatures and their timestamp from a request's headers: pairs of name and value, such as `&http::HeaderMap` or
/// a list of `(&str, &str)`. Names match in any case.
///
/// Spaces around the elements do not matter, several signatures of one timestamp are read, and elements other than `t=` and
/// `v0=` are ignored. Of several timestamps the first one that has a signature counts, with its own signatures only.
///
/// # Errors
///
/// [`SignatureHeaderError::Missing`] without the header; [`SignatureHeaderError::Malformed`] if it lacks the timestamp or a
/// signature.
pub fn signed<N: AsRef<str>, V: AsRef<[u8]>>(
    headers: impl IntoIterator<Item = (N, V)>,
) -> Result<Signed, SignatureHeaderError> {
    let mut found = false;
    let mut signatures = Vec::new();
    let mut signed_at: Option<Vec<u8>> = None;
    for (name, value) in headers {
        let name = name.as_ref();
        if !name.eq_ignore_ascii_case(SIGNATURE) && !name.eq_ignore_ascii_case(OTHER_NAME) {
            continue;
        }
        found = true;
        let (timestamp, more) = elements(value.as_ref());
        let Some(timestamp) = timestamp.filter(|_| !more.is_empty()) else { continue };
        if signed_at.get_or_insert_with(|| timestamp.to_vec()) == timestamp {
            signatures.extend(more.into_iter().take(MOST_SIGNATURES - signatures.len()));
        }
    }
    match signed_at {
        Some(timestamp) => Ok(Signed::timestamped(signatures, &timestamp)),
        None if found => Err(SignatureHeaderError::Malformed),
        None => Err(SignatureHeaderError::Missing),
    }
}

/// The first timestamp of a header, and its signatures.
fn elements(value: &[u8]) -> (Option<&[u8]>, Vec<Signature>) {
    let elements = || value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let timestamp = elements().filter_map(|element| element.strip_prefix(b"t=")).find(|text| !text.is_empty());
    let signature = |element: &[u8]| std::str::from_utf8(element.strip_prefix(b"v0=")?).ok()?.parse().ok();
    (timestamp, elements().filter_map(signature).take(MOST_SIGNATURES).collect())
}

/// The header with which ElevenLabs would send the body. For tests and samples; a receiver only verifies.
pub fn sign(secret: &Secret, timestamp: &str, body: &[u8]) -> [(&'static str, String); 1] {
    let message = [timestamp.as_bytes(), b".", body].concat();
    [(SIGNATURE, format!("t={timestamp},v0={}", webhook::sign(secret, &message)))]
}
