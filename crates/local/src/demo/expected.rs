//! The expected record of deliveries, computed from their files by the crate heygen.

use super::Delivery;
use aws::jobs::{FailureItem, JobItem, Record};
use std::collections::{BTreeMap, BTreeSet};
use webhook::{Job, Reason, Status, Verified};

/// The events and jobs that the table should hold.
#[derive(Debug, Default)]
pub struct Expected {
    /// Partition and key.
    events: BTreeSet<(String, String)>,
    /// By partition and key.
    jobs: BTreeMap<(String, String), Job>,
}

impl Expected {
    /// Of these deliveries, in any order and however often.
    pub fn of(deliveries: &[Delivery]) -> Self {
        let mut expected = Expected::default();
        for delivery in deliveries.iter().filter(|delivery| !delivery.forged) {
            #[expect(clippy::disallowed_methods, reason = "the bytes are a sample file")]
            let event = heygen::read(&Verified::assume_authentic(delivery.body.clone()));
            let partition = event.place().partition.to_string();
            if let Some(job) = event.job() {
                let key = (partition.clone(), job.item_key());
                let current = expected.jobs.remove(&key);
                expected.jobs.insert(key, Job::merge(current, job));
            }
            expected.events.insert((partition, event.item_key()));
        }
        expected
    }

    /// How many events there are.
    pub fn events(&self) -> usize {
        self.events.len()
    }

    /// How many jobs have this status in the end.
    pub fn jobs(&self, status: Status) -> usize {
        self.jobs.values().filter(|job| job.status == status).count()
    }

    /// How the table differs, a line each.
    pub fn differences(&self, record: &Record) -> Vec<String> {
        let mut differences = Vec::new();
        let events: BTreeSet<_> = record.events.iter().map(|event| (event.id.clone(), event.item.clone())).collect();
        for (id, item) in self.events.difference(&events) {
            differences.push(format!("{id}: {item} is missing"));
        }
        for (id, item) in events.difference(&self.events) {
            differences.push(format!("{id}: {item} was never sent"));
        }
        let mut found: BTreeMap<_, _> =
            record.jobs.iter().map(|job| ((job.id.clone(), job.item.clone()), job)).collect();
        for ((id, item), job) in &self.jobs {
            match found.remove(&(id.clone(), item.clone())) {
                None => differences.push(format!("{id}: {item} is missing")),
                Some(found) => differences.extend(
                    different_fields(job, found)
                        .into_iter()
                        .map(|field| format!("{id}: {item} has an unexpected {field}")),
                ),
            }
        }
        differences.extend(found.into_keys().map(|(id, item)| format!("{id}: {item} is not expected")));
        differences
    }
}

/// The names of the fields that differ. Their values may be links, and are not shown.
fn different_fields(job: &Job, item: &JobItem) -> Vec<&'static str> {
    // Exhaustive: a new field must be compared.
    let Job {
        platform,
        kind,
        entity_id,
        status,
        identity,
        decided_by,
        event_type,
        occurred_at,
        links,
        failure,
        output_language,
        // Only part of the key, which is compared already.
        distinguishing_callback_id: _,
        links_expire_at,
    } = job;
    let failure = failure.as_ref().map(|f| FailureItem { code: f.code.clone(), message: f.message.clone() });
    let same = [
        ("platform", *platform == item.platform),
        ("kind", *kind == item.kind),
        ("entity_id", *entity_id == item.entity_id),
        ("status", Some(*status) == item.status),
        ("status_rank", item.status_rank == Some(status.rank())),
        ("identity", identity.as_str() == item.identity),
        ("decided_by", *decided_by == item.decided_by),
        ("event_type", *event_type == item.event_type),
        ("occurred_at", *occurred_at == item.occurred_at),
        ("links", *links == item.links),
        ("failure", failure == item.failure),
        ("reason", job.reason().map(Reason::as_str) == item.reason.as_deref()),
        ("output_language", *output_language == item.output_language),
        ("links_expire_at", *links_expire_at == item.links_expire_at),
    ];
    same.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::jobs::EventItem;

    fn delivery(body: &str) -> Delivery {
        Delivery { file: String::new(), body: body.as_bytes().to_vec(), disturbance: None, forged: false }
    }

    const FAIL: &str =
        r#"{"event_type":"avatar_video.fail","event_data":{"video_id":"v","callback_id":"c","msg":"no"}}"#;
    const SUCCESS: &str = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v","callback_id":"c","url":"https://x.invalid/v"}}"#;

    fn record(deliveries: &[Delivery], status: Status) -> Record {
        let Expected { events, jobs } = Expected::of(deliveries);
        let event = |(id, item)| EventItem { id, item, ..EventItem::default() };
        let job = |((id, item), job): (_, Job)| JobItem {
            id,
            item,
            kind: job.kind,
            entity_id: job.entity_id,
            status: Some(status),
            status_rank: Some(job.status.rank()),
            identity: job.identity.to_string(),
            decided_by: job.decided_by,
            event_type: job.event_type,
            links: job.links,
            ..JobItem::default()
        };
        Record { jobs: jobs.into_iter().map(job).collect(), events: events.into_iter().map(event).collect() }
    }

    #[test]
    fn what_should_be_there_makes_no_difference_in_any_order() {
        let record = record(&[delivery(FAIL), delivery(SUCCESS)], Status::Succeeded);
        let expected = Expected::of(&[delivery(SUCCESS), delivery(FAIL), delivery(SUCCESS)]);
        assert_eq!(expected.differences(&record), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_wrong_or_too_much_is_named() {
        let sent = [delivery(FAIL), delivery(SUCCESS)];
        let expected = Expected::of(&sent);
        assert_eq!(expected.differences(&Record::default()).len(), 3);
        assert_eq!(
            expected.differences(&record(&sent, Status::Failed)),
            ["v: job#avatar_video#v has an unexpected status"]
        );
        assert_eq!(Expected::default().differences(&record(&sent, Status::Succeeded)).len(), 3);
    }
}
