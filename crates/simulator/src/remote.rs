//! A client for the controls of a simulator that runs as another process.

use crate::calls::Call;
use crate::control::{
    CALLBACK_URL, DELIVERIES, ENDPOINTS, EVENTS, Emitted, End, JOBS, NewJob, OPTIONS, PLATFORMS, RegisteredEndpoint,
    StartedJobs,
};
use crate::error::{Context, Error, Result};
use crate::http::{Http, Response};
use crate::jobs::{Ends, JobKind, JobOutcome, StartJob};
use crate::log::{Delivery, Progress};
use crate::sender::Disturbance;
use crate::settings::Change;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};
use webhook::Platform;

const HTTP_LIMIT: Duration = Duration::from_secs(10);
/// Short, because the simulator is on this machine and a demonstration waits often.
const PAUSE: Duration = Duration::from_millis(5);

/// The URL of a simulated platform's API and its key. `Debug` does not show the key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The base URL of its API, without a trailing slash.
    pub url: String,
    /// The key of its API: for HeyGen the value of `X-Api-Key`.
    pub api_key: String,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A client of a simulator's controls. All calls block; threads may share it.
#[derive(Debug, Clone)]
pub struct Remote {
    access: Access,
    http: Http,
}

impl Remote {
    /// A client for that simulator.
    pub fn new(access: Access) -> Self {
        Remote { access, http: Http::new(HTTP_LIMIT) }
    }

    /// Its URL and API key.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Delivers a body, byte for byte, to every enabled endpoint that subscribes to its type; the event's id.
    pub fn emit(&self, body: &[u8], disturbance: Option<Disturbance>) -> Result<String> {
        self.emit_with(disturbance.map(|disturbance| format!("?disturbance={}", disturbance.name())), &[], body)
    }

    /// The same, to one endpoint only, if that subscribes to the type.
    ///
    /// # Errors
    ///
    /// There is no such endpoint, or the simulator does not respond.
    pub fn emit_to(&self, endpoint_id: &str, body: &[u8]) -> Result<String> {
        self.emit_with(Some(format!("?endpoint_id={endpoint_id}")), &[], body)
    }

    /// Delivers a platform's event, byte for byte: to a callback URL, or to every webhook that gets events of its type;
    /// the event's id.
    ///
    /// # Errors
    ///
    /// The simulator does not respond.
    pub fn emit_from(
        &self,
        platform: Platform,
        callback_url: Option<&str>,
        body: &[u8],
        disturbance: Option<Disturbance>,
    ) -> Result<String> {
        let disturbance = disturbance.map(|disturbance| format!("&disturbance={}", disturbance.name()));
        let query = format!("?platform={platform}{}", disturbance.unwrap_or_default());
        let header = callback_url.map(|url| (CALLBACK_URL, url));
        self.emit_with(Some(query), header.as_slice(), body)
    }

    fn emit_with(&self, query: Option<String>, headers: &[(&str, &str)], body: &[u8]) -> Result<String> {
        let answer = self.ask("POST", &format!("{EVENTS}{}", query.unwrap_or_default()), headers, body)?;
        let emitted: Emitted =
            serde_json::from_slice(&answer.body).context("Reading the simulated HeyGen's response")?;
        Ok(emitted.event_id)
    }

    /// The registered endpoints, in the order of their registration.
    ///
    /// # Errors
    ///
    /// The simulator does not respond.
    pub fn endpoints(&self) -> Result<Vec<RegisteredEndpoint>> {
        let answer = self.ask("GET", ENDPOINTS, &[], &[])?;
        serde_json::from_slice(&answer.body).context("Reading the simulated HeyGen's endpoints")
    }

    /// The base URL of a platform's API, and its key.
    ///
    /// # Errors
    ///
    /// The simulator does not respond.
    pub fn platform(&self, platform: Platform) -> Result<Access> {
        self.read(platform, "")
    }

    /// All calls of a platform's API so far.
    ///
    /// # Errors
    ///
    /// The simulator does not respond.
    pub fn calls(&self, platform: Platform) -> Result<Vec<Call>> {
        self.read(platform, "/calls")
    }

    /// The webhooks of a platform beside HeyGen, in the order of their registration.
    ///
    /// # Errors
    ///
    /// The simulator does not respond.
    pub fn webhooks(&self, platform: Platform) -> Result<Vec<RegisteredEndpoint>> {
        self.read(platform, "/webhooks")
    }

