//! Every event, every delivery of it and every attempt, to ask afterwards.

use crate::error::{Error, Result};
use crate::{lock, random};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// The endpoint.
    pub endpoint_id: String,
    /// How far it is.
    pub progress: Progress,
    /// What was tried, in this order.
    pub attempts: Vec<Attempt>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// It is being tried, or will be.
    InFlight,
    /// The receiver answered 2xx.
    Delivered,
    /// No attempt was answered 2xx and there will be none any more.
    GaveUp,
    /// It was never tried, because a test wanted so.
    Lost,
}

/// One attempt at a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What the receiver answered; `None` if it did not, or not in time.
    pub status: Option<u16>,
}

/// Something that happened at HeyGen.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) event_data: Value,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) number: u64,
    /// What is delivered, byte for byte.
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Log {
    entries: Mutex<Entries>,
    changed: Condvar,
}

#[derive(Default)]
struct Entries {
    /// How many jobs are going to make an event.
    running_jobs: usize,
    events: Vec<Event>,
    deliveries: Vec<Delivery>,
}

impl Event {
    /// What the body says of itself; it may say nothing, and need not be JSON.
    pub(crate) fn new(body: Vec<u8>, created_at: OffsetDateTime) -> Self {
        let mut says: Value = serde_json::from_slice(&body).unwrap_or_default();
        Event {
            event_id: random::opaque(),
            event_type: says["event_type"].as_str().unwrap_or_default().to_owned(),
            event_data: says.get_mut("event_data").map(Value::take).unwrap_or_default(),
            created_at,
            number: 0,
            body,
        }
    }

    /// The entity's id may have any of many names; the ids of what it belongs to are not the entity's.
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

    /// To be said after its event was emitted, so that there is always something to wait for.
    pub(crate) fn job_ended(&self) {
        lock(&self.entries).running_jobs -= 1;
        self.changed.notify_all();
    }

    /// Writes down an event, which gets its number here.
    pub(crate) fn event(&self, mut event: Event) -> Event {
        let events = &mut lock(&self.entries).events;
        event.number = events.len() as u64;
        events.push(event.clone());
        event
    }

    /// Writes down a delivery; what it is called here from now on.
    pub(crate) fn begin(&self, event: &Event, endpoint_id: &str, progress: Progress) -> usize {
        let deliveries = &mut lock(&self.entries).deliveries;
        deliveries.push(Delivery {
            event_id: event.event_id.clone(),
            event_type: event.event_type.clone(),
            endpoint_id: endpoint_id.to_owned(),
            progress,
            attempts: Vec::new(),
        });
        deliveries.len() - 1
    }

    pub(crate) fn attempt(&self, delivery: usize, attempt: Attempt) {
        self.change(delivery, |delivery| delivery.attempts.push(attempt));
    }

    pub(crate) fn end(&self, delivery: usize, progress: Progress) {
        self.change(delivery, |delivery| delivery.progress = progress);
    }

    fn change(&self, delivery: usize, change: impl FnOnce(&mut Delivery)) {
        if let Some(delivery) = lock(&self.entries).deliveries.get_mut(delivery) {
            change(delivery);
        }
        self.changed.notify_all();
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.entries).deliveries.clone()
    }

    /// The events that at least one endpoint took.
    pub(crate) fn delivered_events(&self) -> Vec<Event> {
        let entries = lock(&self.entries);
        let delivered = |event: &&Event| {
            let mut of_it = entries.deliveries.iter().filter(|delivery| delivery.event_id == event.event_id);
            of_it.any(|delivery| delivery.progress == Progress::Delivered)
        };
        entries.events.iter().filter(delivered).cloned().collect()
    }

    /// Waits until no job runs and nothing is in flight; an error if it takes longer, or if a delivery was given up.
    pub(crate) fn wait_until_delivered(&self, limit: Duration) -> Result<()> {
        let is_busy = |entries: &mut Entries| entries.running_jobs + entries.count(Progress::InFlight) > 0;
        let entries = lock(&self.entries);
        let waited = self.changed.wait_timeout_while(entries, limit, is_busy);
        let (entries, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        let (jobs, in_flight) = (entries.running_jobs, entries.count(Progress::InFlight));
        if timeout.timed_out() {
            let busy = format!("{jobs} jobs still run and {in_flight} deliveries are in flight");
            return Err(Error::Failed(format!("{busy} after {} ms", limit.as_millis())));
        }
        match entries.count(Progress::GaveUp) {
            0 => Ok(()),
            given_up => Err(Error::Failed(format!("{given_up} deliveries were given up"))),
        }
    }
}

impl Entries {
    fn count(&self, progress: Progress) -> usize {
        self.deliveries.iter().filter(|delivery| delivery.progress == progress).count()
    }
}
