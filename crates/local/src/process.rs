//! Running other programs: interruptible, with their output in the error when they fail.

use crate::error::{Context, Error, Result};
use crate::interrupt;
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(20);
/// The time to end after SIGTERM, before SIGKILL.
const GRACE: Duration = Duration::from_secs(10);

/// Starts a program; if it is missing, the error has its name.
pub fn spawn(command: &mut Command) -> Result<Child> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.spawn().context(format!("Could not start {name}"))
}

/// Waits for a program. If a signal comes first, the program is asked to end, and is waited for.
pub fn wait(child: &mut Child) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().context("Waiting for a program")? {
            return Ok(status);
        }
        if let Err(interrupted) = interrupt::check() {
            end(child)?;
            return Err(interrupted);
        }
        thread::sleep(POLL);
    }
}

fn end(child: &mut Child) -> Result<()> {
    // An error means that it has ended already.
    let _ = kill_process(pid(child)?, Signal::TERM);
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        if child.try_wait().context("Waiting for a program")?.is_some() {
            return Ok(());
        }
        thread::sleep(POLL);
    }
    child.kill().context("Ending a program")?;
    child.wait().context("Waiting for a program")?;
    Ok(())
}

/// Removes the variables that `cargo run` sets for its program: some build scripts, such as that of ring, depend on them
/// and would run again each time that cargo runs inside cargo.
pub fn outside_cargo(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if [b"CARGO_PKG_".as_slice(), b"CARGO_MANIFEST_"].iter().any(|own| name.as_encoded_bytes().starts_with(own)) {
            command.env_remove(name);
        }
    }
    command
}

/// A child's process id.
pub fn pid(child: &Child) -> Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| Error::failed("a process id is out of range"))
}

/// Runs a program to its end and returns its output. If it fails, the error has its output.
pub fn capture(command: &mut Command) -> Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(command)?;
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let status = wait(&mut child)?;
    let join = |thread: thread::JoinHandle<Vec<u8>>| thread.join().unwrap_or_default();
    let (stdout, stderr) = (join(stdout), join(stderr));
    if status.success() {
        return Ok(stdout);
    }
    let output = String::from_utf8_lossy(if stderr.is_empty() { &stdout } else { &stderr });
    Err(Error::Failed(format!("{name} failed ({status}):\n{}", output.trim())))
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read until an error is still worth showing.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
}
