//! The endpoints of ours that may be among those of HeyGen's list that cannot be read. Nothing is changed for them: what
//! looks missing may only be unreadable.

use crate::deployment::Deployment;
use aws::secrets::{EndpointSecret, PendingChange};
use heygen::api::{Endpoint, Readable, Unreadable};
use std::collections::{BTreeMap, BTreeSet};

/// The names of these endpoints.
pub(crate) fn hidden(
    deployment: &Deployment,
    stored: &BTreeMap<String, EndpointSecret>,
    list: &Readable<Endpoint>,
) -> BTreeSet<String> {
    let is_readable = |id: &str| list.elements.iter().any(|endpoint| endpoint.id == id);
    let by_note =
        stored.iter().filter(|(_, stored)| list.unreadable.iter().any(|one| may_be(one, stored, is_readable)));
    let by_url = list.unreadable.iter().filter_map(|one| deployment.name_of(one.url.as_deref()?));
    by_note.map(|(name, _)| name.clone()).chain(by_url).collect()
}

/// Whether an element without a readable URL may be the endpoint that is stored, or the one that its note creates.
fn may_be(one: &Unreadable, stored: &EndpointSecret, is_readable: impl Fn(&str) -> bool) -> bool {
    if one.url.is_some() {
        return false;
    }
    let registered = stored.registered.as_ref().map(|registered| registered.endpoint_id.as_str());
    let (rotated, known) = match stored.pending.as_ref().map(|pending| &pending.change) {
        Some(PendingChange::Rotate { endpoint_id }) => (Some(endpoint_id.as_str()), None),
        Some(PendingChange::Create { known, .. }) => (None, Some(known)),
        None => (None, None),
    };
    let mut ids = registered.into_iter().chain(rotated);
    match &one.endpoint_id {
        Some(id) => ids.any(|own| own == id) || known.is_some_and(|known| !known.contains(id)),
        None => known.is_some() || ids.any(|own| !is_readable(own)),
    }
}
