//! Which change gives an endpoint a new secret.

use crate::change::{ChangeKind, ReplaceReason, RotateReason};
use crate::config::Config;
use crate::error::Error;
use crate::snapshot::Snapshot;

/// The change that gives an endpoint a new secret.
pub(crate) fn rotation(name: &str, snapshot: &Snapshot, config: &Config, revoke: bool) -> Result<ChangeKind, Error> {
    let stored = snapshot.stored.get(name);
    if let Some(pending) = stored.and_then(|stored| stored.pending.as_ref()) {
        return Ok(ChangeKind::finish(pending, revoke));
    }
    let registered = stored.and_then(|stored| stored.registered.as_ref()).map(|noted| noted.endpoint_id.clone());
    if snapshot.hidden.contains(name) {
        return Err(Error::Hidden(name.to_owned()));
    }
    let exists = |id: &String| snapshot.candidates(config, name).any(|endpoint| endpoint.id == *id);
    let endpoint_id = registered.filter(exists).ok_or_else(|| Error::NotRegistered(name.to_owned()))?;
    if config.version.rotates_secrets() {
        let reason = if revoke { RotateReason::Revoked } else { RotateReason::Requested };
        return Ok(ChangeKind::Rotate { endpoint_id, reason });
    }
    let is_revoked = revoke.then_some(ReplaceReason::Revoked);
    let desired = snapshot.desired(name);
    Ok(ChangeKind::Replace {
        endpoint_id,
        reasons: [ReplaceReason::SecretInV1].into_iter().chain(is_revoked).collect(),
        events: desired.and_then(|desired| desired.events.clone()),
        entity_id: desired.and_then(|desired| desired.entity_id.clone()),
    })
}
