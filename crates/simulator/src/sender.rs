//! Deliveries like HeyGen's: signed, at least once, in no guaranteed order, retried until the response is 2xx.

use crate::World;
use crate::lock;
use crate::log::{Attempt, Event, Progress};
use crate::options::RetrySignatures;
use heygen::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use time::OffsetDateTime;
use tokio::task::JoinSet;

/// A disturbance of the delivery of one event. Integrators have reported each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disturbance {
    /// It is delivered to every endpoint twice.
    Twice,
    /// It is delivered after the next event.
    AfterTheNext,
    /// The first attempt fails before it reaches the receiver, which gets a retry.
    FirstAttemptFails,
    /// It is never delivered.
    Lost,
}

impl Disturbance {
    /// The name of the disturbance in a query.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Disturbance::Twice => "twice",
            Disturbance::AfterTheNext => "after_the_next",
            Disturbance::FirstAttemptFails => "first_attempt_fails",
            Disturbance::Lost => "lost",
        }
    }
}

/// Where a delivery goes.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// An endpoint of HeyGen, by its id.
    Endpoint(String),
    /// A webhook of another platform, by its id.
    Webhook(String),
    /// A URL that belongs to one job. The name is shown in its place, because it may hold a token.
    Callback { name: String, url: String },
}

impl Target {
    pub(crate) fn name(&self) -> &str {
        let (Target::Endpoint(name) | Target::Webhook(name) | Target::Callback { name, .. }) = self;
        name
    }
}

/// An event, with the index in the log and the target of each of its deliveries.
struct Dispatch {
    event: Event,
    deliveries: Vec<(usize, Target)>,
    first_attempt_fails: bool,
}

#[derive(Default)]
pub(crate) struct Sender {
    disturbances: Mutex<Vec<Disturbance>>,
    held: Mutex<Vec<Dispatch>>,
}

impl Sender {
    pub(crate) fn disturb(&self, disturbance: Disturbance) {
        lock(&self.disturbances).push(disturbance);
    }

    fn next_disturbance(&self) -> Option<Disturbance> {
        let mut disturbances = lock(&self.disturbances);
        (!disturbances.is_empty()).then(|| disturbances.remove(0))
    }
}

impl World {
    pub(crate) fn emit(self: &Arc<Self>, event_type: &str, event_data: Value) -> String {
        let body = json!({"event_type": event_type, "event_data": event_data}).to_string().into_bytes();
        self.emit_body(body, None)
    }

    /// Emits an event with this body. Without a disturbance of its own, the next one of
    /// [`Sender::disturb`] applies to it.
    pub(crate) fn emit_body(self: &Arc<Self>, body: Vec<u8>, disturbance: Option<Disturbance>) -> String {
        self.emit_body_to(None, body, disturbance, self.clock.now())
    }

    /// The same, for one endpoint only if its id is given, of an event that happened `at` that time.
    pub(crate) fn emit_body_to(
        self: &Arc<Self>,
        endpoint_id: Option<&str>,
        body: Vec<u8>,
        disturbance: Option<Disturbance>,
        at: OffsetDateTime,
    ) -> String {
        let event = Event::new(body, at);
        let mut targets = self.listening(&event.event_type);
        targets.retain(|target| endpoint_id.is_none_or(|only| only == target.name()));
        self.send(event, targets, disturbance)
    }

    /// The endpoints that get events of this type.
    pub(crate) fn listening(&self, event_type: &str) -> Vec<Target> {
        let endpoints = self.endpoints.all().into_iter().filter(|endpoint| endpoint.wants(event_type));
        endpoints.map(|endpoint| Target::Endpoint(endpoint.endpoint_id)).collect()
    }

