//! Starting a local stack: tools, build, a simulated HeyGen, a local AWS, deployment.

use crate::backend::{Backend, Launch};
use crate::deploy::{LocalAws, deploy, random_secret};
use crate::desired::Desired;
use crate::error::{Context, Error, Result};
use crate::stack::Stack;
use crate::stack_dir::{Part, StackDir};
use crate::supervisor::{self, Supervised, Until};
use crate::tools::Tools;
use crate::{Client, admin, binaries, interrupt, progress, schedules, simulated};
use simulator::Access;
use simulator::http::Http;
use std::net::TcpListener;
use std::time::{Duration, Instant};

const START_LIMIT: Duration = Duration::from_secs(60);
const END_LIMIT: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 3;

/// The purpose of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `make run` and `make up`: the endpoints of `endpoints.json`.
    Main,
    /// For tests, with endpoints of their own.
    Test,
}

impl Kind {
    pub fn place(self) -> StackDir {
        match self {
            Kind::Main => StackDir::main(),
            Kind::Test => StackDir::test(),
        }
    }

    /// An error if a stack of this kind is running, that says what to do.
    fn reject_a_second(self, place: &StackDir) -> Result<()> {
        // One that was interrupted takes a moment to end.
        let ended = interrupt::poll(END_LIMIT, Duration::from_millis(100), || {
            let running = Part::ALL.iter().map(|part| supervisor::running(place, *part)).collect::<Result<Vec<_>>>()?;
            Ok(running.iter().all(Option::is_none).then_some(()))
        })?;
        ended.ok_or_else(|| {
            Error::failed(match self {
                Kind::Main => {
                    "a local stack is running already: use it (`make send`, `make jobs`, …; `make up` updates it), \
                     or stop it with `make down` first"
                }
                Kind::Test => "a test stack is running already: wait until the other `make test` ends",
            })
        })
    }

    fn desired(self) -> Result<Desired> {
        match self {
            Kind::Main => Desired::checked_in(),
            Kind::Test => Ok(Desired::for_tests()),
        }
    }
}

/// A local stack that this process started. Dropped, it is stopped, unless it was started to stay.
#[derive(Debug)]
pub struct Running {
    pub stack: Stack,
    simulator: Supervised,
    aws: Supervised,
}

impl Running {
    /// Builds the current code and starts a fresh stack. For one that ends with its command, a running stack of
    /// this kind is an error; for one that stays, the rest of another is stopped.
    pub fn start(kind: Kind, until: Until) -> Result<Self> {
        let place = kind.place();
        place.create()?;
        if until == Until::WeEnd {
            kind.reject_a_second(&place)?;
        }
        let tools = Tools::install()?;
        binaries::build(&place)?;
        if supervisor::stop_running(&place)? {
            progress::note("Stopped", "the local stack that was running");
        }
        let (heygen, mut simulator) = simulated::start(&tools, &place, until)?;
        let (local_aws, mut aws) = start_aws(&tools, &place, until)?;
        let stack = install(&local_aws, &place, kind, &heygen)?;
        simulator.leave();
        aws.leave();
        Ok(Running { stack, simulator, aws })
    }

    /// The supervisor of its local AWS.
    pub fn supervised(&mut self) -> &mut Supervised {
        &mut self.aws
    }

    /// A part of it that has ended by itself.
    pub fn ended(&mut self) -> Option<Part> {
        let parts = [(Part::Simulator, &mut self.simulator), (Part::Aws, &mut self.aws)];
        parts.into_iter().find_map(|(part, supervised)| supervised.ended().then_some(part))
    }

    /// Stops it, and waits until nothing of it is left.
    pub fn stop(self) -> Result<()> {
        let simulator = self.simulator.stop();
        self.aws.stop().and(simulator)
    }
}

/// Brings the current code into the stack that is running, or starts one that stays.
pub fn up() -> Result<Stack> {
    let place = Kind::Main.place();
    let runs = |part| supervisor::running(&place, part).map(|group| group.is_some());
    if runs(Part::Aws)?
        && runs(Part::Simulator)?
        && let Ok(heygen) = simulated::access(&place)
        && let Ok(Stack { aws_endpoint: Some(endpoint), credentials: Some(credentials), .. }) =
            Stack::read(&place.stack_json())
    {
        progress::note("Running", "already; updating it with the current code");
        binaries::build(&place)?;
        let aws = LocalAws { backend: Backend::from_env()?, endpoint, credentials };
        return install(&aws, &place, Kind::Main, &heygen);
    }
    Ok(Running::start(Kind::Main, Until::Stopped)?.stack)
}

