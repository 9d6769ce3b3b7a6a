//! admin's code in the test's process, with the stack's Secrets Manager, but with a simulated HeyGen and secrets of its
//! own. So each test runs alone, and can kill admin at any call.

use crate::cut::Calls;
use crate::replies::assert_is_reply;
use crate::support::unique;
use admin::{Action, App, Config, Deployment, Error, Limits, Reply};
use aws::sdk::Sdk;
use aws::secrets::EndpointSecret;
use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use heygen::api::{ApiVersion, RetryPolicy, Timeouts};
use local::Stack;
use serde_json::{Value, json};
use simulator::{Endpoint, Options, Simulator};
use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The base URL of the deployment that admin is configured for.
pub const URL: &str = "https://hooks.example.invalid";

pub struct Inside {
    pub heygen: Simulator,
    pub config: Config,
    runtime: Runtime,
    secrets: aws_sdk_secretsmanager::Client,
    stack: Stack,
}

impl Deref for Inside {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.heygen
    }
}

impl Inside {
    /// A deployment with these endpoints, all configured for all events. `None` for a stack in a real account, where
    /// secrets cost money.
    pub fn new(version: ApiVersion, names: &[&str]) -> Option<Self> {
        let stack = Stack::load().unwrap();
        if stack.aws_endpoint.is_none() {
            println!("skipped: this test creates secrets, so it runs on a local stack only");
            return None;
        }
        let heygen = heygen(Options::default());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let secrets = sdk(&stack, stack.aws_endpoint.as_deref().unwrap()).secrets();
        let prefix = format!("{}/", unique("inside"));
        let key = format!("{prefix}api-key");
        runtime.block_on(local::secrets::store(&secrets, &key, heygen.api_key())).unwrap();
        let config = Config {
            deployment: Deployment::new(URL, None, &names.join(",")),
            domain_target: None,
            endpoints_json: String::new(),
            endpoints_parameter: None,
            platforms: admin::PlatformSettings::default(),
            secret_prefix: prefix,
            stack: "inside".to_owned(),
            kms_key: None,
            table: stack.table.clone(),
            api_key_secret: Some(key),
            version,
            base_url: heygen.url(),
            settle: Duration::ZERO,
            secret_overlap: Duration::from_hours(48),
            max_secret_age: None,
            limits: Limits { removals: 10, percent: 100 },
            deregister_on_delete: false,
            // Its URL leads nowhere.
            verify: false,
            verify_patience: Duration::ZERO,
            signature_header: "signature".to_owned(),
            // So that a run may follow one that was killed.
            longest_run: Duration::ZERO,
            timeouts: Timeouts { attempt: Duration::from_millis(500), ..Timeouts::default() },
            changes_until: None,
            retry: RetryPolicy { attempts: 3, base: Duration::from_millis(1), ..RetryPolicy::default() },
        };
        Some(Inside { heygen, config, runtime, secrets, stack })
    }

    /// Replaces HeyGen by one that has no two endpoints with the same URL.
    pub fn let_urls_be_unique(&mut self) {
        self.heygen = heygen(Options { unique_urls: true, ..Options::default() });
        self.config.base_url = self.heygen.url();
        let key = self.config.api_key_secret.clone().unwrap();
        self.runtime.block_on(local::secrets::store(&self.secrets, &key, self.heygen.api_key())).unwrap();
    }

    pub fn configure(&mut self, endpoints: Value) {
        self.config.endpoints_json = json!({ "endpoints": endpoints }).to_string();
    }

    /// Runs an action. Its reply has to conform to the schema.
    pub fn run(&self, action: Value) -> Result<Value, Error> {
        let app = App::new(self.config.clone(), &sdk(&self.stack, self.stack.aws_endpoint.as_deref().unwrap()));
        let reply = self.runtime.block_on(app.run(Action::read(action).unwrap()))?.to_json();
        assert_is_reply(&reply);
        Ok(reply)
    }

    /// Runs an action as often as there are pauses, all at once, each after its pause.
    pub fn run_together(&self, action: &Value, pauses: &[Duration]) -> Vec<Result<Value, Error>> {
        let run = |pause: Duration| {
            thread::sleep(pause);
            let app = App::new(self.config.clone(), &sdk(&self.stack, self.stack.aws_endpoint.as_deref().unwrap()));
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(app.run(Action::read(action.clone()).unwrap())).map(|reply| reply.to_json())
        };
        thread::scope(|scope| {
            let runs: Vec<_> = pauses.iter().map(|pause| scope.spawn(move || run(*pause))).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        })
    }

