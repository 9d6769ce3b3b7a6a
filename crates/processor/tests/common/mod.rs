//! A processor over a stub of AWS's HTTP side that notes each call.

use aws::sdk::Timeouts;
use aws::stub::{self, Reply};
use processor::{App, Config};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const QUEUE_URL: &str = "https://queue.example.invalid/main";

/// Calls to AWS in order: operation and input.
#[derive(Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<(String, Value)>>>);

impl Calls {
    /// The inputs of one operation's calls.
    pub fn of(&self, operation: &str) -> Vec<Value> {
        let calls = self.0.lock().unwrap();
        calls.iter().filter(|(name, _)| name == operation).map(|(_, input)| input.clone()).collect()
    }
}

pub fn app(aws: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static) -> (Arc<App>, Calls) {
    let calls = Calls::default();
    let seen = calls.clone();
    let sdk = stub::sdk(Timeouts::LONG, move |operation, input| {
        seen.0.lock().unwrap().push((operation.to_owned(), input.clone()));
        aws(operation, &input)
    });
    let config = Config {
        table_name: "table".into(),
        queue_url: QUEUE_URL.into(),
        dead_letter_queue_url: "https://queue.example.invalid/dead".into(),
        dedupe: Duration::from_secs(90 * 86_400),
        longest_wait: 900,
    };
    (Arc::new(App::new(config, &sdk)), calls)
}
