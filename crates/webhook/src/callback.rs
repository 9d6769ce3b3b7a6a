//! Callbacks of platforms that do not sign: a token in the URL's path says that the URL is ours, and nothing more.
//!
//! The path is `/webhooks/{platform}/{endpoint}/{kind}/{correlation}/{token}`. The correlation is the base64url of a job's
//! `callback_id`; the token is the MAC of the other parts, so that it is good for this job alone.
//!
//! Who starts a job makes its URL:
//!
//! ```rust
//! use webhook::callback::Callback;
//! use webhook::{Platform, Secret};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = Secret::new("capability-key-1")?;
//! let callback = Callback {
//!     platform: Platform::Tavus,
//!     endpoint: "main".to_owned(),
//!     kind: "video".to_owned(),
//!     correlation: "order_12345".to_owned(),
//! };
//! assert_eq!(
//!     callback.path(&secret),
//!     "/webhooks/tavus/main/video/b3JkZXJfMTIzNDU/5cc88205d28bdaa5235a53d6c00f7805eb78edea5e027d3d3f19704d28c57859"
//! );
//! # Ok(())
//! # }
//! ```
//!
//! Whoever is called there reads it back. With a right token the body is a claim, of which the job's id can be read and
//! nothing else; with a wrong one it stays unread:
//!
//! ```rust
//! use webhook::callback::Callback;
//! use webhook::{Platform, Secret, Unverified};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let path = "main/video/b3JkZXJfMTIzNDU/5cc88205d28bdaa5235a53d6c00f7805eb78edea5e027d3d3f19704d28c57859";
//! let (callback, token) = Callback::read(Platform::Tavus, path).ok_or("not the path of a callback")?;
//! assert_eq!(callback.correlation, "order_12345");
//!
//! let body = Unverified::new(br#"{"video_id": "vid_1", "status": "ready"}"#.to_vec());
//! let stranger = Secret::new("capability-key-2")?;
//! let Err((callback, body)) = callback.claim(&token, &[&stranger], body, &["video_id"]) else {
//!     return Err("a token of another secret was accepted".into());
//! };
//!
//! let secret = Secret::new("capability-key-1")?;
//! let claimed = callback.claim(&token, &[&secret], body, &["video_id"]).map_err(|_| "not ours")?;
//! assert_eq!(claimed.entity_id(), Some("vid_1"));
//! # Ok(())
//! # }
//! ```

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::json::{each_field, text};
use crate::signature::ExpectedMac;
use crate::{Platform, Secret, Signature, Unverified, sign};

/// The longest `callback_id`, in bytes, that a callback URL is made for.
pub const LONGEST_CORRELATION: usize = 256;

/// The longest id of a platform's that is put into the path of a request to it.
const LONGEST_ENTITY_ID: usize = 128;

/// The job that a callback URL was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// Who calls.
    pub platform: Platform,
    /// The endpoint whose callback secret makes the token.
    pub endpoint: String,
    /// The kind of the job, without the platform: `video`, `talk`, …
    pub kind: String,
    /// The job's `callback_id`.
    pub correlation: String,
}

/// The token of a callback's path, not checked yet. It has no `PartialEq`, which would not compare in constant time.
#[derive(Clone)]
pub struct Token(Signature);

impl Callback {
    /// The path for the platform to call, with the token.
    pub fn path(&self, secret: &Secret) -> String {
        let Self { platform, endpoint, kind, correlation } = self;
        let correlation = URL_SAFE_NO_PAD.encode(correlation);
        format!("/webhooks/{platform}/{endpoint}/{kind}/{correlation}/{}", self.token(secret))
    }

    fn token(&self, secret: &Secret) -> String {
        token(secret, self.platform, &self.endpoint, Some(&self.kind), &self.correlation)
    }

    /// Reads `{endpoint}/{kind}/{correlation}/{token}`, the part of a path after its platform.
    pub fn read(platform: Platform, path: &str) -> Option<(Self, Token)> {
        let mut parts = path.split('/');
        let (endpoint, kind, correlation, token) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || endpoint.is_empty() || kind.is_empty() {
            return None;
        }
        let correlation = String::from_utf8(URL_SAFE_NO_PAD.decode(correlation).ok()?).ok()?;
        if correlation.is_empty() || correlation.len() > LONGEST_CORRELATION {
            return None;
        }
        let token = Token(token.parse().ok()?);
        Some((Self { platform, endpoint: endpoint.to_owned(), kind: kind.to_owned(), correlation }, token))
    }

