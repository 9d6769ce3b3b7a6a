//! The deployed admin function, turned to a HeyGen of the test's own for as long as the test lasts.

use crate::support::{Stack, TIMEOUT, stack, unique};
use aws::secrets::EndpointSecret;
use local::stack_dir::StackDir;
use serde_json::{Map, Value, json};
use simulator::{Endpoint, Options, Simulator};
use std::fs::File;
use std::ops::Deref;
use std::time::Duration;

/// The endpoints that these tests register.
pub const A: &str = "managed-a";
pub const B: &str = "managed-b";

/// The function, alone with the test.
pub struct Deployed {
    pub heygen: Simulator,
    pub stack: Stack,
    variables: Map<String, Value>,
    sound: Value,
    _turn: File,
}

impl Deref for Deployed {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.heygen
    }
}

impl Deployed {
    /// Knows the endpoints A and B, and wants both for all events. `None` for a stack in a real account,
    /// whose admin function is nobody's to turn.
    pub fn new(options: Options) -> Option<Self> {
        let place = StackDir::test();
        place.create().unwrap();
        let turn = File::create(place.stack_json().with_file_name("admin.lock")).unwrap();
        turn.lock().unwrap();
        let stack = stack();
        if stack.stack().aws_endpoint.is_none() {
            println!("left out: this test turns the admin function elsewhere, so it runs on a local stack only");
            return None;
        }
        let configuration = stack.api().function(&stack.stack().functions.admin).unwrap();
        let sound = configuration["Environment"]["Variables"].clone();
        let mut deployed = Deployed {
            heygen: Simulator::start(options).unwrap(),
            variables: sound.as_object().unwrap().clone(),
            sound,
            stack,
            _turn: turn,
        };
        // Below the prefix that the function's role lets it read.
        let key = format!("{}{}", deployed.variables["SECRET_PREFIX"].as_str().unwrap(), unique("key-of-a-test"));
        deployed.stack.secrets(async |secrets| {
            secrets.create_secret().name(&key).secret_string(deployed.heygen.api_key()).send().await.unwrap();
        });
        for name in [A, B] {
            deployed.stack.put_secret(name, &json!({})).unwrap();
        }
        let url = deployed.heygen.url();
        deployed.turn(&[
            ("HEYGEN_BASE_URL", &url),
            ("API_KEY_SECRET", &key),
            ("ENDPOINTS", &format!("{A},{B}")),
            ("ENDPOINTS_JSON", ""),
        ]);
        Some(deployed)
    }

    /// Gives the function other variables, as deploying other parameters would.
    pub fn turn(&mut self, variables: &[(&str, &str)]) {
        for (name, value) in variables {
            self.variables.insert((*name).to_owned(), json!(value));
        }
        self.put(&Value::Object(self.variables.clone()));
    }

    pub fn wants(&mut self, endpoints: Value) {
        self.turn(&[("ENDPOINTS_JSON", &json!({ "endpoints": endpoints }).to_string())]);
    }

    fn put(&self, variables: &Value) {
        self.stack.api().set_variables(&self.stack.stack().functions.admin, variables).unwrap();
    }

    /// What the function answers.
    pub fn ask(&self, request: Value) -> local::Result<Value> {
        local::admin::ask(self.stack.stack(), &request)
    }

    pub fn sync(&self) -> Value {
        self.ask(json!({"action": "sync"})).unwrap()
    }

    /// What HeyGen has for an endpoint's URL.
    pub fn at_heygen(&self, name: &str) -> Vec<Endpoint> {
        let end = format!("/webhooks/heygen/{name}");
        let own = self.variables["API_URL"].as_str().unwrap();
        self.heygen.endpoints().into_iter().filter(|one| one.url.starts_with(own) && one.url.ends_with(&end)).collect()
    }

    /// Where HeyGen posts for an endpoint.
    pub fn url(&self, name: &str) -> String {
        format!("{}/webhooks/heygen/{name}", self.variables["API_URL"].as_str().unwrap())
    }

    pub fn stored(&self, name: &str) -> EndpointSecret {
        let id = self.stack.stack().endpoint(name).unwrap().secret.clone();
        self.stack.secrets(async |secrets| aws::secrets::fetch(secrets, &id).await.unwrap().unwrap_or_default())
    }

    /// The one endpoint that HeyGen has for a name, of whose deliveries one was just taken and recorded.
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

    /// What a log line of the function says, once it does.
    pub fn said(&self, since: u64, words: &[&str]) -> String {
        let look = || Ok(self.stack.lines_with(since, words).into_iter().next());
        self.stack.wait_for("a log line", TIMEOUT, look).unwrap()
    }
}

impl Drop for Deployed {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.put(&self.sound.clone());
        }
    }
}
