//! The secrets in Secrets Manager, and the calls that read SSM's parameter. An endpoint's secret is created with its first value.
//!
//! Secrets Manager has no conditional write. But a version's id can be chosen, and an id is not given to a second value. So
//! the id of a new version is computed from that of the version it replaces: of two values for one version, only the first
//! is stored. This rejects a value whose request arrives late, when another run has stored a newer one.

use crate::config::Config;
use crate::error::Error;
use aws::api_key::{self, ApiKeyError};
use aws::error::AwsError;
use aws::sdk::Sdk;
use aws::secrets::{EndpointSecret, SecretError, fetch_text_version, fetch_version};
use aws::signed::Calls;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use aws_sdk_secretsmanager::types::Tag;
use heygen::api::Credential;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use webhook::Platform;

/// The longest that Secrets Manager offers. A secret that is scheduled for deletion costs nothing.
const RECOVERY_DAYS: i64 = 30;

/// Names the stack that a secret belongs to.
const TAG: &str = "heygen-webhooks:stack";

#[derive(Debug, Clone)]
pub(crate) struct Store {
    client: Client,
    calls: Calls,
    /// An endpoint's secret is called this, followed by the endpoint's name.
    prefix: String,
    /// Says what the secret of this endpoint is for.
    describe: fn(&str) -> String,
    stack: String,
    kms_key: Option<String>,
    /// The version of each endpoint's secret that was read or written last, by the endpoint's name.
    versions: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Store {
    pub(crate) fn new(sdk: &Sdk, config: &Config) -> Self {
        Self::with_prefix(sdk, config, config.secret_prefix.clone(), signing)
    }

    /// The secrets that tokens of callback URLs are made with; `None` if the deployment has none.
    pub(crate) fn of_callbacks(sdk: &Sdk, config: &Config) -> Option<Self> {
        let prefix = config.platforms.callback_prefix.clone()?;
        Some(Self::with_prefix(sdk, config, prefix, |endpoint| {
            format!("The secret of the callback URLs of {endpoint}.")
        }))
    }

    fn with_prefix(sdk: &Sdk, config: &Config, prefix: String, describe: fn(&str) -> String) -> Self {
        let Config { stack, kms_key, .. } = config.clone();
        let versions = Arc::default();
        Store { client: sdk.secrets(), calls: sdk.calls(), prefix, describe, stack, kms_key, versions }
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The default if nothing is stored.
    pub(crate) async fn get(&self, endpoint: &str) -> Result<EndpointSecret, SecretError> {
        let (secret, version) = fetch_version(&self.client, &self.name(endpoint)).await?.unzip();
        self.remember(endpoint, version);
        Ok(secret.unwrap_or_default())
    }

    /// Stores a value in place of the version that was read last. Where there is no secret yet, it is created with this
    /// value, in one call.
    pub(crate) async fn put(&self, endpoint: &str, value: &EndpointSecret) -> Result<(), Error> {
        let text = serde_json::to_string(value).map_err(|_| AwsError::unbuildable("secretsmanager:PutSecretValue"))?;
        let replaced = self.versions.lock().unwrap_or_else(PoisonError::into_inner).get(endpoint).cloned();
        match self.put_text(endpoint, &text, replaced.as_deref().map(successor)).await? {
            Put::Done(version) => self.remember(endpoint, version),
            Put::NoSecret => self.create(endpoint, &text).await?,
            Put::IdIsUsed => match fetch_text_version(&self.client, &self.name(endpoint)).await? {
                // An attempt of this call whose response was lost.
                Some((stored, version)) if stored == text => self.remember(endpoint, Some(version)),
                // A person has made an earlier version the current one again.
                Some((_, version)) if replaced.as_ref() == Some(&version) => {
                    match self.put_text(endpoint, &text, None).await? {
                        Put::Done(version) => self.remember(endpoint, version),
                        _ => return Err(Error::Overtaken(endpoint.to_owned())),
                    }
                }
                _ => return Err(Error::Overtaken(endpoint.to_owned())),
            },
        }
        Ok(())
    }

    async fn put_text(&self, endpoint: &str, text: &str, id: Option<String>) -> Result<Put, AwsError> {
        let put = self.client.put_secret_value().secret_id(self.name(endpoint)).secret_string(text);
        match put.set_client_request_token(id).send().await {
            Ok(response) => Ok(Put::Done(response.version_id)),
            Err(error) => match error.as_service_error() {
                Some(PutSecretValueError::ResourceNotFoundException(_)) => Ok(Put::NoSecret),
                Some(PutSecretValueError::ResourceExistsException(_)) => Ok(Put::IdIsUsed),
                _ => Err(AwsError::of("secretsmanager:PutSecretValue", &error)),
            },
        }
    }

    fn remember(&self, endpoint: &str, version: Option<String>) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        match version.filter(|version| !version.is_empty()) {
            Some(version) => drop(versions.insert(endpoint.to_owned(), version)),
            None => drop(versions.remove(endpoint)),
        }
    }

    async fn create(&self, endpoint: &str, text: &str) -> Result<(), AwsError> {
        let create = self
            .client
            .create_secret()
            .name(self.name(endpoint))
            .description((self.describe)(endpoint))
            .secret_string(text)
            .set_kms_key_id(self.kms_key.clone())
            .tags(Tag::builder().key(TAG).value(&self.stack).build());
        let error = match create.send().await {
            Ok(created) => {
                self.remember(endpoint, created.version_id);
                return Ok(());
            }
            Err(error) => error,
        };
        // Either an attempt of this call whose response was lost, or another run, whose value must not be overwritten.
        if error.as_service_error().is_some_and(|e| e.is_resource_exists_exception())
            && let Some((stored, version)) = fetch_text_version(&self.client, &self.name(endpoint)).await?
            && stored == text
        {
            self.remember(endpoint, Some(version));
            return Ok(());
        }
        Err(AwsError::of("secretsmanager:CreateSecret", &error))
    }

    /// Schedules the endpoint's secret for deletion, if there is one.
    pub(crate) async fn delete(&self, endpoint: &str) -> Result<(), SecretError> {
        let delete = self.client.delete_secret().secret_id(self.name(endpoint));
        match delete.recovery_window_in_days(RECOVERY_DAYS).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => Ok(()),
            // An attempt whose response was lost, or an earlier run.
            Err(_) if matches!(self.get(endpoint).await, Err(SecretError::Deleted(_))) => Ok(()),
            Err(error) => Err(AwsError::of("secretsmanager:DeleteSecret", &error).into()),
        }
    }

