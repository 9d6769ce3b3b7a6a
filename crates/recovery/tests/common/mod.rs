//! What the tests share: queues in memory, and invoking the function on them.

#![allow(dead_code, reason = "each test uses a part")]

pub mod apis;
pub mod callbacks;
pub mod dynamo;
pub mod elsewhere;
pub mod memory;
pub mod world;

use aws::env::Env;
use aws::envelope::{Advisory, Delivery};
use aws::stub::Reply;
use lambda_runtime::{Context, LambdaEvent};
use recovery::{App, Config, Holding, invocation};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use webhook::Verified;

pub const QUEUE: &str = "http://queues.invalid/queue";
pub const UNDELIVERED: &str = "http://queues.invalid/undelivered";
pub const DEAD: &str = "http://queues.invalid/dead";

/// A message as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: String,
    pub body: String,
    pub attributes: BTreeMap<String, String>,
    /// In Unix milliseconds.
    pub sent_at: u128,
    /// Received, and neither deleted nor shown again.
    pub hidden: bool,
    receipts: usize,
}

/// SQS in memory, as far as recovery uses it.
#[derive(Default)]
pub struct Sqs {
    pub queues: BTreeMap<String, Vec<Stored>>,
    next_id: usize,
    /// Each call, for messages.
    pub calls: Vec<String>,
    /// Nothing is returned by every second receive although there are messages.
    pub is_slow: bool,
    /// What is sent to the queue is dead-lettered again at once.
    pub is_broken: bool,
}

pub fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

impl Sqs {
    /// Puts a message on a queue that was sent so long ago.
    pub fn put(&mut self, queue: &str, body: String, reason: Option<&str>, age: Duration) {
        self.next_id += 1;
        let attributes = reason.map(|reason| ("reason".to_owned(), reason.to_owned())).into_iter().collect();
        let (id, sent_at) = (format!("m{}", self.next_id), now() - age.as_millis());
        let stored = Stored { id, body, attributes, sent_at, hidden: false, receipts: 0 };
        self.queues.entry(queue.to_owned()).or_default().push(stored);
    }

    pub fn bodies(&self, queue: &str) -> Vec<String> {
        self.queues.get(queue).into_iter().flatten().map(|stored| stored.body.clone()).collect()
    }

    pub fn hidden(&self, queue: &str) -> usize {
        self.queues.get(queue).into_iter().flatten().filter(|stored| stored.hidden).count()
    }

    /// As if the visibility timeout had passed.
    pub fn show_all(&mut self) {
        self.queues.values_mut().flatten().for_each(|stored| stored.hidden = false);
    }

    pub fn call(&mut self, operation: &str, input: &Value) -> Reply {
        let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
        let url = text("QueueUrl");
        self.calls.push(format!("{operation} {url}"));
        let queue = self.queues.entry(url.clone()).or_default();
        let at = |queue: &[Stored], handle: &str| {
            let (id, receipts) = handle.split_once('/').unwrap();
            queue.iter().position(|stored| stored.id == id && stored.receipts.to_string() == receipts)
        };
        match operation {
            "SendMessage" => {
                assert!(input["MessageAttributes"].is_null(), "a message is sent back without attributes");
                self.put(&url, text("MessageBody"), None, Duration::ZERO);
                if self.is_broken && url == QUEUE {
                    std::thread::sleep(Duration::from_millis(2));
                    self.put(DEAD, text("MessageBody"), Some("still broken"), Duration::ZERO);
                }
                Reply::Ok(json!({"MessageId": "sent"}))
            }
            "ReceiveMessage" => {
                assert!(input["WaitTimeSeconds"].as_u64() >= Some(1), "only a long poll asks all servers");
                if self.is_slow && self.calls.iter().filter(|call| call.starts_with(operation)).count() % 2 == 1 {
                    return Reply::Ok(json!({}));
                }
                let visible = queue.iter_mut().filter(|stored| !stored.hidden).take(10);
                let messages: Vec<_> = visible
                    .map(|stored| {
                        (stored.hidden, stored.receipts) = (true, stored.receipts + 1);
                        let attributes = stored.attributes.iter();
                        let attributes = attributes
                            .map(|(name, value)| (name.clone(), json!({"DataType": "String", "StringValue": value})));
                        json!({
                            "MessageId": stored.id, "ReceiptHandle": format!("{}/{}", stored.id, stored.receipts),
                            "Body": stored.body, "Attributes": {"SentTimestamp": stored.sent_at.to_string()},
                            "MessageAttributes": attributes.collect::<serde_json::Map<_, _>>(),
                        })
                    })
                    .collect();
                Reply::Ok(json!({"Messages": messages}))
            }
            "DeleteMessage" => {
                if let Some(at) = at(queue, &text("ReceiptHandle")) {
                    queue.remove(at);
                }
                Reply::Ok(json!({}))
            }
            "DeleteMessageBatch" | "ChangeMessageVisibilityBatch" => {
                let entries = input["Entries"].as_array().unwrap();
                assert!((1..=10).contains(&entries.len()), "{operation} of {}", entries.len());
                for entry in entries {
                    let Some(at) = at(queue, entry["ReceiptHandle"].as_str().unwrap()) else { continue };
                    if operation == "DeleteMessageBatch" {
                        queue.remove(at);
                    } else {
                        queue[at].hidden = entry["VisibilityTimeout"] != 0;
                    }
                }
                let done: Vec<_> = entries.iter().map(|entry| json!({"Id": entry["Id"]})).collect();
                Reply::Ok(json!({"Successful": done, "Failed": []}))
            }
            "GetQueueAttributes" => {
                let hidden = queue.iter().filter(|stored| stored.hidden).count().to_string();
                let visible = queue.iter().filter(|stored| !stored.hidden).count().to_string();
                let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
                Reply::Ok(json!({"Attributes": {names[0]: visible, names[1]: hidden}}))
            }
            // For what is recorded beside it: nothing.
            "Query" => Reply::Ok(json!({"Items": [], "Count": 0})),
            "PutItem" | "DeleteItem" => Reply::Ok(json!({})),
            _ => panic!("{operation} is not expected"),
        }
    }
}

