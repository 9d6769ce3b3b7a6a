//! Jobs of other platforms than HeyGen: their APIs, and AWS in memory. What is sent to the queue is recorded when a test says so.

use super::apis::Apis;
use super::ask;
use super::dynamo::{Dynamo, text};
use aws::env::Env;
use aws::envelope::Delivery;
use aws::stub::Reply;
use recovery::{App, Config};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use webhook::Event;

/// As long as an invocation may take.
const LIMIT: Duration = Duration::from_secs(300);
pub const LONG_AGO: &str = "2026-01-01T00:00:00Z";
pub const CALLBACK_SECRET: &str = "capability-key-1";
/// Each list, and the name of the array in a page.
pub const LISTS: [(&str, &str); 10] = [
    ("/synthesia/v2/videos", "videos"),
    ("/elevenlabs/v1/flows/video", "generations"),
    ("/elevenlabs/v1/flows/image", "generations"),
    ("/elevenlabs/v1/flows/text-to-speech", "generations"),
    ("/did/talks", "talks"),
    ("/did/clips", "clips"),
    ("/did/animations", "animations"),
    ("/did/scenes", "scenes"),
    ("/did/expressives", "expressives"),
    ("/did/translations", "translations"),
];

#[derive(Default)]
pub struct Aws {
    pub table: Dynamo,
    pub secrets: BTreeMap<String, String>,
    pub queue: Vec<String>,
    /// The seconds that a message has to wait, by its receipt handle.
    pub waits: BTreeMap<String, u64>,
    /// Each call, for messages.
    pub calls: Vec<String>,
    /// How many transactions meet another one that writes at the same time.
    pub conflicts: usize,
    /// The call, by number from 1, that fails, and all later ones.
    pub dies_at: Option<usize>,
}

pub struct Elsewhere {
    pub apis: Apis,
    pub aws: Arc<Mutex<Aws>>,
    variables: BTreeMap<String, String>,
}

