//! The client of HeyGen's API, with the stored API key.

use crate::config::Config;
use crate::error::Error;
use crate::store::Store;
use heygen::api::{Api, ApiConfig};

/// Reads the key again each time: it may have been changed since.
pub(crate) async fn connect(config: &Config, store: &Store) -> Result<Api, Error> {
    let credential = store.api_key(config.api_key_secret.as_deref()).await?;
    let config = ApiConfig {
        base_url: config.base_url.clone(),
        timeouts: config.timeouts,
        retry: config.retry,
        changes_until: config.changes_until,
        ..ApiConfig::new(config.version, credential)
    };
    Ok(Api::new(&config)?)
}
