//! Reading the body of a delivery.

use webhook::fields::Fields;
use webhook::{Event, Platform, Status, Verified};

use crate::body::Body;
use crate::identity::Evidence;
use crate::{EventType, Outcome, entity_id, failure, identity, links};

/// Reads a body, `{"event_type": …, "event_data": {…}}`. This never fails: JSON of another shape is an event with an
/// identity and no other field, and of a body that is not JSON the fields before the first error are read.
///
/// No field is required. `""` counts as null, a number is accepted as an id, a field of another
/// type counts as absent, and unknown fields are ignored; keep the body if you need them.
pub fn read(verified: &Verified) -> Event {
    let body = Body::read(verified.body());
    let data = Fields::from(&body.data);
    let entity = entity_id::read(body.event_type.as_ref(), data);
    let output_language = data.text("output_language");
    // A body that is not JSON may have been cut: its fields say where it belongs, and no more.
    let identity = identity::decide(&Evidence {
        event_id: body.event_id.as_deref().filter(|_| body.is_json),
        event_type: body.event_type.as_ref().filter(|_| body.is_json),
        entity: entity.as_ref(),
        output_language: output_language.as_deref(),
        body: verified.body(),
    });

    let mut links = body.clips;
    links.extend(links::read(body.event_type.as_ref().map(EventType::kind), data));

    Event {
        is_json: body.is_json,
        links,
        is_known_type: body.event_type.as_ref().is_some_and(EventType::is_known),
        kind: body.event_type.as_ref().map(|event_type| event_type.kind().to_owned()),
        status: body.event_type.as_ref().and_then(|event_type| match event_type.outcome() {
            Outcome::Succeeded => Some(Status::Succeeded),
            Outcome::Failed => Some(Status::Failed),
            Outcome::Unknown => None,
        }),
        event_type: body.event_type.map(EventType::into_string),
        event_id: body.event_id,
        created_at: body.created_at,
        callback_id: data.text("callback_id"),
        entity_is_reused: entity.as_ref().is_some_and(|entity| entity.is_reused),
        entity_id: entity.map(|entity| entity.id),
        output_language,
        failure: failure::read(data),
        duration_seconds: data.first_text(&DURATIONS).as_deref().and_then(whole_seconds),
        ..Event::new(Platform::HeyGen, identity, verified)
    }
}

/// The spellings of a result's length, in seconds.
pub(crate) const DURATIONS: [&str; 2] = ["duration", "duration_seconds"];

