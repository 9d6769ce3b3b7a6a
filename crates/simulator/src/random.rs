//! Random ids and secrets, so that no client can derive them.

use heygen::Secret;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// An id or token of 32 hex digits.
pub(crate) fn opaque() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// A signing secret that looks like HeyGen's.
#[expect(clippy::expect_used, reason = "a secret that begins with whsec_ is not empty")]
pub(crate) fn secret() -> Secret {
    let text = format!("whsec_{}", STANDARD.encode(fastrand::u128(..).to_be_bytes()));
    Secret::new(text).expect("the secret is not empty")
}
