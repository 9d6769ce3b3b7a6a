//! Storing a secret, whether it exists or not.

use crate::error::{Error, Result};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;

/// Creates the secret with this value, or gives it a new one.
pub async fn store(client: &Client, name: &str, value: &str) -> Result<()> {
    let created = client.create_secret().name(name).secret_string(value).send().await;
    let Err(error) = created else { return Ok(()) };
    if !error.as_service_error().is_some_and(CreateSecretError::is_resource_exists_exception) {
        return Err(Error::aws("Creating a secret", &error));
    }
    let put = client.put_secret_value().secret_id(name).secret_string(value).send().await;
    put.map(drop).map_err(|error| Error::aws("Storing a secret", &error))
}