fn whole_seconds(text: &str) -> Option<u32> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=1e6).contains(seconds))?;
    // No longer than 12 days, so nothing is lost but the fraction.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Some(seconds.round() as u32)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "no request is involved")]

    use super::*;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn read(body: impl Into<Vec<u8>>) -> Event {
        super::read(&Verified::assume_authentic(body.into()))
    }

    fn event(event_type: &str, data: Value) -> Event {
        read(json!({"event_type": event_type, "event_data": data}).to_string())
    }

    #[test]
    fn an_unreadable_body_is_an_event_with_an_identity_and_no_other_field() {
        for (body, is_json) in [
            ("", false),
            ("not json", false),
            (r#"{"event_type":"#, false),
            ("null", true),
            ("[]", true),
            ("7", true),
            (r#"{"event_type":{},"event_data":"text","event_id":null}"#, true),
        ] {
            let event = read(body);
            let (identity, body_sha256) = (event.identity.clone(), event.body_sha256.clone());
            let nothing = Event { identity, body_sha256, is_json, ..read("") };
            assert_eq!(event, nothing, "{body}");
            assert_eq!(event.event_type, None);
            assert_eq!(event.correlation_id().as_str(), event.identity.as_str());
            assert_eq!(event.job(), None);
        }
    }

    #[test]
    fn the_length_of_a_result_is_read_if_it_is_one() {
        let seconds = |duration: Value| event("avatar_video.success", json!({"duration": duration})).duration_seconds;
        for (duration, expected) in [
            (json!(12.5), Some(13)),
            (json!("61"), Some(61)),
            (json!(0), Some(0)),
            (json!(-1), None),
            (json!(1e300), None),
            (json!("long"), None),
            (json!(null), None),
            (json!({}), None),
        ] {
            assert_eq!(seconds(duration.clone()), expected, "{duration}");
        }
        assert_eq!(event("x.success", json!({"duration_seconds": 7})).duration_seconds, Some(7));
    }

    #[test]
    fn a_body_that_breaks_off_says_where_it_belongs_and_changes_no_job() {
        let whole = r#"{"event_type":"avatar_video.success","event_data":{"callback_id":"c","video_id":"v","url":"https://x.invalid/1"}}"#;
        let (cut, whole) = (read(&whole[..whole.len() - 5]), read(whole));
        assert_eq!(
            (cut.is_json, cut.correlation_id().as_str(), cut.type_label()),
            (false, "c", "avatar_video.success")
        );
        assert_eq!(cut.job(), None);
        assert_ne!(cut.identity, whole.identity);
    }

    /// A field that nothing fills, or that the reading of bodies leaves out, is noticed here.
    #[test]
    fn every_field_of_an_event_is_read_from_some_sample() {
        let samples = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/deliveries")).unwrap();
        let mut unread = BTreeMap::new();
        for sample in samples.map(|sample| sample.unwrap().path()).filter(|path| path.is_file()) {
            // Exhaustive: a new field must be looked at.
            let Event {
                platform: _,
                identity: _,
                body_sha256: _,
                is_json: _,
                is_known_type: _,
                kind: _,
                status: _,
                // No entity of HeyGen's has results that a time would order.
                occurred_at: _,
                event_type,
                event_id,
                created_at,
                callback_id,
                entity_id,
                entity_is_reused,
                output_language,
                links,
                failure,
                duration_seconds,
            } = read(std::fs::read(sample).unwrap());
            for (field, is_read) in [
                ("event_type", event_type.is_some()),
                ("event_id", event_id.is_some()),
                ("created_at", created_at.is_some()),
                ("callback_id", callback_id.is_some()),
                ("entity_id", entity_id.is_some()),
                ("entity_is_reused", entity_is_reused),
                ("output_language", output_language.is_some()),
                ("links", !links.is_empty()),
                ("failure", failure.is_some()),
                ("duration_seconds", duration_seconds.is_some()),
            ] {
                *unread.entry(field).or_insert(true) &= !is_read;
            }
        }
        unread.retain(|_, unread| *unread);
        assert!(unread.is_empty(), "read from no sample: {:?}", unread.keys());
    }

    #[test]
    fn a_label_is_a_known_type_or_unknown() {
        for (event_type, label) in [("avatar_video.fail", "avatar_video.fail"), ("hologram.fail", "unknown")] {
            assert_eq!(event(event_type, json!({})).type_label(), label);
        }
        assert_eq!(read("not json").type_label(), "unknown");
    }

    #[test]
    fn the_correlation_id_is_the_best_that_is_known() {
        let of = |data| event("avatar_video.fail", data).correlation_id().to_string();
        assert_eq!(of(json!({"callback_id": "order", "video_id": "v"})), "order");
        assert_eq!(of(json!({"callback_id": "", "video_id": 7})), "7");
        assert_eq!(of(json!({})).len(), 64);
    }

    #[test]
    fn a_job_has_links_if_it_succeeded_and_a_failure_if_it_failed() {
        let data = json!({"id": "v", "url": "https://x.invalid/1", "message": "text"});
        let succeeded = event("avatar_video.success", data.clone()).job().unwrap();
        assert_eq!((succeeded.links.len(), succeeded.failure), (1, None));
        let failed = event("avatar_video.fail", data).job().unwrap();
        assert_eq!((failed.links.len(), failed.failure.is_some()), (0, true));
    }

    #[test]
    fn an_event_affects_no_job_unless_it_has_an_entity_and_says_how_the_job_ended() {
        assert_eq!(event("avatar_video.success", json!({"callback_id": "order"})).job(), None);
        assert_eq!(event("avatar_video.progress", json!({"video_id": "v"})).job(), None);
    }

    #[test]
    fn debug_shows_neither_links_nor_failures() {
        let event = event(
            "avatar_video.fail",
            json!({"id": "v", "url": "https://x.invalid/canary", "msg": "canary", "title": "canary"}),
        );
        assert!(!format!("{event:?} {:?}", event.job()).contains("canary"));
        assert!(format!("{event:?}").contains("avatar_video.fail"));
    }
}
