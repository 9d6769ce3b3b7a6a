//! What the tests share: the stack, unique ids, waiting, and comparing sets.

use aws::jobs::{EventItem, JobItem, Record};
use aws_sdk_dynamodb::types::AttributeValue;
use local::client::Client;
use local::stack_dir::StackDir;
use serde_json::{Value, json};
use simulator::http::Response;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs::File;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// How long recording may take, retries included.
pub const TIMEOUT: Duration = Duration::from_secs(90);

pub struct Stack {
    client: Client,
    /// A test that disturbs the stack holds this lock exclusively; the others share it.
    _turn: File,
}

impl Deref for Stack {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// The stack, shared with other tests.
pub fn stack() -> Stack {
    let turn = turn();
    turn.lock_shared().unwrap();
    Stack { client: Client::load().unwrap(), _turn: turn }
}

/// The stack, without other tests on it: for removing permissions and killing functions. `None` for a stack in a real
/// account, where tests do neither.
pub fn disturbed_stack() -> Option<Stack> {
    let turn = turn();
    turn.lock().unwrap();
    let client = Client::load().unwrap();
    if client.stack().aws_endpoint.is_none() {
        println!("left out: this test disturbs the stack, so it runs on a local one only");
        return None;
    }
    Some(Stack { client, _turn: turn })
}

fn turn() -> File {
    let place = StackDir::test();
    place.create().unwrap();
    File::create(place.stack_json().with_file_name("turn.lock")).unwrap()
}

/// An id that no other test, and no earlier run on this stack, has.
pub fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    format!("{name}-{now:x}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The body of an event.
pub fn body(event_type: &str, data: Value) -> Vec<u8> {
    json!({"event_type": event_type, "event_data": data}).to_string().into_bytes()
}

pub fn success(callback_id: &str, video_id: &str) -> Vec<u8> {
    let url = format!("https://files.example.invalid/{video_id}.mp4?X-Amz-Signature=canary-link-e2e");
    body("avatar_video.success", json!({"video_id": video_id, "callback_id": callback_id, "url": url}))
}

impl Stack {
    /// Delivers a body to `main` as HeyGen does; it has to be accepted. Returns its identity.
    pub fn accepted(&self, body: &[u8]) -> String {
        let answer = self.deliver("main", body).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.identity().unwrap()
    }

    /// The response to a body with these headers, posted to `main`.
    pub fn posted(&self, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.post("main", headers, body).unwrap()
    }

    /// What is recorded of a `callback_id` or an entity, as soon as there are that many events.
    pub fn recorded(&self, id: &str, events: usize) -> Record {
        let what = format!("{events} events of {id}");
        self.wait_for(&what, TIMEOUT, || Ok(Some(self.record(id)?).filter(|rows| rows.events.len() >= events))).unwrap()
    }

    /// Writes so many bytes of our own on a video's item, as a team might.
    pub fn fill_job(&self, video: &str, bytes: usize) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let update = async |dynamodb: &aws_sdk_dynamodb::Client| {
            let update = dynamodb.update_item().table_name(&self.stack().table).key("id", text(video));
            let update = update.key("item", text(&format!("job#avatar_video#{video}")));
            let update = update.expression_attribute_values(":script", text(&"x".repeat(bytes)));
            update.update_expression("SET script = :script").send().await
        };
        self.dynamodb(update).unwrap();
    }

    /// Waits until the queue is empty: what has not happened by then does not happen.
    pub fn settled(&self) {
        settled(self);
    }

    /// The log lines with all of these words since `since`, in Unix milliseconds.
    pub fn lines_with(&self, since: u64, words: &[&str]) -> Vec<String> {
        let lines = self.logs(since).unwrap();
        lines.into_iter().map(|line| line.text).filter(|text| words.iter().all(|word| text.contains(word))).collect()
    }
}

/// As [`Stack::settled`], of any stack.
pub fn settled(client: &Client) {
    let is_empty = || {
        let depth = client.queue_depth()?;
        Ok((depth.waiting + depth.in_flight == 0).then_some(()))
    };
    client.wait_for("an empty queue", TIMEOUT, is_empty).unwrap();
}

/// Now, in Unix milliseconds.
pub fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// The only job of some rows.
pub fn only_job(rows: &Record) -> &JobItem {
    assert_eq!(rows.jobs.len(), 1, "{:?}", rows.jobs);
    &rows.jobs[0]
}

/// The only event of some rows.
pub fn only_event(rows: &Record) -> &EventItem {
    assert_eq!(rows.events.len(), 1);
    &rows.events[0]
}

/// Compares two sets and shows only their difference.
pub fn assert_same<T: Ord + Debug>(name: &str, set: &BTreeSet<T>, other_name: &str, other: &BTreeSet<T>) {
    let only: Vec<_> = set.difference(other).collect();
    let only_other: Vec<_> = other.difference(set).collect();
    let same = only.is_empty() && only_other.is_empty();
    assert!(same, "only in {name}: {only:#?}; only in {other_name}: {only_other:#?}");
}
