//! Where an event is kept: a function of its body alone, so that no order of events can change it.

use crate::digest::shortened;
use crate::{CorrelationId, Event, Job};

/// The longest id, in bytes, that stands in a pointer's key as it is. DynamoDB allows 1024 bytes for a sort key.
const LIMIT: usize = 512;

/// Where a store keeps an event and its job.
///
/// Some events of one entity carry the `callback_id` and some do not, and any of them may come first. So an
/// entity's events and jobs are kept at the entity's id, which every event about it names. The `callback_id`
/// finds them by a pointer, which an event that has both ids brings along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The partition of the event and its job: the entity id, else the `callback_id`, else the identity. An
    /// entity that is used again, such as a group, does not tell its jobs apart: these are kept at their
    /// `callback_id`.
    pub partition: CorrelationId,
    /// The partition with a pointer to it: the other one of the two ids, if the event has both.
    pub pointer_from: Option<CorrelationId>,
}

impl Place {
    pub(crate) fn of(event: &Event) -> Self {
        let entity = event.entity_id.as_deref().map(CorrelationId::of);
        let callback = event.callback_id.as_deref().map(CorrelationId::of);
        let (partition, pointer_from) = match (entity, callback) {
            (Some(entity), Some(callback)) if event.entity_is_reused => (callback, Some(entity)),
            (Some(entity), callback) => (entity, callback),
            (None, Some(callback)) => (callback, None),
            (None, None) => (CorrelationId::of(event.identity.as_str()), None),
        };
        Self { partition, pointer_from }
    }

    /// The key of the pointer: `pointer#<key of the job>`, so that one partition may point to several jobs of
    /// another; without a job `pointer#id#<partition>`.
    pub fn pointer_key(&self, job: Option<&Job>) -> String {
        let target = job.map_or_else(|| format!("id#{}", shortened(self.partition.as_str(), LIMIT)), Job::item_key);
        format!("pointer#{target}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "no request is involved")]

    use crate::{Event, Verified};
    use serde_json::{Value, json};

    fn place(data: Value) -> (String, Option<String>) {
        let body = json!({"event_type": "avatar_video.fail", "event_data": data}).to_string();
        let place = Event::read(&Verified::assume_authentic(body.into())).place();
        (place.partition.to_string(), place.pointer_from.map(|id| id.to_string()))
    }

    #[test]
    fn all_events_of_an_entity_are_kept_together_and_the_callback_id_points_there() {
        assert_eq!(place(json!({"video_id": "v"})), ("v".into(), None));
        assert_eq!(place(json!({"video_id": "v", "callback_id": "c"})), ("v".into(), Some("c".into())));
        assert_eq!(place(json!({"video_id": "v", "callback_id": "v"})), ("v".into(), Some("v".into())));
    }

    #[test]
    fn a_pointer_names_the_job_and_fits_a_sort_key() {
        let key = |event_type: &str, id: &str| {
            let body =
                json!({"event_type": event_type, "event_data": {"video_id": id, "callback_id": "c"}}).to_string();
            let event = Event::read(&Verified::assume_authentic(body.into()));
            event.place().pointer_key(event.job().as_ref())
        };
        assert_eq!(key("avatar_video.fail", "v"), "pointer#job#avatar_video#v");
        assert_eq!(key("avatar_video.progress", "v"), "pointer#id#v");
        let long = "x".repeat(1024);
        assert!(key("avatar_video.fail", &long).len() <= 1024 && key("avatar_video.progress", &long).len() <= 1024);
        assert_ne!(key("avatar_video.progress", &long), key("avatar_video.progress", &long[1..]));
    }

    #[test]
    fn a_job_on_a_reused_entity_is_kept_at_its_callback_id() {
        assert_eq!(place(json!({"group_id": "g", "callback_id": "c"})), ("c".into(), Some("g".into())));
        assert_eq!(place(json!({"group_id": "g"})), ("g".into(), None));
    }

    #[test]
    fn without_an_entity_it_is_kept_at_the_best_id_that_is_known() {
        assert_eq!(place(json!({"callback_id": "c"})), ("c".into(), None));
        let (partition, pointer) = place(json!({}));
        assert_eq!((partition.len(), pointer), (64, None));
    }
}
