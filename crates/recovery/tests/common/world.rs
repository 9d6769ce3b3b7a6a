//! A simulated HeyGen, and a table in memory. What is sent to the queue is recorded at once.

use super::dynamo::Dynamo;
use super::{ask, now};
use aws::env::Env;
use aws::envelope::Delivery;
use aws::stub::Reply;
use recovery::{App, Config};
use serde_json::{Value, json};
use simulator::{Disturbance, Fault, JobKind, JobOutcome, Options, Simulator, StartJob};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use webhook::Event;

const PARTITION: &str = "recovery#shop";
pub const LISTS: [&str; 5] = ["events", "videos", "video_translations", "lipsyncs", "ai_clippings"];
pub const HOUR: Duration = Duration::from_secs(3_600);
/// As long as an invocation may take.
pub const LIMIT: Duration = Duration::from_secs(300);
/// Of the time of an invocation, so much is kept.
pub const RESERVE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Aws {
    table: Dynamo,
    sent: Vec<Event>,
    api_key: String,
    records_later: bool,
    /// The queue takes no more than this.
    most: Option<usize>,
}

pub struct World {
    pub heygen: Simulator,
    aws: Arc<Mutex<Aws>>,
    app: App,
}

impl Deref for World {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.heygen
    }
}

fn text(value: &Value) -> String {
    value["S"].as_str().unwrap_or_default().to_owned()
}

fn ago(hours: i64) -> i64 {
    i64::try_from(now() / 1_000).unwrap() - hours * 3_600
}

/// RFC 3339, so many hours ago.
pub fn hours_ago(hours: i64) -> String {
    aws::clock::to_text(time::OffsetDateTime::now_utc() - time::Duration::hours(hours))
}

pub fn rejected() -> Fault {
    Fault::Error { status: 400, code: "invalid_parameter", retry_after: None }
}

pub fn missed(reply: &Value) -> i64 {
    reply["sources"].as_array().unwrap().iter().map(|source| source["missed"].as_i64().unwrap()).sum()
}

impl World {
    pub fn new(options: Options) -> Self {
        World::with(options, &[])
    }

    /// With more variables.
    pub fn with(options: Options, variables: &[(&str, &str)]) -> Self {
        let heygen = Simulator::start(options).unwrap();
        let aws = Arc::new(Mutex::new(Aws { api_key: heygen.api_key().to_owned(), ..Aws::default() }));
        let url = heygen.url();
        let value = |name: &str| {
            let given = variables.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
            given.or_else(|| match name {
                "STACK" => Some("shop".to_owned()),
                "TABLE_NAME" | "QUEUE_URL" | "DEAD_LETTER_QUEUE_URL" | "UNDELIVERED_QUEUE_URL" | "API_KEY_SECRET" => {
                    Some("http://aws.invalid".to_owned())
                }
                "BACKFILL_DELAY_MINUTES" => Some("0".to_owned()),
                "HEYGEN_BASE_URL" => Some(url.clone()),
                _ => None,
            })
        };
        let mut config = Config::read(Env::from_fn(value)).unwrap();
        config.retry.base = Duration::from_millis(1);
        let (once, shared) = (aws::sdk::Timeouts { attempts: 1, ..aws::sdk::Timeouts::LONG }, Arc::clone(&aws));
        let answer = move |operation: &str, input: Value| shared.lock().unwrap().call(operation, &input);
        World { heygen, aws, app: App::new(config, &aws::stub::sdk(once, answer)) }
    }

    /// As if all lists had been read until so many hours ago.
    pub fn has_read_until(&self, hours: i64) {
        LISTS.iter().for_each(|list| self.store(list, &[("read_until", ago(hours))]));
    }

    /// Sets numbers, in hours ago those that are times, of a list's cursor.
    pub fn store(&self, list: &str, numbers: &[(&str, i64)]) {
        let (first, done) = (ago(1_000), ago(999));
        let mut cursor = json!({"id": {"S": PARTITION}, "item": {"S": format!("cursor#{list}")}});
        let known = [("first_run", first), ("done_from", done), ("done_until", done), ("version", 1)];
        for (name, value) in known.iter().chain(numbers) {
            cursor[*name] = json!({ "N": value.to_string() });
        }
        self.put(&cursor);
    }

