//! Shared by the tests: the simulator, and a client of it.

use heygen::Secret;
use serde_json::{Value, json};
use simulator::Result;
use simulator::http::{Http, Response};
use simulator::{Existing, JobOutcome, Options, Platform, Receiver, Simulator};
use std::ops::Deref;
use std::thread;
use std::time::{Duration, Instant};

pub const ENDPOINTS: &str = "/v3/webhooks/endpoints";
pub const TIMEOUT: Duration = Duration::from_secs(10);
pub const SOME_URL: &str = "https://hooks.example.invalid/heygen";

/// A simulator and a client of it.
pub struct Api {
    pub heygen: Simulator,
    pub http: Http,
}

impl Deref for Api {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.heygen
    }
}

impl Api {
    pub fn start(options: Options) -> Self {
        Api { heygen: Simulator::start(options).unwrap(), http: Http::new(TIMEOUT) }
    }

    /// With these receivers registered for all event types.
    pub fn with(receivers: &[&Receiver], options: Options) -> Self {
        let endpoints = receivers.iter().map(|receiver| Existing::new(receiver.url())).collect();
        Self::start(Options { endpoints, ..options })
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Result<Response> {
        self.http.send(method, &format!("{}{path}", self.url()), headers, body.as_bytes())
    }

    pub fn call(&self, method: &str, path: &str, body: Value) -> Response {
        let headers = [("X-Api-Key", self.api_key()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &headers, &body).unwrap()
    }

    pub fn get(&self, path: &str) -> Response {
        self.call("GET", path, Value::Null)
    }

    /// A call of a platform's API, with its key.
    pub fn at(&self, platform: Platform, method: &str, path: &str, body: Value) -> Response {
        let access = self.api(platform).access();
        let (name, value) = match platform {
            Platform::HeyGen | Platform::Tavus => ("X-Api-Key", access.api_key),
            Platform::Synthesia => ("Authorization", access.api_key),
            Platform::ElevenLabs => ("xi-api-key", access.api_key),
            Platform::Did => ("Authorization", format!("Basic {}", access.api_key)),
        };
        let headers = [(name, value.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.http.send(method, &format!("{}{path}", access.url), &headers, body.as_bytes()).unwrap()
    }

    pub fn get_at(&self, platform: Platform, path: &str) -> Response {
        self.at(platform, "GET", path, Value::Null)
    }

    pub fn keyed(&self, path: &str, key: &str, body: Value) -> Result<Response> {
        let headers = [("X-Api-Key", self.api_key()), ("Content-Type", "application/json"), ("Idempotency-Key", key)];
        self.send("POST", path, &headers, &body.to_string())
    }

    pub fn secret(&self, index: usize) -> Secret {
        self.endpoints()[index].secret.clone()
    }

    pub fn id(&self, index: usize) -> String {
        self.endpoints()[index].endpoint_id.clone()
    }
}

/// A simulator whose jobs do not end by themselves.
pub fn patient() -> Api {
    let mut options = Options::default();
    for platform in [&mut options.synthesia, &mut options.elevenlabs, &mut options.tavus, &mut options.did] {
        platform.created_jobs = JobOutcome::NeverEnds;
    }
    Api::start(options)
}

/// The bodies of all deliveries, in the order of their arrival.
pub fn bodies(receiver: &Receiver) -> Vec<Value> {
    receiver.deliveries().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}

/// A simulator with the default options.
pub fn api() -> Api {
    Api::start(Options::default())
}

pub fn ok(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{}", response.json());
    response.json()
}

pub fn rejected(response: &Response, status: u16, code: &str) {
    assert_eq!((response.status, response.error_code().as_deref()), (status, Some(code)), "{}", response.json());
}

pub fn rejected_by_v1(response: &Response, status: u16, code: u32) {
    assert_eq!((response.status, &response.json()["code"]), (status, &json!(code)), "{}", response.json());
}

pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

pub fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}
