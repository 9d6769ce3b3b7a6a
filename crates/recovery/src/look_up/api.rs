//! HeyGen's API, with the key as it is stored now.

use crate::config::Config;
use crate::error::Error;
use aws_sdk_secretsmanager::Client as Secrets;
use heygen::api::{Api, ApiConfig, RetryPolicy};

pub(crate) async fn api(config: &Config, secrets: &Secrets, retry: RetryPolicy) -> Result<Api, Error> {
    let credential = aws::api_key::read(secrets, config.api_key_secret.as_deref()).await?;
    let config = ApiConfig {
        base_url: config.base_url.clone(),
        timeouts: config.timeouts,
        retry,
        ..ApiConfig::new(config.version, credential)
    };
    Ok(Api::new(&config)?)
}
