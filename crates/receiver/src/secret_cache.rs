//! The endpoints' secrets, cached between invocations: a call to Secrets Manager costs money and time.

use aws::secrets::{EndpointSecret, SecretError, fetch};
use aws_sdk_secretsmanager::Client;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a secret is used without reading it again.
const FRESH: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub struct SecretCache {
    client: Client,
    prefix: String,
    /// The shortest time between two reads of one endpoint's secret that a sender can cause.
    refresh: Duration,
    entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    read_at: Instant,
    secret: Option<Arc<EndpointSecret>>,
}

impl SecretCache {
    pub fn new(client: Client, prefix: String, refresh: Duration) -> Self {
        SecretCache { client, prefix, refresh, entries: Mutex::default() }
    }

    /// The endpoint's secret, or `None` if none is stored.
    pub async fn get(&self, endpoint: &str) -> Result<Option<Arc<EndpointSecret>>, SecretError> {
        let Some(entry) = self.entry(endpoint) else { return self.read(endpoint).await };
        // A missing secret is read again sooner: it is about to be stored.
        let fresh = if entry.secret.is_some() { FRESH } else { self.refresh };
        if entry.read_at.elapsed() < fresh {
            return Ok(entry.secret);
        }
        match self.read(endpoint).await {
            // Secrets Manager is down: the secret of five minutes ago is most likely still right.
            Err(error) if entry.secret.is_some() => {
                let class = error.class().as_str();
                tracing::warn!(%error, class, "the secret could not be read again; the cached one is used");
                Ok(entry.secret)
            }
            result => result,
        }
    }

    /// Reads the secret again, unless that was done a moment ago: forged deliveries must not cause
    /// calls to Secrets Manager.
    pub async fn refreshed(&self, endpoint: &str) -> Result<Option<Arc<EndpointSecret>>, SecretError> {
        match self.entry(endpoint) {
            Some(entry) if entry.read_at.elapsed() < self.refresh => Ok(entry.secret),
            _ => self.read(endpoint).await,
        }
    }

    fn entry(&self, endpoint: &str) -> Option<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).get(endpoint).cloned()
    }

    async fn read(&self, endpoint: &str) -> Result<Option<Arc<EndpointSecret>>, SecretError> {
        let read_at = Instant::now();
        let result = fetch(&self.client, &format!("{}{endpoint}", self.prefix)).await;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(secret) => {
                let secret = secret.map(Arc::new);
                entries.insert(endpoint.to_owned(), Entry { read_at, secret: secret.clone() });
                Ok(secret)
            }
            Err(error) => {
                // A failed read counts, too.
                if let Some(entry) = entries.get_mut(endpoint) {
                    entry.read_at = read_at;
                }
                Err(error)
            }
        }
    }
}
