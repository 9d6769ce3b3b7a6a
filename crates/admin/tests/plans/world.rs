//! What a plan is made from.

use admin::{Deployment, DesiredEndpoint, Plan, PlanInput, desired_endpoints, plan};
use aws::secrets::EndpointSecret;
use heygen::api::{Endpoint, EndpointStatus};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::macros::datetime;
use webhook::Secret;

pub const URL: &str = "https://abc.execute-api.invalid";

/// What a plan is made from.
pub struct World {
    pub deployment: Deployment,
    pub desired: Vec<DesiredEndpoint>,
    pub endpoints: Vec<Endpoint>,
    pub stored: BTreeMap<String, EndpointSecret>,
    pub unreadable: BTreeSet<String>,
    pub deleted: BTreeSet<String>,
    pub can_rotate: bool,
    pub max_secret_days: Option<u64>,
}

impl World {
    /// A deployment with `main` and `second`, and this configuration.
    pub fn desiring(endpoints: Value) -> Self {
        let deployment = Deployment::new(URL, None, "main,second");
        World {
            desired: desired_endpoints(&json!({ "endpoints": endpoints }).to_string(), deployment.names()).unwrap(),
            deployment,
            endpoints: Vec::new(),
            stored: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            deleted: BTreeSet::new(),
            can_rotate: true,
            max_secret_days: None,
        }
    }

    /// HeyGen has an endpoint for this name.
    pub fn having(self, id: &str, name: &str) -> Self {
        self.having_at(id, &format!("{URL}/webhooks/heygen/{name}"))
    }

    pub fn having_at(mut self, id: &str, url: &str) -> Self {
        self.endpoints.push(Endpoint {
            id: id.to_owned(),
            url: url.to_owned(),
            status: Some(EndpointStatus::Enabled),
            events: None,
            // In the order of the calls.
            created_at: Some(format!("2026-11-21T00:00:{:02}Z", self.endpoints.len())),
            secret: None,
        });
        self
    }

    /// Changes the last endpoint.
    pub fn like(mut self, change: impl FnOnce(&mut Endpoint)) -> Self {
        change(self.endpoints.last_mut().unwrap());
        self
    }

    pub fn storing(mut self, name: &str, value: Value) -> Self {
        self.stored.insert(name.to_owned(), serde_json::from_value(value).unwrap());
        self
    }

    /// The endpoint is registered, and its secret is stored.
    pub fn knowing(self, id: &str, name: &str) -> Self {
        self.storing(name, json!({"current": "whsec_known", "registered": {"endpoint_id": id}}))
    }

    pub fn plan(&self) -> Plan {
        plan(&PlanInput {
            deployment: &self.deployment,
            desired: &self.desired,
            endpoints: &self.endpoints,
            stored: &self.stored,
            unreadable: &self.unreadable,
            deleted: &self.deleted,
            can_rotate: self.can_rotate,
            max_secret_age: self.max_secret_days.map(|days| Duration::from_hours(24 * days)),
            now: datetime!(2026-11-21 12:00 UTC),
        })
    }
}

pub fn events(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

pub fn secret(text: &str) -> Option<Secret> {
    Some(Secret::new(text).unwrap())
}
