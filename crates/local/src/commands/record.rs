//! `jobs`: the record of jobs and events.

use super::{Output, print};
use aws::jobs::{JobItem, Record};
use local::{Client, Result, show};
use serde_json::{Value, json};
use std::process::ExitCode;

pub fn jobs(output: Output, callback_id: Option<&str>) -> Result<ExitCode> {
    let client = Client::load()?;
    let Some(id) = callback_id else {
        let record = client.whole_record()?;
        output.result(|| jobs_json(&record.jobs), || show::jobs(&record.jobs))?;
        return Ok(ExitCode::SUCCESS);
    };
    let record = client.record(id)?;
    if record.events.is_empty() && record.jobs.is_empty() {
        output.result(|| record_json(&record), || format!("No jobs or events for {id}."))?;
        return Ok(ExitCode::FAILURE);
    }
    output.result(
        || record_json(&record),
        || format!("{}\n\n{}", show::jobs(&record.jobs), show::events(&record.events)),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn record_json(record: &Record) -> Value {
    let events: Vec<_> = record.events.iter().map(|event| &event.attributes).collect();
    json!({ "jobs": jobs_json(&record.jobs), "events": events })
}

/// The items as they are in the table, links included.
pub fn jobs_json(jobs: &[JobItem]) -> Value {
    jobs.iter().map(|job| job.attributes.clone()).collect()
}

/// The jobs that an event or a started job belongs to.
pub fn show_jobs(output: Output, jobs: &[JobItem]) -> Result<()> {
    if output.json {
        return print(format_args!("{:#}", jobs_json(jobs)));
    }
    print(format_args!(
        "\n{}",
        if jobs.is_empty() { "Recorded; no job affected.".to_owned() } else { show::jobs(jobs) }
    ))
}
