//! The log of events, deliveries and attempts.

use crate::error::{Error, Result};
use crate::{lock, random};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use webhook::Platform;

/// The delivery of one event to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Whose delivery it is.
    #[serde(default)]
    pub platform: Platform,
    /// The event's id.
    pub event_id: String,
    /// The event's type.
    pub event_type: String,
    /// The id of the endpoint or webhook; that of the job, if it is a callback.
    pub endpoint_id: String,
    /// The state of the delivery.
    pub progress: Progress,
    /// The attempts, in order.
    pub attempts: Vec<Attempt>,
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// There will be an attempt, or one is in progress.
    InFlight,
    /// An attempt was answered with 2xx, or with what else its platform counts as a success.
    Delivered,
    /// All attempts failed, or the endpoint no longer exists or is disabled.
    GaveUp,
    /// There was no attempt, because of [`Disturbance::Lost`](crate::Disturbance::Lost).
    Lost,
}

/// One attempt at a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it started, in the simulator's time.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The status of the receiver's response; `None` if there was none in time.
    pub status: Option<u16>,
}

/// An event, to be delivered to endpoints.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) platform: Platform,
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) event_data: Value,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) number: u64,
    /// The body of its deliveries.
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Log {
    entries: Mutex<Entries>,
    changed: Condvar,
}

#[derive(Default)]
struct Entries {
    /// The jobs that have not ended yet but will.
    running_jobs: usize,
    events: Vec<Logged>,
    deliveries: Vec<Delivery>,
    /// The index of each delivery's event.
    event_of: Vec<usize>,
    in_flight: usize,
    given_up: usize,
}

struct Logged {
    event: Event,
    /// Whether it was delivered to at least one endpoint.
    is_delivered: bool,
}

impl Event {
    /// An event of this type.
    pub(crate) fn of(platform: Platform, event_type: &str, body: Vec<u8>, created_at: OffsetDateTime) -> Self {
        let event_id = random::opaque();
        let event_type = event_type.to_owned();
        Event { platform, event_id, event_type, event_data: Value::Null, created_at, number: 0, body }
    }

    /// An event of HeyGen. Reads type and data from the body, which need not be JSON.
    pub(crate) fn new(body: Vec<u8>, created_at: OffsetDateTime) -> Self {
        let mut json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let event_data = json.get_mut("event_data").map(Value::take).unwrap_or_default();
        let event_type = json["event_type"].as_str().unwrap_or_default();
        Event { event_data, ..Event::of(Platform::HeyGen, event_type, body, created_at) }
    }

    /// The entity's id has different names in different events. A callback id and a folder id are not
    /// ids of the entity.
    pub(crate) fn is_about(&self, entity_id: &str) -> bool {
        let fields = self.event_data.as_object().into_iter().flatten();
        let mut ids = fields.filter(|(name, _)| {
            (*name == "id" || name.ends_with("_id")) && *name != "callback_id" && *name != "folder_id"
        });
        ids.any(|(_, value)| value.as_str() == Some(entity_id))
    }
}

impl Log {
    pub(crate) fn job_started(&self) {
        lock(&self.entries).running_jobs += 1;
    }

    /// Call this after the job's event was emitted; otherwise a waiting test could miss the event.
    pub(crate) fn job_ended(&self) {
        lock(&self.entries).running_jobs -= 1;
        self.changed.notify_all();
    }

    /// Adds an event and sets its number.
    pub(crate) fn event(&self, mut event: Event) -> Event {
        let events = &mut lock(&self.entries).events;
        event.number = events.len() as u64;
        events.push(Logged { event: event.clone(), is_delivered: false });
        event
    }

    /// Adds a delivery and returns its index in the log.
    pub(crate) fn begin(&self, event: &Event, endpoint_id: &str, progress: Progress) -> usize {
        let entries = &mut *lock(&self.entries);
        entries.in_flight += usize::from(progress == Progress::InFlight);
        entries.event_of.push(event.number as usize);
        entries.deliveries.push(Delivery {
            platform: event.platform,
            event_id: event.event_id.clone(),
            event_type: event.event_type.clone(),
            endpoint_id: endpoint_id.to_owned(),
            progress,
            attempts: Vec::new(),
        });
        entries.deliveries.len() - 1
    }

    pub(crate) fn attempt(&self, delivery: usize, attempt: Attempt) {
        if let Some(delivery) = lock(&self.entries).deliveries.get_mut(delivery) {
            delivery.attempts.push(attempt);
        }
    }

    /// Ends a delivery that is in flight.
    pub(crate) fn end(&self, delivery: usize, progress: Progress) {
        let entries = &mut *lock(&self.entries);
        entries.in_flight -= 1;
        entries.given_up += usize::from(progress == Progress::GaveUp);
        let event = entries.event_of.get(delivery).and_then(|number| entries.events.get_mut(*number));
        if let Some(event) = event.filter(|_| progress == Progress::Delivered) {
            event.is_delivered = true;
        }
        if let Some(delivery) = entries.deliveries.get_mut(delivery) {
            delivery.progress = progress;
        }
        self.changed.notify_all();
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.entries).deliveries.clone()
    }

    /// What `read` returns of HeyGen's events that were delivered to at least one endpoint, or of all.
    pub(crate) fn read_events<T>(
        &self,
        all: bool,
        read: impl FnOnce(&mut dyn DoubleEndedIterator<Item = &Event>) -> T,
    ) -> T {
        let entries = lock(&self.entries);
        let listed = entries.events.iter().filter(|logged| all || logged.is_delivered).map(|logged| &logged.event);
        read(&mut listed.filter(|event| event.platform == Platform::HeyGen))
    }

    /// Waits until no job is running and no delivery is in flight. Fails if that takes longer than `limit`,
    /// or if a delivery failed after its last attempt.
    pub(crate) fn wait_until_delivered(&self, limit: Duration) -> Result<()> {
        let is_busy = |entries: &mut Entries| entries.running_jobs + entries.in_flight > 0;
        let entries = lock(&self.entries);
        let waited = self.changed.wait_timeout_while(entries, limit, is_busy);
        let (entries, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        let (jobs, in_flight, given_up) = (entries.running_jobs, entries.in_flight, entries.given_up);
        if timeout.timed_out() {
            let busy = format!("{jobs} jobs are running and {in_flight} deliveries are in flight");
            return Err(Error::Failed(format!("{busy} after {} ms", limit.as_millis())));
        }
        match given_up {
            0 => Ok(()),
            _ => Err(Error::Failed(format!("{given_up} deliveries failed after their last attempt"))),
        }
    }
}