    /// Cancels the deletion of the endpoint's secret.
    pub(crate) async fn restore(&self, endpoint: &str) -> Result<(), AwsError> {
        match self.client.restore_secret().secret_id(self.name(endpoint)).send().await {
            Ok(_) => Ok(()),
            // An attempt whose response was lost, or somebody else.
            Err(_) if self.get(endpoint).await.is_ok() => Ok(()),
            Err(error) => Err(AwsError::of("secretsmanager:RestoreSecret", &error)),
        }
    }

    /// The credential of HeyGen's API, from the secret of this name or ARN.
    pub(crate) async fn api_key(&self, secret: Option<&str>) -> Result<Credential, ApiKeyError> {
        api_key::read(&self.client, secret).await
    }

    /// The key of another platform's API.
    pub(crate) async fn key_of(&self, platform: Platform, secret: Option<&str>) -> Result<String, ApiKeyError> {
        api_key::read_key(&self.client, platform, secret).await
    }

    fn name(&self, endpoint: &str) -> String {
        format!("{}{endpoint}", self.prefix)
    }
}

/// An endpoint of another platform is named after it.
fn signing(endpoint: &str) -> String {
    let of = if endpoint.contains('/') { "webhook endpoint" } else { "HeyGen webhook endpoint" };
    format!("The signing secret of the {of} {endpoint}.")
}

/// The result of storing a value.
enum Put {
    /// With the id of the new version.
    Done(Option<String>),
    NoSecret,
    /// A version with this id has another value.
    IdIsUsed,
}

