//! A local stack from nothing: tools, build, a local AWS, deployment, secrets.

use crate::backend::{Backend, Launch};
use crate::deploy::{LocalAws, deploy, random_secret};
use crate::error::{Doing, Error, Result};
use crate::http::Http;
use crate::place::Place;
use crate::stack::Stack;
use crate::supervisor::{self, Supervised, Until};
use crate::tools::Tools;
use crate::{Client, binaries, interrupt, progress};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// The documented secret of the endpoint `main` of a local stack.
pub const TEST_SECRET: &str = "whsec_dGVzdF9zZWNyZXQ=";

const START_LIMIT: Duration = Duration::from_secs(60);
const ATTEMPTS: u32 = 3;

/// What a stack is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To be looked at and played with: endpoints `main` and `second`.
    Main,
    /// For tests: also `unset`, which has no secret, and `rotating`, whose secret a test may change.
    Test,
}

impl Kind {
    /// Where its files are.
    pub fn place(self) -> Place {
        match self {
            Kind::Main => Place::main(),
            Kind::Test => Place::test(),
        }
    }

    fn endpoints(self) -> &'static [&'static str] {
        match self {
            Kind::Main => &["main", "second"],
            Kind::Test => &["main", "second", "unset", "rotating"],
        }
    }
}

/// A local stack that was started here. Dropped, it is stopped, unless it was started to stay.
#[derive(Debug)]
pub struct Running {
    /// What a client has to know of it.
    pub stack: Stack,
    supervised: Supervised,
}

impl Running {
    /// Builds the current code and starts a fresh stack. One that runs in the same place is stopped.
    pub fn start(kind: Kind, until: Until) -> Result<Self> {
        let place = kind.place();
        place.create()?;
        let tools = Tools::install()?;
        binaries::build(&place)?;
        if supervisor::stop_running(&place)? {
            progress::note("Stopped", "the local stack that was running");
        }
        let (aws, supervised) = start_aws(&tools, &place, until)?;
        // From here on, an error stops it.
        let mut running = Guard(Some(supervised));
        let stack = install(&aws, &tools, &place, kind)?;
        let supervised = running.0.take().ok_or_else(|| Error::failed("the local AWS is gone"))?;
        Ok(Running { stack, supervised })
    }

    /// The supervisor of its processes.
    pub fn supervised(&mut self) -> &mut Supervised {
        &mut self.supervised
    }

    /// Stops it, and waits until nothing of it is left.
    pub fn stop(self) -> Result<()> {
        self.supervised.stop()
    }
}

/// Brings the current code into the stack that is running, or starts one that stays.
pub fn up() -> Result<Stack> {
    let place = Kind::Main.place();
    if supervisor::running(&place)?.is_some()
        && let Ok(Stack { aws_endpoint: Some(endpoint), credentials: Some(credentials), .. }) =
            Stack::read(&place.stack_json())
    {
        progress::note("Running", "already; updating it with the current code");
        let tools = Tools::install()?;
        binaries::build(&place)?;
        let aws = LocalAws { backend: Backend::from_env()?, endpoint, credentials };
        return install(&aws, &tools, &place, Kind::Main);
    }
    Ok(Running::start(Kind::Main, Until::Stopped)?.stack)
}

/// Stops the stack of `make up` or `make run`. False if none was running.
pub fn down() -> Result<bool> {
    supervisor::stop_running(&Kind::Main.place())
}

/// A program that stays must still not stay behind a failed start.
struct Guard(Option<Supervised>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(supervised) = self.0.take()
            && let Err(error) = supervised.stop()
        {
            progress::failed(error);
        }
    }
}

fn start_aws(tools: &Tools, place: &Place, until: Until) -> Result<(LocalAws, Supervised)> {
    let backend = Backend::from_env()?;
    let since = progress::begin("Starting", format_args!("a local AWS ({})", backend.name()));
    let mut attempt = 1;
    loop {
        let launch = backend.launch(tools, free_port()?)?;
        let mut supervised = Guard(Some(supervisor::start(place, tools, &launch.program, until)?));
        let ready = wait_until_ready(&launch, supervised.0.as_mut())?;
        if ready && let Some(supervised) = supervised.0.take() {
            let Launch { endpoint, credentials, .. } = launch;
            progress::done("Started", format_args!("{} at {endpoint}", backend.name()), since);
            return Ok((LocalAws { backend, endpoint, credentials }, supervised));
        }
        let log = std::fs::read_to_string(place.log()).unwrap_or_default();
        // Between our look and its start, another program may have taken the port.
        if !log.contains("already in use") || attempt == ATTEMPTS {
            let lines: Vec<_> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(15)..].join("\n");
            let name = backend.name();
            return Err(Error::Failed(format!("{name} did not start; the end of {}:\n{tail}", place.log().display())));
        }
        attempt += 1;
    }
}

fn free_port() -> Result<u16> {
    let what = "Looking for a free port";
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .doing(what)
}

fn wait_until_ready(launch: &Launch, mut supervised: Option<&mut Supervised>) -> Result<bool> {
    let http = Http::new(Duration::from_secs(1));
    let url = format!("{}{}", launch.endpoint, launch.health);
    let ready = interrupt::poll(START_LIMIT, Duration::from_millis(50), || {
        if supervised.as_mut().is_none_or(|supervised| supervised.ended()) {
            return Ok(Some(false));
        }
        Ok(http.get(&url).is_ok_and(|answer| answer.status == 200).then_some(true))
    })?;
    Ok(ready == Some(true))
}

/// Deploys, stores the endpoints' secrets, and says where everything is.
fn install(aws: &LocalAws, tools: &Tools, place: &Place, kind: Kind) -> Result<Stack> {
    let since: Instant = progress::begin("Deploying", "template.yaml");
    let stack = deploy(aws, tools, place, kind.endpoints())?;
    let client = Client::new(stack.clone())?;
    for endpoint in &stack.endpoints {
        let secret = match endpoint.name.as_str() {
            "unset" => continue,
            "main" => TEST_SECRET.to_owned(),
            // An update keeps it.
            name if client.secret(name).is_ok() => continue,
            _ => random_secret()?,
        };
        client.put_secret(&endpoint.name, &serde_json::json!({ "current": secret }))?;
    }
    stack.save(place)?;
    progress::done("Deployed", format_args!("to {}", stack.api_url), since);
    Ok(stack)
}
