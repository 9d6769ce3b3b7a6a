#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod calls;
mod clock;
mod control;
mod endpoints;
mod error;
mod faults;
mod gate;
pub mod http;
mod idempotency;
mod jobs;
mod links;
mod log;
mod options;
mod outgoing;
mod pages;
mod platforms;
mod random;
mod receiver;
mod rejection;
mod remote;
mod report;
mod sender;
mod server;
mod settings;
mod shown;
mod status;
mod strict;
mod v1;
mod v3;

pub use calls::Call;
pub use control::RegisteredEndpoint;
pub use endpoints::Endpoint;
pub use error::{Error, Result};
pub use faults::{Edit, Fault, RetryAfter, When};
pub use jobs::{Ends, JobKind, JobOutcome, StartJob};
pub use log::{Attempt, Delivery, Progress};
pub use options::{Existing, Headers, Options, PlatformOptions, Retries, RetrySignatures};
pub use platforms::{Api, CallbackUrl, Notify, Product, Webhook, Workspace};
pub use receiver::{Received, Receiver};
pub use remote::{Access, Remote};
pub use sender::Disturbance;
pub use settings::{Change, PlatformChange};
pub use webhook::Platform;

use axum::http::StatusCode;
use axum::{Router, middleware};
use clock::Clock;
use heygen::Secret;
use rejection::Rejection;
use serde_json::Value;
use server::Server;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;

/// A simulated HeyGen, with the other platforms beside it, which runs until it is dropped. Threads may share it.
pub struct Simulator {
    server: Server,
    world: Arc<World>,
    api_key: String,
}

/// The state of what is simulated.
struct World {
    options: Options,
    /// The base URL, known once it runs.
    url: OnceLock<String>,
    link_secret: Secret,
    clock: Clock,
    endpoints: endpoints::Endpoints,
    outgoing: outgoing::Outgoing,
    pages: pages::Pages,
    idempotency: idempotency::Idempotency,
    sites: platforms::Sites,
    jobs: jobs::Jobs,
    settings: Mutex<settings::Settings>,
    log: log::Log,
    sender: sender::Sender,
}

impl Simulator {
    /// Starts a simulator on a free port of 127.0.0.1. It blocks, so do not call it in an async runtime.
    ///
    /// # Errors
    ///
    /// No port or no thread is available.
    pub fn start(options: Options) -> Result<Self> {
        let world = Arc::new(World::new(options));
        let router = Router::new()
            .merge(v3::router())
            .merge(v1::router())
            .merge(status::router())
            .merge(platforms::router())
            .fallback(async || Rejection::not_found("Path"))
            .method_not_allowed_fallback(async || {
                Rejection::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed")
            })
            .layer(middleware::from_fn_with_state(Arc::clone(&world), gate::gate))
            // Not behind the gate: these are not calls of HeyGen's API.
            .merge(control::router(&world))
            .merge(links::router())
            .with_state(Arc::clone(&world));
        let server = Server::start(router)?;
        world.url.get_or_init(|| server.url());
        let api_key = world.access(Platform::HeyGen).api_key;
        Ok(Simulator { server, world, api_key })
    }

    /// The base URL of the API, without a trailing slash.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The API key, which is accepted as `X-Api-Key` and as a bearer token.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// What another process needs to call it, and to control it with a [`Remote`].
    pub fn access(&self) -> Access {
        Access { url: self.url(), api_key: self.api_key().to_owned() }
    }