/// The id of the version that replaces this one.
fn successor(version: &str) -> String {
    hex::encode(Sha256::digest(format!("heygen-webhooks:{version}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::env::Env;
    use aws::sdk::Timeouts;
    use aws::stub::{Reply, sdk};
    use serde_json::{Value, json};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    type Calls = Arc<Mutex<Vec<(String, Value)>>>;

    /// A store over a Secrets Manager that responds like this, and the calls that it got.
    fn store(aws: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (Store, Calls) {
        let variables = |name: &str| match name {
            "SECRET_PREFIX" => Some("shop/endpoints/".to_owned()),
            "KMS_KEY_ARN" => Some("arn:aws:kms:us-east-1:123456789012:key/k".to_owned()),
            "HEYGEN_API_VERSION" => Some("v3".to_owned()),
            "API_URL" | "ENDPOINTS" | "TABLE_NAME" | "STACK" => Some("shop".to_owned()),
            _ => None,
        };
        let calls = Calls::default();
        let seen = Arc::clone(&calls);
        let sdk = sdk(Timeouts { attempts: 1, ..Timeouts::LONG }, move |operation, input| {
            seen.lock().unwrap().push((operation.to_owned(), input));
            aws(operation)
        });
        (Store::new(&sdk, &Config::read(Env::from_fn(variables)).unwrap()), calls)
    }

    fn names(calls: &Calls) -> Vec<String> {
        calls.lock().unwrap().iter().map(|(name, _)| name.clone()).collect()
    }

    #[tokio::test]
    async fn a_secret_is_created_with_its_first_value_the_stacks_key_and_its_tag() {
        let (store, calls) = store(|operation| match operation {
            "PutSecretValue" => Reply::error(400, "ResourceNotFoundException"),
            _ => Reply::Ok(json!({})),
        });
        store.put("main", &EndpointSecret::default()).await.unwrap();
        assert_eq!(names(&calls), ["PutSecretValue", "CreateSecret"]);
        let input = calls.lock().unwrap()[1].1.clone();
        assert_eq!((&input["Name"], &input["SecretString"]), (&json!("shop/endpoints/main"), &json!("{}")));
        assert_eq!(input["KmsKeyId"], "arn:aws:kms:us-east-1:123456789012:key/k");
        assert_eq!(input["Tags"], json!([{"Key": "heygen-webhooks:stack", "Value": "shop"}]));
    }

    #[tokio::test]
    async fn a_secret_that_another_run_has_just_created_is_not_overwritten() {
        for (stored, is_ours) in [("{}", true), (r#"{"pending": "of another run"}"#, false)] {
            let (store, calls) = store(move |operation| match operation {
                "PutSecretValue" => Reply::error(400, "ResourceNotFoundException"),
                "CreateSecret" => Reply::error(400, "ResourceExistsException"),
                _ => Reply::Ok(json!({ "SecretString": stored })),
            });
            assert_eq!(store.put("main", &EndpointSecret::default()).await.is_ok(), is_ours, "{stored}");
            assert_eq!(names(&calls), ["PutSecretValue", "CreateSecret", "GetSecretValue"]);
        }
    }

    /// A store over a Secrets Manager with the version `first` of a secret, in which the id of the next one is used.
    fn overtaken(now: (&'static str, &'static str)) -> (Store, Calls) {
        let reads = AtomicUsize::new(0);
        let value = |(version, text)| Reply::Ok(json!({"VersionId": version, "SecretString": text}));
        store(move |operation| match operation {
            "GetSecretValue" if reads.fetch_add(1, Ordering::SeqCst) == 0 => value(("first", "{}")),
            "GetSecretValue" => value(now),
            _ => Reply::error(400, "ResourceExistsException"),
        })
    }

    #[tokio::test]
    async fn a_value_for_a_version_that_another_run_has_replaced_is_not_stored() {
        let (store, calls) = overtaken(("second", r#"{"current": "whsec_new"}"#));
        store.get("main").await.unwrap();
        let error = store.put("main", &EndpointSecret::default()).await.unwrap_err();
        assert!(matches!(error, Error::Overtaken(_)), "{error}");
        let token = |call: usize| calls.lock().unwrap()[call].1["ClientRequestToken"].as_str().unwrap().to_owned();
        assert_eq!((names(&calls).len(), token(1)), (3, successor("first")));
        assert!((32..=64).contains(&token(1).len()), "Secrets Manager's limits");
        // Its own value, stored by an attempt whose response was lost.
        let (own, _) = overtaken(("second", "{}"));
        own.get("main").await.unwrap();
        own.put("main", &EndpointSecret::default()).await.unwrap();
        // A person has made the first version the current one again: an id of its own is tried.
        let (again, calls) = overtaken(("first", r#"{"current": "whsec_old"}"#));
        again.get("main").await.unwrap();
        again.put("main", &EndpointSecret::default()).await.unwrap_err();
        assert_eq!(names(&calls)[1..], ["PutSecretValue", "GetSecretValue", "PutSecretValue"]);
        assert_ne!(calls.lock().unwrap()[3].1["ClientRequestToken"], successor("first"));
    }

    #[tokio::test]
    async fn a_secret_is_deleted_with_a_recovery_window_and_may_be_gone_already() {
        let (first, calls) = store(|_| Reply::Ok(json!({})));
        first.delete("main").await.unwrap();
        assert_eq!(calls.lock().unwrap()[0].1["RecoveryWindowInDays"], 30);
        assert_eq!(calls.lock().unwrap()[0].1["ForceDeleteWithoutRecovery"], Value::Null);

        let (absent, _) = store(|_| Reply::error(400, "ResourceNotFoundException"));
        absent.delete("main").await.unwrap();
        let (deleted, _) = store(|_| Reply::error(400, "InvalidRequestException"));
        deleted.delete("main").await.unwrap();
        let (replicated, _) = store(|operation| match operation {
            "DeleteSecret" => Reply::error(400, "InvalidRequestException"),
            _ => Reply::Ok(json!({"SecretString": "{}"})),
        });
        replicated.delete("main").await.unwrap_err();
    }

    #[tokio::test]
    async fn a_secret_that_was_restored_already_is_no_error() {
        let restore = |readable: bool| {
            store(move |operation| match operation {
                "GetSecretValue" if readable => Reply::Ok(json!({"SecretString": "{}"})),
                _ => Reply::error(400, "InvalidRequestException"),
            })
        };
        restore(true).0.restore("main").await.unwrap();
        restore(false).0.restore("main").await.unwrap_err();
    }
}
