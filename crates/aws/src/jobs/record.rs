//! The table's items as types.

use super::placeholder::resolved;
use super::to_json;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use webhook::{Platform, Status};

/// Jobs and events, in the order of their keys within a partition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    pub jobs: Vec<JobItem>,
    pub events: Vec<EventItem>,
}

/// A job's item. An attribute that is not there is `None`, or empty.
///
/// `Debug` omits the links and your own attributes.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct JobItem {
    /// The partition key.
    pub id: String,
    /// The sort key, `job#<kind>#<entity id>…`
    pub item: String,
    /// Who does it.
    #[serde(deserialize_with = "or_heygen")]
    pub platform: Platform,
    /// `avatar_video`, `synthesia.video`, …
    pub kind: String,
    /// The platform's id of what the job makes.
    pub entity_id: String,
    /// `None` if the item has only your own attributes yet.
    pub status: Option<Status>,
    /// The same, as 0, 1 or 2.
    pub status_rank: Option<u8>,
    /// The status before the last change, or `none`.
    pub previous_status: String,
    /// The identity of the event that set the status.
    pub identity: String,
    /// The sort key of that event.
    pub decided_by: String,
    /// The type of that event.
    pub event_type: String,
    /// Pre-signed: a link gives access to the result.
    pub links: BTreeMap<String, String>,
    pub failure: Option<FailureItem>,
    /// Of a failed job: whether the same job may succeed, as in [`webhook::Reason::as_str`].
    pub reason: Option<String>,
    /// Of a translation.
    pub output_language: Option<String>,
    #[serde(deserialize_with = "not_empty")]
    pub callback_id: Option<String>,
    /// Unix time in seconds.
    pub links_expire_at: Option<i64>,
    /// Unix time in seconds of the event that decided, where one entity may have several results.
    pub occurred_at: Option<i64>,
    /// RFC 3339.
    pub received_at: String,
    /// RFC 3339.
    pub updated_at: String,
    /// RFC 3339, if it is tracked.
    pub tracked_at: Option<String>,
    /// The sort key of the item that it had while its entity was not known.
    pub tracked_as: Option<String>,
    pub endpoint: String,
    /// Every attribute as JSON, your own as well.
    #[serde(skip)]
    pub attributes: Value,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FailureItem {
    pub code: Option<String>,
    pub message: Option<String>,
}

/// An event's item.
///
/// `Debug` omits the body.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct EventItem {
    /// The partition key.
    pub id: String,
    /// The sort key, `event#<identity>#<SHA-256 of the body>`.
    pub item: String,
    /// Whose event it is.
    pub platform: Platform,
    /// `avatar_video.success`, …; `None` if the body has none.
    pub event_type: Option<String>,
    pub callback_id: Option<String>,
    pub entity_id: Option<String>,
    /// The sort key of its job.
    pub job: Option<String>,
    /// Why the job was not changed, although the event says how it ended.
    pub job_omitted: Option<String>,
    pub endpoint: String,
    pub via: String,
    /// The body: its text, or base64 if it is not text.
    pub body: Option<String>,
    /// RFC 3339.
    pub received_at: String,
    /// Unix time in seconds.
    pub expires_at: Option<i64>,
    /// Every attribute as JSON.
    #[serde(skip)]
    pub attributes: Value,
}

impl EventItem {
    /// 64 hex digits, the same for every delivery of one event.
    pub fn identity(&self) -> &str {
        self.item.split('#').nth(1).unwrap_or_default()
    }
}

/// Leads to another partition.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pointer {
    pub(super) partition: String,
    pub(super) job: Option<String>,
}

impl Record {
    /// Takes a job or an event; a pointer is returned. An attribute of another type than the processor writes, such as
    /// one that somebody changed by hand, hides no other: the item is taken with its key and its attributes.
    pub(super) fn take(&mut self, item: HashMap<String, AttributeValue>) -> Option<Pointer> {
        let attributes = to_json(item);
        let text = |name: &str| attributes[name].as_str().unwrap_or_default().to_owned();
        let (id, item) = (text("id"), text("item"));
        if item.starts_with("pointer#") {
            return serde_json::from_value(attributes).ok();
        }
        if item.starts_with("event#") {
            let event = serde_json::from_value(attributes.clone());
            let event = event.unwrap_or_else(|_| EventItem { id, item, ..EventItem::default() });
            self.events.push(EventItem { attributes, ..event });
        } else if item.starts_with("job#") {
            let job = serde_json::from_value(attributes.clone());
            let job = job.unwrap_or_else(|_| JobItem { id, item, ..JobItem::default() });
            self.jobs.push(JobItem { attributes, ..job });
        }
        None
    }

