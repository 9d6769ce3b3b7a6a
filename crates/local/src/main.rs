//! `local`: the whole deployment on this machine. See the README, or `make help`.

mod commands;

use clap::{Parser, Subcommand};
use commands::{Output, deliveries, endpoints, logs, record, recovery, stack};
use local::{Error, admin, progress};
use serde_json::json;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

/// The whole deployment on this machine.
#[derive(Parser)]
struct Arguments {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build, start a local AWS, deploy, run the demonstration; then stay until Ctrl-C
    Run {
        /// End after the demonstration, with status 1 if the record differs from the deliveries
        #[arg(long)]
        once: bool,
    },
    /// Build, start a local AWS and deploy, and leave it running; again: update it
    Up,
    /// Stop what `up` or `run` started
    Down,
    /// Sign and post an event, and show the job it belongs to
    Send(deliveries::Send),
    /// Start a job at the simulated HeyGen, and show it when it has ended
    Start(deliveries::Start),
    /// Show the jobs and events of a callback id, or all jobs
    Jobs {
        /// The callback id, or the entity id of a job that has none
        callback_id: Option<String>,
    },
    /// Show the functions' logs
    Logs(logs::Logs),
    /// Show what deploying endpoints.json would change at HeyGen
    Plan,
    /// Bring the endpoints at HeyGen in sync with endpoints.json
    Sync {
        /// Delete this stack's endpoints that are not in endpoints.json
        #[arg(long)]
        prune: bool,
        /// Adopt endpoints that another deployment may use
        #[arg(long)]
        adopt: bool,
        /// Delete more than the limits allow
        #[arg(long)]
        force: bool,
        /// Only if the plan still has this checksum
        #[arg(long)]
        checksum: Option<String>,
    },
    /// Give an endpoint a new signing secret
    Rotate {
        /// The webhook endpoint
        endpoint: String,
        /// Accept no earlier secret any more, because one has leaked
        #[arg(long)]
        revoke: bool,
    },
    /// Show the endpoints, with their state at HeyGen
    Endpoints,
    /// Post a signed probe to an endpoint, or to all of them
    Verify {
        /// The webhook endpoint
        endpoint: Option<String>,
    },
    /// Bring back what the platforms have and the stack never received
    Backfill(recovery::Backfill),
    /// Do what the schedule does every 15 minutes: backfill and sweep
    Recover,
    /// Register a job that a platform was or will be asked for
    Track(recovery::Track),
    /// Ask the platforms for the tracked jobs that should have ended
    Sweep,
    /// Replace the links of jobs that succeeded
    Refresh(recovery::Refresh),
    /// Count the dead letters, or send them back to the queue
    Redrive {
        #[command(flatten)]
        letters: recovery::DeadLetters,
        /// Send them back
        #[arg(long)]
        really: bool,
    },
    /// Delete dead letters
    Purge {
        #[command(flatten)]
        letters: recovery::DeadLetters,
        /// How many there have to be, as `redrive` showed
        #[arg(long)]
        count: usize,
        /// Delete so many although there may be more
        #[arg(long)]
        partly: bool,
    },
    /// Show all that is known of an order, a video, …
    Explain(recovery::About),
    /// Count recorded jobs or events, or tell or process them once more
    Replay(recovery::Replay),
    /// Say what does not work, and what mends it
    Doctor {
        /// Post no signed probes
        #[arg(long)]
        no_verify: bool,
    },
    /// Simulate HeyGen until a signal comes
    #[command(hide = true)]
    Simulate {
        /// The file to write its URL and API key to, once it listens
        file: PathBuf,
    },
    /// Run a command against a fresh stack, or against that of STACK_JSON
    With {
        /// The command; STACK_JSON in its environment names the stack's file
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let Arguments { json, command } = Arguments::parse();
    let output = Output { json };
    let done = local::listen_to_signals().and_then(|()| match command {
        Command::Run { once } => stack::run(output, once),
        Command::Up => stack::up(output),
        Command::Down => stack::down(),
        Command::Send(send) => deliveries::send(output, &send),
        Command::Start(start) => deliveries::start(output, &start),
        Command::Jobs { callback_id } => record::jobs(output, callback_id.as_deref()),
        Command::Logs(options) => logs::logs(output, &options),
        Command::Plan => endpoints::plan(output),
        Command::Sync { prune, adopt, force, checksum } => {
            endpoints::ask(output, &admin::sync(prune, adopt, force, checksum.as_deref()))
        }
        Command::Rotate { endpoint, revoke } => endpoints::rotate(output, &endpoint, revoke),
        Command::Endpoints => endpoints::ask(output, &json!({"action": "list"})),
        Command::Verify { endpoint } => endpoints::verify(output, endpoint.as_deref()),
        Command::Backfill(options) => recovery::backfill(output, &options),
        Command::Recover => recovery::plain(output, "recover"),
        Command::Track(options) => recovery::track(output, &options),
        Command::Sweep => recovery::plain(output, "sweep"),
        Command::Refresh(options) => recovery::refresh(output, &options),
        Command::Redrive { letters, really } => recovery::redrive(output, &letters, really),
        Command::Purge { letters, count, partly } => recovery::purge(output, &letters, count, partly),
        Command::Explain(about) => recovery::explain(output, &about),
        Command::Replay(options) => recovery::replay(output, &options),
        Command::Doctor { no_verify } => recovery::doctor(output, no_verify),
        Command::Simulate { file } => stack::simulate(&file),
        Command::With { command } => stack::with(&command),
    });
    match done {
        Ok(code) => code,
        Err(Error::Interrupted) => ExitCode::from(130),
        // As in `make logs | head`.
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            progress::failed(error);
            ExitCode::FAILURE
        }
    }
}
