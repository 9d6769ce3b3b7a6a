//! Which of HeyGen's endpoints are ours: those that our notes say we registered, wherever their URL leads now, and those
//! whose URL leads to this deployment.

use crate::deployment::Deployment;
use aws::secrets::{EndpointSecret, Pending, PendingChange};
use heygen::api::Endpoint;
use std::collections::BTreeMap;

/// The name of the endpoint of ours that this is; `None` if it is not ours. `stored` is by the endpoint's name.
pub fn owner(
    deployment: &Deployment,
    stored: &BTreeMap<String, EndpointSecret>,
    endpoint: &Endpoint,
) -> Option<String> {
    let by_url = deployment.name_of(&endpoint.url);
    if let Some(name) = &by_url
        && stored.get(name).is_some_and(|stored| is_noted(stored, &endpoint.id))
    {
        return by_url;
    }
    let by_id = stored.iter().find(|(_, stored)| is_noted(stored, &endpoint.id));
    by_id.map(|(name, _)| name.clone()).or(by_url)
}

/// Whether we registered the endpoint with this id, or started to change it.
pub(crate) fn is_noted(stored: &EndpointSecret, id: &str) -> bool {
    let registered = stored.registered.as_ref();
    let pending = stored.pending.as_ref().and_then(|Pending { change, .. }| match change {
        PendingChange::Create { replaces, .. } => replaces.as_ref(),
        PendingChange::Rotate { endpoint_id } => Some(endpoint_id),
    });
    let noted =
        [registered.map(|noted| &noted.endpoint_id), registered.and_then(|noted| noted.replaces.as_ref()), pending];
    noted.into_iter().flatten().any(|noted| noted == id)
}