    /// Sends an event to each of the targets; returns the event's id.
    pub(crate) fn send(
        self: &Arc<Self>,
        event: Event,
        targets: Vec<Target>,
        disturbance: Option<Disturbance>,
    ) -> String {
        let event = self.log.event(event);
        let event_id = event.event_id.clone();
        let disturbance = disturbance.or_else(|| self.sender.next_disturbance());
        let progress = if disturbance == Some(Disturbance::Lost) { Progress::Lost } else { Progress::InFlight };
        let times = if disturbance == Some(Disturbance::Twice) { 2 } else { 1 };
        let mut deliveries = Vec::new();
        for target in targets {
            for _ in 0..times {
                deliveries.push((self.log.begin(&event, target.name(), progress), target.clone()));
            }
        }
        let first_attempt_fails = disturbance == Some(Disturbance::FirstAttemptFails);
        let dispatch = Dispatch { event, deliveries, first_attempt_fails };
        match disturbance {
            Some(Disturbance::Lost) => {}
            Some(Disturbance::AfterTheNext) => lock(&self.sender.held).push(dispatch),
            Some(Disturbance::Twice | Disturbance::FirstAttemptFails) | None => {
                let held = std::mem::take(&mut *lock(&self.sender.held));
                let world = Arc::clone(self);
                tokio::spawn(async move {
                    for dispatch in [dispatch].into_iter().chain(held) {
                        world.dispatch(dispatch).await;
                    }
                });
            }
        }
        event_id
    }

    /// Returns when no delivery of the event is in flight.
    async fn dispatch(self: &Arc<Self>, dispatch: Dispatch) {
        let event = Arc::new(dispatch.event);
        let mut under_way = JoinSet::new();
        for (delivery, target) in dispatch.deliveries {
            let (world, event) = (Arc::clone(self), Arc::clone(&event));
            let fails = dispatch.first_attempt_fails;
            under_way.spawn(async move {
                match target {
                    Target::Endpoint(id) => world.deliver(delivery, &id, &event, fails).await,
                    other => world.deliver_elsewhere(delivery, &other, &event, fails).await,
                }
            });
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn deliver(&self, delivery: usize, endpoint_id: &str, event: &Event, first_attempt_fails: bool) {
        let retries = self.options.retries;
        let mut pause = retries.base;
        let mut first_secret = None;
        for number in 1..=retries.attempts {
            if number > 1 {
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2);
            }
            let at = self.clock.now();
            let Some(endpoint) = self.endpoints.get(endpoint_id).filter(|endpoint| endpoint.enabled) else { break };
            let first_secret = first_secret.get_or_insert_with(|| endpoint.secret.clone());
            let secret = match self.options.retry_signatures {
                RetrySignatures::CurrentSecret => &endpoint.secret,
                RetrySignatures::FirstSecret => first_secret,
            };
            let gets_nowhere = first_attempt_fails && number == 1;
            let status = if gets_nowhere { None } else { self.attempt(&endpoint.url, secret, event).await };
            self.log.attempt(delivery, Attempt { number, at, status });
            if matches!(status, Some(200..300)) {
                return self.log.end(delivery, Progress::Delivered);
            }
        }
        self.log.end(delivery, Progress::GaveUp);
    }

    async fn attempt(&self, url: &str, secret: &Secret, event: &Event) -> Option<u16> {
        let signature = heygen::sign(secret, &event.body);
        let shown = self.options.headers;
        let headers = [
            (true, ("Content-Type".into(), "application/json".to_owned())),
            (shown.signature, ("Signature".into(), signature.clone())),
            (shown.heygen_signature, ("Heygen-Signature".into(), signature)),
            // The time of the event, not of the attempt, so that retries repeat it.
            (shown.timestamp, ("Heygen-Timestamp".into(), event.created_at.unix_timestamp().to_string())),
            (shown.event_id, ("Heygen-Event-Id".into(), event.event_id.clone())),
        ];
        let headers = headers.into_iter().filter(|(is_shown, _)| *is_shown).map(|(_, header)| header).collect();
        self.outgoing.deliver(url, headers, event.body.clone()).await
    }
}
