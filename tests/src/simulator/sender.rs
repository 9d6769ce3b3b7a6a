//! Deliveries as HeyGen makes them: signed, at least once, in no order, tried again until somebody says 2xx.

use super::World;
use super::log::{Attempt, Event, Progress};
use super::{lock, random};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

/// What happens to an event on its way, as integrators saw it happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// Every endpoint gets it twice.
    Twice,
    /// Every endpoint gets it after the next event.
    AfterTheNext,
    /// No endpoint ever gets it.
    Lost,
}

/// An event, and for each of its deliveries the name in the log and the endpoint.
struct Dispatch {
    event: Event,
    deliveries: Vec<(usize, String)>,
}

#[derive(Default)]
pub(super) struct Sender {
    disturbances: Mutex<Vec<Disturbance>>,
    held: Mutex<Vec<Dispatch>>,
}

impl Sender {
    pub(super) fn disturb(&self, disturbance: Disturbance) {
        lock(&self.disturbances).push(disturbance);
    }

    fn next_disturbance(&self) -> Option<Disturbance> {
        let mut disturbances = lock(&self.disturbances);
        (!disturbances.is_empty()).then(|| disturbances.remove(0))
    }
}

impl World {
    pub(super) fn emit(self: &Arc<Self>, event_type: &str, event_data: Value) -> String {
        let event = self.log.event(Event {
            event_id: random::opaque(),
            event_type: event_type.to_owned(),
            event_data,
            created_at: self.clock.now(),
            number: 0,
        });
        let event_id = event.event_id.clone();
        let disturbance = self.sender.next_disturbance();
        let progress = if disturbance == Some(Disturbance::Lost) { Progress::Lost } else { Progress::InFlight };
        let times = if disturbance == Some(Disturbance::Twice) { 2 } else { 1 };
        let mut deliveries = Vec::new();
        for endpoint in self.endpoints.all().iter().filter(|endpoint| endpoint.wants(event_type)) {
            for _ in 0..times {
                let delivery = self.log.begin(&event, &endpoint.endpoint_id, progress);
                deliveries.push((delivery, endpoint.endpoint_id.clone()));
            }
        }
        let dispatch = Dispatch { event, deliveries };
        match disturbance {
            Some(Disturbance::Lost) => {}
            Some(Disturbance::AfterTheNext) => lock(&self.sender.held).push(dispatch),
            Some(Disturbance::Twice) | None => {
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

    /// Returns when nothing of it is in flight any more.
    async fn dispatch(self: &Arc<Self>, dispatch: Dispatch) {
        let event = Arc::new(dispatch.event);
        let mut under_way = JoinSet::new();
        for (delivery, endpoint_id) in dispatch.deliveries {
            let (world, event) = (Arc::clone(self), Arc::clone(&event));
            under_way.spawn(async move { world.deliver(delivery, &endpoint_id, &event).await });
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn deliver(&self, delivery: usize, endpoint_id: &str, event: &Event) {
        let retries = self.options.retries;
        let mut pause = retries.base;
        for number in 1..=retries.attempts {
            if number > 1 {
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2);
            }
            let at = self.clock.now();
            let Some(status) = self.attempt(endpoint_id, event).await else { break };
            self.log.attempt(delivery, Attempt { number, at, status });
            if matches!(status, Some(200..300)) {
                return self.log.end(delivery, Progress::Delivered);
            }
        }
        self.log.end(delivery, Progress::GaveUp);
    }

    /// Posts to where the endpoint is now, signed with the secret that it has now. `None` if it is no
    /// longer there, or disabled.
    async fn attempt(&self, endpoint_id: &str, event: &Event) -> Option<Option<u16>> {
        let endpoint = self.endpoints.get(endpoint_id).filter(|endpoint| endpoint.enabled)?;
        let body = json!({"event_type": event.event_type, "event_data": event.event_data}).to_string().into_bytes();
        let signature = heygen::sign(&endpoint.secret, &body);
        let shown = self.options.headers;
        let headers = [
            (true, ("Content-Type", "application/json".to_owned())),
            (shown.signature, ("Signature", signature.clone())),
            (shown.heygen_signature, ("Heygen-Signature", signature)),
            // The time of the event and not of the attempt: a late retry looks old.
            (shown.timestamp, ("Heygen-Timestamp", event.created_at.unix_timestamp().to_string())),
            (shown.event_id, ("Heygen-Event-Id", event.event_id.clone())),
        ];
        let headers = headers.into_iter().filter(|(is_shown, _)| *is_shown).map(|(_, header)| header).collect();
        Some(self.outgoing.deliver(&endpoint.url, headers, body).await)
    }
}
