//! An endpoint's secret, as Secrets Manager holds it: one JSON value per endpoint.
//!
//! ```json
//! {"current": "whsec_…", "previous": {"secret": "whsec_…", "valid_until": "2026-11-22T00:00:00Z"},
//!  "pending": {"idempotency_key": "…", "since": "2026-11-21T00:00:00Z"}}
//! ```
//! Every field may be absent.

use crate::error::{AwsError, Class};
use aws_sdk_secretsmanager::Client;
use heygen::Secret;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;

/// What is stored for one endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSecret {
    /// What HeyGen signs with now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Secret>,
    /// What it signed with before the last rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// A create or a rotation whose outcome is not stored yet: HeyGen may sign with a secret that we do not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// A secret that is on its way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// The secret itself.
    pub secret: Secret,
    /// Until when a signature made with it is accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub valid_until: OffsetDateTime,
}

/// A change at HeyGen that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The key that the call was, or will be, made with: repeating it gives the same answer.
    pub idempotency_key: String,
    /// When it was begun.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

impl EndpointSecret {
    /// The secrets that a signature may be made with at `now`, the likeliest first.
    pub fn valid_at(&self, now: OffsetDateTime) -> Vec<&Secret> {
        let previous = self.previous.as_ref().filter(|previous| now < previous.valid_until);
        self.current.iter().chain(previous.map(|previous| &previous.secret)).collect()
    }
}

/// Why a stored secret could not be read.
#[derive(Debug, Error)]
pub enum SecretError {
    /// Secrets Manager did not answer, or refused.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// What is stored is not the JSON above. The value itself is never shown.
    #[error(r#"the value stored in {0} is not of the form {{"current": "whsec_..."}}"#)]
    Malformed(String),
}

impl SecretError {
    /// What follows from it. A malformed value stays so until someone stores another.
    pub fn class(&self) -> Class {
        match self {
            SecretError::Aws(error) => error.class,
            SecretError::Malformed(_) => Class::Permanent,
        }
    }
}

/// Reads the secret called `name`. `None`: it is not there, or has no value yet.
pub async fn fetch(client: &Client, name: &str) -> Result<Option<EndpointSecret>, SecretError> {
    let answer = match client.get_secret_value().secret_id(name).send().await {
        Ok(answer) => answer,
        // Covers a secret without a value as well: it has no version yet.
        Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => return Ok(None),
        Err(error) => return Err(AwsError::of("secretsmanager:GetSecretValue", &error).into()),
    };
    match answer.secret_string() {
        None | Some("") => Ok(None),
        // serde's message would quote what it found, which may be the secret.
        Some(text) => serde_json::from_str(text).map(Some).map_err(|_| SecretError::Malformed(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn stored() -> EndpointSecret {
        serde_json::from_str(
            r#"{"current": "whsec_new", "previous": {"secret": "whsec_old", "valid_until": "2026-11-22T00:00:00Z"}}"#,
        )
        .unwrap()
    }

    #[test]
    fn previous_is_valid_until_it_lapses() {
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
}
