//! A probe: a delivery that admin signs and posts to an endpoint of its own deployment, to prove that the endpoint works
//! from its URL to the table.
//!
//! It is accepted and recorded like HeyGen's deliveries, so that it proves something. But it counts as a probe and not as a
//! delivery, changes no job, and expires after a day. Only a holder of the secret can sign one.

use serde_json::json;
use std::time::Duration;
use webhook::Event;

/// Its `event_type`, which is none of HeyGen's.
pub const EVENT_TYPE: &str = "heygen_webhooks.probe";

/// Its `via`, and its outcome in logs and metrics.
pub const LABEL: &str = "probe";

/// How long it is kept in the table.
pub const KEEP: Duration = Duration::from_hours(24);

/// The body of a probe. With a new `id` it is a new event.
pub fn body(id: &str) -> Vec<u8> {
    json!({"event_type": EVENT_TYPE, "event_data": {"probe_id": id}}).to_string().into_bytes()
}

pub fn is_probe(event: &Event) -> bool {
    event.event_type.as_deref() == Some(EVENT_TYPE)
}

/// The event's type as a label for logs and metrics.
pub fn type_label(event: &Event) -> &str {
    if is_probe(event) { EVENT_TYPE } else { event.type_label() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use webhook::Verified;

    #[expect(clippy::disallowed_methods, reason = "no request is involved")]
    fn read(body: Vec<u8>) -> Event {
        heygen::read(&Verified::assume_authentic(body))
    }

    #[test]
    fn a_probe_is_an_event_of_its_own_and_changes_no_job() {
        let (one, other) = (read(body("1")), read(body("2")));
        assert!(is_probe(&one) && one.is_json);
        assert_eq!(type_label(&one), EVENT_TYPE);
        assert_eq!(one.job(), None);
        assert_ne!(one.identity, other.identity);
        assert_eq!((one.callback_id, one.entity_id), (None, None), "it stays away from the ids of jobs");
        let known = read(br#"{"event_type": "avatar_video.success", "event_data": {}}"#.to_vec());
        assert!(!is_probe(&known));
        assert_eq!(type_label(&known), "avatar_video.success");
    }
}
