//! The endpoints' secrets, cached between invocations: a call to Secrets Manager costs money and time.

use crate::moment::Moment;
use aws::secrets::{CACHED, EndpointSecret, SecretError, fetch};
use aws_sdk_secretsmanager::Client;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a secret is used after its last successful read, while it cannot be read. HeyGen would retry what is rejected
/// meanwhile, but may disable an endpoint whose deliveries fail; a revoked secret must not be accepted indefinitely.
const LONGEST_OUTAGE: Duration = Duration::from_hours(1);

/// The stored secret (`None` if there is none), or why it could not be read.
pub type Reading = Result<Option<Arc<EndpointSecret>>, Arc<SecretError>>;

#[derive(Debug)]
pub struct SecretCache {
    client: Client,
    /// The shortest time between two reads of one endpoint's secret that a sender can cause.
    refresh: Duration,
    /// Locked during a read, so that concurrent requests share its result.
    entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    at: Moment,
    last: Reading,
    /// The last secret that could be read, if there was one.
    known: Option<Known>,
}

#[derive(Debug, Clone)]
struct Known {
    secret: Arc<EndpointSecret>,
    read_at: Moment,
}

impl Entry {
    /// The last secret that could be read, unless that is too long ago.
    fn usable(&self) -> Option<&Arc<EndpointSecret>> {
        let known = self.known.as_ref().filter(|known| known.read_at.elapsed() < LONGEST_OUTAGE);
        known.map(|known| &known.secret)
    }
}

impl SecretCache {
    pub fn new(client: Client, refresh: Duration) -> Self {
        SecretCache { client, refresh, entries: Mutex::default() }
    }

    /// The secret of this name, possibly as it was a minute ago; an hour ago, if it cannot be read.
    pub async fn get(&self, name: &str) -> Reading {
        let mut entries = self.entries.lock().await;
        let entry = match entries.get(name) {
            Some(entry) if entry.at.elapsed() < self.lifetime(entry) => entry,
            _ => self.read(&mut entries, name).await,
        };
        match (&entry.last, entry.usable()) {
            // Secrets Manager is down: the last known secret is most likely still right.
            (Err(_), Some(known)) => Ok(Some(Arc::clone(known))),
            (last, _) => last.clone(),
        }
    }

    /// The secret as it is stored now, read at most once in `refresh`, successfully or not: forged deliveries
    /// must not cause many calls to Secrets Manager.
    pub async fn refreshed(&self, name: &str) -> Reading {
        let mut entries = self.entries.lock().await;
        match entries.get(name) {
            Some(entry) if entry.at.elapsed() < self.refresh => entry.last.clone(),
            _ => self.read(&mut entries, name).await.last.clone(),
        }
    }

    /// Without a usable secret, it is read again sooner, because it is about to be stored, or the error may be over.
    fn lifetime(&self, entry: &Entry) -> Duration {
        if entry.usable().is_some() { CACHED } else { self.refresh }
    }

    async fn read<'e>(&self, entries: &'e mut HashMap<String, Entry>, name: &str) -> &'e Entry {
        let started = Moment::now();
        let result = fetch(&self.client, name).await;
        let before = entries.remove(name).and_then(|entry| entry.known);
        let entry = match result {
            Ok(secret) => {
                let secret = secret.map(Arc::new);
                let known = secret.clone().map(|secret| Known { secret, read_at: started });
                Entry { at: started, last: Ok(secret), known }
            }
            Err(error) => {
                // From the end of the read: one that timed out may have taken longer than `refresh`.
                let entry = Entry { at: Moment::now(), last: Err(Arc::new(error)), known: before };
                if let (Err(error), Some(_)) = (&entry.last, entry.usable()) {
                    let class = error.class().as_str();
                    tracing::warn!(%error, class, "the secret could not be read again; the cached one is used");
                }
                entry
            }
        };
        entries.entry(name.to_owned()).insert_entry(entry).into_mut()
    }
}
