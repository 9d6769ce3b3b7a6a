//! The simulator as a supervised process of its own.

#![allow(clippy::unwrap_used)]

use local::simulated;
use local::stack_dir::{Part, StackDir};
use local::supervisor::{self, Program, Supervised, Until};
use serde_json::json;
use simulator::http::Http;
use simulator::{Access, Receiver, Remote};
use std::fs;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Names the directory of the stack that the test below starts, and dies with.
const DIRECTORY: &str = "STARTED_TO_BE_KILLED";

/// A stack's place. Also a test that fails leaves nothing behind.
struct Home {
    directory: PathBuf,
    place: StackDir,
}

impl Home {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("simulator-{name}-{}", std::process::id()));
        let place = StackDir::at(&directory);
        place.create().unwrap();
        Home { directory, place }
    }
}

impl Deref for Home {
    type Target = StackDir;

    fn deref(&self) -> &StackDir {
        &self.place
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = supervisor::stop_running(&self.place);
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn start(place: &StackDir, part: Part, program: &Program, until: Until) -> Supervised {
    supervisor::start(place, part, Path::new("python3"), program, until).unwrap()
}

fn start_simulator(place: &StackDir, until: Until) -> Supervised {
    start(place, Part::Simulator, &simulated::program(Path::new(env!("CARGO_BIN_EXE_local")), place), until)
}

/// Something that runs, with a child, as the local AWS does.
fn start_other(place: &StackDir, until: Until) -> Supervised {
    let command = ["sh", "-c", "sleep 600 & wait"].map(Into::into).to_vec();
    start(place, Part::Aws, &Program { command, ..Program::default() }, until)
}

fn listening(place: &StackDir) -> Access {
    wait_for("the simulator to listen", || place.simulator_json().exists());
    simulated::access(place).unwrap()
}

/// It holds its lock, and has written who it is.
fn runs(place: &StackDir, part: Part) -> bool {
    matches!(supervisor::running(place, part), Ok(Some(_)))
}

fn is_over(place: &StackDir, part: Part) -> bool {
    supervisor::running(place, part).unwrap().is_none()
}

fn answers(access: &Access) -> bool {
    Remote::new(access.clone()).deliveries().is_ok()
}

#[test]
fn it_says_where_it_is_to_its_owner_alone_and_delivers() {
    let place = Home::new("serves");
    let mut simulator = start_simulator(&place, Until::WeEnd);
    let access = listening(&place);
    assert_eq!(fs::metadata(place.simulator_json()).unwrap().permissions().mode() & 0o777, 0o600);

    let receiver = Receiver::start().unwrap();
    let headers = [("X-Api-Key", access.api_key.as_str()), ("Content-Type", "application/json")];
    let body = json!({"url": receiver.url()}).to_string();
    let created = Http::new(TIMEOUT)
        .send("POST", &format!("{}/v3/webhooks/endpoints", access.url), &headers, body.as_bytes())
        .unwrap();
    let secret = webhook::Secret::new(created.json()["data"]["secret"].as_str().unwrap()).unwrap();
    let remote = Remote::new(access.clone());
    remote.emit(b"{}", None).unwrap();
    remote.wait_until_settled(TIMEOUT).unwrap();
    assert!(receiver.deliveries()[0].is_signed_with(&secret));

    assert!(!simulator.ended());
    drop(simulator);
    assert!(!answers(&access) && !place.simulator_json().exists() && is_over(&place, Part::Simulator));
    let log = fs::read_to_string(place.log(Part::Simulator)).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn what_stays_stays_until_all_of_it_is_stopped() {
    let place = Home::new("stays");
    for part in [start_simulator, start_other] {
        let mut supervised = part(&place, Until::Stopped);
        supervised.leave();
    }
    let access = listening(&place);
    wait_for("the other one", || runs(&place, Part::Aws));
    assert!(answers(&access) && runs(&place, Part::Simulator));
    assert!(supervisor::stop_running(&place).unwrap());
    assert!(!answers(&access) && is_over(&place, Part::Simulator) && is_over(&place, Part::Aws));
    assert!(!place.simulator_json().exists());
    assert!(!supervisor::stop_running(&place).unwrap());
}

#[test]
fn a_start_that_fails_leaves_nothing_that_was_to_stay() {
    let place = Home::new("fails");
    let started = start_simulator(&place, Until::Stopped);
    let access = listening(&place);
    drop(started);
    assert!(!answers(&access) && is_over(&place, Part::Simulator));
}

#[test]
fn a_killed_starter_leaves_neither_the_local_aws_nor_the_simulator() {
    let place = Home::new("killed");
    let mut starter = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "starts_a_stack_to_be_killed_with", "--ignored"])
        .env(DIRECTORY, &place.directory)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let access = listening(&place);
    wait_for("the other one", || place.stack_json().exists() && runs(&place, Part::Aws));
    assert!(answers(&access) && runs(&place, Part::Simulator));
    starter.kill().unwrap();
    assert_eq!(starter.wait().unwrap().signal(), Some(9));
    wait_for("both to end", || is_over(&place, Part::Simulator) && is_over(&place, Part::Aws));
    assert!(!answers(&access) && !place.simulator_json().exists() && !place.stack_json().exists());
}

/// The starter of the test above, as a process that can be killed.
#[test]
#[ignore = "it waits to be killed"]
fn starts_a_stack_to_be_killed_with() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let place = StackDir::at(directory);
    let _parts = (start_simulator(&place, Until::WeEnd), start_other(&place, Until::WeEnd));
    fs::write(place.stack_json(), "{}").unwrap();
    thread::sleep(6 * TIMEOUT);
}
