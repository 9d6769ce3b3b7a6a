//! `run`, `up`, `down`, `with`: starting and stopping a stack.

use super::Output;
use local::demo::Outcome;
use local::progress::{self, Paint};
use local::supervisor::Until;
use local::{Client, Error, Kind, Result, Running, Stack, demo, running, simulated};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub fn run(output: Output, once: bool) -> Result<ExitCode> {
    let since = Instant::now();
    let mut stack = Running::start(Kind::Main, Until::WeEnd)?;
    let outcome = demo::run(&Client::new(stack.stack.clone())?)?;
    let matches = outcome.differences.is_empty();
    let health = health(&stack.stack)?;
    report(output, &outcome, &health, since.elapsed())?;
    if !once {
        eprintln!("\n{}\nCtrl-C stops it.", try_next(&stack.stack));
        local::until_interrupted(|| stack.ended().is_some());
        progress::note("Stopping", "the local stack");
    }
    stack.stop()?;
    let is_well = health["findings"].as_array().is_some_and(Vec::is_empty);
    Ok(if matches && is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the doctor says, after what the schedule does on AWS.
fn health(stack: &Stack) -> Result<Value> {
    let since = progress::begin("Asking", "the doctor");
    local::recovery::ask(stack, &json!({"action": "recover"}))?;
    let health = local::recovery::ask(stack, &json!({"action": "doctor"}))?;
    progress::done("Asked", "the doctor", since);
    Ok(health)
}

fn report(output: Output, outcome: &Outcome, health: &Value, took: Duration) -> Result<()> {
    let text = || {
        let last = match outcome.differences.as_slice() {
            [] => Paint::Green.out(outcome.conclusion()),
            differences => format!("{}\n  {}", Paint::Red.out(outcome.conclusion()), differences.join("\n  ")),
        };
        let total = Paint::Dim.out(format_args!("Total: {}", progress::seconds(took)));
        let health = health["text"].as_str().unwrap_or_default();
        format!("\n{}\n{last}\nThe doctor: {health}\n{total}", outcome.report())
    };
    let json =
        || json!({ "demonstration": outcome.to_json(), "findings": health["findings"], "seconds": took.as_secs_f64() });
    output.result(json, text)
}

pub fn up(output: Output) -> Result<ExitCode> {
    let stack = running::up()?;
    // As the first scheduled run on AWS: what is missed from now on is brought back.
    local::recovery::ask(&stack, &json!({"action": "recover"}))?;
    let json = || json!({ "api_url": stack.api_url, "aws_endpoint": stack.aws_endpoint });
    output.result(json, || format!("\n{}\nmake down stops it.", try_next(&stack)))?;
    Ok(ExitCode::SUCCESS)
}

fn try_next(stack: &Stack) -> String {
    let url = stack.endpoints.first().map(|endpoint| endpoint.url.as_str()).unwrap_or_default();
    let lines = [
        ("make start CALLBACK_ID=my_order", "start a job at the simulated HeyGen and see it arrive"),
        (
            "make start CALLBACK_ID=my_lost_order LOST=1",
            "start a job whose webhook never arrives; make backfill brings it back",
        ),
        ("make send EVENT=avatar_video.success CALLBACK_ID=my_order", "post an event, signed"),
        ("make jobs CALLBACK_ID=my_order", "the record of an order"),
        ("make logs CALLBACK_ID=my_order", "what the functions logged about it"),
        ("make endpoints", "what is registered at the simulated HeyGen"),
        (&format!("curl -i -X OPTIONS {url}"), "HeyGen's probe"),
        (&format!("curl -i -d '{{}}' {url}"), "no signature: 401"),
    ]
    .map(|(line, what)| format!("  {line}\n      {}", Paint::Dim.out(what)));
    format!("{}\n{}", Paint::Bold.out("Try, in another terminal:"), lines.join("\n"))
}

pub fn down() -> Result<ExitCode> {
    let what = if running::down()? { "the local stack" } else { "nothing: no local stack was running" };
    progress::note("Stopped", what);
    Ok(ExitCode::SUCCESS)
}

pub fn simulate(file: &Path) -> Result<ExitCode> {
    simulated::serve(file)?;
    Ok(ExitCode::SUCCESS)
}

pub fn with(command: &[OsString]) -> Result<ExitCode> {
    let Some((program, arguments)) = command.split_first() else { return Ok(ExitCode::FAILURE) };
    let mut command = std::process::Command::new(program);
    command.args(arguments);
    if local::stack::named().is_some() {
        return Ok(ExitCode::from(local::run_under(None, &mut command)?));
    }
    let mut stack = Running::start(Kind::Test, Until::WeEnd)?;
    command.env("STACK_JSON", Kind::Test.place().stack_json());
    let status = local::run_under(Some(stack.supervised()), &mut command)?;
    if let Some(part) = stack.ended() {
        return Err(Error::Failed(format!("{part} ended while the command ran, so its result is void")));
    }
    stack.stop()?;
    Ok(ExitCode::from(status))
}
