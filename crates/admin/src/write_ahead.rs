//! Changes whose answer holds a secret: noted before the call, called with a key, stored after it.
//!
//! Whatever happens in between, the note says what was begun. HeyGen answers a repetition with the
//! same key as it answered the first time, so running again completes it; where there are no
//! such keys (v1), or the key is too old, the list shows what became of it.

use crate::config::Config;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::store::Store;
use aws::secrets::{EndpointSecret, Pending, PendingChange, Registered};
use heygen::Secret;
use heygen::api::{Api, ApiError, Endpoint, IdempotencyKey, Kind, NewEndpoint};
use std::time::Duration;
use time::OffsetDateTime;

/// HeyGen remembers a key for 24 h. A clock may be wrong, and a call takes its time.
const KEY_LIVES: Duration = Duration::from_hours(23);

/// One endpoint's changes.
pub(crate) struct WriteAhead<'a> {
    pub(crate) config: &'a Config,
    pub(crate) api: &'a Api,
    pub(crate) store: &'a Store,
    pub(crate) look: &'a Snapshot,
    pub(crate) name: &'a str,
}

impl WriteAhead<'_> {
    /// Registers a new endpoint. The one that it `replaces` stays for now.
    pub(crate) async fn create(
        &self,
        events: Option<Vec<String>>,
        entity_id: Option<String>,
        replaces: Option<String>,
    ) -> Result<(), Error> {
        let known = self.look.candidates(self.config, self.name).map(|endpoint| endpoint.id.clone()).collect();
        let change = PendingChange::Create { entity_id: entity_id.clone(), replaces: replaces.clone(), known };
        let (stored, key) = self.begin("create", change).await?;
        let new = NewEndpoint { url: self.config.deployment.url_of(self.name), events, entity_id: entity_id.clone() };
        match self.api.create_endpoint(&new, Some(&key)).await {
            Ok(made) => self.registered(stored, made, entity_id, replaces).await,
            Err(error) => self.failed(stored, error).await,
        }
    }

    /// Gives an endpoint a new secret.
    pub(crate) async fn rotate(&self, endpoint_id: &str) -> Result<(), Error> {
        let change = PendingChange::Rotate { endpoint_id: endpoint_id.to_owned() };
        let (stored, key) = self.begin("rotate", change).await?;
        match self.api.rotate_secret(endpoint_id, Some(&key)).await {
            Ok(secret) => self.rotated(stored, endpoint_id, secret).await,
            Err(error) => self.failed(stored, error).await,
        }
    }

    /// Stores the secret of an endpoint that is there already, as HeyGen's list shows it, or as it is
    /// stored already.
    pub(crate) async fn adopt(&self, endpoint_id: &str) -> Result<(), Error> {
        let mut stored = self.stored();
        let listed = self.look.candidates(self.config, self.name).find(|endpoint| endpoint.id == endpoint_id);
        if let Some(secret) = listed.and_then(|endpoint| endpoint.secret.clone()) {
            self.take(&mut stored, secret);
        }
        stored.registered = Some(self.registration(&stored, endpoint_id));
        self.put(&stored).await
    }

    /// Completes what an earlier run began.
    pub(crate) async fn finish(&self) -> Result<(), Error> {
        let stored = self.stored();
        let Some(Pending { idempotency_key, since, change }) = stored.pending.clone() else { return Ok(()) };
        let remembered = self.config.version.replays_by_key() && OffsetDateTime::now_utc() < since + KEY_LIVES;
        let key = IdempotencyKey::new(idempotency_key).ok().filter(|_| remembered);
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
    ) -> Result<(), Error> {
        let wanted = self.look.wanted(self.name).filter(|wanted| wanted.enabled);
        if let (Some(wanted), Some(key)) = (wanted, key) {
            self.let_receivers_know(&stored).await;
            let url = self.config.deployment.url_of(self.name);
            let new = NewEndpoint { url, events: wanted.events.clone(), entity_id: entity_id.clone() };
            return match self.api.create_endpoint(&new, Some(&key)).await {
                Ok(made) => self.registered(stored, made, entity_id, replaces).await,
                // Had it been made, HeyGen would have said so again.
                Err(error) if error.kind == Kind::Rejected => self.drop_note(stored, error).await,
                Err(error) => Err(error.into()),
            };
        }
        let made = self.look.candidates(self.config, self.name).find(|endpoint| !known.contains(&endpoint.id));
        match made.cloned() {
            Some(made) if made.secret.is_some() => self.registered(stored, made, entity_id, replaces).await,
            Some(made) => {
                // Nobody knows its secret any more: the next plan rotates it.
                self.retire_current(&mut stored);
                stored.registered = Some(Registered { endpoint_id: made.id, entity_id, replaces });
                stored.pending = None;
                self.put(&stored).await
            }
            None => {
                stored.pending = None;
                self.put(&stored).await
            }
        }
    }

    async fn finish_rotate(
        &self,
        mut stored: EndpointSecret,
        key: Option<IdempotencyKey>,
        endpoint_id: &str,
    ) -> Result<(), Error> {
        let Some(listed) = self.look.candidates(self.config, self.name).find(|endpoint| endpoint.id == endpoint_id)
        else {
            stored.pending = None;
            return self.put(&stored).await;
        };
        match (listed.secret.clone(), key) {
            (Some(secret), _) => self.rotated(stored, endpoint_id, secret).await,
            (None, None) => self.rotate(endpoint_id).await,
            (None, Some(key)) => {
                self.let_receivers_know(&stored).await;
                match self.api.rotate_secret(endpoint_id, Some(&key)).await {
                    Ok(secret) => self.rotated(stored, endpoint_id, secret).await,
                    Err(error) if matches!(error.kind, Kind::NotFound | Kind::KeyReused) => {
                        self.drop_note(stored, error).await
                    }
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Notes what is about to be done, and waits until every receiver that asks sees the note.
    async fn begin(&self, what: &str, change: PendingChange) -> Result<(EndpointSecret, IdempotencyKey), Error> {
        let since = OffsetDateTime::now_utc();
        let text =
            format!("heygen-webhooks:{what}:{}:{}:{:016x}", self.name, since.unix_timestamp_nanos(), fastrand::u64(..));
        let key = IdempotencyKey::new(text).map_err(|error| Error::Config(error.to_string()))?;
        let mut stored = self.stored();
        stored.pending = Some(Pending { idempotency_key: key.as_str().to_owned(), since, change });
        self.put(&stored).await?;
        self.let_receivers_know(&stored).await;
        Ok((stored, key))
    }

    /// A receiver that asked for the secret just before the note was written does not ask again for
    /// a while, and would answer 401 to what the new secret signed. Where nothing is stored yet, it
    /// answers 503 in any case.
    async fn let_receivers_know(&self, stored: &EndpointSecret) {
        let now = OffsetDateTime::now_utc();
        let Some(pending) = stored.pending.as_ref().filter(|_| !stored.valid_at(now).is_empty()) else { return };
        let left = pending.since + self.config.settle - now;
        tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    }

    async fn registered(
        &self,
        mut stored: EndpointSecret,
        made: Endpoint,
        entity_id: Option<String>,
        replaces: Option<String>,
    ) -> Result<(), Error> {
        stored.pending = None;
        stored.registered = Some(Registered { endpoint_id: made.id.clone(), entity_id, replaces });
        match made.secret {
            Some(secret) => {
                self.take(&mut stored, secret);
                self.put(&stored).await
            }
            None => {
                self.retire_current(&mut stored);
                self.put(&stored).await?;
                Err(Error::NoSecret(made.id))
            }
        }
    }

    async fn rotated(&self, mut stored: EndpointSecret, endpoint_id: &str, secret: Secret) -> Result<(), Error> {
        stored.pending = None;
        stored.registered = Some(self.registration(&stored, endpoint_id));
        self.take(&mut stored, secret);
        self.put(&stored).await
    }

    /// What is known of an endpoint stays; of one that is new to us, the entity is taken to be as wanted.
    fn registration(&self, stored: &EndpointSecret, endpoint_id: &str) -> Registered {
        let known = stored.registered.clone().filter(|known| known.endpoint_id == endpoint_id);
        known.unwrap_or_else(|| Registered {
            endpoint_id: endpoint_id.to_owned(),
            entity_id: self.look.wanted(self.name).and_then(|wanted| wanted.entity_id.clone()),
            replaces: None,
        })
    }

    /// The note stays unless HeyGen has certainly done nothing: an earlier attempt may have reached it.
    async fn failed(&self, stored: EndpointSecret, error: ApiError) -> Result<(), Error> {
        let refused = error.status.is_none_or(|status| (400..500).contains(&status)) && error.kind != Kind::InProgress;
        let sent = matches!(error.kind, Kind::Timeout | Kind::Connection | Kind::NotJson | Kind::TooLarge);
        if refused && !sent && error.attempts <= 1 {
            return self.drop_note(stored, error).await;
        }
        Err(error.into())
    }

    async fn drop_note(&self, mut stored: EndpointSecret, error: ApiError) -> Result<(), Error> {
        stored.pending = None;
        if let Err(error) = self.put(&stored).await {
            // The next run drops it.
            let class = error.class();
            tracing::warn!(endpoint = self.name, %error, ?class, "the note of a change that HeyGen refused could not be dropped");
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
        self.look.stored.get(self.name).cloned().unwrap_or_default()
    }

    async fn put(&self, stored: &EndpointSecret) -> Result<(), Error> {
        Ok(self.store.put(self.name, stored).await?)
    }
}
