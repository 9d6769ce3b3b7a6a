//! The items: an event's, and the attributes that an event sets on its job's item. Pure.

use crate::clock;
use crate::envelope::Delivery;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use heygen::{CorrelationId, Event, Job, Status};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use time::OffsetDateTime;

/// DynamoDB allows 400 KB per item. Of a longer body, only the digest is stored.
const MAX_BODY_BYTES: usize = 350_000;
/// Longer links, or a longer failure, are only in the event's body. An item holds each twice.
const MAX_RESULT_BYTES: usize = 90_000;
/// A longer field is only in the event's body.
const MAX_FIELD_BYTES: usize = 2_048;

pub type Item = HashMap<String, AttributeValue>;

pub fn event_key(event: &Event) -> String {
    format!("event#{}", event.identity)
}

/// The item that holds an event unchanged, and expires after `keep`.
pub fn event_item(
    correlation: &CorrelationId,
    event: &Event,
    job: Option<&Job>,
    delivery: &Delivery,
    now: OffsetDateTime,
    keep: Duration,
) -> Item {
    let body = delivery.body.body();
    let mut item = Attributes::default();
    item.text("correlation_id", correlation.as_str());
    item.text("item", &event_key(event));
    item.short("event_type", event.event_type.as_ref().map(|t| t.as_str()));
    item.short("event_id", event.event_id.as_deref());
    item.short("created_at", event.created_at.as_deref());
    item.short("callback_id", event.callback_id.as_deref());
    item.short("job", job.map(Job::item_key).as_deref());
    item.text("endpoint", &delivery.endpoint);
    item.text("via", &delivery.via);
    item.short("request_id", Some(&delivery.request_id));
    item.short("header_event_id", delivery.advisory.event_id.as_deref());
    item.short("header_timestamp", delivery.advisory.timestamp.as_deref());
    item.text("received_at", &clock::to_text(delivery.received_at));
    item.text("recorded_at", &clock::to_text(now));
    item.number("expires_at", now.unix_timestamp().saturating_add_unsigned(keep.as_secs()));
    item.number("body_bytes", body.len());
    item.text("body_sha256", &hex::encode(Sha256::digest(body)));
    match std::str::from_utf8(body) {
        _ if body.len() > MAX_BODY_BYTES => item.text("body_omitted", "larger than an item can hold"),
        Ok(text) => item.text("body", text),
        Err(_) => item.insert("body", AttributeValue::B(Blob::new(body))),
    }
    item.0
}

/// The attributes that a job status change sets on the job's item, and those that it removes. Your own attributes are in
/// neither.
pub fn job_attributes(
    job: &Job,
    event: &Event,
    delivery: &Delivery,
    now: OffsetDateTime,
) -> (BTreeMap<String, AttributeValue>, Vec<&'static str>) {
    let mut set = Attributes::default();
    // The same limit and the same digest as for a correlation id: `entity_id` is a partition key, too, and none of the
    // three may be missing, because the pipe reads them.
    set.text("kind", CorrelationId::of(&job.kind).as_str());
    set.text("entity_id", CorrelationId::of(&job.entity_id).as_str());
    set.text("event_type", CorrelationId::of(&job.event_type).as_str());
    set.text("status", job.status.as_str());
    set.number("status_rank", job.status.rank());
    set.text("decided_by", job.decided_by.as_str());
    set.short("callback_id", event.callback_id.as_deref());
    set.short("output_language", job.output_language.as_deref());
    set.text("endpoint", &delivery.endpoint);
    set.text("received_at", &clock::to_text(delivery.received_at));
    set.text("updated_at", &clock::to_text(now));

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
    set.insert("job_event", job_event(job.status, set.0.get("links"), set.0.get("failure")));
    let gone = ["links", "failure", "output_language", "result_omitted"];
    let gone = gone.into_iter().filter(|name| !set.0.contains_key(*name)).collect();
    (set.0.into_iter().collect(), gone)
}

