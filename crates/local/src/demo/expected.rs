//! The expected record of deliveries, computed from their files by the crate heygen.

use super::Delivery;
use crate::rows::{FailureRow, JobRow, Rows};
use heygen::{Event, Job, Status, Verified};
use std::collections::{BTreeMap, BTreeSet};

/// The events and jobs that the table should hold.
#[derive(Debug, Default)]
pub struct Expected {
    /// Correlation id and identity.
    events: BTreeSet<(String, String)>,
    /// By correlation id and item.
    jobs: BTreeMap<(String, String), Job>,
}

impl Expected {
    /// Of these deliveries, in any order and however often.
    ///
    /// An event without a `callback_id` is expected under its own entity's id: no sample without one
    /// is about an entity of another sample.
    pub fn of(deliveries: &[Delivery]) -> Self {
        let mut expected = Expected::default();
        for delivery in deliveries.iter().filter(|delivery| !delivery.forged) {
            #[expect(clippy::disallowed_methods, reason = "the bytes are a sample file")]
            let event = Event::read(&Verified::assume_authentic(delivery.body.clone()));
            let correlation = event.correlation_id().as_str().to_owned();
            if let Some(job) = event.job() {
                let key = (correlation.clone(), job.item_key());
                let current = expected.jobs.remove(&key);
                expected.jobs.insert(key, Job::merge(current, job));
            }
            expected.events.insert((correlation, event.identity.as_str().to_owned()));
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
    pub fn differences(&self, rows: &Rows) -> Vec<String> {
        let mut differences = Vec::new();
        let events: BTreeSet<_> =
            rows.events.iter().map(|row| (row.correlation_id.clone(), row.identity().to_owned())).collect();
        for (correlation, identity) in self.events.difference(&events) {
            differences.push(format!("{correlation}: the event {identity} is missing"));
        }
        for (correlation, identity) in events.difference(&self.events) {
            differences.push(format!("{correlation}: the event {identity} was never sent"));
        }
        let mut found: BTreeMap<_, _> =
            rows.jobs.iter().map(|row| ((row.correlation_id.clone(), row.item.clone()), row)).collect();
        for ((correlation, item), job) in &self.jobs {
            match found.remove(&(correlation.clone(), item.clone())) {
                None => differences.push(format!("{correlation}: {item} is missing")),
                Some(row) => differences.extend(
                    different_fields(job, row)
                        .into_iter()
                        .map(|field| format!("{correlation}: {item} has an unexpected {field}")),
                ),
            }
        }
        differences
            .extend(found.into_keys().map(|(correlation, item)| format!("{correlation}: {item} is not expected")));
        differences
    }
}

/// The names of the fields that differ. Their values may be links, and are not shown.
fn different_fields(job: &Job, row: &JobRow) -> Vec<&'static str> {
    // Exhaustive: a new field must be compared.
    let Job {
        kind,
        entity_id,
        status,
        decided_by,
        event_type,
        links,
        failure,
        output_language,
        // Only part of the key, which is compared already.
        distinguishing_callback_id: _,
        links_expire_at,
    } = job;
    let failure = failure.as_ref().map(|f| FailureRow { code: f.code.clone(), message: f.message.clone() });
    let same = [
        ("kind", *kind == row.kind),
        ("entity_id", *entity_id == row.entity_id),
        ("status", status.as_str() == row.status),
        ("status_rank", row.status_rank == Some(status.rank())),
        ("decided_by", decided_by.as_str() == row.decided_by),
        ("event_type", *event_type == row.event_type),
        ("links", *links == row.links),
        ("failure", failure == row.failure),
        ("output_language", *output_language == row.output_language),
        ("links_expire_at", *links_expire_at == row.links_expire_at),
    ];
    same.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn delivery(body: &str) -> Delivery {
        Delivery { file: String::new(), body: body.as_bytes().to_vec(), disturbance: None, forged: false }
    }

    const FAIL: &str =
        r#"{"event_type":"avatar_video.fail","event_data":{"video_id":"v","callback_id":"c","msg":"no"}}"#;
    const SUCCESS: &str = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v","callback_id":"c","url":"https://x.invalid/v"}}"#;

    fn rows(deliveries: &[Delivery], status: &str) -> Rows {
        let expected = Expected::of(deliveries);
        let mut rows = Rows::default();
        for (correlation, identity) in &expected.events {
            rows.take(json!({ "correlation_id": correlation, "item": format!("event#{identity}") })).unwrap();
        }
        for ((correlation, item), job) in &expected.jobs {
            let row = json!({
                "correlation_id": correlation, "item": item, "kind": job.kind, "entity_id": job.entity_id,
                "status": status, "status_rank": job.status.rank(), "decided_by": job.decided_by.as_str(),
                "event_type": job.event_type, "links": job.links,
            });
            rows.take(row).unwrap();
        }
        rows
    }

    #[test]
    fn what_should_be_there_makes_no_difference_in_any_order() {
        let rows = rows(&[delivery(FAIL), delivery(SUCCESS)], "succeeded");
        let expected = Expected::of(&[delivery(SUCCESS), delivery(FAIL), delivery(SUCCESS)]);
        assert_eq!(expected.differences(&rows), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_wrong_or_too_much_is_named() {
        let sent = [delivery(FAIL), delivery(SUCCESS)];
        let expected = Expected::of(&sent);
        assert_eq!(expected.differences(&Rows::default()).len(), 3);
        assert_eq!(expected.differences(&rows(&sent, "failed")), ["c: job#avatar_video#v has an unexpected status"]);
        assert_eq!(Expected::default().differences(&rows(&sent, "succeeded")).len(), 3);
    }
}
