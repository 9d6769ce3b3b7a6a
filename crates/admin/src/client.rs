//! The client of HeyGen's API, with the stored API key.

use crate::config::Config;
use crate::error::Error;
use crate::store::Store;
use heygen::Secret;
use heygen::api::{Api, ApiConfig, Credential};
use serde::Deserialize;

/// Reads the key again each time: it may have been changed since.
pub(crate) async fn connect(config: &Config, store: &Store) -> Result<Api, Error> {
    let name = config.api_key_secret.as_deref().ok_or_else(|| {
        let advice =
            "store it in Secrets Manager, and set the deployment's parameter ApiKeySecret to that secret's name, or ApiKeySecretArn to its ARN";
        Error::NoApiKey(advice.to_owned())
    })?;
    let text = store.text(name).await?;
    let text = text.ok_or_else(|| Error::NoApiKey(format!("store it as the value of the secret {name}")))?;
    let config = ApiConfig {
        base_url: config.base_url.clone(),
        timeouts: config.timeouts,
        retry: config.retry,
        ..ApiConfig::new(config.version, credential(&text))
    };
    Ok(Api::new(&config)?)
}

/// The text is the API key, or `{"api_key": "…"}`, or `{"bearer": "…"}`.
fn credential(text: &str) -> Credential {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Stored {
        ApiKey(Secret),
        Bearer(Secret),
    }
    let as_text = |secret: &Secret| String::from_utf8_lossy(secret.as_bytes()).into_owned();
    match serde_json::from_str(text) {
        Ok(Stored::ApiKey(key)) => Credential::ApiKey(as_text(&key)),
        Ok(Stored::Bearer(token)) => Credential::Bearer(as_text(&token)),
        // Editors add a line end that is not part of the key.
        Err(_) => Credential::ApiKey(text.trim_end_matches(['\r', '\n']).to_owned()),
    }
}
