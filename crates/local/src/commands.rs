//! One function per command.

use local::logs::Tail;
use local::progress::{self, Paint};
use local::supervisor::Until;
use local::{Client, Error, Kind, Result, Running, Stack, demo, running, show, simulated};
use serde_json::Value;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Prints a line. Whoever reads may have enough of it: an error then, and not a panic.
fn say(line: impl Display) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").map_err(|source| Error::Io { what: "Printing".to_owned(), source })
}

pub fn run(once: bool) -> Result<ExitCode> {
    let since = Instant::now();
    let mut stack = Running::start(Kind::Main, Until::WeEnd)?;
    let outcome = demo::run(&Client::new(stack.stack.clone())?)?;
    say(format_args!("\n{}", outcome.report()))?;
    say(format_args!(
        "{}",
        Paint::Dim.out(format_args!("from nothing to here in {}", progress::seconds(since.elapsed())))
    ))?;
    let well = outcome.differences.is_empty();
    if well {
        say(Paint::Green.out("Everything is as it should be."))?;
    } else {
        say(format_args!("{}\n  {}", Paint::Red.out("Not as it should be:"), outcome.differences.join("\n  ")))?;
    }
    if !once {
        say(format_args!("\n{}", try_next(&stack.stack)))?;
        say("Ctrl-C stops it.")?;
        local::until_interrupted(|| stack.ended().is_some());
        progress::note("Stopping", "the local stack");
    }
    stack.stop()?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn try_next(stack: &Stack) -> String {
    let url = stack.endpoints.first().map(|endpoint| endpoint.url.as_str()).unwrap_or_default();
    let lines = [
        ("make send EVENT=events/deliveries/avatar_video.success.json", "post a delivery, signed"),
        ("make jobs CALLBACK_ID=order_12345", "all that is known of an order"),
        ("make endpoints", "what is registered at the simulated HeyGen"),
        ("make logs", "what the functions say"),
        (&format!("curl -i -X OPTIONS {url}"), "HeyGen's probe"),
        (&format!("curl -i -d '{{}}' {url}"), "no signature: 401"),
    ]
    .map(|(line, what)| format!("  {line}\n      {}", Paint::Dim.out(what)));
    format!("{}\n{}", Paint::Bold.out("Try, in another terminal:"), lines.join("\n"))
}

pub fn up() -> Result<ExitCode> {
    let stack = running::up()?;
    say(format_args!("\n{}\n  make down", try_next(&stack)))?;
    Ok(ExitCode::SUCCESS)
}

pub fn down() -> Result<ExitCode> {
    let what = if running::down()? { "the local stack" } else { "nothing: no local stack was running" };
    progress::note("Stopped", what);
    Ok(ExitCode::SUCCESS)
}

pub fn send(file: &Path, endpoint: &str) -> Result<ExitCode> {
    let what = || format!("Reading {}", file.display());
    let body = fs::read(file).map_err(|source| Error::Io { what: what(), source })?;
    let client = Client::load()?;
    let answer = client.deliver(endpoint, &body)?;
    say(format_args!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)))?;
    let Some(identity) = answer.identity() else { return Ok(ExitCode::FAILURE) };

    let event = heygen::Event::read(&heygen::Verified::from_trusted(body));
    let rows = client.wait_for("the delivery to be recorded", Duration::from_secs(60), || {
        // Without a callback_id it may have gone to a job that has one.
        let rows = match &event.callback_id {
            Some(_) => client.rows(event.correlation_id().as_str())?,
            None => client.all_rows()?,
        };
        Ok(rows.events.iter().any(|row| row.identity() == identity).then_some(rows))
    })?;
    let correlation = rows.events.iter().find(|row| row.identity() == identity).map(|row| row.correlation_id.clone());
    let jobs: Vec<_> = rows.jobs.into_iter().filter(|job| Some(&job.correlation_id) == correlation.as_ref()).collect();
    say(format_args!(
        "\n{}",
        if jobs.is_empty() { "Recorded; it tells of no job.".to_owned() } else { show::jobs(&jobs) }
    ))?;
    Ok(ExitCode::SUCCESS)
}

pub fn jobs(callback_id: Option<&str>) -> Result<ExitCode> {
    let client = Client::load()?;
    let Some(id) = callback_id else {
        say(show::jobs(&client.all_rows()?.jobs))?;
        return Ok(ExitCode::SUCCESS);
    };
    let rows = client.rows(id)?;
    if rows.events.is_empty() && rows.jobs.is_empty() {
        say(format_args!("Nothing is known of {id}."))?;
        return Ok(ExitCode::FAILURE);
    }
    say(format_args!("{}\n\n{}", show::jobs(&rows.jobs), show::events(&rows.events)))?;
    Ok(ExitCode::SUCCESS)
}

pub fn simulate(file: &Path) -> Result<ExitCode> {
    simulated::serve(file)?;
    Ok(ExitCode::SUCCESS)
}

/// Asks admin, and prints what it says for people.
pub fn admin(request: &Value) -> Result<ExitCode> {
    let answer = local::admin::ask(&Stack::load()?, request)?;
    say(answer["text"].as_str().unwrap_or_default())?;
    Ok(ExitCode::SUCCESS)
}

pub fn logs(follow: bool) -> Result<ExitCode> {
    let stack = Stack::load()?;
    let cli = local::aws_api::AwsApi::of(&stack)?;
    let mut tail = Tail::default();
    loop {
        for line in tail.next(&cli, &stack)?.into_iter() {
            say(format_args!("{} {}", line.function, line.text))?;
        }
        if !follow {
            return Ok(ExitCode::SUCCESS);
        }
        local::pause(Duration::from_secs(1))?;
    }
}

pub fn with(command: &[OsString]) -> Result<ExitCode> {
    let Some((program, arguments)) = command.split_first() else { return Ok(ExitCode::FAILURE) };
    let mut command = std::process::Command::new(program);
    command.args(arguments);
    let status = if local::stack::named().is_some() {
        local::run_under(None, &mut command)?
    } else {
        let mut stack = Running::start(Kind::Test, Until::WeEnd)?;
        command.env("STACK_JSON", Kind::Test.place().stack_json());
        let status = local::run_under(Some(stack.supervised()), &mut command)?;
        if let Some(part) = stack.ended() {
            return Err(Error::Failed(format!("{part} ended while the command ran, so its result says nothing")));
        }
        stack.stop()?;
        status
    };
    Ok(ExitCode::from(status))
}
