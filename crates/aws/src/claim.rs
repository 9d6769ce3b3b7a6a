//! A callback of a platform that does not sign, as one SQS message: what there is to look up, and nothing of its body.

use crate::clock;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;
use webhook::callback::Claimed;

const VERSION: u32 = 1;

/// One callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub claimed: Claimed,
    pub received_at: OffsetDateTime,
    /// API Gateway's id of the request, for finding its log lines.
    pub request_id: String,
}

/// The message is not a callback of this version. The error quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a callback that this release reads")]
pub struct Unreadable;

#[derive(Serialize, Deserialize)]
struct Message {
    version: u32,
    received_at: String,
    request_id: String,
    #[serde(flatten)]
    claimed: Claimed,
}

impl Claim {
    pub fn seal(&self) -> String {
        let Claim { claimed, received_at, request_id } = self.clone();
        let message = Message { version: VERSION, received_at: clock::to_text(received_at), request_id, claimed };
        // Texts and numbers only: there is nothing that could fail.
        serde_json::to_string(&message).unwrap_or_default()
    }

    pub fn open(message: &str) -> Result<Self, Unreadable> {
        let message: Message = serde_json::from_str(message).map_err(|_| Unreadable)?;
        if message.version != VERSION {
            return Err(Unreadable);
        }
        let received_at = clock::from_text(&message.received_at).map_err(|_| Unreadable)?;
        Ok(Claim { claimed: message.claimed, received_at, request_id: message.request_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;
    use webhook::callback::Callback;
    use webhook::{Platform, Secret, Unverified};

    fn claim() -> Claim {
        let secret = Secret::new("k").unwrap();
        let text = |text: &str| text.to_owned();
        let callback = Callback {
            platform: Platform::Did,
            endpoint: text("main"),
            kind: text("talk"),
            correlation: text("order"),
        };
        let path = callback.path(&secret);
        let (callback, token) = Callback::read(Platform::Did, path.strip_prefix("/webhooks/did/").unwrap()).unwrap();
        let body = Unverified::new(br#"{"id": "tlk_1", "result_url": "https://x.invalid/canary"}"#.to_vec());
        let claimed = callback.claim(&token, &[&secret], body, &["id"]).unwrap();
        Claim { claimed, received_at: datetime!(2026-11-30 10:00 UTC), request_id: text("r1") }
    }

    #[test]
    fn a_message_has_nothing_of_the_body_but_the_id() {
        let text = claim().seal();
        assert_eq!(Claim::open(&text).unwrap(), claim());
        assert!(text.contains("tlk_1") && !text.contains("canary"), "{text}");
    }

    #[test]
    fn another_message_is_no_claim() {
        for other in ["", "{}", &claim().seal().replace("\"version\":1", "\"version\":2")] {
            assert_eq!(Claim::open(other), Err(Unreadable), "{other}");
        }
    }
}
