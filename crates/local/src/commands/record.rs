//! `jobs`: the record of jobs and events.

use super::{Output, print};
use local::rows::{JobRow, Rows};
use local::{Client, Result, show};
use serde_json::{Value, json};
use std::process::ExitCode;

pub fn jobs(output: Output, callback_id: Option<&str>) -> Result<ExitCode> {
    let client = Client::load()?;
    let Some(id) = callback_id else {
        let rows = client.all_rows()?;
        output.result(|| jobs_json(&rows.jobs), || show::jobs(&rows.jobs))?;
        return Ok(ExitCode::SUCCESS);
    };
    let rows = client.rows(id)?;
    if rows.events.is_empty() && rows.jobs.is_empty() {
        output.result(|| rows_json(&rows), || format!("No jobs or events for {id}."))?;
        return Ok(ExitCode::FAILURE);
    }
    output.result(|| rows_json(&rows), || format!("{}\n\n{}", show::jobs(&rows.jobs), show::events(&rows.events)))?;
    Ok(ExitCode::SUCCESS)
}

fn rows_json(rows: &Rows) -> Value {
    let events: Vec<_> = rows.events.iter().map(|event| &event.attributes).collect();
    json!({ "jobs": jobs_json(&rows.jobs), "events": events })
}

/// The items as they are in the table, links included.
pub fn jobs_json(jobs: &[JobRow]) -> Value {
    jobs.iter().map(|job| job.attributes.clone()).collect()
}

/// The jobs that an event or a started job belongs to.
pub fn show_jobs(output: Output, jobs: &[JobRow]) -> Result<()> {
    if output.json {
        return print(format_args!("{:#}", jobs_json(jobs)));
    }
    print(format_args!(
        "\n{}",
        if jobs.is_empty() { "Recorded; no job affected.".to_owned() } else { show::jobs(jobs) }
    ))
}
