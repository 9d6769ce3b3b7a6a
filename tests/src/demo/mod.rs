//! The demonstration: what HeyGen would send, sent, and what became of it compared with what should.

mod expected;
mod plan;

pub use expected::Expected;
pub use plan::{Delivery, plan};

use crate::error::{Error, Result};
use crate::progress;
use crate::rows::Rows;
use crate::{Client, interrupt, show};
use std::time::Duration;

/// Long enough for a slow machine; nobody waits for it otherwise.
const LIMIT: Duration = Duration::from_secs(180);

/// What happened.
#[derive(Debug)]
pub struct Outcome {
    /// What the table holds.
    pub rows: Rows,
    /// Deliveries that were posted.
    pub posted: usize,
    /// Answered 200.
    pub accepted: usize,
    /// Answered 401.
    pub refused: usize,
    /// How what happened differs from what should have; empty if all is well.
    pub differences: Vec<String>,
}

/// Posts the sample deliveries to a stack whose table is empty, and waits until all are recorded.
pub fn run(client: &Client) -> Result<Outcome> {
    let deliveries = plan()?;
    let expected = Expected::of(&deliveries);
    let (mut accepted, mut refused, mut differences) = (0, 0, Vec::new());

    let what = format!("{} deliveries, some twice, some late, one forged", deliveries.len());
    let since = progress::begin("Posting", &what);
    let secret = client.secret("main")?;
    for delivery in &deliveries {
        interrupt::check()?;
        let answer = client.post("main", &[(delivery.header, &delivery.signature(&secret)?)], &delivery.body)?;
        match answer.status {
            200 => accepted += 1,
            401 => refused += 1,
            _ => {}
        }
        let should = if delivery.forged { 401 } else { 200 };
        if answer.status != should {
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            differences.push(format!("{}: answered {} and not {should}: {said}", delivery.file, answer.status));
        }
    }
    progress::done("Posted", format_args!("{} deliveries", deliveries.len()), since);

    let since = progress::begin("Waiting", "until the queue is empty and everything is recorded");
    wait_until_recorded(client, &expected)?;
    let rows = client.all_rows()?;
    progress::done("Recorded", format_args!("{} events of {} jobs", rows.events.len(), rows.jobs.len()), since);
    differences.extend(expected.differences(&rows));
    Ok(Outcome { rows, posted: deliveries.len(), accepted, refused, differences })
}

fn wait_until_recorded(client: &Client, expected: &Expected) -> Result<()> {
    let mut seen = 0;
    let recorded = interrupt::poll(LIMIT, Duration::from_millis(200), || {
        if client.dlq_depth()?.waiting > 0 {
            return Err(Error::failed(
                "a delivery could not be recorded and went to the dead-letter queue, see `make logs`",
            ));
        }
        seen = client.all_rows()?.events.len();
        let queue = client.queue_depth()?;
        Ok((seen >= expected.events() && queue.waiting + queue.in_flight == 0).then_some(()))
    })?;
    recorded.ok_or_else(|| {
        let (limit, all) = (progress::seconds(LIMIT), expected.events());
        Error::Failed(format!("after {limit}, {seen} of {all} events are recorded; see `make logs`"))
    })
}

impl Outcome {
    /// The jobs, and the counts.
    pub fn report(&self) -> String {
        // An event has one row, however often it came.
        let new = self.rows.events.len();
        let repeated = self.accepted.saturating_sub(new);
        let count = |status: &str| self.rows.jobs.iter().filter(|job| job.status == status).count();
        format!(
            "{}\n\n{} deliveries: {new} new, {repeated} repeated, {} refused\n{} jobs: {} succeeded, {} failed",
            show::jobs(&self.rows.jobs),
            self.posted,
            self.refused,
            self.rows.jobs.len(),
            count("succeeded"),
            count("failed"),
        )
    }
}
