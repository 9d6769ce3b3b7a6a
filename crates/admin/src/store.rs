//! The endpoints' secrets in Secrets Manager, by endpoint.

use aws::error::AwsError;
use aws::secrets::{EndpointSecret, SecretError, fetch, fetch_text, store};
use aws_sdk_secretsmanager::Client;

/// The secrets of one deployment.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    client: Client,
    prefix: String,
}

impl Store {
    pub(crate) fn new(client: Client, prefix: String) -> Self {
        Store { client, prefix }
    }

    /// What is stored for an endpoint; nothing, if nothing is.
    pub(crate) async fn get(&self, endpoint: &str) -> Result<EndpointSecret, SecretError> {
        Ok(fetch(&self.client, &format!("{}{endpoint}", self.prefix)).await?.unwrap_or_default())
    }

    /// Returns once it is stored.
    pub(crate) async fn put(&self, endpoint: &str, value: &EndpointSecret) -> Result<(), AwsError> {
        store(&self.client, &format!("{}{endpoint}", self.prefix), value).await
    }

    /// A secret that is not an endpoint's.
    pub(crate) async fn text(&self, name: &str) -> Result<Option<String>, AwsError> {
        fetch_text(&self.client, name).await
    }
}
