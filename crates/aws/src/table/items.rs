//! The items: an event's, a pointer's, and the attributes that an event sets on its job's item. Pure.

use super::Entry;
use crate::clock;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use webhook::{CorrelationId, Job, Platform, Reason, Status};

/// DynamoDB allows 400 KB per item. Of a longer body, only the digest is stored.
const MAX_BODY_BYTES: usize = 350_000;
/// Longer links, or a longer failure, are only in the event's body. An item holds each twice.
const MAX_RESULT_BYTES: usize = 90_000;
/// A longer field is only in the event's body.
const MAX_FIELD_BYTES: usize = 2_048;

/// The `callback_id` of a job whose events had none: the pipe needs the attribute to be there.
pub const NO_CALLBACK_ID: &str = "";

pub type Item = HashMap<String, AttributeValue>;

/// The item that holds an event unchanged, and expires after `keep`.
pub fn event_item(entry: &Entry<'_>, keep: Duration) -> Item {
    let Entry { delivery, event, job, place, now } = entry;
    let body = delivery.body.body();
    let mut item = Attributes::default();
    item.text("id", place.partition.as_str());
    item.text("item", &event.item_key());
    item.short("event_type", event.event_type.as_deref());
    item.short("event_id", event.event_id.as_deref());
    item.short("created_at", event.created_at.as_deref());
    item.id("callback_id", event.callback_id.as_deref());
    item.id("entity_id", event.entity_id.as_deref());
    item.short("job", job.as_ref().map(Job::item_key).as_deref());
    item.platform(event.platform);
    item.text("endpoint", &delivery.endpoint);
    item.text("via", &delivery.via);
    item.short("request_id", Some(&delivery.request_id));
    item.short("header_event_id", delivery.advisory.event_id.as_deref());
    item.short("header_timestamp", delivery.advisory.timestamp.as_deref());
    item.text("received_at", &clock::to_text(delivery.received_at));
    item.text("recorded_at", &clock::to_text(*now));
    item.number("expires_at", now.unix_timestamp().saturating_add_unsigned(keep.as_secs()));
    item.number("body_bytes", body.len());
    item.text("body_sha256", &event.body_sha256);
    match std::str::from_utf8(body) {
        _ if body.len() > MAX_BODY_BYTES => item.text("body_omitted", "larger than an item can hold"),
        Ok(text) => item.text("body", text),
        Err(_) => item.insert("body", AttributeValue::B(Blob::new(body))),
    }
    item.0
}

/// The event's item, if its job's item has no room for the change.
pub fn without_its_job(mut event: Item) -> Item {
    event.insert("job_omitted".to_owned(), AttributeValue::S("the job's item has no room".to_owned()));
    event
}

/// The item that leads from the other one of an event's two ids to its partition. All events of a job write the same.
pub fn pointer_item(entry: &Entry<'_>) -> Option<Item> {
    let mut item = Attributes::default();
    item.text("id", entry.place.pointer_from.as_ref()?.as_str());
    item.text("item", &entry.place.pointer_key(entry.job.as_ref()));
    item.text("partition", entry.place.partition.as_str());
    item.short("job", entry.job.as_ref().map(Job::item_key).as_deref());
    Some(item.0)
}

