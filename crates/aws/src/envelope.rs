//! A verified delivery as one SQS message: JSON, with a version, inside SQS's size and characters.

use crate::clock;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::Read;
use std::ops::RangeInclusive;
use thiserror::Error;
use time::OffsetDateTime;
use webhook::{Platform, Verified};

/// SQS allows 1 MiB per message. A little room is left for the attributes that the processor adds
/// when it dead-letters a message.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024 - 1024;

/// No body decompresses to more than this, the largest value of the parameter `MaxBodyBytes`: as base64 it
/// is 6 MB, which is what Lambda gives to the receiver at most.
const MAX_BODY_BYTES: u64 = 4_500_000;

/// The versions that this release reads. To change the envelope, release a version that reads the new one first, and one
/// that writes it next: so that any two successive releases can run side by side, and an upgrade can be rolled back.
pub const READ: RangeInclusive<u32> = 1..=1;
/// The version that this release writes.
pub const WRITTEN: u32 = 1;

const _: () = assert!(*READ.start() <= WRITTEN && WRITTEN <= *READ.end());

/// The source of an event that is recorded already: its job's change is made again, if it is missing.
pub const REPLAY: &str = "replay";

/// One delivery: the authentic body, and how it was received.
#[derive(Debug)]
pub struct Delivery {
    pub platform: Platform,
    pub endpoint: String,
    /// To the millisecond.
    pub received_at: OffsetDateTime,
    /// API Gateway's id of the request, for finding its log lines.
    pub request_id: String,
    /// The source: `delivery` if the platform posted it. An open set, so that a new source needs no new version.
    pub via: String,
    pub advisory: Advisory,
    pub body: Verified,
}

/// Headers for information only: the signature does not cover them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advisory {
    /// `Heygen-Event-Id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// `Heygen-Timestamp`, in unix seconds, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

/// The body does not fit into a message, not even compressed.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the delivery does not fit into an SQS message, not even compressed")]
pub struct TooLarge;

/// The message cannot be read. The error quotes nothing of the message.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unreadable {
    #[error("not an envelope")]
    NotAnEnvelope,
    /// Of a later release: one that runs beside this one, or that was rolled back.
    #[error("envelope version {0} is newer than this release")]
    Newer(u32),
    #[error("envelope version {0} is no longer read by this release")]
    Older(u32),
    #[error("the envelope's body cannot be decoded")]
    Body,
}

#[derive(Serialize, Deserialize)]
struct Message<'a> {
    version: u32,
    /// Absent is HeyGen.
    #[serde(default, skip_serializing_if = "is_heygen")]
    platform: Platform,
    endpoint: Cow<'a, str>,
    received_at: Cow<'a, str>,
    request_id: Cow<'a, str>,
    via: Cow<'a, str>,
    #[serde(default)]
    advisory: Cow<'a, Advisory>,
    encoding: Encoding,
    body: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct VersionOnly {
    version: u32,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    /// Unchanged: readable in the console.
    Text,
    /// For a body that is not UTF-8, or has characters that SQS rejects.
    Base64,
    /// gzip, then base64, for a body that would be too long.
    Gzip,
}

impl Delivery {
    pub fn seal(&self) -> Result<String, TooLarge> {
        let body = self.body.body();
        let plain = match std::str::from_utf8(body) {
            // JSON escapes control characters; these two are the only others outside SQS's set.
            Ok(text) if !text.contains(['\u{FFFE}', '\u{FFFF}']) => (Encoding::Text, Cow::Borrowed(text)),
            _ => (Encoding::Base64, Cow::Owned(BASE64.encode(body))),
        };
        self.message(plain).or_else(|TooLarge| self.message((Encoding::Gzip, Cow::Owned(BASE64.encode(gzip(body)?)))))
    }

