//! recovery's code in the test's process, with the stack's table and queue, but with a simulated HeyGen and dead letters of
//! its own, and with what it remembers apart. So a test can kill it at any call.

use crate::cut::Calls;
use crate::failures::message;
use crate::inside::sdk;
use crate::support::{Stack, stack, unique};
use aws::jobs::Record;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use heygen::api::{ApiVersion, RetryPolicy, Timeouts};
use local::client::Client;
use local::stack_dir::StackDir;
use recovery::tracked::{DUE_AT, INDEX, SHARD, SHARDS};
use recovery::{Answer, App, Config, Error};
use serde_json::{Value, json};
use simulator::http::Http;
use simulator::{Disturbance, JobKind, JobOutcome, Options, Simulator, StartJob};
use std::collections::HashMap;
use std::fs::File;
use std::ops::Deref;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::runtime::{Builder, Runtime};

/// As long as the function may take.
const LIMIT: Duration = Duration::from_secs(300);

pub struct Recovering {
    pub heygen: Simulator,
    pub config: Config,
    pub stack: Stack,
    runtime: Runtime,
    /// What is due is shared by all tests on the stack.
    _lock: File,
}

impl Deref for Recovering {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.heygen
    }
}

impl Recovering {
    /// `None` for a stack in a real account, where a test must not look after what is tracked.
    pub fn new(options: Options) -> Option<Self> {
        let place = StackDir::test();
        place.create().unwrap();
        let lock = File::create(place.stack_json().with_file_name("recovery.lock")).unwrap();
        lock.lock().unwrap();
        let stack = stack();
        if stack.stack().aws_endpoint.is_none() {
            println!("skipped: this test looks after tracked jobs, so it runs on a local stack only");
            return None;
        }
        let heygen = Simulator::start(options).unwrap();
        let key = unique("recovering/api-key");
        stack.secrets(async |secrets| local::secrets::store(secrets, &key, heygen.api_key()).await).unwrap();
        let config = Config {
            stack: unique("recovering"),
            table: stack.stack().table.clone(),
            queue_url: stack.stack().queue_url.clone(),
            dead_letter_queue_url: queue(&stack, "dead-letters"),
            undelivered_queue_url: queue(&stack, "undelivered"),
            urls: vec![stack.stack().api_url.clone()],
            api_key_secret: Some(key),
            version: ApiVersion::V3,
            base_url: heygen.url(),
            delay: Duration::ZERO,
            expected_within: Duration::from_mins(60),
            unknown_after: Duration::from_hours(24),
            callbacks: recovery::Callbacks::default(),
            watched: recovery::Watched::default(),
            // What a killed run held is there for the next one at once.
            holding: recovery::Holding { hidden: Duration::ZERO, wait: Duration::ZERO, most: 100 },
            apis: std::collections::BTreeMap::new(),
            confirming: recovery::Confirming::default(),
            timeouts: Timeouts { attempt: Duration::from_secs(2), ..Timeouts::default() },
            retry: RetryPolicy { attempts: 2, base: Duration::from_millis(1), ..RetryPolicy::default() },
        };
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let recovering = Recovering { heygen, config, stack, runtime, _lock: lock };
        recovering.forget_what_is_due();
        Some(recovering)
    }

    /// What other tests left.
    fn forget_what_is_due(&self) {
        let table = &self.config.table;
        self.stack.dynamodb(async |dynamodb| {
            for shard in SHARDS {
                let query = dynamodb.query().table_name(table).index_name(INDEX);
                let query = query.key_condition_expression(format!("{SHARD} = :shard"));
                let found = query.expression_attribute_values(":shard", S(shard.to_owned())).send().await.unwrap();
                for keys in found.items() {
                    let update = dynamodb.update_item().table_name(table);
                    let update = update.key("id", keys["id"].clone()).key("item", keys["item"].clone());
                    update.update_expression(format!("REMOVE {SHARD}, {DUE_AT}")).send().await.unwrap();
                }
            }
        });
    }

    /// Runs an action as often as there is more to do.
    pub fn run(&self, request: Value) -> Result<Value, Error> {
        loop {
            let app = App::new(self.config.clone(), &sdk(self.stack.stack(), self.aws()));
            let reply = self.runtime.block_on(app.answer(request.clone(), "a-test", LIMIT))?.to_json();
            if reply["more"] == false {
                return Ok(reply);
            }
        }
    }

    /// Runs actions at the same time, each in a thread of its own.
    pub fn run_at_once(&self, requests: &[Value]) -> Vec<Result<Value, Error>> {
        let (config, stack, aws) = (&self.config, self.stack.stack(), self.aws());
        thread::scope(|scope| {
            let running = requests.iter().map(|request| {
                scope.spawn(move || {
                    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                    let app = App::new(config.clone(), &sdk(stack, aws));
                    runtime.block_on(app.answer(request.clone(), "a-test", LIMIT)).map(|answer| answer.to_json())
                })
            });
            let running: Vec<_> = running.collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    /// Runs an action once, whose calls to HeyGen and AWS pass through `calls`. `None`: it was killed.
    pub fn run_over(&self, calls: &Arc<Calls>, request: Value) -> Option<Result<Answer, Error>> {
        let config = Config { base_url: calls.proxy(&self.heygen.url()), ..self.config.clone() };
        let app = App::new(config, &sdk(self.stack.stack(), &calls.proxy(self.aws())));
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = calls.died.notified() => None,
                done = app.answer(request, "a-test", LIMIT) => Some(done),
            }
        })
    }

