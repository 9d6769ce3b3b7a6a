//! One order with a job on each platform, started as a team would.

use crate::error::Result;
use crate::{Client, platforms, progress};
use aws::jobs::JobItem;
use simulator::{Ends, JobKind, JobOutcome, StartJob};
use std::time::Duration;
use webhook::Status;

const CALLBACK_ID: &str = "order_on_all_platforms";
const JOB_DURATION: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(120);

/// The jobs of the order, all of which have ended.
pub(super) fn run(client: &Client) -> Result<Vec<JobItem>> {
    let since = progress::begin("Starting", "one order on all platforms");
    let ends = || Ends::After(JOB_DURATION);
    let heygens = StartJob {
        kind: JobKind::Video,
        callback_id: Some(CALLBACK_ID.to_owned()),
        callback_url: None,
        outcome: JobOutcome::Succeeds,
        ends: ends(),
        disturbance: None,
    };
    let mut started = vec![client.simulator()?.start_jobs(&[heygens])?.concat()];
    for product in platforms::products() {
        started.push(platforms::start(client, product, CALLBACK_ID, JobOutcome::Succeeds, ends(), None)?);
    }
    let jobs = client.wait_for("the jobs of the order to be recorded", LIMIT, || {
        let jobs = client.record(CALLBACK_ID)?.jobs;
        let has_ended = |id: &String| {
            jobs.iter().any(|job| job.entity_id == *id && job.status.is_some_and(|status| status != Status::Pending))
        };
        Ok(started.iter().all(has_ended).then_some(jobs))
    })?;
    progress::done("Recorded", format_args!("{CALLBACK_ID}, with a job on each"), since);
    Ok(jobs)
}