    fn message(&self, (encoding, body): (Encoding, Cow<'_, str>)) -> Result<String, TooLarge> {
        if body.len() > MAX_MESSAGE_BYTES {
            return Err(TooLarge);
        }
        let received_at = clock::to_text(self.received_at);
        let message = Message {
            version: WRITTEN,
            platform: self.platform,
            endpoint: Cow::Borrowed(&self.endpoint),
            received_at: Cow::Borrowed(&received_at),
            request_id: Cow::Borrowed(&self.request_id),
            via: Cow::Borrowed(&self.via),
            advisory: Cow::Borrowed(&self.advisory),
            encoding,
            body,
        };
        serde_json::to_string(&message).ok().filter(|text| text.len() <= MAX_MESSAGE_BYTES).ok_or(TooLarge)
    }

    /// Reads what [`seal`](Self::seal) wrote. The body is authentic because only the receiver's role may write to the
    /// queue.
    #[expect(clippy::disallowed_methods, reason = "only verified bodies are written to the queue")]
    pub fn open(message: &str) -> Result<Self, Unreadable> {
        let VersionOnly { version } = serde_json::from_str(message).map_err(|_| Unreadable::NotAnEnvelope)?;
        if version > *READ.end() {
            return Err(Unreadable::Newer(version));
        }
        if version < *READ.start() {
            return Err(Unreadable::Older(version));
        }
        let message: Message<'_> = serde_json::from_str(message).map_err(|_| Unreadable::NotAnEnvelope)?;
        let from_base64 = |text: &str| BASE64.decode(text).map_err(|_| Unreadable::Body);
        let body = match message.encoding {
            Encoding::Text => message.body.into_owned().into_bytes(),
            Encoding::Base64 => from_base64(&message.body)?,
            Encoding::Gzip => gunzip(&from_base64(&message.body)?)?,
        };
        Ok(Delivery {
            platform: message.platform,
            endpoint: message.endpoint.into_owned(),
            received_at: clock::from_text(&message.received_at).map_err(|_| Unreadable::NotAnEnvelope)?,
            request_id: message.request_id.into_owned(),
            via: message.via.into_owned(),
            advisory: message.advisory.into_owned(),
            body: Verified::assume_authentic(body),
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_heygen(platform: &Platform) -> bool {
    *platform == Platform::HeyGen
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, TooLarge> {
    let mut packed = Vec::new();
    GzEncoder::new(bytes, Compression::default()).read_to_end(&mut packed).map_err(|_| TooLarge)?;
    Ok(packed)
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut body = Vec::new();
    // Reading one byte more than allowed distinguishes "too long" from "just fits".
    let read = GzDecoder::new(bytes).take(MAX_BODY_BYTES + 1).read_to_end(&mut body);
    match read {
        Ok(length) if length as u64 <= MAX_BODY_BYTES => Ok(body),
        _ => Err(Unreadable::Body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    #[expect(clippy::disallowed_methods, reason = "no request is involved")]
    fn delivery(body: Vec<u8>) -> Delivery {
        Delivery {
            platform: Platform::HeyGen,
            endpoint: "main".into(),
            received_at: datetime!(2026-11-21 03:40:00.123 UTC),
            request_id: "request-1".into(),
            via: "delivery".into(),
            advisory: Advisory { event_id: Some("evt_1".into()), timestamp: None },
            body: Verified::assume_authentic(body),
        }
    }

    fn allowed_by_sqs(c: char) -> bool {
        matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
    }

    #[test]
    fn a_message_is_versioned_json() {
        let message = delivery(br#"{"event_type":"x"}"#.to_vec()).seal().unwrap();
        assert_eq!(
            message,
            r#"{"version":1,"endpoint":"main","received_at":"2026-11-21T03:40:00.123Z","request_id":"request-1","via":"delivery","advisory":{"event_id":"evt_1"},"encoding":"text","body":"{\"event_type\":\"x\"}"}"#
        );
        let opened = Delivery::open(&message).unwrap();
        assert_eq!(opened.received_at, datetime!(2026-11-21 03:40:00.123 UTC));
        assert_eq!(opened.advisory.event_id.as_deref(), Some("evt_1"));
    }

    #[test]
    fn a_long_body_is_compressed_and_comes_back() {
        let body = "a body that repeats itself, ".repeat(100_000).into_bytes();
        let message = delivery(body.clone()).seal().unwrap();
        assert!(message.len() < 100_000);
        assert!(Delivery::open(&message).unwrap().body.body() == body);
    }

    #[test]
    fn no_message_decompresses_to_more_than_the_largest_body() {
        let compressed = |length| {
            let plain = delivery(vec![b'x'; length]);
            plain.message((Encoding::Gzip, Cow::Owned(BASE64.encode(gzip(plain.body.body()).unwrap())))).unwrap()
        };
        let largest = usize::try_from(MAX_BODY_BYTES).unwrap();
        assert!(Delivery::open(&compressed(largest)).is_ok());
        for longer in [largest + 1, 3 * largest] {
            assert_eq!(Delivery::open(&compressed(longer)).unwrap_err(), Unreadable::Body);
        }
    }

    #[test]
    fn the_largest_body_is_the_largest_that_the_template_allows() {
        let template = include_str!("../../../template.yaml");
        let parameter = template.split("\n  MaxBodyBytes:\n").nth(1).unwrap();
        let largest = parameter.split("MaxValue: ").nth(1).unwrap().split('\n').next().unwrap();
        assert_eq!(largest, MAX_BODY_BYTES.to_string());
        // Lambda's limit is 6 MiB of JSON; API Gateway's headers and context take 10 KB and some more.
        assert!(MAX_BODY_BYTES.div_ceil(3) * 4 < 6 * 1024 * 1024 - 64 * 1024);
    }

    #[test]
    fn what_does_not_compress_is_too_large() {
        let mut state = 1_u64;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        });
        assert_eq!(delivery(noise.take(900_000).collect()).seal(), Err(TooLarge));
    }

    #[test]
    fn foreign_messages_are_unreadable_and_not_quoted() {
        let open = |message: &str| Delivery::open(message).unwrap_err();
        assert_eq!(open("canary"), Unreadable::NotAnEnvelope);
        assert_eq!(open(r#"{"version":2,"new":"shape"}"#), Unreadable::Newer(2));
        assert_eq!(open(r#"{"version":0}"#), Unreadable::Older(0));
        let sealed = delivery(vec![0xff]).seal().unwrap();
        assert_eq!(open(&sealed.replace("/w==", "???")), Unreadable::Body);
    }

    proptest! {
        #[test]
        fn any_body_survives_in_characters_that_sqs_accepts(body: Vec<u8>) {
            let message = delivery(body.clone()).seal().unwrap();
            prop_assert!(message.chars().all(allowed_by_sqs));
            let opened = Delivery::open(&message).unwrap();
            prop_assert_eq!(opened.body.body(), &body[..]);
        }

        #[test]
        fn any_text_survives_in_characters_that_sqs_accepts(text: String, odd in any::<char>()) {
            let body = format!("{text}{odd}\u{0}\u{FFFF}{odd}").into_bytes();
            let message = delivery(body.clone()).seal().unwrap();
            prop_assert!(message.chars().all(allowed_by_sqs));
            let opened = Delivery::open(&message).unwrap();
            prop_assert_eq!(opened.body.body(), &body[..]);
        }

        #[test]
        fn no_message_panics(message: String) {
            let _ = Delivery::open(&message);
        }
    }
}
