//! The secrets in Secrets Manager, and the client of SSM's parameters. An endpoint's secret is created with its first value.

use crate::config::Config;
use aws::error::AwsError;
use aws::sdk::Sdk;
use aws::secrets::{EndpointSecret, SecretError, fetch, fetch_text};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::Tag;

/// The longest that Secrets Manager offers. A secret that is scheduled for deletion costs nothing.
const RECOVERY_DAYS: i64 = 30;

/// Names the stack that a secret belongs to.
const TAG: &str = "heygen-webhooks:stack";

#[derive(Debug, Clone)]
pub(crate) struct Store {
    client: Client,
    parameters: aws_sdk_ssm::Client,
    /// An endpoint's secret is called this, followed by the endpoint's name.
    prefix: String,
    stack: String,
    kms_key: Option<String>,
}

impl Store {
    pub(crate) fn new(sdk: &Sdk, config: &Config) -> Self {
        let Config { secret_prefix, stack, kms_key, .. } = config.clone();
        Store { client: sdk.secrets(), parameters: sdk.ssm(), prefix: secret_prefix, stack, kms_key }
    }

    pub(crate) fn parameters(&self) -> &aws_sdk_ssm::Client {
        &self.parameters
    }

    /// The default if nothing is stored.
    pub(crate) async fn get(&self, endpoint: &str) -> Result<EndpointSecret, SecretError> {
        Ok(fetch(&self.client, &self.name(endpoint)).await?.unwrap_or_default())
    }

    /// Stores a value. Where there is no secret yet, it is created with this value, in one call.
    pub(crate) async fn put(&self, endpoint: &str, value: &EndpointSecret) -> Result<(), AwsError> {
        const OPERATION: &str = "secretsmanager:PutSecretValue";
        let text = serde_json::to_string(value).map_err(|_| AwsError::unbuildable(OPERATION))?;
        let put = self.client.put_secret_value().secret_id(self.name(endpoint)).secret_string(&text);
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                self.create(endpoint, &text).await
            }
            Err(error) => Err(AwsError::of(OPERATION, &error)),
        }
    }

    async fn create(&self, endpoint: &str, text: &str) -> Result<(), AwsError> {
        let create = self
            .client
            .create_secret()
            .name(self.name(endpoint))
            .description(format!("The signing secret of the HeyGen webhook endpoint {endpoint}."))
            .secret_string(text)
            .set_kms_key_id(self.kms_key.clone())
            .tags(Tag::builder().key(TAG).value(&self.stack).build());
        let Err(error) = create.send().await else { return Ok(()) };
        // Either an attempt of this call whose response was lost, or another run, whose value must not be overwritten.
        if error.as_service_error().is_some_and(|e| e.is_resource_exists_exception())
            && self.text(&self.name(endpoint)).await?.as_deref() == Some(text)
        {
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

    /// The value of any secret; `None` if it does not exist or has no value.
    pub(crate) async fn text(&self, name: &str) -> Result<Option<String>, AwsError> {
        fetch_text(&self.client, name).await
    }

    fn name(&self, endpoint: &str) -> String {
        format!("{}{endpoint}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::env::Env;
    use aws::sdk::Timeouts;
    use aws::stub::{Reply, sdk};
    use serde_json::{Value, json};
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
