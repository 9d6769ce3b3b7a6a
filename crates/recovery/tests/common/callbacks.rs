//! The queue of callbacks in memory, around the platforms and the AWS of [`Elsewhere`].

use super::elsewhere::{CALLBACK_SECRET, Elsewhere};
use super::now;
use aws::claim::Claim;
use aws::envelope::Delivery;
use lambda_runtime::{Context, LambdaEvent};
use recovery::{App, invocation};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use time::OffsetDateTime;
use webhook::callback::Callback;
use webhook::{Platform, Secret, Unverified};

#[derive(Debug, Clone)]
pub struct Waiting {
    pub id: String,
    pub body: String,
    pub receives: u32,
}

pub struct Callbacks {
    pub elsewhere: Elsewhere,
    pub waiting: Vec<Waiting>,
    sent: usize,
}

/// A callback under the right token, as the receiver puts it on the queue.
pub fn claim(platform: Platform, kind: &str, order: &str, body: &str, received_at: OffsetDateTime) -> String {
    let secret = Secret::new(CALLBACK_SECRET).unwrap();
    let text = |text: &str| text.to_owned();
    let callback = Callback { platform, endpoint: text("main"), kind: text(kind), correlation: text(order) };
    let path = callback.path(&secret);
    let (callback, token) = Callback::read(platform, path.splitn(4, '/').nth(3).unwrap()).unwrap();
    let ids = platforms::claimed_ids(platform, kind);
    let claimed = callback.claim(&token, &[&secret], Unverified::new(body.into()), ids).unwrap();
    Claim { claimed, received_at, request_id: "gateway-1".to_owned() }.seal()
}

/// The response of one invocation.
pub fn invoke(app: &App, messages: &[Waiting]) -> Result<Value, String> {
    let records = messages.iter().map(|message| {
        json!({
            "messageId": message.id, "receiptHandle": message.id, "body": message.body, "eventSource": "aws:sqs",
            "attributes": {"ApproximateReceiveCount": message.receives.to_string()}, "messageAttributes": {},
        })
    });
    let mut context = Context::default();
    context.request_id = "request".to_owned();
    context.deadline = u64::try_from(now()).unwrap() + 300_000;
    let event = LambdaEvent::new(json!({"Records": records.collect::<Vec<_>>()}), context);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(invocation::respond(app, event)).map_err(|error| error.error_message)
}

/// The ids of the messages that come again.
pub fn failures(response: &Value) -> BTreeSet<String> {
    let failures = response["batchItemFailures"].as_array().unwrap().iter();
    failures.map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

impl Callbacks {
    pub fn new() -> Self {
        Callbacks { elsewhere: Elsewhere::new(), waiting: Vec::new(), sent: 0 }
    }

    /// A callback of Tavus about a video, received just now.
    pub fn video(&mut self, order: &str, id: &str) {
        let body = json!({"video_id": id, "status": "ready", "download_url": "https://forged.invalid/canary"});
        self.put(claim(Platform::Tavus, "video", order, &body.to_string(), OffsetDateTime::now_utc()));
    }

    pub fn put(&mut self, body: String) {
        self.sent += 1;
        self.waiting.push(Waiting { id: format!("m{}", self.sent), body, receives: 0 });
    }

    pub fn tavus_says(&self, id: &str, answer: &Value) {
        self.elsewhere.apis.answers_with(&format!("/tavus/v2/videos/{id}"), 200, "", &answer.to_string());
    }

    /// Delivers all that waits once, ten at a time.
    pub fn deliver(&mut self) {
        let app = self.elsewhere.app();
        let mut left = Vec::new();
        for batch in self.waiting.chunks_mut(10) {
            batch.iter_mut().for_each(|message| message.receives += 1);
            let again = failures(&invoke(&app, batch).unwrap());
            left.extend(batch.iter().filter(|message| again.contains(&message.id)).cloned());
        }
        self.waiting = left;
    }

    /// As if so many minutes had passed.
    pub fn pass(&self, minutes: i64) {
        let items = &mut self.elsewhere.aws.lock().unwrap().table.items;
        items.retain(|(_, item), _| !item.starts_with("confirm#minute#"));
        for item in items.iter_mut().filter(|((_, item), _)| item.starts_with("confirm#entity#")).map(|(_, item)| item)
        {
            let at: i64 = item["asked_at"]["N"].as_str().unwrap().parse().unwrap();
            item.insert("asked_at".to_owned(), json!({"N": (at - minutes * 60_000).to_string()}));
        }
    }

    /// What was sent to the processor's queue since the last call of this.
    pub fn deliveries(&self) -> Vec<Delivery> {
        let queue = std::mem::take(&mut self.elsewhere.aws.lock().unwrap().queue);
        queue.iter().map(|message| Delivery::open(message).unwrap()).collect()
    }

    /// The seconds that the only message which is left has to wait.
    pub fn wait(&self) -> u64 {
        let [left] = &self.waiting[..] else { panic!("{:?}", self.waiting) };
        self.elsewhere.aws.lock().unwrap().waits[&left.id]
    }

    pub fn calls(&self) -> Vec<String> {
        self.elsewhere.apis.calls()
    }
}
