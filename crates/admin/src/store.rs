//! The secrets in Secrets Manager.

use aws::error::AwsError;
use aws::secrets::{EndpointSecret, SecretError, fetch, fetch_text, store};
use aws_sdk_secretsmanager::Client;

#[derive(Debug, Clone)]
pub(crate) struct Store {
    client: Client,
    /// An endpoint's secret is called this, followed by the endpoint's name.
    prefix: String,
}

impl Store {
    pub(crate) fn new(client: Client, prefix: String) -> Self {
        Store { client, prefix }
    }

    /// The default if nothing is stored.
    pub(crate) async fn get(&self, endpoint: &str) -> Result<EndpointSecret, SecretError> {
        Ok(fetch(&self.client, &format!("{}{endpoint}", self.prefix)).await?.unwrap_or_default())
    }

    pub(crate) async fn put(&self, endpoint: &str, value: &EndpointSecret) -> Result<(), AwsError> {
        store(&self.client, &format!("{}{endpoint}", self.prefix), value).await
    }

    /// The value of any secret; `None` if it does not exist or has no value.
    pub(crate) async fn text(&self, name: &str) -> Result<Option<String>, AwsError> {
        fetch_text(&self.client, name).await
    }
}
