//! The event that HeyGen would have delivered, made from what it says of the job.

use serde_json::{Map, Value, json};

use super::{Entity, EntityKind, Progress};
use crate::event::DURATIONS;
use crate::{Outcome, Verified, entity_id, links};
use webhook::fields::Fields;

impl Entity {
    /// The event that HeyGen sends when such a job ends, as the body of a delivery: it has the identity, the place, the
    /// job and the names of links of that delivery. `None` while the job is not at its end.
    ///
    /// `job_kind` is the kind of the job, if it is known; else pass [`EntityKind::job_kind`]. One video may be the result
    /// of an `avatar_video`, an `avatar_video_gif` and an `avatar_video_caption`, which end at different times: the last
    /// two succeeded only if their own result is there.
    ///
    /// Before you make an event of a video from the list, ask [`Entity::is_translation`]: HeyGen reports a translation
    /// by an event of its own, under the translation's id.
    #[expect(clippy::disallowed_methods, reason = "the entity is HeyGen's own response, over TLS")]
    pub fn to_verified(&self, job_kind: &str) -> Option<Verified> {
        let data = event_data(self, job_kind)?;
        let outcome = self.progress.as_ref()?.outcome()?;
        let event_type = match (job_kind, outcome) {
            ("personalized_video", Outcome::Succeeded) => job_kind.to_owned(),
            (_, Outcome::Succeeded) => format!("{job_kind}.success"),
            _ => format!("{job_kind}.fail"),
        };
        let body = json!({"event_type": event_type, "event_data": data});
        Some(Verified::assume_authentic(body.to_string().into_bytes()))
    }
}

impl Entity {
    /// The entity with this language, or none, in place of HeyGen's: for the event of a translation whose job is recorded
    /// in another spelling, or without a language. The language is a part of the job's key.
    #[must_use]
    pub fn in_language(mut self, language: Option<&str>) -> Self {
        if self.kind != EntityKind::VideoTranslation {
            return self;
        }
        if let Some(data) = self.data.as_object_mut() {
            data.remove("output_language");
            data.extend(language.map(|language| ("output_language".to_owned(), language.into())));
        }
        self.output_language = language.map(str::to_owned);
        self
    }

    /// The id of the video that a session of the video agent makes, if HeyGen says it.
    pub fn video_id(&self) -> Option<String> {
        Fields::of(Some(&self.data)).text("video_id").filter(|_| self.kind == EntityKind::VideoAgent)
    }

    /// A session of the video agent that has ended as its video has. HeyGen describes a session without links, and the
    /// event that it delivers has them.
    #[must_use]
    pub fn with_video(mut self, video: &Entity) -> Self {
        let is_result = |name: &str| links::reads(name) || DURATIONS.contains(&name) || name.starts_with("failure_");
        if let (Some(data), Some(results)) = (self.data.as_object_mut(), video.data.as_object()) {
            let results = results.iter().filter(|(name, value)| is_result(name) && !value.is_null());
            data.extend(results.map(|(name, value)| (name.clone(), value.clone())));
        }
        let Entity { progress, duration, links, failure, .. } = video.clone();
        Entity { progress, duration, links, failure, ..self }
    }
}

/// The entity's own fields, with the names of deliveries. What a delivery does not have, and what would be read in
/// place of what it has, is kept in a nested object, which [`Event::read`](crate::Event::read) does not look into.
fn event_data(entity: &Entity, job_kind: &str) -> Option<Map<String, Value>> {
    let mut data = entity.data.as_object()?.clone();
    let mut other = Map::new();
    let own = entity.kind.id_in_events();
    for name in entity_id::NAMES.iter().take_while(|name| **name != own) {
        other.extend(data.remove_entry(*name));
    }
    // Only a translation has it in its events. It is a part of their identity.
    if entity.kind == EntityKind::Video {
        other.extend(data.remove_entry("output_language"));
    }
    data.insert(own.to_owned(), entity.id.clone().into());

    if let Some(result) = own_result(job_kind) {
        let link = data.get(result).and_then(Value::as_str).filter(|link| !link.is_empty()).map(str::to_owned);
        if link.is_none() && entity.progress == Some(Progress::Completed) {
            return None;
        }
        // In such an event `url` is the gif, or the video with captions.
        other.extend(data.remove_entry("video_url"));
        data.insert("url".to_owned(), link.into());
    }
    if entity.progress == Some(Progress::Cancelled) && entity.failure.is_none() {
        data.insert("failure_code".to_owned(), "cancelled".into());
        data.insert("failure_message".to_owned(), "The job was cancelled.".into());
    }
    if !other.is_empty() {
        data.insert("other".to_owned(), other.into());
    }
    Some(data)
}

/// The field with the result of a job that makes something else of a video.
fn own_result(job_kind: &str) -> Option<&'static str> {
    match job_kind {
        "avatar_video_gif" => Some("gif_url"),
        "avatar_video_caption" => Some("captioned_video_url"),
        _ => None,
    }
}
