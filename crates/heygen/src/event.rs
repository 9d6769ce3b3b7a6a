//! Reading the body of a delivery.

use std::collections::BTreeMap;
use std::fmt;

use crate::body::Body;
use crate::digest::sha256;
use crate::expiry::expires_at;
use crate::fields::Fields;
use crate::identity::Evidence;
use crate::{CorrelationId, EventType, Failure, Identity, Job, Outcome, Place, Status, Verified, entity_id, links};

/// The body of a delivery, `{"event_type": …, "event_data": {…}}`, read leniently.
///
/// No field is required. `""` counts as null, a number is accepted as an id, a field of another
/// type counts as absent, and unknown fields are ignored; keep the body if you need them.
///
/// `Debug` omits the links, because anyone who has one can fetch the result, and the failure texts.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Equal for all deliveries of the same event.
    pub identity: Identity,
    /// The SHA-256 of the body, in hex. It distinguishes deliveries of one event in different bytes.
    pub body_sha256: String,
    /// Whether the whole body is JSON. If not, the fields before the first error are read all the same.
    pub is_json: bool,
    /// The body's `event_type`.
    pub event_type: Option<EventType>,
    /// The body's `event_id`. HeyGen documents none; no delivery was seen with one.
    pub event_id: Option<String>,
    /// The body's `created_at`, as HeyGen wrote it. HeyGen documents none; no delivery was seen
    /// with one.
    pub created_at: Option<String>,
    /// `event_data.callback_id`: the caller's own id, given when the job was started.
    pub callback_id: Option<String>,
    /// HeyGen's id of the video, translation, avatar, … that the event is about.
    pub entity_id: Option<String>,
    /// Whether the entity is one that is used again, such as a group or an avatar, so that several
    /// jobs may be about it.
    pub entity_is_reused: bool,
    /// `event_data.output_language`, of a translation.
    pub output_language: Option<String>,
    /// URLs of the results, by name: `video`, `gif`, `page`, `share_page`, `landing_page`, `captioned_video`,
    /// `thumbnail`, and `clip.<clip id>` for each clip of an `ai_clipping` job. They are
    /// pre-signed and expire (after 7 days in v1).
    pub links: BTreeMap<String, String>,
    /// Why the job failed, read from any of HeyGen's spellings.
    pub failure: Option<Failure>,
    /// `event_data.duration`: the length of the result in whole seconds. Some events have it, and HeyGen's lists do.
    pub duration_seconds: Option<u32>,
}

impl Event {
    /// Reads a body. This never fails: JSON of another shape is an event with an identity and no other
    /// field, and of a body that is not JSON the fields before the first error are read.
    pub fn read(verified: &Verified) -> Self {
        let body = Body::read(verified.body());
        let data = Fields::from(&body.data);
        let entity = entity_id::read(body.event_type.as_ref(), data);
        let output_language = data.text("output_language");
        // A body that is not JSON may have been cut: its fields say where it belongs, and no more.
        let identity = Identity::decide(&Evidence {
            event_id: body.event_id.as_deref().filter(|_| body.is_json),
            event_type: body.event_type.as_ref().filter(|_| body.is_json),
            entity: entity.as_ref(),
            output_language: output_language.as_deref(),
            body: verified.body(),
        });

        let mut links = body.clips;
        links.extend(links::read(body.event_type.as_ref().map(EventType::kind), data));

        Self {
            identity,
            body_sha256: sha256(verified.body()),
            is_json: body.is_json,
            links,
            event_type: body.event_type,
            event_id: body.event_id,
            created_at: body.created_at,
            callback_id: data.text("callback_id"),
            entity_is_reused: entity.as_ref().is_some_and(|entity| entity.is_reused),
            entity_id: entity.map(|entity| entity.id),
            output_language,
            failure: Failure::read(data),
            duration_seconds: data.first_text(&DURATIONS).as_deref().and_then(whole_seconds),
        }
    }

    /// The event's type as a label for logs and metrics: `"unknown"` unless it is one of
    /// [`EventType::KNOWN`], so that a label has a limited number of values and none of the
    /// sender's text.
    pub fn type_label(&self) -> &str {
        let known = self.event_type.as_ref().filter(|event_type| event_type.is_known());
        known.map_or("unknown", EventType::as_str)
    }

    /// The `callback_id`, else the entity id, else the identity.
    pub fn correlation_id(&self) -> CorrelationId {
        let known = self.callback_id.as_deref().or(self.entity_id.as_deref());
        CorrelationId::of(known.unwrap_or(self.identity.as_str()))
    }

    /// Where the event and its job are kept.
    pub fn place(&self) -> Place {
        Place::of(self)
    }

    /// The key of this delivery of the event: `event#<identity>#<SHA-256 of the body>`. The same event in
    /// other bytes, such as with fresh links, has another key that begins with the same identity.
    pub fn item_key(&self) -> String {
        format!("event#{}#{}", self.identity, self.body_sha256)
    }

    /// What the event, taken alone, says of its job; `None` if it names no entity, its type does
    /// not say how the job ended, or its body is not JSON to the end.
    pub fn job(&self) -> Option<Job> {
        let event_type = self.event_type.as_ref().filter(|_| self.is_json)?;
        let status = match event_type.outcome() {
            Outcome::Succeeded => Status::Succeeded,
            Outcome::Failed => Status::Failed,
            Outcome::Unknown => return None,
        };
        let succeeded = status == Status::Succeeded;
        Some(Job {
            kind: event_type.kind().to_owned(),
            entity_id: self.entity_id.clone()?,
            status,
            identity: self.identity.clone(),
            decided_by: self.item_key(),
            event_type: event_type.as_str().to_owned(),
            // A failed job may have a thumbnail, and a successful one `"message": "Success"`.
            links: if succeeded { self.links.clone() } else { BTreeMap::new() },
            failure: if succeeded { None } else { self.failure.clone() },
            output_language: self.output_language.clone(),
            distinguishing_callback_id: self.callback_id.clone().filter(|_| self.entity_is_reused),
            links_expire_at: self.links.values().filter_map(|link| expires_at(link)).min().filter(|_| succeeded),
        })
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

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("identity", &self.identity)
            .field("is_json", &self.is_json)
            .field("event_type", &self.event_type)
            .field("event_id", &self.event_id)
            .field("created_at", &self.created_at)
            .field("callback_id", &self.callback_id)
            .field("entity_id", &self.entity_id)
            .field("output_language", &self.output_language)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "no request is involved")]

    use super::*;
    use serde_json::{Value, json};

    fn read(body: impl Into<Vec<u8>>) -> Event {
        Event::read(&Verified::assume_authentic(body.into()))
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
        for sample in samples {
            // Exhaustive: a new field must be looked at.
            let Event {
                identity: _,
                body_sha256: _,
                is_json: _,
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
            } = read(std::fs::read(sample.unwrap().path()).unwrap());
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
