//! Programs that are never left behind: each runs under `supervise.py`, in its own process group, which ends as a whole
//! when this process does, however that happens.

use crate::error::{Context, Error, Result};
use crate::process;
use crate::stack_dir::{Part, StackDir, workspace};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const GRACE: Duration = Duration::from_secs(25);
const POLL: Duration = Duration::from_millis(20);

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Its whole environment, but for PATH, HOME and TMPDIR: so no real account's keys get into it.
    pub env: Vec<(&'static str, OsString)>,
    /// A command that ends what ending the program does not. May be empty.
    pub stop: Vec<String>,
}

/// Whether the program may outlive this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// No: it ends with us.
    WeEnd,
    /// Yes: [`stop_running`] ends it.
    Stopped,
}

/// A supervised program. Dropped, it is stopped, unless it was started to stay: so a start that fails leaves none behind.
#[derive(Debug)]
pub struct Supervised {
    part: Part,
    child: Child,
    stdin: Option<ChildStdin>,
    until: Until,
    is_left: bool,
}

/// Starts a part of a stack, which has one at most of each.
pub fn start(place: &StackDir, part: Part, python: &Path, program: &Program, until: Until) -> Result<Supervised> {
    let temporary = place.temporary(part);
    fs::create_dir_all(&temporary).context("Creating a temporary directory")?;
    let log = File::create(place.log(part)).context(format_args!("Creating the log of {part}"))?;
    let mut command = Command::new(python);
    command.arg(workspace().join("crates/local/python/supervise.py"));
    command.arg("--lock").arg(place.lock(part));
    command.arg("--remove").arg(&temporary).arg("--remove").arg(place.description(part));
    command.args(program.stop.iter().map(|word| format!("--stop={word}")));
    command.args((until == Until::Stopped).then_some("--stay"));
    command.arg("--").args(&program.command);
    command.env_clear().envs(["PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.env("TMPDIR", temporary).envs(program.env.iter().cloned());
    command.stdin(if until == Until::WeEnd { Stdio::piped() } else { Stdio::null() });
    command.stdout(log.try_clone().context(format_args!("Opening the log of {part}"))?).stderr(log);
    let mut child = process::spawn(command.process_group(0))?;
    Ok(Supervised { part, stdin: child.stdin.take(), child, until, is_left: false })
}

/// The error for a part that ended instead of starting, with the end of its log.
pub fn did_not_start(place: &StackDir, part: Part) -> Error {
    let log = fs::read_to_string(place.log(part)).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(15)..].join("\n");
    Error::Failed(format!("{part} did not start; the end of {}:\n{tail}", place.log(part).display()))
}

impl Supervised {
    /// Whether the program has ended by itself.
    pub fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Has `child` ended as well, should this process die.
    pub fn watch(&mut self, child: &Child) -> Result<()> {
        self.tell(format_args!("watch {}", child.id()))
    }

    /// No longer: `child` has ended.
    pub fn unwatch(&mut self, child: &Child) -> Result<()> {
        self.tell(format_args!("unwatch {}", child.id()))
    }

    fn tell(&mut self, line: std::fmt::Arguments<'_>) -> Result<()> {
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        writeln!(stdin, "{line}").context("Telling the supervisor")
    }

    /// The start succeeded: a program that was started to stay does so from here on.
    pub fn leave(&mut self) {
        self.is_left = self.until == Until::Stopped;
    }

    /// Ends the program and everything it started, and waits until that is done.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        self.is_left = true;
        let group = process::pid(&self.child)?;
        // Until it is waited for, its number is not given to another.
        match self.stdin.take() {
            Some(stdin) => drop(stdin),
            None if self.ended() => return Ok(()),
            None => drop(kill_process(group, Signal::TERM)),
        }
        let deadline = Instant::now() + GRACE;
        while !self.ended() {
            if Instant::now() >= deadline {
                kill_process_group(group, Signal::KILL)
                    .map_err(std::io::Error::from)
                    .context(format_args!("Ending {}", self.part))?;
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if !self.is_left {
            // An error cannot be reported from here; the supervisor does the same by itself.
            let _ = self.end();
        }
    }
}

/// The process group of a part of a stack, if it is running. The lock decides, not the process id, which may belong to
/// another program by now.
pub fn running(place: &StackDir, part: Part) -> Result<Option<Pid>> {
    let lock = place.lock(part);
    let file = match File::open(&lock) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.context("Opening a supervisor's lock")?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).context("Asking for a supervisor's lock"),
        Err(TryLockError::WouldBlock) => {
            let text = fs::read_to_string(&lock).context("Reading a supervisor's lock")?;
            let pid = text.trim().parse().ok().and_then(Pid::from_raw);
            // The lock was just taken, and the process id is not written yet.
            pid.map(Some).ok_or_else(|| Error::Failed(format!("{part} is just being started; try again")))
        }
    }
}

/// Ends the programs of a stack, no matter which process started them. False if none was running.
pub fn stop_running(place: &StackDir) -> Result<bool> {
    let mut ran = false;
    for part in Part::ALL {
        ran |= stop_part(place, part)?;
    }
    Ok(ran)
}

fn stop_part(place: &StackDir, part: Part) -> Result<bool> {
    let Some(group) = running(place, part)? else { return Ok(false) };
    let deadline = Instant::now() + GRACE;
    // Errors mean that it is gone already.
    let _ = kill_process(group, Signal::TERM);
    while running(place, part)? == Some(group) {
        if Instant::now() >= deadline {
            let _ = kill_process_group(group, Signal::KILL);
        }
        thread::sleep(POLL);
    }
    Ok(true)
}