/// What the template's pipe needs in addition. The maps are there even if they are empty: AWS does not document what a
/// pipe does with a path that does not exist.
fn job_event(status: Status, links: Option<&AttributeValue>, failure: Option<&AttributeValue>) -> AttributeValue {
    let detail_type = match status {
        Status::Pending => "HeyGen Job Pending",
        Status::Failed => "HeyGen Job Failed",
        Status::Succeeded => "HeyGen Job Succeeded",
    };
    let map = |value: Option<&AttributeValue>| value.cloned().unwrap_or_else(|| AttributeValue::M(Item::new()));
    AttributeValue::M(HashMap::from([
        ("detail_type".to_owned(), AttributeValue::S(detail_type.to_owned())),
        ("links".to_owned(), map(links)),
        ("failure".to_owned(), map(failure)),
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

    /// A field from outside. One that is too long is left out, so that the others fit.
    fn short(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| value.len() <= MAX_FIELD_BYTES) {
            self.text(name, value);
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
    use crate::envelope::Advisory;
    use heygen::Verified;
    use std::collections::BTreeSet;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-21 03:40:00 UTC);

    #[expect(clippy::disallowed_methods, reason = "no request is involved")]
    fn delivery(body: impl Into<Vec<u8>>) -> Delivery {
        Delivery {
            endpoint: "main".into(),
            received_at: NOW,
            request_id: "request-1".into(),
            via: "delivery".into(),
            advisory: Advisory::default(),
            body: Verified::assume_authentic(body.into()),
        }
    }

    fn item_of(delivery: &Delivery) -> Item {
        let event = Event::read(&delivery.body);
        let keep = Duration::from_secs(86_400);
        event_item(&event.correlation_id(), &event, event.job().as_ref(), delivery, NOW, keep)
    }

    #[test]
    fn an_event_is_kept_whole_until_it_expires() {
        let body = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v","callback_id":"c","odd":1}}"#;
        let item = item_of(&delivery(body));
        assert_eq!(item["body"], AttributeValue::S(body.into()));
        assert_eq!(item["correlation_id"], AttributeValue::S("c".into()));
        assert_eq!(item["job"], AttributeValue::S("job#avatar_video#v".into()));
        assert_eq!(item["expires_at"], AttributeValue::N((NOW.unix_timestamp() + 86_400).to_string()));
        assert!(!item.contains_key("entity_id"), "only jobs may be in the index");
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
        let event = Event::read(&delivery.body);
        let (set, gone) = job_attributes(&event.job().unwrap(), &event, &delivery, NOW);
        assert!(set.contains_key("result_omitted"));
        assert!(gone.contains(&"links"));
    }

    #[test]
    fn a_success_removes_an_older_failure() {
        let delivery = delivery(r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v"}}"#);
        let event = Event::read(&delivery.body);
        let (_, gone) = job_attributes(&event.job().unwrap(), &event, &delivery, NOW);
        assert!(gone.contains(&"failure"));
    }

    #[test]
    fn what_an_event_does_not_set_it_removes_except_the_callback_id() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/deliveries");
        let samples = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        let changes = samples.filter_map(|body| {
            let delivery = delivery(body);
            let event = Event::read(&delivery.body);
            Some(job_attributes(&event.job()?, &event, &delivery, NOW))
        });
        let changes: Vec<_> = changes.collect();
        let all: BTreeSet<&str> = changes.iter().flat_map(|(set, _)| set.keys().map(String::as_str)).collect();
        assert!(all.contains("output_language") && all.contains("failure"), "the samples are not read: {all:?}");
        for (set, gone) in &changes {
            let stale = all.iter().filter(|name| !set.contains_key(**name) && !gone.contains(name));
            let stale: Vec<_> = stale.filter(|name| **name != "callback_id").collect();
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
            let event = Event::read(&delivery.body);
            let Some(job) = event.job() else { continue };
            let (mut set, _) = job_attributes(&job, &event, &delivery, NOW);
            // The update writes these two itself: the key, and what only DynamoDB knows.
            for name in ["correlation_id", "previous_status"] {
                set.insert(name.into(), AttributeValue::S("is there".into()));
            }
            let missing: Vec<_> = paths.iter().filter(|path| at(&set, path).is_none()).collect();
            assert!(missing.is_empty(), "{missing:?} of {set:?}");
        }
    }

    #[test]
    fn a_job_event_has_the_failure_and_empty_links() {
        let delivery =
            delivery(r#"{"event_type":"avatar_video.fail","event_data":{"video_id":"v","msg":"no credit"}}"#);
        let event = Event::read(&delivery.body);
        let (set, _) = job_attributes(&event.job().unwrap(), &event, &delivery, NOW);
        let job_event = set["job_event"].as_m().unwrap();
        assert_eq!(job_event["detail_type"], AttributeValue::S("HeyGen Job Failed".into()));
        assert_eq!(job_event["failure"], set["failure"]);
        assert_eq!(job_event["links"], AttributeValue::M(Item::new()));
    }
}
