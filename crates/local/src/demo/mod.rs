//! The demonstration: the sample events, delivered, and the record compared with what it should hold.

mod expected;
mod order;
mod plan;

pub use expected::Expected;
pub use plan::{Delivery, plan};

use crate::client::SIGNATURE;
use crate::error::{Error, Result};
use crate::progress;
use crate::{Client, interrupt, show};
use aws::jobs::{JobItem, Record};
use serde_json::{Value, json};
use simulator::{Disturbance, Remote};
use std::time::Duration;
use webhook::Status;

/// Enough for a slow machine.
const LIMIT: Duration = Duration::from_secs(180);

/// The result of a demonstration.
#[derive(Debug)]
pub struct Outcome {
    /// What the table holds.
    pub record: Record,
    /// Deliveries that were posted.
    pub posted: usize,
    /// With status 200.
    pub accepted: usize,
    /// With status 401.
    pub rejected: usize,
    /// The jobs of one order on all platforms.
    pub order: Vec<JobItem>,
    /// Where the record differs from the deliveries; empty if it matches.
    pub differences: Vec<String>,
}

/// Has the simulated HeyGen deliver the samples to a stack whose table is empty, and waits until all are recorded.
pub fn run(client: &Client) -> Result<Outcome> {
    let deliveries = plan()?;
    let expected = Expected::of(&deliveries);
    let count: usize = deliveries.iter().map(Delivery::times).sum();
    let what = format!("{count} deliveries, some twice, some late, one forged");
    let since = progress::begin("Posting", &what);
    let forge =
        |forged: &Delivery| Ok(client.post("main", &[(SIGNATURE, &forged.forged_signature()?)], &forged.body)?.status);
    let posted = post(&client.simulator()?, &deliveries, forge)?;
    progress::done("Posted", format_args!("{} deliveries", posted.len()), since);

    let since = progress::begin("Waiting", "until the queue is empty and everything is recorded");
    wait_until_recorded(client, &expected)?;
    let record = client.whole_record()?;
    progress::done("Recorded", format_args!("{} events of {} jobs", record.events.len(), record.jobs.len()), since);
    let answered = |status| posted.iter().filter(|attempt| attempt.status == Some(status)).count();
    let (accepted, rejected) = (answered(200), answered(401));
    let mut differences: Vec<_> = posted.iter().filter_map(Posted::difference).collect();
    differences.extend(expected.differences(&record));
    let order = order::run(client)?;
    let is_missing = |job: &&JobItem| job.status != Some(Status::Succeeded);
    differences.extend(order.iter().filter(is_missing).map(|job| format!("{} has not succeeded", job.item)));
    Ok(Outcome { record, posted: posted.len(), accepted, rejected, order, differences })
}

/// One attempt at a delivery.
struct Posted {
    file: String,
    status: Option<u16>,
    should: u16,
}

impl Posted {
    fn difference(&self) -> Option<String> {
        let Posted { file, status, should } = self;
        match status {
            Some(status) if status == should => None,
            Some(status) => Some(format!("{file}: status {status}, expected {should}")),
            None => Some(format!("{file}: no response in time")),
        }
    }
}

/// Posts them one after the other, except those that are delivered twice at the same time. Returns every attempt.
fn post(heygen: &Remote, deliveries: &[Delivery], forge: impl Fn(&Delivery) -> Result<u16>) -> Result<Vec<Posted>> {
    let (mut posted, mut events) = (Vec::new(), Vec::new());
    for delivery in deliveries {
        interrupt::check()?;
        let file = delivery.file.clone();
        if delivery.forged {
            posted.push(Posted { file, status: Some(forge(delivery)?), should: 401 });
            continue;
        }
        events.push((heygen.emit(&delivery.body, delivery.disturbance)?, file));
        // What waits for the next one is in flight until then.
        if delivery.disturbance != Some(Disturbance::AfterTheNext) {
            settled(heygen)?;
        }
    }
    let log = settled(heygen)?;
    for (event_id, file) in events {
        let attempts =
            log.iter().filter(|delivery| delivery.event_id == event_id).flat_map(|delivery| &delivery.attempts);
        let before = posted.len();
        posted.extend(attempts.map(|attempt| Posted { file: file.clone(), status: attempt.status, should: 200 }));
        if posted.len() == before {
            return Err(Error::Failed(format!(
                "{file} went to no endpoint; `make endpoints` shows what is registered"
            )));
        }
    }
    Ok(posted)
}