impl Elsewhere {
    pub fn new() -> Self {
        let apis = Apis::start();
        let mut variables: BTreeMap<_, _> = [
            ("STACK", "shop"),
            ("TABLE_NAME", "table"),
            ("QUEUE_URL", super::QUEUE),
            ("DEAD_LETTER_QUEUE_URL", super::DEAD),
            ("UNDELIVERED_QUEUE_URL", super::UNDELIVERED),
            ("API_URL", "https://api.example.invalid"),
            ("PLATFORM_ENDPOINTS", "synthesia/main,elevenlabs/main,tavus/main,did/main"),
            ("CALLBACK_PREFIX", "shop/callbacks/"),
            ("BACKFILL_DELAY_MINUTES", "0"),
            ("CONFIRM_QUEUE_URL", "http://queues.invalid/confirm"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let mut secrets = BTreeMap::new();
        for platform in ["synthesia", "elevenlabs", "tavus", "did"] {
            let name = platform.to_uppercase();
            variables.insert(format!("{name}_BASE_URL"), apis.url(platform));
            variables.insert(format!("{name}_API_KEY_SECRET"), format!("{platform}-key"));
            secrets.insert(format!("{platform}-key"), "api-key-1".to_owned());
        }
        let stored = json!({ "current": CALLBACK_SECRET }).to_string();
        secrets.extend(["tavus", "did"].map(|platform| (format!("shop/callbacks/{platform}/main"), stored.clone())));
        let world = Elsewhere { apis, aws: Arc::new(Mutex::new(Aws { secrets, ..Aws::default() })), variables };
        LISTS.iter().for_each(|(path, _)| world.lists(path, &[]));
        world
    }

    /// A list has these elements, on one page.
    pub fn lists(&self, path: &str, elements: &[Value]) {
        let (_, array) = LISTS.iter().find(|(list, _)| *list == path).unwrap();
        self.apis.answers(path, 200, &json!({ *array: elements }).to_string());
    }

    pub fn backfill(&self) -> Value {
        self.ask(json!({"action": "backfill"})).unwrap()
    }

    /// With another value of a variable; an empty one is none.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn app(&self) -> App {
        let value = |name: &str| self.variables.get(name).cloned();
        let mut config = Config::read(Env::from_fn(value)).unwrap();
        config.retry.base = Duration::from_millis(1);
        let (once, aws) = (aws::sdk::Timeouts { attempts: 1, ..aws::sdk::Timeouts::LONG }, Arc::clone(&self.aws));
        App::new(config, &aws::stub::sdk(once, move |operation, input| aws.lock().unwrap().call(operation, &input)))
    }

    pub fn ask(&self, request: Value) -> Result<Value, String> {
        ask(&self.app(), request, LIMIT)
    }

    /// Tracks a job that should have ended long ago.
    pub fn track(&self, order: &str, kind: &str, entity: Option<&str>) -> Value {
        let request = json!({"action": "track", "callback_id": order, "kind": kind, "entity_id": entity, "expected_by": LONG_AGO});
        self.ask(request).unwrap()
    }

    pub fn sweep(&self) -> Value {
        self.ask(json!({"action": "sweep"})).unwrap()
    }

    /// The job of an entity, as JSON without types.
    pub fn job(&self, entity: &str) -> BTreeMap<String, Value> {
        let aws = self.aws.lock().unwrap();
        let untyped = |value: &Value| value.as_object().unwrap().values().next().unwrap().clone();
        aws.table.job(entity).iter().map(|(name, value)| (name.clone(), untyped(value))).collect()
    }

    /// What was sent to the queue since the last call of this, with how it came.
    pub fn sent(&self) -> Vec<(Event, String)> {
        let queue = std::mem::take(&mut self.aws.lock().unwrap().queue);
        queue.iter().map(|message| read(message)).collect()
    }

    /// Records what was sent, as the processor does, as far as recovery reads it.
    pub fn record(&self) -> Vec<(Event, String)> {
        let sent = self.sent();
        let mut aws = self.aws.lock().unwrap();
        sent.iter().for_each(|(event, via)| aws.record(event, via));
        sent
    }

    /// As if the jobs that wait were due.
    pub fn is_due(&self) {
        for item in self.aws.lock().unwrap().table.items.values_mut().filter(|item| item.contains_key("due_at")) {
            item.insert("due_at".to_owned(), json!({"N": "1"}));
        }
    }
}

fn read(message: &str) -> (Event, String) {
    let delivery = Delivery::open(message).unwrap();
    (platforms::read(delivery.platform, &delivery.body), delivery.via)
}

impl Aws {
    fn call(&mut self, operation: &str, input: &Value) -> Reply {
        self.calls.push(operation.to_owned());
        if self.dies_at.is_some_and(|at| self.calls.len() >= at) {
            return Reply::Broken;
        }
        match operation {
            "GetSecretValue" => match self.secrets.get(input["SecretId"].as_str().unwrap()) {
                Some(value) => Reply::Ok(json!({"SecretString": value, "VersionId": "1"})),
                None => Reply::error(400, "ResourceNotFoundException"),
            },
            "SendMessage" => {
                self.queue.push(input["MessageBody"].as_str().unwrap().to_owned());
                Reply::Ok(json!({"MessageId": "sent"}))
            }
            "ReceiveMessage" => Reply::Ok(json!({})),
            "TransactWriteItems" if self.conflicts > 0 => {
                self.conflicts -= 1;
                let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
                let reasons = json!([{"Code": "None"}, {"Code": "TransactionConflict"}, {"Code": "None"}]);
                Reply::Error(400, json!({"__type": kind, "CancellationReasons": reasons}))
            }
            "GetQueueAttributes" => {
                let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
                Reply::Ok(json!({"Attributes": {names[0]: "0", names[1]: "0"}}))
            }
            "GetMetricData" => Reply::Ok(json!({"MetricDataResults": []})),
            "ChangeMessageVisibility" => {
                let handle = input["ReceiptHandle"].as_str().unwrap().to_owned();
                self.waits.insert(handle, input["VisibilityTimeout"].as_u64().unwrap());
                Reply::Ok(json!({}))
            }
            _ => self.table.call(operation, input),
        }
    }

    pub fn record(&mut self, event: &Event, via: &str) {
        let (place, now) = (event.place(), text(&aws::clock::to_text(time::OffsetDateTime::now_utc())));
        let id = place.partition.to_string();
        let job = event.job();
        let named =
            [("event_type", &event.event_type), ("entity_id", &event.entity_id), ("callback_id", &event.callback_id)];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), text(value.as_ref()?))));
        let mut item: super::dynamo::Item = named.collect();
        let own = [
            ("id", text(&id)),
            ("platform", text(event.platform.name())),
            ("received_at", now.clone()),
            ("endpoint", text("recovery")),
        ];
        item.extend(own.map(|(name, value)| (name.to_owned(), value)));
        let mut stored = item.clone();
        stored.extend([("item".to_owned(), text(&event.item_key())), ("via".to_owned(), text(via))]);
        self.table.put(&stored.into());
        let Some(job) = job else { return };
        if let Some(from) = place.pointer_from {
            self.table.put(&json!({"id": text(from.as_str()), "item": text(&format!("pointer#{}", job.item_key())), "partition": text(&id), "job": text(&job.item_key())}));
        }
        let links: serde_json::Map<_, _> = job.links.iter().map(|(name, link)| (name.clone(), text(link))).collect();
        let stored = self.table.items.entry((id, job.item_key())).or_default();
        item.extend([
            ("item".to_owned(), text(&job.item_key())),
            ("kind".to_owned(), text(&job.kind)),
            ("status".to_owned(), text(job.status.as_str())),
            ("identity".to_owned(), text(job.identity.as_str())),
            ("decided_by".to_owned(), text(&job.decided_by)),
            ("links".to_owned(), json!({ "M": links })),
        ]);
        item.extend(job.links_expire_at.map(|at| ("links_expire_at".to_owned(), json!({"N": at.to_string()}))));
        stored.extend(item);
    }
}
