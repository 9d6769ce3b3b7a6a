//! An endpoint's secret, as Secrets Manager holds it: one JSON value per endpoint.
//!
//! ```json
//! {"current": "whsec_…",
//!  "current_since": "2026-11-21T00:00:00Z",
//!  "previous": [{"secret": "whsec_…", "valid_until": "2026-11-22T00:00:00Z"}],
//!  "registered": {"endpoint_id": "…", "entity_id": null, "replaces": null},
//!  "pending": {"change": "rotate", "endpoint_id": "…", "idempotency_key": "…", "since": "2026-11-21T00:00:00Z"}}
//! ```
//! Every field may be absent. `registered` and `pending` are written by admin, which registers the endpoint at HeyGen.
//! For endpoints at other platforms, admin also writes `replaced` and `settings`.

use crate::error::{AwsError, ErrorClass};
use aws_sdk_secretsmanager::Client;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use thiserror::Error;
use time::OffsetDateTime;
use webhook::Secret;

/// How long a receiver uses a secret without reading it again.
pub const CACHED: Duration = Duration::from_secs(60);

/// The largest number of previous secrets: each costs a MAC over a forged body.
const MOST_PREVIOUS: usize = 5;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSecret {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Secret>,
    /// When `current` was stored; unknown for a secret that was stored by hand.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub current_since: Option<OffsetDateTime>,
    /// The latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<Previous>,
    /// The endpoint at HeyGen whose secret `current` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Registered>,
    /// A create or a rotation whose result is not stored yet: HeyGen may sign with a secret that is not stored here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// Earlier webhooks of this endpoint that are still to be deleted; not at HeyGen, which has `Registered::replaces`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<String>,
    /// What was set last at a platform that does not show it; never at HeyGen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<WebhookSettings>,
}

/// The settings of a webhook that its platform does not show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSettings {
    pub events: Vec<String>,
    /// `None` where the platform has no such setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    pub secret: Secret,
    /// Signatures made with it are accepted until then.
    #[serde(with = "time::serde::rfc3339")]
    pub valid_until: OffsetDateTime,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub endpoint_id: String,
    /// The one entity whose events it receives, which HeyGen never returns.
    #[serde(default)]
    pub entity_id: Option<String>,
    /// The endpoint that it replaces, which has to be deleted.
    #[serde(default)]
    pub replaces: Option<String>,
}

/// A change at HeyGen that was started and may or may not have completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The idempotency key of the call: repeating the call with it has the same result.
    pub idempotency_key: String,
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// Whether no earlier secret is accepted any more once it has completed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoke: bool,
    #[serde(flatten)]
    pub change: PendingChange,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum PendingChange {
    Create {
        /// The one entity whose events it is to receive.
        #[serde(default)]
        entity_id: Option<String>,
        /// The endpoint that it replaces.
        #[serde(default)]
        replaces: Option<String>,
        /// The ids that HeyGen had for this URL before the call. Any other id is the new endpoint's.
        #[serde(default)]
        known: Vec<String>,
        /// The rest of the request; unknown in a note of an earlier version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<CreateRequest>,
    },
    Rotate {
        endpoint_id: String,
    },
}

/// What HeyGen was asked to create. A repetition with the same idempotency key has to be the same request, even if the
/// configuration has changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRequest {
    pub url: String,
    /// `None` is all.
    #[serde(default)]
    pub events: Option<Vec<String>>,
}

impl EndpointSecret {
    /// The secrets that a signature may be made with at `now`, the most likely first.
    pub fn valid_at(&self, now: OffsetDateTime) -> Vec<&Secret> {
        let previous = self.previous.iter().filter(|previous| now < previous.valid_until);
        self.current.iter().chain(previous.map(|previous| &previous.secret)).collect()
    }

    /// Whether HeyGen has the endpoint and, as far as is known, signs with the current secret.
    pub fn is_in_use(&self) -> bool {
        self.registered.is_some() && self.current.is_some() && self.pending.is_none()
    }

