//! A simulator that is a process of its own, from outside.

use crate::control::{DELIVERIES, EVENTS, Emitted};
use crate::error::{Context, Error, Result};
use crate::http::{Answer, Http};
use crate::log::{Delivery, Progress};
use crate::sender::Disturbance;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

const HTTP_LIMIT: Duration = Duration::from_secs(10);
/// It is on this machine, and short pauses are what makes a demonstration short.
const PAUSE: Duration = Duration::from_millis(5);

/// Where a simulated HeyGen is, and what opens it. `Debug` does not show the key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Where its API is, without a slash at the end.
    pub url: String,
    /// What `X-Api-Key` has to be.
    pub api_key: String,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A client of a simulator's controls. Everything blocks; threads may share it.
#[derive(Debug, Clone)]
pub struct Remote {
    access: Access,
    http: Http,
}

impl Remote {
    /// For the simulator that is there.
    pub fn new(access: Access) -> Self {
        Remote { access, http: Http::new(HTTP_LIMIT) }
    }

    /// Where it is, and what opens it.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Delivers a body, byte for byte, to every enabled endpoint that subscribes to its type; the event's id.
    pub fn emit(&self, body: &[u8], disturbance: Option<Disturbance>) -> Result<String> {
        let query = disturbance.map(|disturbance| format!("?disturbance={}", disturbance.name())).unwrap_or_default();
        let answer = self.ask("POST", &format!("{EVENTS}{query}"), body)?;
        let emitted: Emitted = serde_json::from_slice(&answer.body).context("Reading the simulated HeyGen's answer")?;
        Ok(emitted.event_id)
    }

    /// Every delivery so far, with all its attempts.
    pub fn deliveries(&self) -> Result<Vec<Delivery>> {
        let answer = self.ask("GET", DELIVERIES, &[])?;
        serde_json::from_slice(&answer.body).context("Reading the simulated HeyGen's deliveries")
    }

    /// All deliveries, those that were given up included, or `None` while one is in flight.
    ///
    /// # Errors
    ///
    /// The simulator does not answer.
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

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Result<Answer> {
        let headers = [("X-Api-Key", self.access.api_key.as_str())];
        let answer = self.http.send(method, &format!("{}{path}", self.access.url), &headers, body)?;
        match answer.status {
            200 => Ok(answer),
            status => {
                let said = String::from_utf8_lossy(&answer.body);
                Err(Error::Failed(format!("the simulated HeyGen answered {method} {path} with {status}: {said}")))
            }
        }
    }
}