/// Stops the stack of `make up` or `make run`. False if none was running.
pub fn down() -> Result<bool> {
    supervisor::stop_running(&Kind::Main.place())
}

fn start_aws(tools: &Tools, place: &StackDir, until: Until) -> Result<(LocalAws, Supervised)> {
    let backend = Backend::from_env()?;
    let since = progress::begin("Starting", format_args!("a local AWS ({})", backend.name()));
    let mut attempt = 1;
    loop {
        let launch = backend.launch(tools, free_port()?)?;
        let mut supervised = supervisor::start(place, Part::Aws, &tools.program("python"), &launch.program, until)?;
        if wait_until_ready(&launch, &mut supervised)? {
            let Launch { endpoint, credentials, .. } = launch;
            progress::done("Started", format_args!("{} at {endpoint}", backend.name()), since);
            return Ok((LocalAws { backend, endpoint, credentials }, supervised));
        }
        let log = std::fs::read_to_string(place.log(Part::Aws)).unwrap_or_default();
        // Another program may have taken the port since it was found free.
        if !log.contains("already in use") || attempt == ATTEMPTS {
            return Err(supervisor::did_not_start(place, Part::Aws));
        }
        attempt += 1;
    }
}

fn free_port() -> Result<u16> {
    let what = "Looking for a free port";
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .context(what)
}

fn wait_until_ready(launch: &Launch, supervised: &mut Supervised) -> Result<bool> {
    let http = Http::new(Duration::from_secs(1));
    let url = format!("{}{}", launch.endpoint, launch.health);
    let ready = interrupt::poll(START_LIMIT, Duration::from_millis(50), || {
        if supervised.ended() {
            return Ok(Some(false));
        }
        Ok(http.get(&url).is_ok_and(|answer| answer.status == 200).then_some(true))
    })?;
    Ok(ready == Some(true))
}

/// Deploys, which registers the endpoints, and describes the stack in its directory.
fn install(aws: &LocalAws, place: &StackDir, kind: Kind, heygen: &Access) -> Result<Stack> {
    let since: Instant = progress::begin("Deploying", "template.yaml");
    let stack = deploy(aws, place, &kind.desired()?, heygen)?;
    if kind == Kind::Test {
        let (client, secret) = (Client::new(stack.clone())?, serde_json::json!({ "current": random_secret()? }));
        client.put_secret("rotating", &secret)?;
        schedules::pause(client.api())?;
    }
    stack.save(place)?;
    progress::done("Deployed", format_args!("to {}", stack.api_url), since);
    report_registration(&stack)?;
    Ok(stack)
}

fn report_registration(stack: &Stack) -> Result<()> {
    let plan = admin::ask(stack, &serde_json::json!({"action": "plan"}))?;
    let list = |field: &str| plan[field].as_array().cloned().unwrap_or_default();
    let names: Vec<_> = list("unchanged").iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    if !names.is_empty() {
        progress::note("Registered", format_args!("{} at the simulated HeyGen", names.join(", ")));
    }
    if !list("changes").is_empty() {
        progress::note("Pending", "changes at HeyGen: `make plan` shows them, `make sync` applies them");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_second_stack_is_rejected_while_any_part_of_the_first_runs() {
        let place = StackDir::at(std::env::temp_dir().join(format!("running-{}", std::process::id())));
        place.create().unwrap();
        assert!(Kind::Main.reject_a_second(&place).is_ok());
        // As its supervisor does.
        let lock = fs::File::create(place.lock(Part::Aws)).unwrap();
        lock.lock().unwrap();
        fs::write(place.lock(Part::Aws), "1\n").unwrap();
        let error = Kind::Main.reject_a_second(&place).unwrap_err().to_string();
        assert!(error.contains("is running already") && error.contains("`make down` first"), "{error}");
        fs::remove_dir_all(place.stack_json().parent().unwrap()).unwrap();
    }
}
