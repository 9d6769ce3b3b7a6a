//! The table, and what it should hold.

use super::pool::Sent;
use crate::support::Stack;
use aws::jobs::{JobItem, Jobs, Record};
use aws::table::Table;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;
use webhook::{Event, Job};

type Key = (String, String);

pub const KEEP: Duration = Duration::from_hours(24);

pub struct Orders<'a> {
    stack: &'a Stack,
    jobs: Jobs,
    table: Table,
}

impl<'a> Orders<'a> {
    pub fn new(stack: &'a Stack) -> Self {
        let client = stack.dynamodb(async |client| client.clone());
        let name = stack.stack().table.clone();
        let table = Table::new(client.clone(), name.clone(), KEEP);
        Orders { stack, jobs: Jobs::new(client, name), table }
    }

    pub fn record(&self, sent: &Sent) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let write =
            async |_: &_| self.table.record(&sent.delivery, &sent.event, OffsetDateTime::now_utc(), deadline).await;
        self.stack.dynamodb(write).unwrap();
    }

    /// Deletes all items of these events.
    pub fn forget(&self, sent: &[Sent]) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let name = self.stack.stack().table.as_str();
        let place = |sent: &Sent| [Some(sent.event.place().partition), sent.event.place().pointer_from];
        for id in sent.iter().flat_map(place).flatten().collect::<BTreeSet<_>>() {
            self.stack.dynamodb(async |dynamodb: &aws_sdk_dynamodb::Client| {
                let items = dynamodb.query().table_name(name).key_condition_expression("id = :id");
                let items = items.expression_attribute_values(":id", text(id.as_str())).send().await.unwrap();
                let delete = |item: &HashMap<String, AttributeValue>| {
                    let delete =
                        DeleteRequest::builder().key("id", text(id.as_str())).key("item", item["item"].clone());
                    WriteRequest::builder().delete_request(delete.build().unwrap()).build()
                };
                let requests: Vec<_> = items.items().iter().map(delete).collect();
                if !requests.is_empty() {
                    dynamodb.batch_write_item().request_items(name, requests).send().await.unwrap();
                }
            });
        }
    }

    /// Compares what is found by each id with what the events, as a set, should leave.
    pub fn check(&self, sent: &[Sent], order: &str) {
        let events: Vec<_> = sent.iter().map(|sent| &sent.event).collect();
        let ids = |id: fn(&Event) -> Option<&String>| events.iter().copied().filter_map(id).collect::<BTreeSet<_>>();
        for id in ids(|event| event.callback_id.as_ref()) {
            let found = self.stack.dynamodb(async |_: &_| self.jobs.of_callback_id(id).await).unwrap();
            let expected = of_callback_id(&events, id);
            // A job of another order is not shown, although some of its events came without a callback_id.
            let names = |event: &&Event| event.callback_id.as_ref() == Some(id);
            let is_of_another = |event: &Event| {
                let of_job = || events.iter().filter(|other| job_key(other) == job_key(event));
                of_job().any(|other| other.callback_id.is_some()) && !of_job().any(names)
            };
            let jobs = expected.iter().filter(|event| !is_of_another(event)).filter_map(|event| job_key(event));
            assert_is(&found, &expected, jobs.collect(), &events, &format!("{id} after {order}"));
        }
        for id in ids(|event| event.entity_id.as_ref()) {
            let found = self.stack.dynamodb(async |_: &_| self.jobs.of_entity(id).await).unwrap();
            let expected: Vec<_> =
                events.iter().copied().filter(|event| event.entity_id.as_ref() == Some(id)).collect();
            let jobs = expected.iter().filter_map(|event| job_key(event)).collect();
            assert_is(&found, &expected, jobs, &events, &format!("{id} after {order}"));
        }
    }
}

/// The events of an order: those that name it, and those without a `callback_id` that are about the same video. A group
/// is trained for many orders, so its events belong only to the order that they name.
fn of_callback_id<'e>(events: &[&'e Event], id: &str) -> Vec<&'e Event> {
    let names = |event: &Event| event.callback_id.as_deref() == Some(id);
    let entities: BTreeSet<_> = events.iter().filter(|event| names(event)).map(|event| &event.entity_id).collect();
    let is_of_it = |event: &Event| {
        names(event) || event.callback_id.is_none() && !event.entity_is_reused && entities.contains(&event.entity_id)
    };
    events.iter().copied().filter(|event| is_of_it(event)).collect()
}

/// These events are found, each once, and these jobs, each as all events leave it.
fn assert_is(found: &Record, expected: &[&Event], keys: BTreeSet<Key>, all: &[&Event], what: &str) {
    let events: BTreeSet<Key> = expected.iter().map(|event| (partition(event), event.item_key())).collect();
    let found_events: Vec<_> = found.events.iter().map(|item| (item.id.clone(), item.item.clone())).collect();
    assert_eq!(found_events.iter().cloned().collect::<BTreeSet<_>>(), events, "events of {what}");
    assert_eq!(found_events.len(), events.len(), "events of {what} are found twice");

    let mut jobs: BTreeMap<Key, (Job, String)> = BTreeMap::new();
    for event in all {
        let Some(job) = event.job() else { continue };
        let key = (partition(event), job.item_key());
        if keys.contains(&key) {
            let callback_id = event.callback_id.clone().unwrap_or_default();
            let (job, callback_id) = match jobs.remove(&key) {
                // The smallest one that is named.
                Some((before, other)) if other.is_empty() || !callback_id.is_empty() && callback_id < other => {
                    (Job::merge(Some(before), job), callback_id)
                }
                Some((before, other)) => (Job::merge(Some(before), job), other),
                None => (job, callback_id),
            };
            jobs.insert(key, (job, callback_id));
        }
    }
    let found: BTreeMap<Key, _> =
        found.jobs.iter().map(|item| ((item.id.clone(), item.item.clone()), as_found(item))).collect();
    let jobs: BTreeMap<Key, _> =
        jobs.iter().map(|(key, (job, callback_id))| (key.clone(), as_expected(job, callback_id))).collect();
    assert_eq!(found, jobs, "jobs of {what}");
}

fn job_key(event: &Event) -> Option<Key> {
    Some((partition(event), event.job()?.item_key()))
}

fn partition(event: &Event) -> String {
    event.place().partition.to_string()
}

/// What must not depend on the order: everything but the times and the status before.
fn as_found(item: &JobItem) -> Vec<String> {
    let failure = item.failure.as_ref().and_then(|failure| failure.message.clone());
    let rest = [&item.kind, &item.entity_id, &item.identity, &item.decided_by, &item.event_type];
    let mut all: Vec<_> = rest.into_iter().cloned().collect();
    all.extend([format!("{:?}", item.status), format!("{:?}", item.links), format!("{failure:?}")]);
    all.extend([format!("{:?} {:?}", item.links_expire_at, item.output_language)]);
    all.push(item.callback_id.clone().unwrap_or_default());
    all
}

fn as_expected(job: &Job, callback_id: &str) -> Vec<String> {
    let failure = job.failure.as_ref().and_then(|failure| failure.message.clone());
    let mut all = vec![job.kind.clone(), job.entity_id.clone(), job.identity.to_string()];
    all.extend([job.decided_by.clone(), job.event_type.clone()]);
    all.extend([format!("{:?}", Some(job.status)), format!("{:?}", job.links), format!("{failure:?}")]);
    all.extend([format!("{:?} {:?}", job.links_expire_at, job.output_language)]);
    all.push(callback_id.to_owned());
    all
}
