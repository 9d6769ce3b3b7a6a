//! How Synthesia signs: the hex HMAC-SHA256 of the timestamp's text, a dot and the raw body.

use webhook::{Secret, Signature, SignatureHeaderError, Signed};

/// The header with the signature.
pub const SIGNATURE: &str = "Synthesia-Signature";

/// The header with the timestamp, whose text is signed as it is.
pub const TIMESTAMP: &str = "Synthesia-Timestamp";

/// The most signatures that are read from one request. A genuine one has one.
const MOST_SIGNATURES: usize = 8;

/// Reads the signature and the timestamp from a request's headers: pairs of name and value, such as `&http::HeaderMap` or
/// a list of `(&str, &str)`. Names match in any case. A gateway may have joined a repeated header with commas.
///
/// # Errors
///
/// [`SignatureHeaderError::Missing`] without a signature's header; [`SignatureHeaderError::Malformed`] if it holds no
/// signature, or there is no timestamp beside it.
pub fn signed<N: AsRef<str>, V: AsRef<[u8]>>(
    headers: impl IntoIterator<Item = (N, V)>,
) -> Result<Signed, SignatureHeaderError> {
    let mut found = false;
    let mut signatures = Vec::new();
    let mut timestamp = None;
    for (name, value) in headers {
        let (name, value) = (name.as_ref(), value.as_ref());
        if name.eq_ignore_ascii_case(SIGNATURE) {
            found = true;
            let more = value.split(|byte| *byte == b',').filter_map(signature);
            signatures.extend(more.take(MOST_SIGNATURES - signatures.len()));
        } else if name.eq_ignore_ascii_case(TIMESTAMP) && timestamp.is_none() {
            timestamp = Some(value.to_vec());
        }
    }
    match timestamp.filter(|timestamp| !timestamp.is_empty()) {
        _ if !found => Err(SignatureHeaderError::Missing),
        Some(timestamp) if !signatures.is_empty() => Ok(Signed::timestamped(signatures, &timestamp)),
        _ => Err(SignatureHeaderError::Malformed),
    }
}

/// One element of a header's comma-separated list; HTTP allows white space around it.
fn signature(element: &[u8]) -> Option<Signature> {
    std::str::from_utf8(element).ok()?.trim_matches([' ', '\t']).parse().ok()
}

/// The headers with which Synthesia would send the body. For tests and samples; a receiver only verifies.
pub fn sign(secret: &Secret, timestamp: &str, body: &[u8]) -> [(&'static str, String); 2] {
    let message = [timestamp.as_bytes(), b".", body].concat();
    [(SIGNATURE, webhook::sign(secret, &message)), (TIMESTAMP, timestamp.to_owned())]
}
