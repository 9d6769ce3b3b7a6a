//! Signatures: the hex HMAC-SHA256 of the raw body, or of a timestamp, a dot and the raw body.

use std::fmt;
use std::str::FromStr;

use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Secret;

/// The value of a signature header: 32 bytes, not verified yet.
///
/// It has no `PartialEq`, which would not compare in constant time. The only use of it is
/// [`Unverified::verify`](crate::Unverified::verify).
#[derive(Clone)]
pub struct Signature([u8; 32]);

/// The value of a header is not a signature, which is exactly 64 hex digits of either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signature is exactly 64 hex digits")]
pub struct MalformedSignature;

impl FromStr for Signature {
    type Err = MalformedSignature;

    fn from_str(value: &str) -> Result<Self, MalformedSignature> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(value, &mut bytes).map_err(|_| MalformedSignature)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(redacted)")
    }
}

/// The HMAC-SHA256 of `message`: 64 lower-case hex digits.
///
/// For tests and samples; a receiver only verifies.
pub fn sign(secret: &Secret, message: &[u8]) -> String {
    let mac = keyed(secret.as_bytes()).chain_update(message);
    hex::encode(mac.finalize().into_bytes())
}

/// The MAC of one message under one secret, to be compared with any number of signatures.
pub(crate) struct ExpectedMac(CtOutput<Hmac<Sha256>>);

impl ExpectedMac {
    /// Of what comes before the body, which may be nothing, and the body.
    pub(crate) fn of(secret: &Secret, before: &[u8], body: &[u8]) -> Self {
        Self(keyed(secret.as_bytes()).chain_update(before).chain_update(body).finalize())
    }

    /// Compares in constant time.
    pub(crate) fn matches(&self, signature: &Signature) -> bool {
        self.0 == CtOutput::new(signature.0.into())
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104, section 2)")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of any length is taken")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_dGVzdF9zZWNyZXQ=";
    const BODY: &[u8] = br#"{"event_type":"avatar_video.success","event_data":{"video_id":"vid_test_1","url":"https://files.example.invalid/vid_test_1.mp4","callback_id":"job-42"}}"#;
    const SIGNATURE: &str = "07fb48b324cc0cc1819647221835a330fa2eab80a2c089d4a9f0e00d605cfad2";

    #[test]
    fn the_key_is_the_whole_secret_string() {
        assert_eq!(BODY.len(), 152);
        assert_eq!(sign(&Secret::new(SECRET).unwrap(), BODY), SIGNATURE);
    }

    /// Test cases 1 to 4, 6 and 7. Case 5 truncates the MAC, which no platform does.
    #[test]
    fn rfc_4231() {
        let counting_key: Vec<u8> = (1..=25).collect();
        let cases: [(&[u8], &[u8], &str); 6] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (&counting_key, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size \
                  data. The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, data, expected) in cases {
            let mac = keyed(key).chain_update(data).finalize().into_bytes();
            assert_eq!(hex::encode(mac), expected);
        }
    }

    #[test]
    fn a_signature_is_64_hex_digits_and_nothing_else() {
        assert!(SIGNATURE.parse::<Signature>().is_ok());
        assert!(SIGNATURE.to_uppercase().parse::<Signature>().is_ok());
        let malformed = [
            String::new(),
            SIGNATURE[1..].to_owned(),
            SIGNATURE[2..].to_owned(),
            format!("{SIGNATURE}00"),
            format!(" {SIGNATURE}"),
            format!("{SIGNATURE}\n"),
            format!("sha256={SIGNATURE}"),
            format!("0x{}", &SIGNATURE[2..]),
            SIGNATURE.replace('0', "g"),
            SIGNATURE.replace('0', "é"),
        ];
        for value in malformed {
            assert!(value.parse::<Signature>().is_err(), "{value:?}");
        }
    }

    #[test]
    fn debug_does_not_show_the_signature() {
        let signature: Signature = SIGNATURE.parse().unwrap();
        assert_eq!(format!("{signature:?}"), "Signature(redacted)");
    }
}
