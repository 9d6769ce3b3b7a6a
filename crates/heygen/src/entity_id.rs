//! Which field of `event_data` holds the id of the entity that an event is about.

use crate::EventType;
use webhook::fields::Fields;

/// The fields that HeyGen documents or was seen to use, the most specific first: a video's own id
/// comes before the id of the project or avatar that it belongs to.
pub(crate) const NAMES: &[&str] = &[
    "render_id",
    "video_id",
    "video_translate_id",
    "video_translation_id",
    "session_id",
    "lipsync_id",
    "ai_clipping_id",
    "proofread_id",
    "batch_id",
    "project_id",
    "avatar_id",
    "photo_avatar_id",
    "group_id",
];

/// Fields that name what can be worked on again and again: a group that is trained twice, an avatar
/// or a project that is made anew. Two events about one of these may report two jobs.
const REUSED: &[&str] = &["project_id", "avatar_id", "group_id"];

/// The entity that an event is about.
pub(crate) struct EntityId {
    pub(crate) id: String,
    /// Whether more than one job may be about it.
    pub(crate) is_reused: bool,
}

/// Reads the entity id: the first of [`NAMES`] that is present, else the id that is named for the
/// kind, such as `hologram_id` for `hologram.success`, else the bare `id`.
///
/// The order is fixed for known kinds, because their identities are stored. For an unknown kind
/// the id named for it comes first: it is its own id, and the others are those of related entities.
pub(crate) fn read(event_type: Option<&EventType>, data: Fields<'_>) -> Option<EntityId> {
    let own = event_type.map(named_for);
    let (known, own) = (NAMES.iter().copied(), own.as_deref().into_iter());
    let names: Vec<&str> =
        if event_type.is_some_and(is_of_known_kind) { known.chain(own).collect() } else { own.chain(known).collect() };
    let found = |name: &str| Some(EntityId { id: data.text(name)?, is_reused: REUSED.contains(&name) });
    names.into_iter().chain(["id"]).find_map(found)
}

/// Whether the field may hold the entity id of an event of any type. The field that is [`named_for`]
/// the event's kind may, too.
pub(crate) fn reads(name: &str) -> bool {
    name == "id" || NAMES.contains(&name)
}

/// The field that is named for the event's kind.
pub(crate) fn named_for(event_type: &EventType) -> String {
    format!("{}_id", base_kind(event_type))
}

/// `hologram` for `hologram.success`, `hologram.started` and `hologram.draft.fail`.
fn base_kind(event_type: &EventType) -> &str {
    event_type.as_str().split('.').next().unwrap_or_default()
}

fn is_of_known_kind(event_type: &EventType) -> bool {
    EventType::KNOWN.iter().any(|known| known.split('.').next() == Some(base_kind(event_type)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value, json};

    fn entity_id(event_type: &str, data: Value) -> Option<String> {
        read(Some(&EventType::new(event_type)), Fields::of(Some(&data))).map(|entity| entity.id)
    }

    #[test]
    fn the_first_entity_id_that_is_present_counts() {
        let mut data = Map::from_iter([("id".to_owned(), json!("the id"))]);
        assert_eq!(entity_id("avatar_video.success", json!(data)).unwrap(), "the id");
        for name in NAMES.iter().rev() {
            data.insert((*name).to_owned(), json!(format!("the {name}")));
            assert_eq!(entity_id("avatar_video.success", json!(data)), Some(format!("the {name}")));
        }
        data.insert(NAMES[0].to_owned(), json!(""));
        assert_eq!(entity_id("avatar_video.success", json!(data)), Some(format!("the {}", NAMES[1])));
    }

    #[test]
    fn the_entity_of_an_unknown_kind_is_the_id_named_for_it() {
        let data = json!({"hologram_id": "h", "video_id": "v", "id": "i"});
        for event_type in ["hologram.success", "hologram.fail", "hologram.started", "hologram.draft.fail"] {
            assert_eq!(entity_id(event_type, data.clone()).unwrap(), "h", "{event_type}");
        }
        assert_eq!(entity_id("hologram.success", json!({"hologram_id": null, "video_id": "v"})).unwrap(), "v");
        assert_eq!(entity_id("hologram.success", json!({"id": 7})).unwrap(), "7");
    }

    #[test]
    fn the_id_named_for_a_known_kind_comes_only_before_the_bare_id() {
        let data = json!({"live_avatar_id": "l", "id": "i"});
        assert_eq!(entity_id("live_avatar.success", data.clone()).unwrap(), "l");
        assert_eq!(entity_id("live_avatar.unheard_of", data).unwrap(), "l");
        assert_eq!(entity_id("live_avatar.success", json!({"live_avatar_id": "l", "session_id": "s"})).unwrap(), "s");
    }

    #[test]
    fn without_a_type_there_is_no_kind_to_name_an_id() {
        let data = json!({"hologram_id": "h", "id": "i"});
        assert_eq!(read(None, Fields::of(Some(&data))).unwrap().id, "i");
    }
}
