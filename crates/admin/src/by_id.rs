//! The changes that a person asks for by HeyGen's id of an endpoint. Without `force`, they spare what others may use.

use crate::change::{Change, ChangeKind, DeleteReason, SecretSource};
use crate::config::Config;
use crate::error::Error;
use crate::list::host;
use crate::ownership::is_noted;
use crate::snapshot::Snapshot;
use heygen::api::Endpoint;

const FORCE: &str = "If this is what you want, repeat the request with \"force\": true";

/// The change that deletes an endpoint.
pub(crate) fn delete(id: &str, force: bool, snapshot: &Snapshot, config: &Config) -> Result<Change, Error> {
    let endpoint = find(id, snapshot)?;
    let owner = snapshot.owner(config, endpoint);
    let is_used = |name: &String| {
        let is_registered = snapshot.stored.get(name).is_some_and(|stored| is_noted(stored, id));
        is_registered && snapshot.desired(name).is_some_and(|desired| desired.enabled)
    };
    match &owner {
        None if !force => return Err(left_alone(id, &format!("it is not this deployment's. {FORCE}"))),
        Some(name) if !force && is_used(name) => {
            let reason = format!("{name} receives its deliveries there, and none until the next sync. {FORCE}");
            return Err(left_alone(id, &reason));
        }
        _ => {}
    }
    // In parentheses, because a host could be the name of an endpoint of ours, whose secret must not be deleted.
    let name = owner.unwrap_or_else(|| format!("({})", host(&endpoint.url)));
    Ok(Change {
        endpoint: name,
        kind: ChangeKind::Delete { endpoint_id: id.to_owned(), reason: DeleteReason::Requested },
    })
}

/// The change that makes an endpoint the one of `name`, or of the name in its URL.
pub(crate) fn adopt(
    id: &str,
    name: Option<&str>,
    force: bool,
    snapshot: &Snapshot,
    config: &Config,
) -> Result<Change, Error> {
    let endpoint = find(id, snapshot)?;
    let owner = snapshot.owner(config, endpoint);
    let Some(name) = name.map(str::to_owned).or_else(|| owner.clone()) else {
        return Err(left_alone(id, "its URL does not lead to this deployment: name an endpoint in \"endpoint\""));
    };
    if !config.deployment.names().contains(&name) {
        return Err(Error::UnknownEndpoint { name, configured: config.deployment.names().join(", ") });
    }
    let stored = snapshot.stored.get(&name);
    let Some(stored) = stored.filter(|stored| stored.pending.is_none()) else {
        let reason = format!("the stored secret of {name} is not readable, or a change of it is pending: sync first");
        return Err(left_alone(id, &reason));
    };
    let registered = stored.registered.as_ref().map(|noted| &noted.endpoint_id);
    if let Some(registered) =
        registered.filter(|registered| snapshot.endpoints.iter().any(|other| other.id == **registered))
    {
        return Err(left_alone(id, &format!("{name} is registered as {registered}: delete that first")));
    }
    if owner.is_none() && !force {
        return Err(left_alone(
            id,
            &format!("it is not this deployment's, and would no longer be its owner's. {FORCE}"),
        ));
    }
    let secret = if endpoint.secret.is_some() { SecretSource::List } else { SecretSource::Rotation };
    Ok(Change { endpoint: name, kind: ChangeKind::Adopt { endpoint_id: id.to_owned(), secret } })
}

fn find<'a>(id: &str, snapshot: &'a Snapshot) -> Result<&'a Endpoint, Error> {
    let found = snapshot.endpoints.iter().find(|endpoint| endpoint.id == id);
    found.ok_or_else(|| left_alone(id, "HeyGen has no endpoint with this id: see {\"action\": \"list\"}"))
}

fn left_alone(id: &str, reason: &str) -> Error {
    Error::LeftAlone { endpoint_id: id.to_owned(), reason: reason.to_owned() }
}