    /// Each tracked job whose entity was not known, with the job that it turned out to be; for the jobs of one
    /// `callback_id`.
    pub fn resolved(&self) -> Vec<(&JobItem, &JobItem)> {
        resolved(&self.jobs)
    }

    /// Leaves out a job whose entity was not known, once it turned out to be another one.
    pub(super) fn without_replaced(mut self) -> Self {
        let replaced: BTreeSet<_> = self.resolved().into_iter().map(|(job, _)| job.item.clone()).collect();
        self.jobs.retain(|job| !job.is_placeholder() || !replaced.contains(&job.item));
        self
    }

    /// The jobs and events among some items, for callers that read a whole table.
    pub fn of(items: impl IntoIterator<Item = HashMap<String, AttributeValue>>) -> Self {
        let mut record = Record::default();
        for item in items {
            record.take(item);
        }
        record
    }
}

/// HeyGen's items have none of this name, unless it is your own attribute: then it may be anything.
fn or_heygen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Platform, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str().and_then(|name| name.parse().ok()).unwrap_or_default())
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.filter(|text: &String| !text.is_empty()))
}

impl fmt::Debug for JobItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobItem")
            .field("id", &self.id)
            .field("item", &self.item)
            .field("status", &self.status)
            .field("decided_by", &self.decided_by)
            .field("callback_id", &self.callback_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EventItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventItem")
            .field("id", &self.id)
            .field("item", &self.item)
            .field("event_type", &self.event_type)
            .field("callback_id", &self.callback_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(attributes: &[(&str, &str)]) -> HashMap<String, AttributeValue> {
        attributes.iter().map(|(name, value)| ((*name).to_owned(), AttributeValue::S((*value).to_owned()))).collect()
    }

    #[test]
    fn an_attribute_of_another_type_hides_no_item() {
        let job = item(&[("id", "v"), ("item", "job#x#v"), ("status", "rendering"), ("customer", "7")]);
        let record = Record::of([job, item(&[("id", "v"), ("item", "event#i#b"), ("expires_at", "soon")])]);
        assert_eq!((record.jobs[0].id.as_str(), record.jobs[0].status), ("v", None));
        assert_eq!(record.jobs[0].attributes["customer"], "7");
        assert_eq!((record.events[0].identity(), record.events[0].expires_at), ("i", None));
    }

    #[test]
    fn a_platform_of_your_own_hides_no_job() {
        let job = |platform| item(&[("item", "job#x#v"), ("kind", "x"), ("platform", platform)]);
        for (platform, expected) in [("web", Platform::HeyGen), ("tavus", Platform::Tavus)] {
            let jobs = Record::of([job(platform)]).jobs;
            assert_eq!((jobs[0].platform, jobs[0].kind.as_str()), (expected, "x"));
        }
    }

    #[test]
    fn an_item_that_is_no_job_is_not_taken_for_one() {
        let others = [("admin#shop/endpoints/", "verification#main"), ("order_1", "your own")];
        let record = Record::of(others.map(|(id, name)| item(&[("id", id), ("item", name)])));
        assert_eq!(record, Record::default());
    }

    #[test]
    fn a_job_whose_entity_was_not_known_is_left_out_once_its_entity_is() {
        let job = |kind: &str, entity: &str| {
            let key = format!("job#{kind}#{entity}");
            item(&[("item", &key), ("kind", kind), ("entity_id", entity)])
        };
        let entities = |items: Vec<HashMap<_, _>>| {
            let jobs = Record::of(items).without_replaced().jobs;
            jobs.into_iter().map(|job| job.entity_id).collect::<Vec<_>>()
        };
        let unknown = || job("avatar_video", "callback_id:order_1");
        assert_eq!(entities(vec![unknown()]), ["callback_id:order_1"]);
        assert_eq!(entities(vec![unknown(), job("video_translate", "t1")]).len(), 2);
        assert_eq!(entities(vec![unknown(), job("avatar_video", "v1")]), ["v1"]);
    }

    #[test]
    fn an_empty_callback_id_is_none() {
        let record = Record::of([item(&[("item", "job#x#v"), ("callback_id", "")])]);
        assert_eq!(record.jobs[0].callback_id, None);
    }

    #[test]
    fn debug_shows_neither_links_nor_bodies() {
        let links = BTreeMap::from([("video".to_owned(), "canary".to_owned())]);
        let job = JobItem { links, attributes: "canary".into(), ..JobItem::default() };
        let event = EventItem { body: Some("canary".into()), attributes: "canary".into(), ..EventItem::default() };
        assert!(!format!("{:?}", Record { jobs: vec![job], events: vec![event] }).contains("canary"));
    }
}
