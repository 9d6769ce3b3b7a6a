//! Nothing that was started is left behind, however it comes to its end.

#![allow(clippy::unwrap_used, clippy::panic)]

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A program with a child of its own, as the local AWS has the functions. It says when both run.
const FAMILY: &str = "sleep 600 & echo started; wait";

struct Supervised {
    child: Child,
    files: PathBuf,
}

impl Supervised {
    fn start(name: &str, program: &str, options: &[&str]) -> Self {
        let files = std::env::temp_dir().join(format!("supervise-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&files).unwrap();
        let mut command = Command::new("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/supervise.py")).arg("--lock").arg(files.join("lock"));
        command.arg("--remove").arg(files.join("stack.json")).args(options).args(["--", "sh", "-c", program]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        std::fs::write(files.join("stack.json"), "{}").unwrap();
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "started\n");
        Supervised { child, files }
    }

    fn group(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for the end of the whole group.
    fn wait_until_gone(mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let group = self.group();
        // A killed process stays in its group until somebody reaps it.
        while self.child.try_wait().unwrap().is_none()
            || !(test_kill_process_group(group).is_err() || only_zombies(group))
        {
            if Instant::now() >= deadline {
                kill_process_group(group, Signal::KILL).unwrap();
                panic!("something of the group was left");
            }
            thread::sleep(Duration::from_millis(10));
        }
        assert!(!self.files.join("stack.json").exists(), "what says that it runs is removed");
        std::fs::remove_dir_all(&self.files).unwrap();
    }
}

/// Whether all that is left of the group has ended and waits to be reaped. Known on Linux only.
fn only_zombies(group: Pid) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    let group = group.as_raw_nonzero().to_string();
    processes.flatten().all(|process| {
        let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // "PID (NAME) STATE PARENT GROUP …"
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.get(2) != Some(&group.as_str()) || fields[0] == "Z"
    })
}

#[test]
fn it_ends_when_its_starter_dies() {
    let mut supervised = Supervised::start("eof", FAMILY, &[]);
    // What the kernel does for a process that is killed.
    drop(supervised.child.stdin.take());
    supervised.wait_until_gone();
}

#[test]
fn it_ends_when_it_is_told_to() {
    let supervised = Supervised::start("term", FAMILY, &["--stay"]);
    kill_process(supervised.group(), Signal::TERM).unwrap();
    supervised.wait_until_gone();
}

#[test]
fn it_ends_when_the_program_does() {
    Supervised::start("end", "sleep 600 & echo started", &[]).wait_until_gone();
}

#[test]
fn one_that_may_stay_outlives_its_starter() {
    let mut supervised = Supervised::start("stay", FAMILY, &["--stay"]);
    drop(supervised.child.stdin.take());
    thread::sleep(Duration::from_millis(200));
    assert!(supervised.child.try_wait().unwrap().is_none());
    kill_process(supervised.group(), Signal::TERM).unwrap();
    supervised.wait_until_gone();
}
