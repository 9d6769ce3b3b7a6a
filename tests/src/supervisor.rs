//! A program that never outlives its reason: it runs under `supervise.py`, in a process group of its
//! own, which ends as a whole when this process does, however that happens.

use crate::error::{Doing, Error, Result};
use crate::place::{Place, workspace};
use crate::process;
use crate::tools::Tools;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::process::CommandExt;
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

/// A supervised program. Dropped, it is stopped, unless it may stay.
#[derive(Debug)]
pub struct Supervised {
    child: Child,
    stdin: Option<ChildStdin>,
    until: Until,
}

/// Starts a program for a stack; one stack has one at most.
pub fn start(place: &Place, tools: &Tools, program: &Program, until: Until) -> Result<Supervised> {
    fs::create_dir_all(place.temporary()).doing("Creating a temporary directory")?;
    let log = File::create(place.log()).doing("Creating the local AWS's log")?;
    let mut command = Command::new(tools.program("python"));
    command.arg(workspace().join("tests/supervise.py"));
    command.arg("--lock").arg(place.lock());
    command.arg("--remove").arg(place.temporary()).arg("--remove").arg(place.stack_json());
    command.args(program.stop.iter().map(|word| format!("--stop={word}")));
    command.args((until == Until::Stopped).then_some("--stay"));
    command.arg("--").args(&program.command);
    command.env_clear().envs(["PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.env("TMPDIR", place.temporary()).envs(program.env.iter().cloned());
    command.stdin(if until == Until::WeEnd { Stdio::piped() } else { Stdio::null() });
    command.stdout(log.try_clone().doing("Opening the local AWS's log")?).stderr(log);
    let mut child = process::spawn(command.process_group(0))?;
    Ok(Supervised { stdin: child.stdin.take(), child, until })
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
        writeln!(stdin, "{line}").doing("Telling the supervisor")
    }

    /// Ends the program and everything it started, and waits until that is done.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        self.until = Until::Stopped;
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
                kill_process_group(group, Signal::KILL).map_err(std::io::Error::from).doing("Ending the local AWS")?;
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if self.until == Until::WeEnd {
            // Nobody is left to tell; the supervisor does the same by itself.
            let _ = self.end();
        }
    }
}

/// The process group that a stack runs in, if it does. What is asked is the lock and not the
/// number, which another program may have by now.
pub fn running(place: &Place) -> Result<Option<Pid>> {
    let file = match File::open(place.lock()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.doing("Opening the supervisor's lock")?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).doing("Asking for the supervisor's lock"),
        Err(TryLockError::WouldBlock) => {
            let text = fs::read_to_string(place.lock()).doing("Reading the supervisor's lock")?;
            let pid = text.trim().parse().ok().and_then(Pid::from_raw);
            // It was taken this moment, and the number is not written yet.
            pid.map(Some).ok_or_else(|| Error::failed("a local AWS is just being started; try again"))
        }
    }
}

/// Ends what runs in a stack's place, whoever started it. False if nothing did.
pub fn stop_running(place: &Place) -> Result<bool> {
    let Some(group) = running(place)? else { return Ok(false) };
    let deadline = Instant::now() + GRACE;
    // Errors mean that it is gone already.
    let _ = kill_process(group, Signal::TERM);
    while running(place)? == Some(group) {
        if Instant::now() >= deadline {
            let _ = kill_process_group(group, Signal::KILL);
        }
        thread::sleep(POLL);
    }
    Ok(true)
}