    /// One platform: its API, its webhooks, and the faults of its calls.
    pub fn api(&self, platform: Platform) -> Api<'_> {
        Api { simulator: self, platform }
    }

    /// The registered endpoints, in the order of their registration.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.world.endpoints.all()
    }

    /// Registers an endpoint without a call of the API, and returns its id.
    pub fn register(&self, existing: Existing) -> String {
        self.world.endpoints.register(existing, self.world.clock.now()).endpoint_id
    }

    /// Disables an endpoint, for which the API has no call. Returns whether the endpoint exists.
    pub fn disable(&self, endpoint_id: &str) -> bool {
        self.world.endpoints.change(endpoint_id, |endpoint| endpoint.enabled = false).is_ok()
    }

    /// Sets the simulator's clock forward, to let idempotency keys and links expire. Running jobs and retries do not
    /// follow it.
    pub fn advance(&self, by: Duration) {
        self.world.clock.advance(by);
    }

    /// Injects a fault into one call of HeyGen's API. Of several faults that match a call, the one that was
    /// injected first applies to it.
    pub fn inject(&self, when: When, fault: Fault) {
        self.world.site(Platform::HeyGen).faults.inject(when, fault);
    }

    /// All calls of HeyGen's API so far.
    pub fn calls(&self) -> Vec<Call> {
        self.world.site(Platform::HeyGen).calls.all()
    }

    /// The number of calls that requested a change.
    pub fn mutating_calls(&self) -> usize {
        self.calls().iter().filter(|call| call.is_mutating()).count()
    }

    /// Delivers an event to every enabled endpoint that subscribes to its type, and returns the event's
    /// id. The type may be unknown: HeyGen sends types that its own lists do not contain.
    pub fn emit(&self, event_type: &str, event_data: Value) -> String {
        let _runtime = self.server.enter();
        self.world.emit(event_type, event_data)
    }

    /// Like [`Simulator::emit`], but delivers `body` byte for byte. It need not be JSON.
    pub fn emit_body(&self, body: impl Into<Vec<u8>>) -> String {
        let _runtime = self.server.enter();
        self.world.emit_body(body.into(), None)
    }

    /// Disturbs the delivery of the next event. If called several times, each call applies to one event.
    pub fn disturb(&self, disturbance: Disturbance) {
        self.world.sender.disturb(disturbance);
    }

    /// Starts a job and returns its id. After [`Options::job_duration`] it ends, and its event is delivered.
    pub fn start_job(&self, kind: JobKind, callback_id: Option<&str>, outcome: JobOutcome) -> String {
        let ends = Ends::After(self.world.options.job_duration);
        let callback_id = callback_id.map(str::to_owned);
        let job = StartJob { kind, callback_id, callback_url: None, outcome, ends, disturbance: None };
        self.start_jobs(vec![job]).concat()
    }

    /// Starts many jobs, running or ended, and returns their ids.
    pub fn start_jobs(&self, jobs: Vec<StartJob>) -> Vec<String> {
        let _runtime = self.server.enter();
        self.world.start_jobs(jobs)
    }

    /// Ends a job that is running, whatever it was started with. Without a disturbance of its own, the next of
    /// [`Simulator::disturb`] applies to its event. Returns whether such a job was running.
    pub fn end_job(&self, job_id: &str, outcome: JobOutcome, disturbance: Option<Disturbance>) -> bool {
        let _runtime = self.server.enter();
        self.world.end_job(job_id, Some(outcome), disturbance)
    }

    /// Forgets a job, as if its platform had deleted it: no list has it and no call finds it. If it is running, its end is not
    /// reported. Returns whether there was one.
    pub fn forget(&self, job_id: &str) -> bool {
        self.world.jobs.forget(job_id)
    }

    /// Changes options while the simulator runs.
    pub fn change(&self, change: Change) {
        self.world.change(change);
    }

    /// The simulator's time.
    pub fn now(&self) -> OffsetDateTime {
        self.world.clock.now()
    }

    /// All deliveries so far, with their attempts.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.world.log.deliveries()
    }

    /// Waits until no job is running and no delivery is in flight. Jobs that never end do not count.
    ///
    /// # Errors
    ///
    /// It took longer than `limit`, or a delivery failed after its last attempt.
    pub fn wait_until_delivered(&self, limit: Duration) -> Result<()> {
        self.world.log.wait_until_delivered(limit)
    }
}

impl World {
    fn new(options: Options) -> Self {
        let world = World {
            outgoing: outgoing::Outgoing::new(&options),
            sites: platforms::Sites::new(&options),
            settings: Mutex::new(settings::Settings::of(&options)),
            clock: Clock::behind(options.behind),
            options,
            url: OnceLock::new(),
            link_secret: random::secret(),
            endpoints: endpoints::Endpoints::default(),
            pages: pages::Pages::default(),
            idempotency: idempotency::Idempotency::default(),
            jobs: jobs::Jobs::default(),
            log: log::Log::default(),
            sender: sender::Sender::default(),
        };
        for existing in &world.options.endpoints {
            world.endpoints.register(existing.clone(), world.clock.now());
        }
        world
    }
}

/// Omits the API key and the secrets.
impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, endpoints) = (self.url(), self.endpoints());
        f.debug_struct("Simulator").field("url", &url).field("endpoints", &endpoints).finish_non_exhaustive()
    }
}

/// Ignores poisoning: a thread that panicked has already failed its test.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