    /// Whether the token was made for this callback with any of `secrets`.
    pub fn is_of(&self, token: &Token, secrets: &[&Secret]) -> bool {
        let Self { platform, endpoint, kind, correlation } = self;
        let message = message(*platform, endpoint, Some(kind), correlation);
        secrets.iter().any(|secret| ExpectedMac::of(secret, b"", message.as_bytes()).matches(&token.0))
    }

    /// Accepts the callback if the token was made for it with any of `secrets`. Of the body only the id in one of the
    /// fields `id_names` is read.
    ///
    /// # Errors
    ///
    /// Returns the callback and the body, so that the caller can try again with newer secrets.
    pub fn claim(
        self,
        token: &Token,
        secrets: &[&Secret],
        body: Unverified,
        id_names: &[&str],
    ) -> Result<Claimed, (Self, Unverified)> {
        if !self.is_of(token, secrets) {
            return Err((self, body));
        }
        let entity_id = claimed_id(body.claim(), id_names).filter(|id| is_entity_id(id));
        Ok(Claimed { callback: self, entity_id })
    }
}

/// What a callback claims: that this job has changed. It can be looked up at the platform, and cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    callback: Callback,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entity_id: Option<String>,
}

impl Claimed {
    /// The job that the URL was made for.
    pub fn callback(&self) -> &Callback {
        &self.callback
    }

    /// The platform's id as the body claims it, in characters that cannot change a request's path; `None` if it claims
    /// none.
    pub fn entity_id(&self) -> Option<&str> {
        self.entity_id.as_deref().filter(|id| is_entity_id(id))
    }
}

/// Whether an id may become part of the path of a request that carries a key: any other would choose where the key is
/// sent.
pub fn is_entity_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=LONGEST_ENTITY_ID).contains(&id.len()) && id.bytes().all(is_plain)
}

/// The token of a callback: the hex HMAC-SHA256 of `platform/endpoint/kind/correlation`. A kind that is absent is left out
/// with its slash.
pub fn token(secret: &Secret, platform: Platform, endpoint: &str, kind: Option<&str>, correlation: &str) -> String {
    sign(secret, message(platform, endpoint, kind, correlation).as_bytes())
}

fn message(platform: Platform, endpoint: &str, kind: Option<&str>, correlation: &str) -> String {
    let kind = kind.map(|kind| format!("{kind}/")).unwrap_or_default();
    format!("{platform}/{endpoint}/{kind}{correlation}")
}

