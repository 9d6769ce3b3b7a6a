//! `local`: the whole deployment on this machine. See the README, or `make help`.

mod commands;

use clap::{Parser, Subcommand};
use local::{Error, admin, progress};
use serde_json::json;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

/// The whole deployment on this machine.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build, start a local AWS, deploy, demonstrate; then stay until Ctrl-C
    Run {
        /// End after the demonstration, with status 1 if anything is not as it should be
        #[arg(long)]
        once: bool,
    },
    /// Build, start a local AWS and deploy, and leave it running; again: update it
    Up,
    /// Stop what `up` started
    Down,
    /// Sign and post a delivery, and show the job it belongs to
    Send {
        /// A file with the body
        file: PathBuf,
        /// The webhook endpoint
        #[arg(long, default_value = "main")]
        endpoint: String,
    },
    /// Show the jobs and events of a callback id, or all jobs
    Jobs {
        /// The callback id, or the entity id of a job that has none
        callback_id: Option<String>,
    },
    /// Show what the functions logged
    Logs {
        /// Go on until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
    /// What would change at HeyGen
    Plan,
    /// Bring the endpoints at HeyGen in step
    Sync {
        /// Delete those that are this stack's and not wanted
        #[arg(long)]
        prune: bool,
        /// Delete or replace more than the limits allow
        #[arg(long)]
        force: bool,
        /// Only if the plan is still the one that had this checksum
        #[arg(long)]
        checksum: Option<String>,
    },
    /// Give an endpoint a new signing secret
    Rotate {
        /// The webhook endpoint
        endpoint: String,
    },
    /// Show the endpoints, with their state at HeyGen
    Endpoints,
    /// Simulate HeyGen until a signal comes
    #[command(hide = true)]
    Simulate {
        /// The file that says where, once it listens
        file: PathBuf,
    },
    /// Run a command against a fresh stack, or against that of STACK_JSON
    With {
        /// The command; the stack's file is in its environment as STACK_JSON
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let done = local::listen_to_signals().and_then(|()| match Arguments::parse().command {
        Command::Run { once } => commands::run(once),
        Command::Up => commands::up(),
        Command::Down => commands::down(),
        Command::Send { file, endpoint } => commands::send(&file, &endpoint),
        Command::Jobs { callback_id } => commands::jobs(callback_id.as_deref()),
        Command::Logs { follow } => commands::logs(follow),
        Command::Plan => commands::admin(&json!({"action": "plan"})),
        Command::Sync { prune, force, checksum } => commands::admin(&admin::sync(prune, force, checksum.as_deref())),
        Command::Rotate { endpoint } => commands::admin(&json!({"action": "rotate", "endpoint": endpoint})),
        Command::Endpoints => commands::admin(&json!({"action": "list"})),
        Command::Simulate { file } => commands::simulate(&file),
        Command::With { command } => commands::with(&command),
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
