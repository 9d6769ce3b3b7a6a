//! The simulator as a separate process, beside a local AWS.

use crate::error::{Context, Result};
use crate::stack_dir::{Part, StackDir, write_private};
use crate::supervisor::{self, Program, Supervised, Until};
use crate::tools::Tools;
use crate::{interrupt, progress};
use simulator::{Access, Options, Simulator};
use std::fs;
use std::path::Path;
use std::time::Duration;

const START_LIMIT: Duration = Duration::from_secs(30);

/// Simulates HeyGen until a signal comes. Once it listens, the file has its URL and API key, readable by its owner only.
pub fn serve(file: &Path) -> Result<()> {
    // HeyGen waits for 1 s. A local AWS starts its functions on a machine that may be busy.
    let simulator = Simulator::start(Options { check_limit: Duration::from_secs(5), ..Options::default() })?;
    let json = serde_json::to_vec_pretty(&simulator.access()).context("Writing the simulated HeyGen's URL as JSON")?;
    write_private(file, &json)?;
    interrupt::wait(|| false);
    Ok(())
}

/// The program that runs [`serve`] for a stack, given the executable of the command `local`.
pub fn program(executable: &Path, place: &StackDir) -> Program {
    let command = vec![executable.into(), "simulate".into(), place.simulator_json().into()];
    Program { command, ..Program::default() }
}

/// Starts one for a stack that has none running, from the command `local`.
pub fn start(tools: &Tools, place: &StackDir, until: Until) -> Result<(Access, Supervised)> {
    let since = progress::begin("Starting", "a simulated HeyGen");
    let executable = std::env::current_exe().context("Looking for the command `local`")?;
    // A file left by a crash would be taken for that of the new process.
    match fs::remove_file(place.simulator_json()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("Removing simulator.json")?,
        _ => {}
    }
    let python = tools.program("python");
    let mut supervised = supervisor::start(place, Part::Simulator, &python, &program(&executable, place), until)?;
    let started = interrupt::poll(START_LIMIT, Duration::from_millis(10), || {
        let access = access(place).ok();
        Ok((access.is_some() || supervised.ended()).then_some(access))
    })?;
    let access = started.flatten().ok_or_else(|| supervisor::did_not_start(place, Part::Simulator))?;
    progress::done("Started", format_args!("a simulated HeyGen at {}", access.url), since);
    Ok((access, supervised))
}

/// The URL and API key of the running one.
pub fn access(place: &StackDir) -> Result<Access> {
    let what = "Reading simulator.json";
    serde_json::from_slice(&fs::read(place.simulator_json()).context(what)?).context(what)
}