/// The first of the fields that is there, at the top of the body or in its `event_data`.
fn claimed_id(body: &[u8], names: &[&str]) -> Option<String> {
    let body = String::from_utf8_lossy(body);
    let mut found: Vec<Option<String>> = vec![None; names.len()];
    let mut take = |name: &str, value: &str| {
        if let Some(at) = names.iter().position(|known| *known == name) {
            found[at] = found[at].take().or_else(|| text(value));
        }
    };
    let mut data = None;
    each_field(
        &body,
        |_| true,
        |name, value| if name == "event_data" { data = Some(value) } else { take(name, value) },
    );
    if let Some(data) = data {
        each_field(data, |_| true, &mut take);
    }
    found.into_iter().flatten().next()
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    fn callback() -> Callback {
        let text = |text: &str| text.to_owned();
        Callback {
            platform: Platform::Tavus,
            endpoint: text("main"),
            kind: text("video"),
            correlation: text("Auftrag/ü 1"),
        }
    }

    fn read(path: &str) -> Option<(Callback, Token)> {
        Callback::read(Platform::Tavus, path.strip_prefix("/webhooks/tavus/")?)
    }

    fn claim(path: &str, secrets: &[&Secret], body: &str) -> Option<Claimed> {
        let (callback, token) = read(path)?;
        callback.claim(&token, secrets, Unverified::new(body.into()), &["video_id", "id"]).ok()
    }

    /// Made for this project, without this code.
    #[test]
    fn tokens_never_change() {
        for (platform, expected) in [
            (Platform::Tavus, "2a4ada7244113f16764959d64409774e05f747f596ca8ab01f6059773dd5784b"),
            (Platform::Did, "ec74d9eb594c0cc3f15b87245d229c5fd9962b55dac881d3dd33c328294fcfcb"),
        ] {
            assert_eq!(token(&secret("capability-key-1"), platform, "main", None, "order_12345"), expected);
        }
        let with_kind = token(&secret("k"), Platform::Did, "main", Some("talk"), "order");
        assert_eq!(with_kind, sign(&secret("k"), b"did/main/talk/order"));
    }

    #[test]
    fn a_path_is_read_as_it_was_made() {
        let path = callback().path(&secret("k"));
        let claimed = claim(&path, &[&secret("other"), &secret("k")], r#"{"video_id": "v1"}"#).unwrap();
        assert_eq!((claimed.callback(), claimed.entity_id()), (&callback(), Some("v1")));
        assert_eq!(claim(&path, &[&secret("other")], "{}"), None);
        assert_eq!(claim(&path, &[], "{}"), None);
    }

    #[test]
    fn a_token_is_good_for_one_job_only() {
        let path = callback().path(&secret("k"));
        let (_, token) = path.rsplit_once('/').unwrap();
        let text = |text: &str| text.to_owned();
        for other in [
            Callback { platform: Platform::Did, ..callback() },
            Callback { endpoint: text("second"), ..callback() },
            Callback { kind: text("replica"), ..callback() },
            Callback { correlation: text("Auftrag/ü 2"), ..callback() },
        ] {
            let (made, _) = other
                .path(&secret("k"))
                .rsplit_once('/')
                .map(|(made, token)| (made.to_owned(), token.to_owned()))
                .unwrap();
            let after = made.splitn(4, '/').nth(3).unwrap().to_owned();
            let (callback, token) = Callback::read(other.platform, &format!("{after}/{token}")).unwrap();
            assert!(
                callback.claim(&token, &[&secret("k")], Unverified::new(b"{}".to_vec()), &["id"]).is_err(),
                "{other:?}"
            );
        }
    }

    #[test]
    fn other_paths_are_not_callbacks() {
        let token = "a".repeat(64);
        assert!(read(&format!("/webhooks/tavus/main/video/eA/{token}")).is_some());
        for path in [
            format!("/webhooks/tavus/main/video/eA/{token}/"),
            format!("/webhooks/tavus/main/video//{token}"),
            format!("/webhooks/tavus//video/eA/{token}"),
            format!("/webhooks/tavus/main//eA/{token}"),
            format!("/webhooks/tavus/main/video/e A/{token}"),
            format!("/webhooks/tavus/main/video/eA=/{token}"),
            format!("/webhooks/tavus/main/video/_w/{token}"),
            format!("/webhooks/tavus/main/video/{}/{token}", "eHh4".repeat(86)),
            format!("/webhooks/tavus/main/eA/{token}"),
            format!("/webhooks/tavus/main/video/eA/{}", &token[1..]),
            "/webhooks/tavus/main".to_owned(),
        ] {
            assert!(read(&path).is_none(), "{path}");
        }
    }

    #[test]
    fn only_a_plain_id_is_taken_from_a_body() {
        let path = callback().path(&secret("k"));
        let id = |body: &str| claim(&path, &[&secret("k")], body).unwrap().entity_id().map(str::to_owned);
        for (body, expected) in [
            (r#"{"id": "b", "video_id": "a"}"#, Some("a")),
            (r#"{"id": "b"}"#, Some("b")),
            (r#"{"event_data": {"video_id": "c"}, "event_type": "t"}"#, Some("c")),
            (r#"{"video_id": 7}"#, Some("7")),
            (r#"{"video_id": "../v2/other"}"#, None),
            (r#"{"video_id": "v?x=1"}"#, None),
            (r#"{"video_id": ""}"#, None),
            (r#"{"video_id": ["v"]}"#, None),
            ("not json", None),
            ("", None),
        ] {
            assert_eq!(id(body).as_deref(), expected, "{body}");
        }
        assert_eq!(id(&format!(r#"{{"id": "{}"}}"#, "x".repeat(129))), None);
    }

    #[test]
    fn a_claim_that_was_tampered_with_on_its_way_has_no_odd_id() {
        let path = callback().path(&secret("k"));
        let claimed = claim(&path, &[&secret("k")], r#"{"id": "b"}"#).unwrap();
        let text = serde_json::to_string(&claimed).unwrap();
        assert_eq!(serde_json::from_str::<Claimed>(&text).unwrap(), claimed);
        let odd: Claimed = serde_json::from_str(&text.replace(r#""b""#, r#""../b""#)).unwrap();
        assert_eq!(odd.entity_id(), None);
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let (_, token) = read(&callback().path(&secret("k"))).unwrap();
        assert_eq!(format!("{token:?}"), "Token(redacted)");
    }
}
