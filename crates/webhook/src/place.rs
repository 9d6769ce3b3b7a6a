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