    fn aws(&self) -> &str {
        self.stack.stack().aws_endpoint.as_deref().unwrap()
    }

    /// As if all lists had been read until this long ago.
    pub fn has_read_until(&self, ago: Duration) {
        read_until(&self.stack, &self.config.stack, ago);
    }

    /// Makes everything that is tracked due now.
    pub fn all_is_due(&self) {
        let table = &self.config.table;
        self.stack.dynamodb(async |dynamodb| {
            for shard in SHARDS {
                let query = dynamodb.query().table_name(table).index_name(INDEX);
                let query = query.key_condition_expression(format!("{SHARD} = :shard"));
                let found = query.expression_attribute_values(":shard", S(shard.to_owned())).send().await.unwrap();
                for keys in found.items() {
                    let update = dynamodb.update_item().table_name(table);
                    let update = update.key("id", keys["id"].clone()).key("item", keys["item"].clone());
                    let update = update.update_expression(format!("SET {DUE_AT} = :zero"));
                    update.expression_attribute_values(":zero", N("0".into())).send().await.unwrap();
                }
            }
        });
    }

    /// Records an event, as if it had been delivered.
    pub fn reported(&self, event_type: &str, data: &Value) {
        let body = json!({"event_type": event_type, "event_data": data}).to_string().into_bytes();
        self.stack.sqs(async |sqs| {
            let send = sqs.send_message().queue_url(&self.config.queue_url);
            send.message_body(message(body)).send().await.unwrap();
        });
        self.stack.settled();
    }

    /// What HeyGen says to a call.
    pub fn ask(&self, path: &str) -> Value {
        let headers = [("X-Api-Key", self.heygen.api_key())];
        let http = Http::new(Duration::from_secs(10));
        http.send("GET", &format!("{}{path}", self.heygen.url()), &headers, &[]).unwrap().json()
    }

    /// An item of the table as it is stored.
    pub fn item(&self, id: &str, item: &str) -> HashMap<String, AttributeValue> {
        self.stack.dynamodb(async |dynamodb| {
            let get = dynamodb.get_item().table_name(&self.config.table).consistent_read(true);
            get.key("id", S(id.into())).key("item", S(item.into())).send().await.unwrap().item.unwrap_or_default()
        })
    }

    /// Sets attributes of an item, as a team might.
    pub fn write(&self, id: &str, item: &str, attributes: &[(&str, AttributeValue)]) {
        self.stack.dynamodb(async |dynamodb| {
            for (name, value) in attributes {
                let update = dynamodb.update_item().table_name(&self.config.table).key("id", S(id.into()));
                let update = update.key("item", S(item.into())).update_expression("SET #name = :value");
                let update = update.expression_attribute_names("#name", *name);
                update.expression_attribute_values(":value", value.clone()).send().await.unwrap();
            }
        });
    }

    /// Sweeps everything that is tracked, as if it were due.
    pub fn sweep(&self) -> Value {
        self.all_is_due();
        let reply = self.run(json!({"action": "sweep"})).unwrap();
        self.stack.settled();
        reply
    }

    /// What is recorded once the queue is empty.
    pub fn settled(&self, callback_id: &str) -> Record {
        self.stack.settled();
        self.stack.record(callback_id).unwrap()
    }

    /// Registers a job with the action `track`.
    pub fn track(&self, callback_id: &str, more: Value) {
        let mut request = json!({"action": "track", "callback_id": callback_id, "kind": "avatar_video"});
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        self.run(request).unwrap();
    }
}

/// A job that ended an hour ago, and whose webhook was lost.
pub fn lost(kind: JobKind, callback_id: &str, outcome: JobOutcome) -> StartJob {
    let callback_id = Some(callback_id.to_owned());
    let ended = StartJob::ended(kind, outcome, Duration::from_hours(1));
    StartJob { callback_id, disturbance: Some(Disturbance::Lost), ..ended }
}

/// As if the recovery of a stack had read all lists for the first time this long ago.
pub fn read_until(client: &Client, stack: &str, ago: Duration) {
    let at = (OffsetDateTime::now_utc() - ago).unix_timestamp().to_string();
    client.dynamodb(async |dynamodb| {
        for list in ["events", "videos", "video_translations", "lipsyncs", "ai_clippings"] {
            let put = dynamodb.put_item().table_name(&client.stack().table).item("item", S(format!("cursor#{list}")));
            let put = put.item("id", S(format!("recovery#{stack}"))).item("version", N("1".into()));
            let times = ["first_run", "read_until", "done_from", "done_until"];
            let put = times.into_iter().fold(put, |put, name| put.item(name, N(at.clone())));
            put.send().await.unwrap();
        }
    });
}

/// A queue of this test's own.
fn queue(stack: &Stack, name: &str) -> String {
    let create = async |sqs: &aws_sdk_sqs::Client| sqs.create_queue().queue_name(unique(name)).send().await;
    stack.sqs(create).unwrap().queue_url.unwrap()
}
