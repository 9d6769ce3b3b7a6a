#![doc = include_str!("../README.md")]

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
mod log;
mod options;
mod outgoing;
mod pages;
mod random;
mod receiver;
mod rejection;
mod remote;
mod sender;
mod server;
mod status;
mod strict;
mod v1;
mod v3;

pub use calls::Call;
pub use control::RegisteredEndpoint;
pub use endpoints::Endpoint;
pub use error::{Error, Result};
pub use faults::{Fault, RetryAfter, When};
pub use jobs::{JobKind, JobOutcome};
pub use log::{Attempt, Delivery, Progress};
pub use options::{Existing, Headers, Options, Retries, RetrySignatures};
pub use receiver::{Received, Receiver};
pub use remote::{Access, Remote};
pub use sender::Disturbance;

use axum::http::StatusCode;
use axum::{Router, middleware};
use clock::Clock;
use rejection::Rejection;
use serde_json::Value;
use server::Server;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A HeyGen of one's own, until it is dropped. Threads may share it.
pub struct Simulator {
    server: Server,
    world: Arc<World>,
}

/// Everything that the simulated HeyGen knows.
struct World {
    options: Options,
    api_key: String,
    clock: Clock,
    endpoints: endpoints::Endpoints,
    outgoing: outgoing::Outgoing,
    pages: pages::Pages,
    idempotency: idempotency::Idempotency,
    calls: calls::Calls,
    faults: faults::Faults,
    jobs: jobs::Jobs,
    log: log::Log,
    sender: sender::Sender,
}

impl Simulator {
    /// Starts one. It must not be called inside of an async runtime.
    pub fn start(options: Options) -> Result<Self> {
        let world = Arc::new(World::new(options));
        let router = Router::new()
            .merge(v3::router())
            .merge(v1::router())
            .merge(status::router())
            .fallback(async || Rejection::not_found("Path"))
            .method_not_allowed_fallback(async || {
                Rejection::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed")
            })
            .layer(middleware::from_fn_with_state(Arc::clone(&world), gate::gate))
            // Beside the gate.
            .merge(control::router(&world))
            .with_state(Arc::clone(&world));
        Ok(Simulator { server: Server::start(router)?, world })
    }

    /// Where the API is, without a slash at the end.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What `X-Api-Key` has to be. It is a bearer token, too.
    pub fn api_key(&self) -> &str {
        &self.world.api_key
    }

    /// What other processes need to ask it, and to control it as a [`Remote`].
    pub fn access(&self) -> Access {
        Access { url: self.url(), api_key: self.api_key().to_owned() }
    }

    /// The endpoints, in the order of their registration.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.world.endpoints.all()
    }

    /// Registers an endpoint behind the client's back; its id.
    pub fn plant(&self, existing: Existing) -> String {
        self.world.endpoints.plant(existing, self.world.clock.now()).endpoint_id
    }

    /// Disables an endpoint, for which the API has no call. Says whether it is there.
    pub fn disable(&self, endpoint_id: &str) -> bool {
        self.world.endpoints.change(endpoint_id, |endpoint| endpoint.enabled = false).is_ok()
    }

    /// Moves the simulator's clock ahead.
    pub fn advance(&self, by: Duration) {
        self.world.clock.advance(by);
    }

    /// Orders a fault. The oldest rule that matches a call is the one that it uses up.
    pub fn order(&self, when: When, fault: Fault) {
        self.world.faults.order(when, fault);
    }

    /// Every API call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.world.calls.all()
    }

    /// How many of the calls asked for a change.
    pub fn mutating_calls(&self) -> usize {
        self.calls().iter().filter(|call| call.is_mutating()).count()
    }

    /// Delivers an event to every enabled endpoint that subscribes to it; the event's id. Any type will do:
    /// HeyGen sends types that its lists do not have.
    pub fn emit(&self, event_type: &str, event_data: Value) -> String {
        let _runtime = self.server.enter();
        self.world.emit(event_type, event_data)
    }

    /// The same, with a body of one's own, which is delivered byte for byte.
    pub fn emit_body(&self, body: impl Into<Vec<u8>>) -> String {
        let _runtime = self.server.enter();
        self.world.emit_body(body.into(), None)
    }

    /// Disturbs the next event. Several wait in a queue, one for each event.
    pub fn disturb(&self, disturbance: Disturbance) {
        self.world.sender.disturb(disturbance);
    }

    /// Starts a job, which ends after [`Options::job_duration`] and is reported then; its id.
    pub fn start_job(&self, kind: JobKind, callback_id: Option<&str>, outcome: JobOutcome) -> String {
        let _runtime = self.server.enter();
        self.world.start_job(kind, callback_id, outcome)
    }

    /// Every delivery so far, with all its attempts.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.world.log.deliveries()
    }

    /// Waits until every job that ends has ended and no delivery is in flight.
    ///
    /// # Errors
    ///
    /// It takes longer than `limit`, or a delivery was given up.
    pub fn wait_until_delivered(&self, limit: Duration) -> Result<()> {
        self.world.log.wait_until_delivered(limit)
    }
}

impl World {
    fn new(options: Options) -> Self {
        let world = World {
            outgoing: outgoing::Outgoing::new(&options),
            options,
            api_key: random::opaque(),
            clock: Clock::default(),
            endpoints: endpoints::Endpoints::default(),
            pages: pages::Pages::default(),
            idempotency: idempotency::Idempotency::default(),
            calls: calls::Calls::default(),
            faults: faults::Faults::default(),
            jobs: jobs::Jobs::default(),
            log: log::Log::default(),
            sender: sender::Sender::default(),
        };
        for existing in &world.options.endpoints {
            world.endpoints.plant(existing.clone(), world.clock.now());
        }
        world
    }
}

/// Neither the key nor a secret is shown.
impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, endpoints) = (self.url(), self.endpoints());
        f.debug_struct("Simulator").field("url", &url).field("endpoints", &endpoints).finish_non_exhaustive()
    }
}

/// A thread that panicked is a failed test already; the others may go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