    /// Runs an action whose calls to HeyGen and AWS pass through `calls`. `None`: it was killed.
    pub fn run_over(&self, calls: &Arc<Calls>, action: Value) -> Option<Result<Reply, Error>> {
        let config = Config { base_url: calls.proxy(&self.heygen.url()), ..self.config.clone() };
        let aws = calls.proxy(self.stack.aws_endpoint.as_deref().unwrap());
        let app = App::new(config, &sdk(&self.stack, &aws));
        let action = Action::read(action).unwrap();
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = calls.died.notified() => None,
                done = app.run(action) => Some(done),
            }
        })
    }

    pub fn stored(&self, name: &str) -> EndpointSecret {
        let id = format!("{}{name}", self.config.secret_prefix);
        self.runtime.block_on(aws::secrets::fetch(&self.secrets, &id)).unwrap().unwrap_or_default()
    }

    pub fn store(&self, name: &str, value: Value) {
        let secret = format!("{}{name}", self.config.secret_prefix);
        self.runtime.block_on(local::secrets::store(&self.secrets, &secret, &value.to_string())).unwrap();
    }

    /// Changes the parameter `Endpoints`.
    pub fn serve(&mut self, names: &[&str]) {
        self.config.deployment = Deployment::new(URL, None, &names.join(","));
    }

    /// Schedules an endpoint's secret for deletion.
    pub fn delete_secret(&self, name: &str) {
        let delete = self.secrets.delete_secret().secret_id(format!("{}{name}", self.config.secret_prefix));
        self.runtime.block_on(delete.send()).unwrap();
    }

    /// The endpoints with a secret that is not scheduled for deletion.
    pub fn with_secret(&self) -> BTreeSet<String> {
        let names = self.secrets_of_this_test(false);
        names
            .into_iter()
            .filter_map(|name| Some(name.strip_prefix(&self.config.secret_prefix)?.to_owned()))
            .filter(|name| name != "api-key")
            .collect()
    }

    fn secrets_of_this_test(&self, deleted: bool) -> Vec<String> {
        let filter = Filter::builder().key(FilterNameStringType::Name).values(&self.config.secret_prefix).build();
        let list = self.secrets.list_secrets().include_planned_deletion(deleted).filters(filter).max_results(100);
        let listed = self.runtime.block_on(list.send()).unwrap();
        listed.secret_list().iter().filter_map(|secret| secret.name().map(str::to_owned)).collect()
    }

    /// The endpoints at HeyGen with this name's URL.
    pub fn at_heygen(&self, name: &str) -> Vec<Endpoint> {
        let url = self.config.deployment.url_of(name);
        self.heygen.endpoints().into_iter().filter(|endpoint| endpoint.url == url).collect()
    }

    /// The only endpoint at HeyGen with this name's URL; an error unless it is registered and its secret is stored.
    pub fn settled(&self, name: &str) -> Result<Endpoint, String> {
        let [endpoint] =
            <[Endpoint; 1]>::try_from(self.at_heygen(name)).map_err(|all| format!("{} endpoints", all.len()))?;
        let stored = self.stored(name);
        if stored.current.as_ref() != Some(&endpoint.secret) {
            return Err("its secret is not stored".to_owned());
        }
        if stored.registered.as_ref().map(|known| &known.endpoint_id) != Some(&endpoint.endpoint_id) {
            return Err("another endpoint is registered".to_owned());
        }
        if stored.pending.is_some() {
            return Err("a note is left".to_owned());
        }
        Ok(endpoint)
    }
}

fn heygen(options: Options) -> Simulator {
    Simulator::start(Options { check_urls: false, ..options }).unwrap()
}

pub fn sdk(stack: &Stack, endpoint: &str) -> Sdk {
    let keys = stack.credentials.as_ref().unwrap();
    let credentials = Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "stack.json");
    Sdk::new(&stack.region, Some(endpoint), credentials)
}

impl Drop for Inside {
    fn drop(&mut self) {
        for name in self.secrets_of_this_test(true) {
            let delete = self.secrets.delete_secret().secret_id(name).force_delete_without_recovery(true);
            self.runtime.block_on(delete.send()).unwrap();
        }
    }
}