    /// Whether the pending change revokes all secrets that are stored now.
    pub fn is_revoking(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.revoke)
    }

    /// Whether it is the current secret or a previous one.
    pub fn has(&self, secret: &Secret) -> bool {
        self.current.iter().chain(self.previous.iter().map(|previous| &previous.secret)).any(|stored| stored == secret)
    }

    /// Drops the note of the pending change, which has completed, and the secrets that it revokes.
    pub fn complete(&mut self) {
        if self.is_revoking() {
            self.current = None;
            self.current_since = None;
            self.previous.clear();
        }
        self.pending = None;
    }

    /// Makes `secret` the current one. The one before is accepted until `valid_until`.
    pub fn take(&mut self, secret: Secret, now: OffsetDateTime, valid_until: OffsetDateTime) {
        if self.current.as_ref() != Some(&secret) {
            self.retire(now, valid_until);
            self.previous.retain(|previous| previous.secret != secret);
            self.current = Some(secret);
            self.current_since = Some(now);
        }
    }

    /// HeyGen no longer signs with the current secret, and the new one is unknown. The current one is accepted until
    /// `valid_until`.
    pub fn retire(&mut self, now: OffsetDateTime, valid_until: OffsetDateTime) {
        self.previous.retain(|previous| now < previous.valid_until);
        if let Some(secret) = self.current.take() {
            self.previous.insert(0, Previous { secret, valid_until });
            self.previous.truncate(MOST_PREVIOUS);
        }
        self.current_since = None;
    }

    /// Accepts the previous secrets until then at least: what signs with them is still in use.
    pub fn keep_previous(&mut self, valid_until: OffsetDateTime) {
        for previous in &mut self.previous {
            previous.valid_until = previous.valid_until.max(valid_until);
        }
    }
}

#[derive(Debug, Error)]
pub enum SecretError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Never shows the value.
    #[error(r#"the value stored in {0} is not of the form {{"current": "whsec_..."}}"#)]
    Malformed(String),
    /// It cannot be read before it is restored.
    #[error(
        r#"the secret {0} is scheduled for deletion: {{"action": "sync"}} of admin restores it if it is configured"#
    )]
    Deleted(String),
}

impl SecretError {
    /// A malformed value is permanent: it stays until another is stored. A deleted secret is restored by the next sync.
    pub fn class(&self) -> ErrorClass {
        match self {
            SecretError::Aws(error) => error.class,
            SecretError::Malformed(_) => ErrorClass::Permanent,
            SecretError::Deleted(_) => ErrorClass::Transient,
        }
    }
}

/// Reads a secret. `None`: it does not exist, or has no value yet.
pub async fn fetch(client: &Client, name: &str) -> Result<Option<EndpointSecret>, SecretError> {
    Ok(fetch_version(client, name).await?.map(|(secret, _)| secret))
}

/// The same, with the id of the secret's version.
pub async fn fetch_version(client: &Client, name: &str) -> Result<Option<(EndpointSecret, String)>, SecretError> {
    match fetch_text_version(client, name).await {
        Ok(None) => Ok(None),
        Ok(Some((text, version))) => match serde_json::from_str(&text) {
            Ok(secret) => Ok(Some((secret, version))),
            // serde's message would quote what it found, which may be the secret.
            Err(_) => Err(SecretError::Malformed(name.to_owned())),
        },
        // Reading by name has no other invalid request.
        Err(error) if error.code == "InvalidRequestException" => Err(SecretError::Deleted(name.to_owned())),
        Err(error) => Err(error.into()),
    }
}

/// Reads a secret that is any text. `None`: it does not exist, or has no value yet.
pub async fn fetch_text(client: &Client, name: &str) -> Result<Option<String>, AwsError> {
    Ok(fetch_text_version(client, name).await?.map(|(text, _)| text))
}