/// A function whose AWS is this.
pub fn app(aws: impl Fn(&str, Value) -> Reply + Send + Sync + 'static) -> App {
    app_that_holds(Holding::default().most, aws)
}

/// A function that holds so many messages at once.
pub fn app_that_holds(most: usize, aws: impl Fn(&str, Value) -> Reply + Send + Sync + 'static) -> App {
    let variables = |name: &str| {
        let value = match name {
            "STACK" => "shop",
            "TABLE_NAME" => "table",
            "QUEUE_URL" => QUEUE,
            "DEAD_LETTER_QUEUE_URL" => DEAD,
            "UNDELIVERED_QUEUE_URL" => UNDELIVERED,
            "SCHEDULE" => "rate(15 minutes)",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let once = aws::sdk::Timeouts { attempts: 1, ..aws::sdk::Timeouts::LONG };
    let config = Config::read(Env::from_fn(variables)).unwrap();
    let holding = Holding { most, ..Holding::default() };
    App::new(Config { holding, ..config }, &aws::stub::sdk(once, aws))
}

/// One call that fails.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// The number of the call, from 1.
    pub at: usize,
    /// It was done, and only its response is lost.
    pub is_done: bool,
    /// All later calls fail, too.
    pub dies: bool,
}

impl Cut {
    /// Each of so many calls, in each way.
    pub fn all(calls: usize) -> impl Iterator<Item = Self> {
        let ways = [(false, true), (true, true), (false, false), (true, false)];
        (1..=calls).flat_map(move |at| ways.map(|(is_done, dies)| Cut { at, is_done, dies }))
    }

    /// A function whose AWS is this until it is cut.
    pub fn app(self, call: impl FnMut(&str, &Value) -> Reply + Send + 'static) -> App {
        let state = Mutex::new((0, call));
        app(move |operation, input| {
            let (count, call) = &mut *state.lock().unwrap();
            *count += 1;
            let is_cut = *count == self.at || *count > self.at && self.dies;
            if !is_cut || *count == self.at && self.is_done {
                let reply = call(operation, &input);
                return if is_cut { Reply::Broken } else { reply };
            }
            Reply::Broken
        })
    }
}

/// A function whose queues these are.
pub fn on(sqs: &Arc<Mutex<Sqs>>) -> App {
    let sqs = Arc::clone(sqs);
    app(move |operation, input| sqs.lock().unwrap().call(operation, &input))
}

/// The response to a request, or the error's text.
pub fn ask(app: &App, request: Value, limit: Duration) -> Result<Value, String> {
    let mut context = Context::default();
    context.request_id = "request".to_owned();
    context.deadline = u64::try_from(now() + limit.as_millis()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let reply = runtime.block_on(invocation::respond(app, LambdaEvent::new(request, context)));
    reply.map_err(|error| error.error_message)
}

/// A delivery about an order, as the receiver sends it to the queue.
#[expect(clippy::disallowed_methods, reason = "no request is involved")]
pub fn message(order: usize) -> String {
    let link = "https://files.example.invalid/a.mp4?Signature=canary-link";
    let data = json!({"video_id": format!("v{order}"), "callback_id": format!("order_{order}"), "url": link});
    let body = json!({"event_type": "avatar_video.success", "event_data": data});
    let delivery = Delivery {
        platform: webhook::Platform::HeyGen,
        endpoint: "main".into(),
        received_at: OffsetDateTime::UNIX_EPOCH,
        request_id: "request".into(),
        via: "delivery".into(),
        advisory: Advisory::default(),
        body: Verified::assume_authentic(body.to_string().into_bytes()),
    };
    delivery.seal().unwrap()
}
