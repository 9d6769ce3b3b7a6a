//! What is configured, what HeyGen has and what is stored, at one moment.

use crate::config::Config;
use crate::desired::DesiredEndpoint;
use crate::error::Error;
use crate::hidden::hidden;
use crate::measures;
use crate::ownership::owner;
use crate::parameter;
use crate::plan::{Plan, PlanInput, is_disabled, plan};
use crate::store::Store;
use aws::secrets::{EndpointSecret, SecretError};
use heygen::api::{Api, Endpoint, Readable};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;

#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) desired: Vec<DesiredEndpoint>,
    pub(crate) endpoints: Vec<Endpoint>,
    /// By the endpoint's name, as are `unreadable` and `deleted`.
    pub(crate) stored: BTreeMap<String, EndpointSecret>,
    pub(crate) unreadable: BTreeSet<String>,
    pub(crate) deleted: BTreeSet<String>,
    /// How many endpoints of HeyGen's list could not be read.
    pub(crate) unlisted: usize,
    /// The names of ours that may be among those.
    pub(crate) hidden: BTreeSet<String>,
    taken_at: OffsetDateTime,
}

impl Snapshot {
    pub(crate) async fn take(config: &Config, api: &Api, store: &Store) -> Result<Self, Error> {
        // A wrong configuration is reported before any call is made.
        let desired = parameter::desired(config, store).await?.heygen;
        let (mut stored, mut unreadable, mut deleted) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        for name in config.deployment.names() {
            match store.get(name).await {
                Ok(secret) => drop(stored.insert(name.clone(), secret)),
                Err(SecretError::Malformed(_)) => drop(unreadable.insert(name.clone())),
                Err(SecretError::Deleted(_)) => drop(deleted.insert(name.clone())),
                Err(error) => return Err(error.into()),
            }
        }
        let taken_at = OffsetDateTime::now_utc();
        measures::secrets(stored.values(), taken_at);
        let list = api.endpoints().readable().await?;
        let hidden = hidden(&config.deployment, &stored, &list);
        let Readable { elements: endpoints, unreadable: unlisted } = list;
        Ok(Snapshot { desired, endpoints, stored, unreadable, deleted, unlisted: unlisted.len(), hidden, taken_at })
    }

    pub(crate) fn plan(&self, config: &Config) -> Plan {
        let plan = plan(&PlanInput {
            deployment: &config.deployment,
            desired: &self.desired,
            endpoints: &self.endpoints,
            stored: &self.stored,
            unreadable: &self.unreadable,
            deleted: &self.deleted,
            can_rotate: config.version.rotates_secrets(),
            max_secret_age: config.max_secret_age,
            now: self.taken_at,
        });
        plan.leaving_alone(&self.hidden, self.unlisted)
    }

    /// HeyGen's ids of our endpoints that it has disabled.
    pub(crate) fn disabled<'a>(&'a self, config: &'a Config) -> impl Iterator<Item = &'a String> {
        let ours = self.endpoints.iter().filter(|endpoint| self.owner(config, endpoint).is_some());
        ours.filter(|endpoint| is_disabled(endpoint)).map(|endpoint| &endpoint.id)
    }

    /// The name of the endpoint of ours that this is.
    pub(crate) fn owner(&self, config: &Config, endpoint: &Endpoint) -> Option<String> {
        owner(&config.deployment, &self.stored, endpoint)
    }

    /// What HeyGen has for the name of an endpoint of ours.
    pub(crate) fn candidates<'a>(&'a self, config: &'a Config, name: &'a str) -> impl Iterator<Item = &'a Endpoint> {
        self.endpoints.iter().filter(move |endpoint| self.owner(config, endpoint).as_deref() == Some(name))
    }

    /// The names of the endpoints that are configured to receive.
    pub(crate) fn enabled(&self) -> Vec<String> {
        self.desired.iter().filter(|desired| desired.enabled).map(|desired| desired.name.clone()).collect()
    }

    pub(crate) fn desired(&self, name: &str) -> Option<&DesiredEndpoint> {
        self.desired.iter().find(|desired| desired.name == name)
    }
}