/// The same, with the id of the secret's version.
pub async fn fetch_text_version(client: &Client, name: &str) -> Result<Option<(String, String)>, AwsError> {
    match client.get_secret_value().secret_id(name).send().await {
        Ok(response) => {
            let text = response.secret_string.filter(|text| !text.is_empty());
            Ok(text.map(|text| (text, response.version_id.unwrap_or_default())))
        }
        // Also for a secret without a value, which has no version yet.
        Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => Ok(None),
        Err(error) => Err(AwsError::of("secretsmanager:GetSecretValue", &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn stored() -> EndpointSecret {
        serde_json::from_str(
            r#"{"current": "whsec_new", "previous": [{"secret": "whsec_old", "valid_until": "2026-11-22T00:00:00Z"}]}"#,
        )
        .unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    #[test]
    fn previous_is_valid_until_it_expires() {
        let secrets = |now| stored().valid_at(now).len();
        assert_eq!(secrets(datetime!(2026-11-21 23:59:59 UTC)), 2);
        assert_eq!(secrets(datetime!(2026-11-22 00:00:00 UTC)), 1);
    }

    #[test]
    fn an_empty_secret_is_not_a_secret() {
        assert!(serde_json::from_str::<EndpointSecret>(r#"{"current": ""}"#).is_err());
        assert!(EndpointSecret::default().valid_at(OffsetDateTime::UNIX_EPOCH).is_empty());
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", stored()).contains("whsec"));
    }

    #[test]
    fn a_change_that_revokes_leaves_no_earlier_secret() {
        let now = datetime!(2026-11-21 00:00:00 UTC);
        for revoke in [false, true] {
            let change = PendingChange::Rotate { endpoint_id: "ep_1".into() };
            let pending = Some(Pending { idempotency_key: "k".into(), since: now, revoke, change });
            let mut stored = EndpointSecret { pending, ..stored() };
            stored.complete();
            assert_eq!((stored.valid_at(now).len(), &stored.pending), (if revoke { 0 } else { 2 }, &None));
            stored.take(secret("whsec_newer"), now, datetime!(2026-11-23 00:00:00 UTC));
            assert_eq!(stored.valid_at(now).len(), if revoke { 1 } else { 3 });
        }
    }

    #[test]
    fn a_new_secret_keeps_the_old_ones_until_they_expire_and_five_at_most() {
        let now = datetime!(2026-11-21 00:00:00 UTC);
        let mut stored = stored();
        stored.take(secret("whsec_newer"), now, datetime!(2026-11-23 00:00:00 UTC));
        assert_eq!(stored.valid_at(now), [&secret("whsec_newer"), &secret("whsec_new"), &secret("whsec_old")]);
        let later = datetime!(2026-11-22 00:00:00 UTC);
        stored.take(secret("whsec_newer"), later, datetime!(2026-11-24 00:00:00 UTC));
        assert_eq!((stored.previous.len(), stored.current_since), (2, Some(now)), "the same again is no change");
        stored.take(secret("whsec_newest"), later, datetime!(2026-11-24 00:00:00 UTC));
        assert_eq!(stored.previous.len(), 2, "an expired one is removed");
        assert_eq!(stored.valid_at(later), [&secret("whsec_newest"), &secret("whsec_newer"), &secret("whsec_new")]);
        for number in 0..10 {
            stored.take(secret(&format!("whsec_{number}")), now, datetime!(2026-11-23 00:00:00 UTC));
        }
        assert_eq!(stored.valid_at(now).len(), 6);
        assert_eq!(stored.valid_at(now)[1], &secret("whsec_8"));
    }

    #[test]
    fn what_is_stored_comes_back() {
        let request = Some(CreateRequest { url: "https://hooks.example.invalid".into(), events: None });
        let known = vec!["ep_1".to_owned()];
        let change = PendingChange::Create { entity_id: None, replaces: Some("ep_1".into()), known, request };
        let since = datetime!(2026-11-21 00:00:00 UTC);
        let pending = Some(Pending { idempotency_key: "k".into(), since, revoke: true, change });
        let registered = Some(Registered { endpoint_id: "ep_1".into(), ..Registered::default() });
        let settings = Some(WebhookSettings { events: vec!["video.completed".into()], retry: Some(true) });
        let all = EndpointSecret { registered, pending, replaced: vec!["wh_0".into()], settings, ..stored() };
        assert_eq!(serde_json::from_str::<EndpointSecret>(&serde_json::to_string(&all).unwrap()).unwrap(), all);
        assert_eq!(serde_json::to_string(&EndpointSecret::default()).unwrap(), "{}");
    }
}