/// The attributes that a job status change sets on the job's item, and those that it removes. Your own attributes are in
/// neither; nor are `callback_id` and `previous_status`, which depend on the item before.
pub fn job_attributes(entry: &Entry<'_>, job: &Job) -> (BTreeMap<String, AttributeValue>, Vec<&'static str>) {
    let mut set = Attributes::default();
    // None of these may be missing, because the pipe reads them.
    set.id("kind", Some(&job.kind));
    set.id("entity_id", Some(&job.entity_id));
    set.id("event_type", Some(&job.event_type));
    set.text("status", job.status.as_str());
    set.number("status_rank", job.status.rank());
    set.text("identity", job.identity.as_str());
    set.text("decided_by", &job.decided_by);
    if let Some(at) = job.links_expire_at {
        set.number("links_expire_at", at);
    }
    if let Some(at) = job.occurred_at {
        set.number("occurred_at", at);
    }
    set.platform(job.platform);
    set.id("output_language", job.output_language.as_deref());
    set.id("reason", job.reason().map(Reason::as_str));
    set.text("endpoint", &entry.delivery.endpoint);
    set.text("received_at", &clock::to_text(entry.delivery.received_at));
    set.text("updated_at", &clock::to_text(entry.now));

    let failure = job.failure.as_ref().map(|failure| {
        let fields = [("code", &failure.code), ("message", &failure.message)];
        fields.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))).collect::<Vec<_>>()
    });
    let links = job.links.iter().map(|(name, url)| (name.as_str(), url)).collect::<Vec<_>>();
    let mut fits = set.map("links", &links);
    fits &= set.map("failure", failure.as_deref().unwrap_or_default());
    if !fits {
        set.text("result_omitted", "larger than an item can hold: see the event");
    }
    set.insert("job_event", job_event(job, &set.0));
    let gone = ["links", "links_expire_at", "occurred_at", "failure", "reason", "output_language", "result_omitted"];
    let gone = gone.into_iter().filter(|name| !set.0.contains_key(*name)).collect();
    (set.0.into_iter().collect(), gone)
}

/// What the template's pipe needs in addition, there even if it is empty: AWS does not document what a pipe does with a
/// path that does not exist.
fn job_event(job: &Job, set: &Item) -> AttributeValue {
    let status = match job.status {
        Status::Pending => "Pending",
        Status::Failed => "Failed",
        Status::Succeeded => "Succeeded",
    };
    let detail_type = format!("{} Job {status}", job.platform.title());
    let map = |name| set.get(name).cloned().unwrap_or_else(|| AttributeValue::M(Item::new()));
    let text = |name| set.get(name).cloned().unwrap_or_else(|| AttributeValue::S(String::new()));
    AttributeValue::M(HashMap::from([
        ("detail_type".to_owned(), AttributeValue::S(detail_type)),
        ("links".to_owned(), map("links")),
        ("failure".to_owned(), map("failure")),
        ("reason".to_owned(), text("reason")),
        ("output_language".to_owned(), text("output_language")),
    ]))
}

#[derive(Default)]
struct Attributes(Item);

impl Attributes {
    fn insert(&mut self, name: &str, value: AttributeValue) {
        self.0.insert(name.to_owned(), value);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.insert(name, AttributeValue::S(value.to_owned()));
    }

    fn number(&mut self, name: &str, value: impl ToString) {
        self.insert(name, AttributeValue::N(value.to_string()));
    }

    /// Without it, an item is HeyGen's.
    fn platform(&mut self, platform: Platform) {
        if platform != Platform::HeyGen {
            self.text("platform", platform.name());
        }
    }

