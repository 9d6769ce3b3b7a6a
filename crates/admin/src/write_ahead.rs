//! Changes whose response holds a secret: a note is stored before the call, the secret after it.
//!
//! If a run ends in between, the next one finds the note. HeyGen answers a repeated call with the same idempotency
//! key with its first response, so repeating it completes the change. Where there are no such keys (v1), or the key
//! is too old, HeyGen's list shows whether the change was made.
//!
//! Each method returns what is stored in the end.

use crate::config::Config;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::store::Store;
use aws::secrets::{EndpointSecret, Pending, PendingChange, Registered};
use heygen::Secret;
use heygen::api::{Api, ApiError, Endpoint, IdempotencyKey, Kind, NewEndpoint};
use std::time::Duration;
use time::OffsetDateTime;

/// HeyGen remembers a key for 24 h; the difference allows for a wrong clock and a slow call.
const KEY_LIFETIME: Duration = Duration::from_hours(23);

/// The changes of one endpoint.
pub(crate) struct WriteAhead<'a> {
    pub(crate) config: &'a Config,
    pub(crate) api: &'a Api,
    pub(crate) store: &'a Store,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) name: &'a str,
}

impl WriteAhead<'_> {
    /// Registers a new endpoint. The one that it `replaces` is not deleted yet.
    pub(crate) async fn create(
        &self,
        events: Option<Vec<String>>,
        entity_id: Option<String>,
        replaces: Option<String>,
    ) -> Result<EndpointSecret, Error> {
        let known = self.snapshot.candidates(self.config, self.name).map(|endpoint| endpoint.id.clone()).collect();
        let change = PendingChange::Create { entity_id: entity_id.clone(), replaces: replaces.clone(), known };
        let (stored, key) = self.begin("create", change).await?;
        let new = NewEndpoint { url: self.config.deployment.url_of(self.name), events, entity_id: entity_id.clone() };
        match self.api.create_endpoint(&new, Some(&key)).await {
            Ok(created) => self.store_created(stored, created, entity_id, replaces).await,
            Err(error) => self.fail(stored, error).await,
        }
    }

    pub(crate) async fn rotate(&self, endpoint_id: &str) -> Result<EndpointSecret, Error> {
        let change = PendingChange::Rotate { endpoint_id: endpoint_id.to_owned() };
        let (stored, key) = self.begin("rotate", change).await?;
        match self.api.rotate_secret(endpoint_id, Some(&key)).await {
            Ok(secret) => self.store_rotated(stored, endpoint_id, secret).await,
            Err(error) => self.fail(stored, error).await,
        }
    }

    /// Registers an existing endpoint, with the secret in HeyGen's list or else the stored one.
    pub(crate) async fn adopt(&self, endpoint_id: &str) -> Result<EndpointSecret, Error> {
        let mut stored = self.stored();
        let listed = self.snapshot.endpoints.iter().find(|endpoint| endpoint.id == endpoint_id);
        if let Some(secret) = listed.and_then(|endpoint| endpoint.secret.clone()) {
            self.take(&mut stored, secret);
        }
        stored.registered = Some(self.registration(&stored, endpoint_id));
        self.put(stored).await
    }

    /// Completes the pending change.
    pub(crate) async fn finish(&self) -> Result<EndpointSecret, Error> {
        let stored = self.stored();
        let Some(Pending { idempotency_key, since, change }) = stored.pending.clone() else { return Ok(stored) };
        let is_remembered = self.config.version.replays_by_key() && OffsetDateTime::now_utc() < since + KEY_LIFETIME;
        let key = IdempotencyKey::new(idempotency_key).ok().filter(|_| is_remembered);
        match change {
            PendingChange::Create { entity_id, replaces, known } => {
                self.finish_create(stored, key, entity_id, replaces, &known).await
            }
            PendingChange::Rotate { endpoint_id } => self.finish_rotate(stored, key, &endpoint_id).await,
        }
    }

    async fn finish_create(
        &self,
        mut stored: EndpointSecret,
        key: Option<IdempotencyKey>,
        entity_id: Option<String>,
        replaces: Option<String>,
        known: &[String],
    ) -> Result<EndpointSecret, Error> {
        let desired = self.snapshot.desired(self.name).filter(|desired| desired.enabled);
        if let (Some(desired), Some(key)) = (desired, key) {
            self.wait_for_receivers(&stored).await;
            let url = self.config.deployment.url_of(self.name);
            let new = NewEndpoint { url, events: desired.events.clone(), entity_id: entity_id.clone() };
            return match self.api.create_endpoint(&new, Some(&key)).await {
                Ok(created) => self.store_created(stored, created, entity_id, replaces).await,
                // HeyGen would have repeated its first response if it had created the endpoint.
                Err(error) if error.kind == Kind::Rejected => self.drop_note(stored, error).await,
                Err(error) => Err(error.into()),
            };
        }
        let created = self.snapshot.candidates(self.config, self.name).find(|endpoint| !known.contains(&endpoint.id));
        match created.cloned() {
            Some(created) if created.secret.is_some() => self.store_created(stored, created, entity_id, replaces).await,
            Some(created) => {
                // Its secret is lost: the next plan rotates it.
                self.retire_current(&mut stored);
                stored.registered = Some(Registered { endpoint_id: created.id, entity_id, replaces });
                stored.pending = None;
                self.put(stored).await
            }
            None => {
                stored.pending = None;
                self.put(stored).await
            }
        }
    }

    async fn finish_rotate(
        &self,
        mut stored: EndpointSecret,
        key: Option<IdempotencyKey>,
        endpoint_id: &str,
    ) -> Result<EndpointSecret, Error> {
        let candidate = self.snapshot.candidates(self.config, self.name).find(|endpoint| endpoint.id == endpoint_id);
        let Some(endpoint) = candidate else {
            stored.pending = None;
            return self.put(stored).await;
        };
        match (endpoint.secret.clone(), key) {
            (Some(secret), _) => self.store_rotated(stored, endpoint_id, secret).await,
            (None, None) => self.rotate(endpoint_id).await,
            (None, Some(key)) => {
                self.wait_for_receivers(&stored).await;
                match self.api.rotate_secret(endpoint_id, Some(&key)).await {
                    Ok(secret) => self.store_rotated(stored, endpoint_id, secret).await,
                    Err(error) if matches!(error.kind, Kind::NotFound | Kind::KeyReused) => {
                        self.drop_note(stored, error).await
                    }
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Stores the note of a change, and waits until every receiver has read it.
    async fn begin(&self, operation: &str, change: PendingChange) -> Result<(EndpointSecret, IdempotencyKey), Error> {
        let since = OffsetDateTime::now_utc();
        let (nanos, random) = (since.unix_timestamp_nanos(), fastrand::u64(..));
        let key = IdempotencyKey::new(format!("heygen-webhooks:{operation}:{}:{nanos}:{random:016x}", self.name))?;
        let pending = Pending { idempotency_key: key.as_str().to_owned(), since, change };
        let noted = EndpointSecret { pending: Some(pending), ..self.stored() };
        let stored = self.put(noted).await?;
        self.wait_for_receivers(&stored).await;
        Ok((stored, key))
    }

    /// A receiver that read the secret just before the note was stored does not read it again for a while, and would
    /// answer 401 to a delivery signed with the new secret. Without a stored secret, it answers 503 in any case.
    ///
    /// The wait begins here and not at `since`: storing the note may have taken long.
    async fn wait_for_receivers(&self, stored: &EndpointSecret) {
        if stored.pending.is_some() && !stored.valid_at(OffsetDateTime::now_utc()).is_empty() {
            tokio::time::sleep(self.config.settle).await;
        }
    }

    async fn store_created(
        &self,
        mut stored: EndpointSecret,
        created: Endpoint,
        entity_id: Option<String>,
        replaces: Option<String>,
    ) -> Result<EndpointSecret, Error> {
        stored.pending = None;
        stored.registered = Some(Registered { endpoint_id: created.id.clone(), entity_id, replaces });
        match created.secret {
            Some(secret) => {
                self.take(&mut stored, secret);
                self.put(stored).await
            }
            None => {
                self.retire_current(&mut stored);
                self.put(stored).await?;
                Err(Error::NoSecret(created.id))
            }
        }
    }

    async fn store_rotated(
        &self,
        mut stored: EndpointSecret,
        endpoint_id: &str,
        secret: Secret,
    ) -> Result<EndpointSecret, Error> {
        stored.pending = None;
        stored.registered = Some(self.registration(&stored, endpoint_id));
        self.take(&mut stored, secret);
        self.put(stored).await
    }

    /// The stored registration of this endpoint. Without one, the entity is assumed to be the configured one.
    fn registration(&self, stored: &EndpointSecret, endpoint_id: &str) -> Registered {
        let registered = stored.registered.clone().filter(|registered| registered.endpoint_id == endpoint_id);
        registered.unwrap_or_else(|| Registered {
            endpoint_id: endpoint_id.to_owned(),
            entity_id: self.snapshot.desired(self.name).and_then(|desired| desired.entity_id.clone()),
            replaces: None,
        })
    }

    /// Keeps the note unless HeyGen has certainly changed nothing: an earlier attempt may have reached it.
    async fn fail(&self, stored: EndpointSecret, error: ApiError) -> Result<EndpointSecret, Error> {
        let rejected = error.status.is_none_or(|status| (400..500).contains(&status)) && error.kind != Kind::InProgress;
        let sent = matches!(error.kind, Kind::Timeout | Kind::Connection | Kind::NotJson | Kind::TooLarge);
        if rejected && !sent && error.attempts <= 1 {
            return self.drop_note(stored, error).await;
        }
        Err(error.into())
    }

    async fn drop_note(&self, stored: EndpointSecret, error: ApiError) -> Result<EndpointSecret, Error> {
        if let Err(error) = self.put(EndpointSecret { pending: None, ..stored }).await {
            // The next run removes it.
            let class = error.class().as_str();
            tracing::warn!(endpoint = self.name, %error, class, "could not remove the note of a change that HeyGen rejected");
        }
        Err(error.into())
    }

    fn take(&self, stored: &mut EndpointSecret, secret: Secret) {
        let now = OffsetDateTime::now_utc();
        stored.take(secret, now, now + self.config.secret_overlap);
    }

    fn retire_current(&self, stored: &mut EndpointSecret) {
        let now = OffsetDateTime::now_utc();
        stored.retire(now, now + self.config.secret_overlap);
    }

    fn stored(&self) -> EndpointSecret {
        self.snapshot.stored.get(self.name).cloned().unwrap_or_default()
    }

    async fn put(&self, stored: EndpointSecret) -> Result<EndpointSecret, Error> {
        self.store.put(self.name, &stored).await?;
        Ok(stored)
    }
}
