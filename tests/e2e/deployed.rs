//! The deployed admin function, configured for the test's own simulated HeyGen while the test runs.

use crate::replies::assert_is_reply;
use crate::support::{Stack, TIMEOUT, disturbed_stack, stack, unique};
use aws::secrets::{EndpointSecret, SecretError};
use aws_sdk_dynamodb::types::AttributeValue;
use local::stack_dir::StackDir;
use serde_json::{Map, Value, json};
use simulator::{Endpoint, Options, Simulator};
use std::fs::File;
use std::ops::Deref;
use std::time::Duration;

/// The endpoints that these tests use.
pub const A: &str = "managed-a";
pub const B: &str = "managed-b";

fn lock() -> File {
    let place = StackDir::test();
    place.create().unwrap();
    let lock = File::create(place.stack_json().with_file_name("admin.lock")).unwrap();
    lock.lock().unwrap();
    lock
}

/// The function, locked for one test.
pub struct Deployed {
    pub heygen: Simulator,
    pub stack: Stack,
    variables: Map<String, Value>,
    original: Value,
    _lock: File,
}

impl Deref for Deployed {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.heygen
    }
}

impl Deployed {
    /// A deployment with the endpoints A and B, both configured for all events. `None` for a stack in a real account,
    /// whose function a test must not reconfigure.
    pub fn new(options: Options) -> Option<Self> {
        let lock = lock();
        let stack = stack();
        if stack.stack().aws_endpoint.is_none() {
            println!("skipped: this test reconfigures the admin function, so it runs on a local stack only");
            return None;
        }
        Some(Self::on(stack, lock, options))
    }

    /// The same without other tests on the stack.
    pub fn alone(options: Options) -> Option<Self> {
        let lock = lock();
        Some(Self::on(disturbed_stack()?, lock, options))
    }

    fn on(stack: Stack, lock: File, options: Options) -> Self {
        let configuration = stack.api().function(&stack.stack().functions.admin).unwrap();
        let original = configuration["Environment"]["Variables"].clone();
        let mut deployed = Deployed {
            heygen: Simulator::start(options).unwrap(),
            variables: original.as_object().unwrap().clone(),
            original,
            stack,
            _lock: lock,
        };
        // Below the prefix that the function's role lets it read.
        let key = format!("{}{}", deployed.variables["SECRET_PREFIX"].as_str().unwrap(), unique("key-of-a-test"));
        deployed.stack.secrets(async |secrets| {
            secrets.create_secret().name(&key).secret_string(deployed.heygen.api_key()).send().await.unwrap();
        });
        for name in [A, B] {
            let id = deployed.stack.stack().endpoint(name).unwrap().secret.clone();
            deployed.stack.secrets(async |secrets| {
                let delete = secrets.delete_secret().secret_id(&id).force_delete_without_recovery(true);
                // There may be none.
                let _ = delete.send().await;
            });
        }
        let url = deployed.heygen.url();
        deployed.set_variables(&[
            ("HEYGEN_BASE_URL", &url),
            ("API_KEY_SECRET", &key),
            ("ENDPOINTS", &format!("{A},{B}")),
            ("ENDPOINTS_JSON", ""),
        ]);
        deployed
    }

    /// A variable of the function's environment.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name)?.as_str().map(str::to_owned)
    }

    /// Changes the function's environment, as deploying other parameters would.
    pub fn set_variables(&mut self, variables: &[(&str, &str)]) {
        for (name, value) in variables {
            self.variables.insert((*name).to_owned(), json!(value));
        }
        self.put(&Value::Object(self.variables.clone()));
    }

    pub fn configure(&mut self, endpoints: Value) {
        self.set_variables(&[("ENDPOINTS_JSON", &json!({ "endpoints": endpoints }).to_string())]);
    }

    /// Gives the function its own variables back, while no other test may change them.
    pub fn restore(&self) {
        self.put(&self.original);
    }

    fn put(&self, variables: &Value) {
        self.stack.api().set_variables(&self.stack.stack().functions.admin, variables).unwrap();
    }

    /// Invokes the function. Its reply has to conform to the schema.
    pub fn ask(&self, request: Value) -> local::Result<Value> {
        let reply = local::admin::ask(self.stack.stack(), &request)?;
        assert_is_reply(&reply);
        Ok(reply)
    }

    /// Deletes the lease of a run that did not release it.
    pub fn release_lease(&self) {
        let id = format!("admin#{}", self.variables["SECRET_PREFIX"].as_str().unwrap());
        let delete = async |dynamodb: &aws_sdk_dynamodb::Client| {
            let delete = dynamodb.delete_item().table_name(&self.stack.stack().table);
            delete.key("id", AttributeValue::S(id)).key("item", AttributeValue::S("lease".into())).send().await
        };
        self.stack.dynamodb(delete).unwrap();
    }

    pub fn sync(&self) -> Value {
        self.ask(json!({"action": "sync"})).unwrap()
    }

    /// The endpoints at HeyGen with this name's URL.
    pub fn at_heygen(&self, name: &str) -> Vec<Endpoint> {
        let end = format!("/webhooks/heygen/{name}");
        let own = self.variables["API_URL"].as_str().unwrap();
        self.heygen
            .endpoints()
            .into_iter()
            .filter(|endpoint| endpoint.url.starts_with(own) && endpoint.url.ends_with(&end))
            .collect()
    }

    /// The URL that HeyGen posts an endpoint's deliveries to.
    pub fn url(&self, name: &str) -> String {
        format!("{}/webhooks/heygen/{name}", self.variables["API_URL"].as_str().unwrap())
    }

    pub fn stored(&self, name: &str) -> EndpointSecret {
        self.fetched(name).unwrap().unwrap_or_default()
    }

    /// Whether the endpoint's secret is scheduled for deletion.
    pub fn has_deleted_secret(&self, name: &str) -> bool {
        matches!(self.fetched(name), Err(SecretError::Deleted(_)))
    }

    fn fetched(&self, name: &str) -> Result<Option<EndpointSecret>, SecretError> {
        let id = self.stack.stack().endpoint(name).unwrap().secret.clone();
        self.stack.secrets(async |secrets| aws::secrets::fetch(secrets, &id).await)
    }

    /// The only endpoint at HeyGen with this name's URL, after checking that a delivery to it is recorded.
    pub fn works(&self, name: &str) -> Endpoint {
        let [endpoint] = <[Endpoint; 1]>::try_from(self.at_heygen(name)).unwrap();
        let stored = self.stored(name);
        assert_eq!(stored.current.as_ref(), Some(&endpoint.secret));
        assert_eq!(stored.registered.unwrap().endpoint_id, endpoint.endpoint_id);
        assert_eq!(stored.pending, None);
        let id = unique("order");
        let event_type = endpoint.events.as_ref().map_or("avatar_video.success", |events| events[0].as_str());
        self.emit(event_type, json!({"video_id": unique("video"), "callback_id": id}));
        self.wait_until_delivered(Duration::from_secs(60)).unwrap();
        self.stack.recorded(&id, 1);
        endpoint
    }

    /// The function's first log line with these words, once there is one.
    pub fn logged(&self, since: u64, words: &[&str]) -> String {
        let find = || Ok(self.stack.lines_with(since, words).into_iter().next());
        self.stack.wait_for("a log line", TIMEOUT, find).unwrap()
    }
}

impl Drop for Deployed {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.restore();
        }
    }
}