/// Waits until no delivery is in flight, or a signal comes; all of them then.
fn settled(heygen: &Remote) -> Result<Vec<simulator::Delivery>> {
    let settled = interrupt::poll(LIMIT, Duration::from_millis(5), || Ok(heygen.settled()?))?;
    let limit = progress::seconds(LIMIT);
    settled.ok_or_else(|| Error::Failed(format!("deliveries are still in flight after {limit}; see `make logs`")))
}

fn wait_until_recorded(client: &Client, expected: &Expected) -> Result<()> {
    let mut seen = 0;
    let recorded = interrupt::poll(LIMIT, Duration::from_millis(200), || {
        if client.dlq_depth()?.waiting > 0 {
            return Err(Error::failed(
                "a delivery could not be recorded and went to the dead-letter queue, see `make logs`",
            ));
        }
        seen = client.whole_record()?.events.len();
        let queue = client.queue_depth()?;
        Ok((seen >= expected.events() && queue.waiting + queue.in_flight == 0).then_some(()))
    })?;
    recorded.ok_or_else(|| {
        let (limit, all) = (progress::seconds(LIMIT), expected.events());
        Error::Failed(format!("after {limit}, {seen} of {all} events are recorded; see `make logs`"))
    })
}

impl Outcome {
    /// One sentence: the record matches, or how often it does not.
    pub fn conclusion(&self) -> String {
        match self.differences.len() {
            0 => format!("All {} jobs match the {} deliveries.", self.record.jobs.len(), self.posted),
            1 => "The record differs from the deliveries once:".to_owned(),
            many => format!("The record differs from the deliveries {many} times:"),
        }
    }

    fn new_events(&self) -> usize {
        // An event has one item, however often it came.
        self.record.events.len()
    }

    fn jobs_with(&self, status: Status) -> usize {
        self.record.jobs.iter().filter(|job| job.status == Some(status)).count()
    }

    pub fn to_json(&self) -> Value {
        json!({
            "deliveries": self.posted, "accepted": self.accepted, "rejected": self.rejected,
            "new": self.new_events(), "jobs": self.record.jobs.len(), "succeeded": self.jobs_with(Status::Succeeded),
            "failed": self.jobs_with(Status::Failed), "order": self.order.len(), "differences": self.differences,
        })
    }

    /// The jobs, and the counts.
    pub fn report(&self) -> String {
        let new = self.new_events();
        let repeated = self.accepted.saturating_sub(new);
        format!(
            "{}\n\n{}\n\n{} deliveries: {new} new, {repeated} repeated, {} rejected\n{} jobs: {} succeeded, {} failed",
            show::jobs(&self.record.jobs),
            show::jobs(&self.order),
            self.posted,
            self.rejected,
            self.record.jobs.len(),
            self.jobs_with(Status::Succeeded),
            self.jobs_with(Status::Failed),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator::{Existing, Options, Receiver, Simulator};

    #[test]
    fn every_delivery_is_posted_as_planned_and_every_other_answer_is_a_difference() {
        let receiver = Receiver::start().unwrap();
        let endpoints = vec![Existing::new(receiver.url())];
        let heygen = Simulator::start(Options { endpoints, ..Options::default() }).unwrap();
        let remote = Remote::new(heygen.access());
        let plan = plan().unwrap();
        receiver.respond_next(500);
        // 200 is what is expected.
        for _ in 0..plan.len() {
            receiver.respond_next(200);
        }
        let posted = post(&remote, &plan, |_| Ok(200)).unwrap();
        assert_eq!(posted.len(), plan.iter().map(Delivery::times).sum::<usize>() + 1, "one was tried again");
        let differences: Vec<_> = posted.iter().filter_map(Posted::difference).collect();
        assert_eq!(differences.len(), 2, "{differences:?}");
        assert_eq!(differences[0], "a forged delivery: status 200, expected 401");
        assert!(differences[1].ends_with("status 500, expected 200"), "{differences:?}");
        let came: Vec<_> = receiver.deliveries().into_iter().map(|request| request.body).collect();
        assert!(plan.iter().all(|delivery| delivery.forged != came.contains(&delivery.body)));
    }

    #[test]
    fn without_an_endpoint_there_is_nothing_to_wait_for() {
        let heygen = Simulator::start(Options::default()).unwrap();
        let error = post(&Remote::new(heygen.access()), &plan().unwrap(), |_| Ok(401)).map(drop).unwrap_err();
        assert!(error.to_string().contains("make endpoints"), "{error}");
    }
}
