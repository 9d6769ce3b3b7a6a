//! The endpoints' secrets, kept between invocations: asking Secrets Manager costs money and time.

use aws::secrets::{EndpointSecret, SecretError, fetch};
use aws_sdk_secretsmanager::Client;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// For how long a secret is used without asking again.
const FRESH: Duration = Duration::from_secs(300);

/// A cache over Secrets Manager.
#[derive(Debug)]
pub struct SecretCache {
    client: Client,
    prefix: String,
    /// The shortest time between two questions about one endpoint that a sender can cause.
    refresh: Duration,
    entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    asked_at: Instant,
    secret: Option<Arc<EndpointSecret>>,
}

impl SecretCache {
    pub fn new(client: Client, prefix: String, refresh: Duration) -> Self {
        SecretCache { client, prefix, refresh, entries: Mutex::default() }
    }

    /// The endpoint's secret. `None`: none is stored.
    pub async fn get(&self, endpoint: &str) -> Result<Option<Arc<EndpointSecret>>, SecretError> {
        let Some(entry) = self.entry(endpoint) else { return self.ask(endpoint).await };
        // A missing secret is asked for sooner: it is about to be stored.
        let fresh = if entry.secret.is_some() { FRESH } else { self.refresh };
        if entry.asked_at.elapsed() < fresh {
            return Ok(entry.secret);
        }
        match self.ask(endpoint).await {
            // What was right five minutes ago serves until Secrets Manager is back.
            Err(error) if entry.secret.is_some() => {
                tracing::warn!(endpoint, %error, class = ?error.class(), "the secret could not be refreshed: the last one is used");
                Ok(entry.secret)
            }
            answer => answer,
        }
    }

    /// The secret asked for anew, unless that was done a moment ago: forged deliveries must not
    /// turn into questions to Secrets Manager.
    pub async fn refreshed(&self, endpoint: &str) -> Result<Option<Arc<EndpointSecret>>, SecretError> {
        match self.entry(endpoint) {
            Some(entry) if entry.asked_at.elapsed() < self.refresh => Ok(entry.secret),
            _ => self.ask(endpoint).await,
        }
    }

    fn entry(&self, endpoint: &str) -> Option<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).get(endpoint).cloned()
    }

    async fn ask(&self, endpoint: &str) -> Result<Option<Arc<EndpointSecret>>, SecretError> {
        let asked_at = Instant::now();
        let answer = fetch(&self.client, &format!("{}{endpoint}", self.prefix)).await;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(secret) => {
                let secret = secret.map(Arc::new);
                entries.insert(endpoint.to_owned(), Entry { asked_at, secret: secret.clone() });
                Ok(secret)
            }
            Err(error) => {
                // A failed question counts as one, too.
                if let Some(entry) = entries.get_mut(endpoint) {
                    entry.asked_at = asked_at;
                }
                Err(error)
            }
        }
    }
}
