//! Random ids and secrets, so that no client can derive them.

use heygen::Secret;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// An id or token of 32 hex digits.
pub(crate) fn opaque() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// An id in the form of a UUID.
pub(crate) fn uuid() -> String {
    let id = opaque();
    format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
}

/// A signing secret that looks like HeyGen's.
pub(crate) fn secret() -> Secret {
    secret_of(format!("whsec_{}", STANDARD.encode(fastrand::u128(..).to_be_bytes())))
}

#[expect(clippy::expect_used, reason = "no text here is empty")]
pub(crate) fn secret_of(text: String) -> Secret {
    Secret::new(text).expect("the secret is not empty")
}
