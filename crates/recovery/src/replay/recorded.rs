//! A recorded event as the delivery that it was, for the queue. Pure.

use aws::clock::from_text;
use aws::envelope::{Advisory, Delivery, REPLAY};
use aws::jobs::EventItem;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use time::OffsetDateTime;
use webhook::{Event, Verified};

/// `None` if the table has no body, or not the one that was delivered.
pub(crate) fn delivery(event: &EventItem) -> Option<(Delivery, Event)> {
    let text = event.body.as_ref()?;
    // A body that is no text is kept as bytes, which are read as base64. The key has the digest of what was delivered.
    let candidates = [Some(text.clone().into_bytes()), BASE64.decode(text).ok()];
    let read = |body: Verified| (platforms::read(event.platform, &body), body);
    let is_it = |(read, _): &(Event, Verified)| event.item.split('#').nth(2) == Some(&read.body_sha256);
    let (read, body) = candidates.into_iter().flatten().map(authentic).map(read).find(is_it)?;
    let delivery = Delivery {
        platform: event.platform,
        endpoint: event.endpoint.clone(),
        received_at: from_text(&event.received_at).unwrap_or(OffsetDateTime::UNIX_EPOCH),
        request_id: event.attributes["request_id"].as_str().unwrap_or_default().to_owned(),
        via: REPLAY.to_owned(),
        advisory: Advisory::default(),
        body,
    };
    Some((delivery, read))
}

#[expect(clippy::disallowed_methods, reason = "only verified bodies are recorded")]
fn authentic(body: Vec<u8>) -> Verified {
    Verified::assume_authentic(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use webhook::Platform;

    fn event(body: &[u8], stored: String) -> EventItem {
        let digest = heygen::read(&authentic(body.to_vec())).body_sha256;
        let received_at = "2026-11-22T03:00:00.000Z".to_owned();
        EventItem { item: format!("event#i#{digest}"), body: Some(stored), received_at, ..EventItem::default() }
    }

    #[test]
    fn only_what_was_delivered_is_replayed() {
        let text = r#"{"event_type":"x"}"#;
        let (replayed, read) = delivery(&event(text.as_bytes(), text.to_owned())).unwrap();
        assert_eq!((replayed.body.body(), replayed.via.as_str()), (text.as_bytes(), "replay"));
        assert_eq!(read.event_type.unwrap().as_str(), "x");

        let (replayed, _) = delivery(&event(&[0xff, 0], BASE64.encode([0xff, 0]))).unwrap();
        assert_eq!(replayed.body.body(), [0xff, 0]);
        // A text that is base64, too.
        let (replayed, _) = delivery(&event(b"1234", "1234".to_owned())).unwrap();
        assert_eq!(replayed.body.body(), b"1234");

        let of_synthesia = EventItem { platform: Platform::Synthesia, ..event(text.as_bytes(), text.to_owned()) };
        let (replayed, read) = delivery(&of_synthesia).unwrap();
        assert_eq!((replayed.platform, read.platform), (Platform::Synthesia, Platform::Synthesia));

        assert!(delivery(&event(text.as_bytes(), text.replace('x', "y"))).is_none());
        assert!(delivery(&EventItem { body: None, ..event(b"", String::new()) }).is_none());
    }
}