    /// A field from outside. One that is too long is left out, so that the others fit.
    fn short(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| value.len() <= MAX_FIELD_BYTES) {
            self.text(name, value);
        }
    }

    /// An id, or a name that is part of a key: one that is too long for a key is replaced by its digest, as in the key.
    fn id(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, CorrelationId::of(value).as_str());
        }
    }

    /// A map of texts, if there are any. False if they are too long to be stored.
    fn map(&mut self, name: &str, entries: &[(&str, &String)]) -> bool {
        let bytes: usize = entries.iter().map(|(name, value)| name.len() + value.len()).sum();
        let fits = bytes <= MAX_RESULT_BYTES;
        if fits && !entries.is_empty() {
            let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), AttributeValue::S((*value).clone())));
            self.insert(name, AttributeValue::M(entries.collect()));
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Advisory, Delivery};
    use sha2::{Digest, Sha256};
    use std::collections::BTreeSet;
    use time::OffsetDateTime;
    use time::macros::datetime;
    use webhook::Verified;

    const NOW: OffsetDateTime = datetime!(2026-11-21 03:40:00 UTC);

    #[expect(clippy::disallowed_methods, reason = "no request is involved")]
    fn delivery(body: impl Into<Vec<u8>>) -> Delivery {
        Delivery {
            platform: webhook::Platform::HeyGen,
            endpoint: "main".into(),
            received_at: NOW,
            request_id: "request-1".into(),
            via: "delivery".into(),
            advisory: Advisory::default(),
            body: Verified::assume_authentic(body.into()),
        }
    }

    /// What `look` finds in the entry of a delivery.
    fn with_entry<T>(delivery: &Delivery, look: impl FnOnce(&Entry<'_>) -> T) -> T {
        let event = heygen::read(&delivery.body);
        look(&Entry { delivery, event: &event, job: event.job(), place: event.place(), now: NOW })
    }

    fn item_of(delivery: &Delivery) -> Item {
        with_entry(delivery, |entry| event_item(entry, Duration::from_secs(86_400)))
    }

    /// The attributes of the delivery's job, if it has one.
    fn job_of(delivery: &Delivery) -> Option<(BTreeMap<String, AttributeValue>, Vec<&'static str>)> {
        with_entry(delivery, |entry| Some(job_attributes(entry, entry.job.as_ref()?)))
    }

    fn text(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    #[test]
    fn an_event_is_kept_whole_until_it_expires() {
        let body = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v","callback_id":"c","odd":1}}"#;
        let item = item_of(&delivery(body));
        assert_eq!(item["body"], AttributeValue::S(body.into()));
        assert_eq!((&item["id"], &item["callback_id"]), (&text("v"), &text("c")));
        assert_eq!(item["entity_id"], text("v"));
        assert_eq!(item["job"], AttributeValue::S("job#avatar_video#v".into()));
        assert_eq!(item["expires_at"], AttributeValue::N((NOW.unix_timestamp() + 86_400).to_string()));
    }

    #[test]
    fn bytes_that_are_not_text_are_kept_as_bytes() {
        let item = item_of(&delivery(vec![0xff, 0x00]));
        assert_eq!(item["body"], AttributeValue::B(Blob::new([0xff, 0x00])));
    }

    #[test]
    fn an_event_too_big_for_an_item_keeps_its_digest_and_says_so() {
        let body = "x".repeat(MAX_BODY_BYTES + 1);
        let item = item_of(&delivery(body.clone()));
        assert!(!item.contains_key("body"));
        assert!(item.contains_key("body_omitted"));
        assert_eq!(item["body_sha256"], AttributeValue::S(hex::encode(Sha256::digest(&body))));
    }

    #[test]
    fn results_too_big_for_an_item_are_only_in_the_event_and_it_says_so() {
        let url = format!("https://files.example.invalid/{}", "x".repeat(MAX_RESULT_BYTES));
        let delivery = delivery(format!(
            r#"{{"event_type":"avatar_video.success","event_data":{{"video_id":"v","url":"{url}"}}}}"#
        ));
        let (set, gone) = job_of(&delivery).unwrap();
        assert!(set.contains_key("result_omitted"));
        assert!(gone.contains(&"links"));
    }

    #[test]
    fn a_success_removes_an_older_failure() {
        let delivery = delivery(r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v"}}"#);
        let (_, gone) = job_of(&delivery).unwrap();
        assert!(gone.contains(&"failure"));
    }

    #[test]
    fn what_an_event_does_not_set_it_removes() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/deliveries");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
        let samples = files.map(|file| std::fs::read(file).unwrap());
        let changes: Vec<_> = samples.filter_map(|body| job_of(&delivery(body))).collect();
        let all: BTreeSet<&str> = changes.iter().flat_map(|(set, _)| set.keys().map(String::as_str)).collect();
        assert!(all.contains("output_language") && all.contains("failure"), "the samples are not read: {all:?}");
        for (set, gone) in &changes {
            let stale = all.iter().filter(|name| !set.contains_key(**name) && !gone.contains(name));
            let stale: Vec<_> = stale.collect();
            assert!(stale.is_empty(), "the value of an earlier event stays: add {stale:?} to `gone` in job_attributes");
        }
    }

    /// The value at a path of the pipe, such as `job_event.M.links.M`.
    fn at<'a>(item: &'a BTreeMap<String, AttributeValue>, path: &str) -> Option<&'a AttributeValue> {
        let mut steps = path.split('.');
        let mut value = item.get(steps.next()?)?;
        loop {
            let is_it = match steps.next()? {
                "S" => value.is_s(),
                "M" => value.is_m(),
                _ => false,
            };
            match steps.next() {
                Some(name) if is_it => value = value.as_m().ok()?.get(name)?,
                _ => return is_it.then_some(value),
            }
        }
    }

    #[test]
    fn every_path_of_the_pipe_exists() {
        let template = include_str!("../../../../template.yaml");
        let paths = template.split("$.dynamodb.NewImage.").skip(1);
        let paths: Vec<_> = paths.filter_map(|rest| rest.split([' ', '>', '\n', ',']).next()).collect();
        assert!(paths.len() > 10, "{paths:?}");
        let (long, too_long) = ("x".repeat(3_000), "x".repeat(MAX_RESULT_BYTES));
        for body in [
            r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v","url":"https://x.invalid"}}"#.into(),
            r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v"}}"#.into(),
            r#"{"event_type":"avatar_video.fail","event_data":{"video_id":"v","msg":"m","callback_id":"c"}}"#.into(),
            r#"{"event_type":"avatar_video.fail","event_data":{"video_id":"v"}}"#.into(),
            format!(r#"{{"event_type":"avatar_video.fail","event_data":{{"video_id":"{long}","msg":"{too_long}"}}}}"#),
            format!(r#"{{"event_type":"{long}.success","event_data":{{"video_id":"{long}"}}}}"#),
        ] {
            let delivery = delivery(body);
            let Some((mut set, _)) = job_of(&delivery) else { continue };
            // The update writes these itself: the key, and what depends on the item before.
            for name in ["id", "item", "previous_status", "callback_id"] {
                set.insert(name.into(), AttributeValue::S("is there".into()));
            }
            let missing: Vec<_> = paths.iter().filter(|path| at(&set, path).is_none()).collect();
            assert!(missing.is_empty(), "{missing:?} of {set:?}");
        }
    }

    #[test]
    fn a_pointer_leads_from_the_callback_id_to_the_entity() {
        let body = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v","callback_id":"c"}}"#;
        let pointer = with_entry(&delivery(body), pointer_item).unwrap();
        let expected =
            [("id", "c"), ("item", "pointer#job#avatar_video#v"), ("partition", "v"), ("job", "job#avatar_video#v")];
        assert_eq!(pointer, expected.map(|(name, value)| (name.to_owned(), text(value))).into());
        let without = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v"}}"#;
        assert_eq!(with_entry(&delivery(without), pointer_item), None);
    }

    #[test]
    fn ids_that_are_too_long_for_a_key_are_stored_as_in_the_key() {
        let long = "x".repeat(3_000);
        let item = item_of(&delivery(format!(r#"{{"event_data":{{"video_id":"{long}","callback_id":"{long}"}}}}"#)));
        assert_eq!(item["id"], item["entity_id"]);
        assert_eq!((&item["callback_id"], item["id"].as_s().unwrap().len()), (&item["id"], 71));
    }

    #[test]
    fn a_job_event_has_the_failure_and_empty_links() {
        let delivery =
            delivery(r#"{"event_type":"avatar_video.fail","event_data":{"video_id":"v","msg":"no credit"}}"#);
        let (set, _) = job_of(&delivery).unwrap();
        let job_event = set["job_event"].as_m().unwrap();
        assert_eq!(job_event["detail_type"], AttributeValue::S("HeyGen Job Failed".into()));
        assert_eq!(job_event["failure"], set["failure"]);
        assert_eq!(job_event["links"], AttributeValue::M(Item::new()));
    }
}