    fn read<T: DeserializeOwned>(&self, platform: Platform, what: &str) -> Result<T> {
        let answer = self.ask("GET", &format!("{PLATFORMS}/{platform}{what}"), &[], &[])?;
        serde_json::from_slice(&answer.body).context("Reading the simulator's response")
    }

    /// Ends a job that is running, as [`Simulator::end_job`](crate::Simulator::end_job) does.
    ///
    /// # Errors
    ///
    /// No such job is running, or the simulator does not respond.
    pub fn end_job(&self, job_id: &str, outcome: &JobOutcome, disturbance: Option<Disturbance>) -> Result<()> {
        let end = End { outcome: outcome.clone(), disturbance };
        self.send_json("POST", &format!("{JOBS}/{job_id}/end"), &end).map(drop)
    }

    /// Starts a job that ends after `duration` and is reported then; returns its id.
    ///
    /// # Errors
    ///
    /// The simulator does not respond.
    pub fn start_job(
        &self,
        kind: &JobKind,
        callback_id: Option<&str>,
        outcome: &JobOutcome,
        duration: Duration,
    ) -> Result<String> {
        let job = StartJob {
            kind: kind.clone(),
            callback_id: callback_id.map(str::to_owned),
            callback_url: None,
            outcome: outcome.clone(),
            ends: Ends::After(duration),
            disturbance: None,
        };
        Ok(self.start_jobs(&[job])?.concat())
    }

    /// Starts many jobs, running or ended; returns their ids.
    ///
    /// # Errors
    ///
    /// The simulator does not respond.
    pub fn start_jobs(&self, jobs: &[StartJob]) -> Result<Vec<String>> {
        let jobs: Vec<_> = jobs.iter().map(NewJob::from).collect();
        let answer = self.send_json("POST", JOBS, &jobs)?;
        let started: StartedJobs =
            serde_json::from_slice(&answer.body).context("Reading the simulated HeyGen's response")?;
        Ok(started.ids)
    }

    /// Forgets a job, as [`Simulator::forget`](crate::Simulator::forget) does.
    ///
    /// # Errors
    ///
    /// There is no such job, or the simulator does not respond.
    pub fn forget(&self, job_id: &str) -> Result<()> {
        self.ask("DELETE", &format!("{JOBS}/{job_id}"), &[], &[]).map(drop)
    }

    /// Changes options while the simulator runs.
    ///
    /// # Errors
    ///
    /// The simulator does not respond.
    pub fn change(&self, change: &Change) -> Result<()> {
        self.send_json("PATCH", OPTIONS, change).map(drop)
    }

    fn send_json(&self, method: &str, path: &str, body: &impl Serialize) -> Result<Response> {
        let body = serde_json::to_vec(body).context("Writing JSON")?;
        self.ask(method, path, &[("Content-Type", "application/json")], &body)
    }

    /// Every delivery so far, with all its attempts.
    pub fn deliveries(&self) -> Result<Vec<Delivery>> {
        let answer = self.ask("GET", DELIVERIES, &[], &[])?;
        serde_json::from_slice(&answer.body).context("Reading the simulated HeyGen's deliveries")
    }

    /// All deliveries, those that were given up included, or `None` while one is in flight.
    ///
    /// # Errors
    ///
    /// The simulator does not respond.
    pub fn settled(&self) -> Result<Option<Vec<Delivery>>> {
        let deliveries = self.deliveries()?;
        let in_flight = deliveries.iter().any(|delivery| delivery.progress == Progress::InFlight);
        Ok((!in_flight).then_some(deliveries))
    }

    /// Waits until no delivery is in flight; all of them then.
    ///
    /// # Errors
    ///
    /// It takes longer than `limit`.
    pub fn wait_until_settled(&self, limit: Duration) -> Result<Vec<Delivery>> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(deliveries) = self.settled()? {
                return Ok(deliveries);
            }
            if Instant::now() >= deadline {
                return Err(Error::Failed(format!("deliveries are still in flight after {} ms", limit.as_millis())));
            }
            thread::sleep(PAUSE);
        }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Response> {
        let headers = [&[("X-Api-Key", self.access.api_key.as_str())], headers].concat();
        let answer = self.http.send(method, &format!("{}{path}", self.access.url), &headers, body)?;
        match answer.status {
            200 => Ok(answer),
            status => {
                let said = String::from_utf8_lossy(&answer.body);
                Err(Error::Failed(format!("{method} {path} at the simulated HeyGen: {status} {said}")))
            }
        }
    }
}
