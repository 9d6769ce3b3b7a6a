//! Changes whose response holds a secret: a note is stored before the call, the secret after it.
//!
//! The note is kept until its result is stored, or until it is certain that HeyGen changed nothing:
//!
//! | HeyGen's response to the first call | what follows |
//! |---|---|
//! | 2xx with the secret | the secret is stored, the note dropped |
//! | nothing was sent, or 4xx with an error code of HeyGen's to the only attempt | the note is dropped |
//! | 2xx without the secret, with an error, or not as documented | the note is kept; the error is `UnknownResult`, `HeyGen` for an error in the body |
//! | 5xx, 408, 409 `request_in_progress`, a gateway's response, 4xx without an error code, none in time | the note is kept |
//!
//! The next run finds the note, and repeats the same request with the same key, unless the key is older than 23 h or the
//! version has no keys (v1):
//!
//! | the note | HeyGen's response to the repetition | what follows |
//! |---|---|---|
//! | any | 2xx with the secret | the secret is stored, the note dropped |
//! | any | none; 401, 402, 403, 429 or `request_in_progress` with an error code | the note is kept, with its key |
//! | create | any other, or no repetition | HeyGen's list decides: a new endpoint with this URL is registered and its secret rotated by the next plan (in v1 it is in the list); without one, the note is dropped, and the next plan creates the endpoint with a new key (with `revoke`, at once) |
//! | rotate | any other, or no repetition | in v1, the secret in the list is stored; in v3, a new note with a new key is stored, and the secret rotated again; that note is not dropped even by a 4xx |
//! | rotate | (the endpoint is not in the list) | the note is dropped, and the secret counts as unknown |
//! | any | (the endpoint may be one that is not readable in the list) | nothing: the note is kept |
//!
//! A note with `revoke` drops every secret that is stored, current and previous, as soon as HeyGen's new one is stored, or
//! as soon as it is certain that HeyGen signs with none of them. Until then, the leaked secret is accepted. If HeyGen returns
//! a secret that is not new, the note is dropped with the error `NoNewSecret`.
//!
//! Each method returns what is stored in the end.

