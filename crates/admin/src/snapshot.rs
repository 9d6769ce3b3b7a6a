//! What is there: at HeyGen, and in Secrets Manager.

use crate::config::Config;
use crate::desired::{DesiredEndpoint, wanted};
use crate::error::Error;
use crate::plan::{Plan, PlanInput, plan};
use crate::store::Store;
use aws::secrets::{EndpointSecret, SecretError};
use heygen::api::{Api, Endpoint};
use std::collections::{BTreeMap, BTreeSet};

/// What is wanted and what is there, at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) wanted: Vec<DesiredEndpoint>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) stored: BTreeMap<String, EndpointSecret>,
    pub(crate) unreadable: BTreeSet<String>,
}

impl Snapshot {
    pub(crate) async fn take(config: &Config, api: &Api, store: &Store) -> Result<Self, Error> {
        // What is wrong with the configuration is said before anyone is asked.
        let wanted = wanted(&config.endpoints_json, config.deployment.names())?;
        let (mut stored, mut unreadable) = (BTreeMap::new(), BTreeSet::new());
        for name in config.deployment.names() {
            match store.get(name).await {
                Ok(secret) => drop(stored.insert(name.clone(), secret)),
                Err(SecretError::Malformed(_)) => drop(unreadable.insert(name.clone())),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Snapshot { wanted, endpoints: api.endpoints().all().await?, stored, unreadable })
    }

    pub(crate) fn plan(&self, config: &Config) -> Plan {
        plan(&PlanInput {
            deployment: &config.deployment,
            wanted: &self.wanted,
            endpoints: &self.endpoints,
            stored: &self.stored,
            unreadable: &self.unreadable,
        })
    }

    /// What HeyGen has for the URL of an endpoint of ours.
    pub(crate) fn candidates<'a>(&'a self, config: &'a Config, name: &'a str) -> impl Iterator<Item = &'a Endpoint> {
        self.endpoints.iter().filter(move |endpoint| config.deployment.name_of(&endpoint.url) == Some(name))
    }

    pub(crate) fn wanted(&self, name: &str) -> Option<&DesiredEndpoint> {
        self.wanted.iter().find(|wanted| wanted.name == name)
    }
}
