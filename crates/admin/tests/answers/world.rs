//! admin in the test's process, with a simulated HeyGen, and with Secrets Manager and the table in memory.

use crate::memory::Memory;
use admin::{Action, App, Config, Error, invocation};
use aws::env::Env;
use aws::sdk::{Sdk, Timeouts as AwsTimeouts};
use aws::secrets::EndpointSecret;
use aws::stub::{Reply, sdk};
use heygen::api::{RetryPolicy, Timeouts};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use simulator::{Endpoint, Options, Simulator};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::{Builder, Runtime};

/// The base URL of the deployment.
pub const URL: &str = "https://hooks.example.invalid";

pub struct World {
    pub heygen: Simulator,
    pub config: Config,
    pub memory: Arc<Mutex<Memory>>,
    sdk: Sdk,
    runtime: Runtime,
}

impl Deref for World {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.heygen
    }
}

impl World {
    /// A deployment with these endpoints, all configured for all events. `version` is `v3` or `v1`.
    pub fn new(version: &str, names: &str) -> Self {
        let heygen = Simulator::start(Options { check_urls: false, ..Options::default() }).unwrap();
        let variables = |name: &str| {
            let value = match name {
                "API_URL" => URL,
                "ENDPOINTS" => names,
                "SECRET_PREFIX" => "secret/",
                "API_KEY_SECRET" => "api-key",
                "HEYGEN_API_VERSION" => version,
                "TABLE_NAME" | "STACK" => "stack",
                "MAX_REMOVALS" => "10",
                "MAX_REMOVAL_PERCENT" => "100",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let config = Config {
            base_url: heygen.url(),
            settle: Duration::ZERO,
            verify: false,
            // So that a run may follow one that was cut off.
            longest_run: Duration::ZERO,
            timeouts: Timeouts { attempt: Duration::from_secs(5), ..Timeouts::default() },
            retry: RetryPolicy { attempts: 3, base: Duration::from_millis(1), ..RetryPolicy::default() },
            ..Config::read(Env::from_fn(variables)).unwrap()
        };
        let memory = Arc::new(Mutex::new(Memory::default()));
        let aws = Arc::clone(&memory);
        let sdk = sdk(AwsTimeouts::LONG, move |operation, input| aws.lock().unwrap().respond(operation, &input));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let world = World { heygen, config, memory, sdk, runtime };
        world.put("api-key", world.api_key());
        world
    }

    /// Changes `endpoints.json`.
    pub fn configure(&mut self, endpoints: Value) {
        self.config.endpoints_json = json!({ "endpoints": endpoints }).to_string();
    }

    pub fn run(&self, action: Value) -> Result<Value, Error> {
        let app = App::new(self.config.clone(), &self.sdk);
        Ok(self.runtime.block_on(app.run(Action::read(action).unwrap()))?.to_json())
    }

    pub fn sync(&self) -> Result<Value, Error> {
        self.run(json!({"action": "sync"}))
    }

    /// Sends the function an event, with this much time.
    pub fn invoke(&self, event: Value, time: Duration) {
        let app = App::new(self.config.clone(), &self.sdk);
        let mut context = Context::default();
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + time;
        context.deadline = u64::try_from(deadline.as_millis()).unwrap();
        let response = invocation::respond(Ok(&app), LambdaEvent::new(event, context));
        self.runtime.block_on(response).unwrap();
    }

    /// Stores the value of a secret.
    pub fn put(&self, secret: &str, value: &str) {
        self.memory.lock().unwrap().put(secret, value);
    }

    /// What SSM responds when it is asked for the parameter.
    pub fn set_parameter(&self, response: Reply) {
        self.memory.lock().unwrap().parameter = Some(response);
    }

    /// What is stored for an endpoint.
    pub fn stored(&self, name: &str) -> EndpointSecret {
        let memory = self.memory.lock().unwrap();
        let text = memory.get(&format!("secret/{name}"));
        text.map(|text| serde_json::from_str(text).unwrap()).unwrap_or_default()
    }

    pub fn has_note(&self, name: &str) -> bool {
        self.stored(name).pending.is_some()
    }

    /// The endpoints at HeyGen with this name's URL.
    pub fn at_heygen(&self, name: &str) -> Vec<Endpoint> {
        let url = self.config.deployment.url_of(name);
        self.endpoints().into_iter().filter(|endpoint| endpoint.url == url).collect()
    }

    /// An error unless HeyGen has one endpoint with this name's URL, and its secret is the stored one.
    pub fn settled(&self, name: &str) -> Result<Endpoint, String> {
        let [endpoint] = <[Endpoint; 1]>::try_from(self.at_heygen(name))
            .map_err(|all| format!("{name}: {} endpoints", all.len()))?;
        let stored = self.stored(name);
        if stored.current.as_ref() != Some(&endpoint.secret) {
            return Err(format!("{name}: its secret is not stored"));
        }
        if stored.registered.as_ref().map(|known| &known.endpoint_id) != Some(&endpoint.endpoint_id) {
            return Err(format!("{name}: another endpoint is registered"));
        }
        if stored.pending.is_some() {
            return Err(format!("{name}: a note is left"));
        }
        Ok(endpoint)
    }
}