use crate::config::Config;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::store::Store;
use aws::secrets::{CreateRequest, EndpointSecret, Pending, PendingChange, Registered};
use heygen::api::{Api, ApiError, Endpoint, IdempotencyKey, Kind, NewEndpoint};
use std::time::Duration;
use time::OffsetDateTime;
use webhook::Secret;

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
        revoke: bool,
    ) -> Result<EndpointSecret, Error> {
        let known = self.snapshot.candidates(self.config, self.name).map(|endpoint| endpoint.id.clone()).collect();
        let new = NewEndpoint { url: self.config.deployment.url_of(self.name), events, entity_id: entity_id.clone() };
        let request = Some(CreateRequest { url: new.url.clone(), events: new.events.clone() });
        let change = PendingChange::Create { entity_id: entity_id.clone(), replaces: replaces.clone(), known, request };
        let (stored, key) = self.begin("create", change, revoke).await?;
        match self.api.create_endpoint(&new, Some(&key)).await {
            Ok(created) => self.store_created(stored, created, entity_id, replaces).await,
            Err(error) => self.fail(stored, error).await,
        }
    }

    /// With `revoke`, no earlier secret is accepted any more once the new one is stored.
    pub(crate) async fn rotate(&self, endpoint_id: &str, revoke: bool) -> Result<EndpointSecret, Error> {
        let (stored, key) = self.begin_rotation(endpoint_id, revoke).await?;
        match self.api.rotate_secret(endpoint_id, Some(&key)).await {
            Ok(secret) => self.store_rotated(stored, endpoint_id, secret).await,
            Err(error) => self.fail(stored, error).await,
        }
    }

    /// Rotates with a new key when the result of an earlier rotation is lost. The note is kept whatever HeyGen
    /// responds, because the stored secret may no longer be HeyGen's.
    async fn rotate_again(&self, endpoint_id: &str, revoke: bool) -> Result<EndpointSecret, Error> {
        let (stored, key) = self.begin_rotation(endpoint_id, revoke).await?;
        let secret = self.api.rotate_secret(endpoint_id, Some(&key)).await.map_err(unknown_result)?;
        self.store_rotated(stored, endpoint_id, secret).await
    }

    async fn begin_rotation(&self, endpoint_id: &str, revoke: bool) -> Result<(EndpointSecret, IdempotencyKey), Error> {
        self.begin("rotate", PendingChange::Rotate { endpoint_id: endpoint_id.to_owned() }, revoke).await
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

    /// Completes the pending change. With `revoke`, it revokes all secrets that are stored now, even if it was not started
    /// for that.
    pub(crate) async fn finish(&self, revoke: bool) -> Result<EndpointSecret, Error> {
        let mut stored = self.stored();
        let Some(pending) = &mut stored.pending else { return Ok(stored) };
        if self.snapshot.hidden.contains(self.name) {
            return Err(Error::Hidden(self.name.to_owned()));
        }
        let is_stored = pending.revoke || !revoke;
        pending.revoke |= revoke;
        let Pending { idempotency_key, since, change, .. } = pending.clone();
        let stored = if is_stored { stored } else { self.put(stored).await? };
        let is_remembered = self.config.version.replays_by_key() && OffsetDateTime::now_utc() < since + KEY_LIFETIME;
        let key = IdempotencyKey::new(idempotency_key).ok().filter(|_| is_remembered);
        match change {
            PendingChange::Create { entity_id, replaces, known, request } => {
                let is_desired = self.snapshot.desired(self.name).is_some_and(|desired| desired.enabled);
                match key.filter(|_| is_desired) {
                    Some(key) => self.repeat_create(stored, key, entity_id, replaces, &known, request).await,
                    None => {
                        let candidates: Vec<_> = self.snapshot.candidates(self.config, self.name).collect();
                        self.find_created(stored, &candidates, entity_id, replaces, &known).await
                    }
                }
            }
            PendingChange::Rotate { endpoint_id } => self.finish_rotate(stored, key, &endpoint_id).await,
        }
    }

    /// Repeats the same request with the same key.
    async fn repeat_create(
        &self,
        stored: EndpointSecret,
        key: IdempotencyKey,
        entity_id: Option<String>,
        replaces: Option<String>,
        known: &[String],
        request: Option<CreateRequest>,
    ) -> Result<EndpointSecret, Error> {
        self.wait_for_receivers(&stored).await?;
        let request = request.unwrap_or_else(|| CreateRequest {
            url: self.config.deployment.url_of(self.name),
            events: self.snapshot.desired(self.name).and_then(|desired| desired.events.clone()),
        });
        let new = NewEndpoint { url: request.url, events: request.events, entity_id: entity_id.clone() };
        let error = match self.api.create_endpoint(&new, Some(&key)).await {
            Ok(created) => return self.store_created(stored, created, entity_id, replaces).await,
            Err(error) => error,
        };
        if !error.is_replayed() {
            return Err(error.into());
        }
        tracing::warn!(
            endpoint = self.name,
            %error,
            class = error.class.as_str(),
            "the response to a repeated registration cannot be used: searching HeyGen's list for the endpoint"
        );
        let snapshot = Snapshot::take(self.config, self.api, self.store).await?;
        if snapshot.hidden.contains(self.name) {
            return Err(Error::Hidden(self.name.to_owned()));
        }
        let candidates: Vec<_> = snapshot.candidates(self.config, self.name).collect();
        self.find_created(stored, &candidates, entity_id, replaces, known).await
    }

    /// Takes the endpoint from HeyGen's list. If it is not there, it was not created, and the next plan creates it.
    async fn find_created(
        &self,
        mut stored: EndpointSecret,
        candidates: &[&Endpoint],
        entity_id: Option<String>,
        replaces: Option<String>,
        known: &[String],
    ) -> Result<EndpointSecret, Error> {
        let created = candidates.iter().copied().find(|endpoint| !known.contains(&endpoint.id)).cloned();
        match created {
            Some(created) if created.secret.is_some() => self.store_created(stored, created, entity_id, replaces).await,
            Some(created) => {
                // Its secret is lost: the next plan rotates it.
                stored.complete();
                self.retire_current(&mut stored);
                stored.registered = Some(Registered { endpoint_id: created.id, entity_id, replaces });
                self.put(stored).await
            }
            None => {
                let desired = self.snapshot.desired(self.name).filter(|desired| desired.enabled);
                if let Some(desired) = desired
                    && stored.is_revoking()
                {
                    return self.create(desired.events.clone(), entity_id, replaces, true).await;
                }
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
            // Should it be listed again, the next plan rotates it.
            stored.complete();
            self.retire_current(&mut stored);
            return self.put(stored).await;
        };
        let revoke = stored.is_revoking();
        match (endpoint.secret.clone(), key) {
            (Some(secret), _) => self.store_rotated(stored, endpoint_id, secret).await,
            (None, None) => self.rotate_again(endpoint_id, revoke).await,
            (None, Some(key)) => {
                self.wait_for_receivers(&stored).await?;
                match self.api.rotate_secret(endpoint_id, Some(&key)).await {
                    Ok(secret) => self.store_rotated(stored, endpoint_id, secret).await,
                    // HeyGen would respond the same until it forgets the key.
                    Err(error) if error.is_replayed() => self.rotate_again(endpoint_id, revoke).await,
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Stores the note of a change, and waits until every receiver has read it.
    async fn begin(
        &self,
        operation: &str,
        change: PendingChange,
        revoke: bool,
    ) -> Result<(EndpointSecret, IdempotencyKey), Error> {
        if !self.api.has_time_after(self.config.settle) {
            return Err(Error::Timeout);
        }
        let since = OffsetDateTime::now_utc();
        let (nanos, random) = (since.unix_timestamp_nanos(), fastrand::u64(..));
        let key = IdempotencyKey::new(format!("heygen-webhooks:{operation}:{}:{nanos}:{random:016x}", self.name))?;
        let pending = Pending { idempotency_key: key.as_str().to_owned(), since, revoke, change };
        let noted = EndpointSecret { pending: Some(pending), ..self.stored() };
        let stored = self.put(noted).await?;
        self.wait_for_receivers(&stored).await?;
        Ok((stored, key))
    }

    /// A receiver that read the secret just before the note was stored does not read it again for a while, and would
    /// answer 401 to a delivery signed with the new secret. Without a stored secret, it answers 503 in any case.
    ///
    /// The wait begins here and not at `since`: storing the note may have taken long. After it, the note has to be stored
    /// still: a run without the lease may have stored another, if the lease was deleted by hand or a clock is wrong.
    async fn wait_for_receivers(&self, stored: &EndpointSecret) -> Result<(), Error> {
        if stored.pending.is_none() || stored.valid_at(OffsetDateTime::now_utc()).is_empty() {
            return Ok(());
        }
        tokio::time::sleep(self.config.settle).await;
        let key = |secret: &EndpointSecret| secret.pending.as_ref().map(|pending| pending.idempotency_key.clone());
        let is_own = key(&self.store.get(self.name).await?) == key(stored);
        if is_own { Ok(()) } else { Err(Error::Overtaken(self.name.to_owned())) }
    }

    async fn store_created(
        &self,
        mut stored: EndpointSecret,
        created: Endpoint,
        entity_id: Option<String>,
        replaces: Option<String>,
    ) -> Result<EndpointSecret, Error> {
        let registered = Registered { endpoint_id: created.id.clone(), entity_id, replaces };
        match created.secret {
            Some(secret) => self.store_secret(stored, registered, secret).await,
            None => {
                stored.registered = Some(registered);
                stored.complete();
                self.retire_current(&mut stored);
                self.put(stored).await?;
                Err(Error::NoSecret(created.id))
            }
        }
    }

    async fn store_rotated(
        &self,
        stored: EndpointSecret,
        endpoint_id: &str,
        secret: Secret,
    ) -> Result<EndpointSecret, Error> {
        let registered = self.registration(&stored, endpoint_id);
        self.store_secret(stored, registered, secret).await
    }

    async fn store_secret(
        &self,
        mut stored: EndpointSecret,
        registered: Registered,
        secret: Secret,
    ) -> Result<EndpointSecret, Error> {
        // It is stored in any case, because HeyGen signs with it.
        let is_revoked = !(stored.is_revoking() && stored.has(&secret));
        stored.complete();
        stored.registered = Some(registered);
        self.take(&mut stored, secret);
        let stored = self.put(stored).await?;
        if is_revoked { Ok(stored) } else { Err(Error::NoNewSecret(self.name.to_owned())) }
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

    /// Keeps the note unless HeyGen has certainly changed nothing.
    async fn fail(&self, stored: EndpointSecret, error: ApiError) -> Result<EndpointSecret, Error> {
        if error.may_have_changed() {
            return Err(unknown_result(error));
        }
        self.drop_note(stored, error).await
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

/// Tells a response that cannot be interpreted from an error of HeyGen's: the change may well be made.
fn unknown_result(error: ApiError) -> Error {
    if error.may_have_changed() && matches!(error.kind, Kind::Unexpected | Kind::KeyReused | Kind::TooLarge) {
        Error::UnknownResult(Box::new(error))
    } else {
        error.into()
    }
}
