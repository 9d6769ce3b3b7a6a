//! One event, posted to an endpoint as HeyGen does, and the jobs that are recorded of it.

use crate::Client;
use crate::error::{Error, Result};
use crate::interrupt;
use aws::jobs::JobItem;
use simulator::{Progress, Remote};
use std::time::Duration;
use webhook::Platform;

const LIMIT: Duration = Duration::from_secs(60);

/// The response to a delivery.
#[derive(Debug)]
pub struct Sent {
    /// HTTP status; `None` if there was no response in time.
    status: Option<u16>,
    by_simulator: bool,
    /// The response, if this process posted the event.
    body: String,
}

impl Sent {
    pub fn accepted(&self) -> bool {
        matches!(self.status, Some(200..300))
    }

    /// The status, with the response if it is not a success.
    pub fn describe(&self) -> String {
        let status = self.status.map_or_else(|| "no response in time".to_owned(), |status| status.to_string());
        let signed = if self.by_simulator { "signed by the simulated HeyGen" } else { "signed with the stored secret" };
        let body = if self.accepted() || self.body.is_empty() { String::new() } else { format!(" {}", self.body) };
        format!("{status}{body}, {signed}")
    }
}

/// Posts an event to an endpoint: by the stack's simulated HeyGen, else signed with the stored secret. The simulator posts
/// that of another platform to all webhooks that are registered there.
pub fn send(client: &Client, platform: Platform, endpoint: &str, body: &[u8]) -> Result<Sent> {
    if platform != Platform::HeyGen {
        return from_elsewhere(&client.simulator()?, platform, body);
    }
    // An unknown endpoint is an error here.
    client.stack().endpoint(endpoint)?;
    if client.stack().simulator.is_some() {
        return by_simulator(&client.simulator()?, endpoint, body);
    }
    let answer = client.deliver(endpoint, body)?;
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    Ok(Sent { status: Some(answer.status), by_simulator: false, body })
}

fn by_simulator(heygen: &Remote, endpoint: &str, body: &[u8]) -> Result<Sent> {
    let suffix = format!("/webhooks/heygen/{endpoint}");
    let registered = heygen.endpoints()?.into_iter().find(|one| one.url.ends_with(&suffix));
    let registered = registered.ok_or_else(|| {
        Error::Failed(format!("{endpoint} is not registered at the simulated HeyGen: run `make sync`"))
    })?;
    settled(heygen, &heygen.emit_to(&registered.endpoint_id, body)?)?.ok_or_else(|| {
        Error::Failed(format!("{endpoint} does not subscribe to this event type, or is disabled: see `make endpoints`"))
    })
}

fn from_elsewhere(simulator: &Remote, platform: Platform, body: &[u8]) -> Result<Sent> {
    if !platform.is_signed() {
        return Err(Error::Failed(format!(
            "{} does not sign, so its callbacks are never recorded: start a job with \
             `make start KIND={platform}.… CALLBACK_ID=my_order`",
            platform.title()
        )));
    }
    settled(simulator, &simulator.emit_from(platform, None, body, None)?)?.ok_or_else(|| {
        let title = platform.title();
        Error::Failed(format!("no webhook at the simulated {title} gets events of this type: run `make sync`"))
    })
}

/// The response to an event's first delivery; `None` if it goes nowhere.
fn settled(heygen: &Remote, event_id: &str) -> Result<Option<Sent>> {
    let settled = interrupt::poll(LIMIT, Duration::from_millis(10), || {
        let deliveries = heygen.deliveries()?;
        let of_event: Vec<_> = deliveries.into_iter().filter(|one| one.event_id == *event_id).collect();
        Ok((!of_event.iter().any(|one| one.progress == Progress::InFlight)).then_some(of_event))
    })?;
    let settled = settled.ok_or_else(|| Error::failed("the delivery is still in flight; see `make logs`"))?;
    let Some(delivery) = settled.first() else { return Ok(None) };
    let status = delivery.attempts.last().and_then(|attempt| attempt.status);
    Ok(Some(Sent { status, by_simulator: true, body: String::new() }))
}

/// Waits until an event is recorded; the jobs of its `callback_id`, else of its entity.
pub fn wait_until_recorded(client: &Client, platform: Platform, body: &[u8], limit: Duration) -> Result<Vec<JobItem>> {
    #[expect(clippy::disallowed_methods, reason = "the bytes are a file that was just signed here")]
    let event = ::platforms::read(platform, &webhook::Verified::assume_authentic(body.to_vec()));
    let item = event.item_key();
    client.wait_for("the delivery to be recorded", limit, || {
        let record = client.record(event.correlation_id().as_str())?;
        Ok(record.events.iter().any(|event| event.item == item).then_some(record.jobs))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator::{Existing, Options, Receiver, Simulator};

    const EVENT: &[u8] = br#"{"event_type":"avatar_video.success","event_data":{"video_id":"v"}}"#;

    #[test]
    fn the_simulator_posts_to_the_chosen_endpoint_and_says_why_it_cannot() {
        let receiver = Receiver::start().unwrap();
        let base = receiver.url();
        let main = Existing::new(format!("{base}/webhooks/heygen/main"));
        let fails = Existing {
            events: Some(vec!["avatar_video.fail".to_owned()]),
            ..Existing::new(format!("{base}/webhooks/heygen/fails"))
        };
        let heygen = Simulator::start(Options { endpoints: vec![main, fails], ..Options::default() }).unwrap();
        let remote = Remote::new(heygen.access());
        let sent = by_simulator(&remote, "main", EVENT).unwrap();
        assert!(sent.accepted() && sent.describe().starts_with("204"), "{sent:?}");
        assert_eq!(receiver.deliveries().len(), 1);
        let why = |endpoint| by_simulator(&remote, endpoint, EVENT).unwrap_err().to_string();
        assert!(why("fails").contains("does not subscribe"), "{}", why("fails"));
        assert!(why("other").contains("make sync"), "{}", why("other"));
    }
}