    pub fn put(&self, item: &Value) {
        self.aws.lock().unwrap().table.put(item);
    }

    /// A number of a list's cursor.
    pub fn cursor(&self, list: &str, name: &str) -> Option<i64> {
        let aws = self.aws.lock().unwrap();
        let cursor = aws.table.items.get(&(PARTITION.to_owned(), format!("cursor#{list}")))?;
        cursor.get(name)?["N"].as_str()?.parse().ok()
    }

    pub fn token(&self, list: &str) -> Option<String> {
        let aws = self.aws.lock().unwrap();
        let cursor = aws.table.items.get(&(PARTITION.to_owned(), format!("cursor#{list}")))?;
        Some(text(cursor.get("scan_token")?))
    }

    pub fn set_token(&self, list: &str, token: &str) {
        let mut aws = self.aws.lock().unwrap();
        let cursor = aws.table.items.get_mut(&(PARTITION.to_owned(), format!("cursor#{list}"))).unwrap();
        cursor.insert("scan_token".to_owned(), json!({ "S": token }));
    }

    pub fn ask(&self, request: Value) -> Result<Value, String> {
        ask(&self.app, request, LIMIT)
    }

    /// With so much time before the reserve.
    pub fn ask_within(&self, time: Duration, request: Value) -> Result<Value, String> {
        ask(&self.app, request, RESERVE + time)
    }

    pub fn backfill(&self) -> Value {
        self.ask(json!({"action": "backfill"})).unwrap()
    }

    /// The entity ids of what was sent since the last call, in order.
    pub fn sent(&self) -> Vec<String> {
        let mut ids: Vec<_> = self.sent_events().into_iter().filter_map(|event| event.entity_id).collect();
        ids.sort();
        ids
    }

    pub fn sent_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.aws.lock().unwrap().sent)
    }

    /// Starts jobs that ended so long ago, whose event is lost.
    pub fn lost(&self, kind: &JobKind, count: usize, ago: Duration) -> Vec<String> {
        let job = |number| StartJob {
            callback_id: Some(format!("order_{number}")),
            disturbance: Some(Disturbance::Lost),
            ..StartJob::ended(kind.clone(), JobOutcome::Succeeds, ago)
        };
        let mut ids = self.start_jobs((0..count).map(job).collect());
        ids.sort();
        ids
    }

    /// From now on, nothing is recorded.
    pub fn records_later(&self) {
        self.aws.lock().unwrap().records_later = true;
    }

    /// How many messages the queue takes.
    pub fn queue_takes(&self, most: Option<usize>) {
        self.aws.lock().unwrap().most = most;
    }

    /// How often HeyGen was asked for this path.
    pub fn asked(&self, path: &str) -> usize {
        self.calls().iter().filter(|call| call.path == path).count()
    }
}

impl Aws {
    fn call(&mut self, operation: &str, input: &Value) -> Reply {
        match operation {
            "GetSecretValue" => Reply::Ok(json!({"SecretString": self.api_key})),
            "SendMessage" if self.most.is_some_and(|most| self.sent.len() >= most) => Reply::error(403, "AccessDenied"),
            "SendMessage" => {
                let delivery = Delivery::open(input["MessageBody"].as_str().unwrap()).unwrap();
                let event = heygen::read(&delivery.body);
                if !self.records_later {
                    self.record(&event);
                }
                self.sent.push(event);
                Reply::Ok(json!({"MessageId": "sent"}))
            }
            _ => self.table.call(operation, input),
        }
    }

    /// As the processor does, as far as recovery reads it.
    fn record(&mut self, event: &Event) {
        let id = event.place().partition.to_string();
        let item = format!("event#{}#{}", event.identity, event.body_sha256);
        self.table.put(&json!({"id": {"S": id}, "item": {"S": item}}));
        if let Some(job) = event.job() {
            let status = serde_json::to_value(job.status).unwrap();
            self.table.put(&json!({
                "id": {"S": id}, "item": {"S": job.item_key()}, "kind": {"S": job.kind}, "status": {"S": status},
                "entity_id": {"S": job.entity_id}, "callback_id": {"S": event.callback_id.as_deref().unwrap_or_default()},
            }));
        }
    }
}
