//! `logs`: what the functions logged, for people or as JSON.

use super::{Output, print};
use clap::Args;
use local::aws_api::AwsApi;
use local::log_view::View;
use local::logs::Tail;
use local::{Result, Stack};
use std::process::ExitCode;
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(1);

#[derive(Args)]
pub struct Logs {
    /// Go on until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Show metrics, too
    #[arg(long)]
    metrics: bool,
    /// Only the lines about this callback id
    #[arg(long)]
    callback_id: Option<String>,
}

pub fn logs(output: Output, options: &Logs) -> Result<ExitCode> {
    let stack = Stack::load()?;
    let api = AwsApi::of(&stack)?;
    let mut tail = Tail::default();
    let mut view = View::new(options.callback_id.as_deref(), options.metrics);
    loop {
        for line in view.take(tail.next(&api, &stack)?) {
            if output.json { print(line.to_json())? } else { print(line)? }
        }
        if !options.follow {
            return Ok(ExitCode::SUCCESS);
        }
        local::pause(PAUSE)?;
    }
}
