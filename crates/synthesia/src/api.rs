//! How to ask Synthesia's API for a video, or for all of them. The requests are the caller's.

use serde_json::Value;
use webhook::callback::is_entity_id;
use webhook::fields::Fields;
use webhook::list::{Element, Page};
use webhook::pick::{decoded, pick};

use crate::video::{KIND, Video};

/// Where the paths begin.
pub const BASE_URL: &str = "https://api.synthesia.io";

/// The only list, by the kind of its jobs.
pub const LISTS: [&str; 1] = [KIND];

/// How many videos a page of the list has at most.
const PAGE: u32 = 100;

/// The header that carries the key: the bare key, without a scheme.
pub fn authorization(key: &str) -> (&'static str, String) {
    ("authorization", key.to_owned())
}

/// The paths to GET one after another until one is not 404, for a job of this kind, with or without the platform's prefix.
/// Empty if it cannot be looked up, or the id could change the path.
pub fn paths(kind: &str, entity_id: &str) -> Vec<String> {
    match kind.strip_prefix("synthesia.").unwrap_or(kind) {
        "video" if is_entity_id(entity_id) => vec![format!("/v2/videos/{entity_id}")],
        _ => Vec::new(),
    }
}

/// The caller's own value, as an answer about a job of this kind repeats it.
pub fn echoed(kind: &str, answer: &Value) -> Option<String> {
    match kind.strip_prefix("synthesia.").unwrap_or(kind) {
        "video" => Fields::of(Some(answer)).text("callbackId"),
        _ => None,
    }
}

/// The path of a page of the list of videos: those of the workspace, and those of the key's owner. The first page without an
/// offset, and with one that is no number.
pub fn list_path(offset: Option<&str>) -> String {
    let offset = offset.and_then(|offset| offset.parse::<u32>().ok()).unwrap_or_default();
    format!("/v2/videos?limit={PAGE}&offset={offset}&source=workspace&source=my_videos")
}

/// The videos of a page, each with what [`paths`] would get. `None` if the text is no page.
pub fn page(body: &[u8]) -> Option<Page> {
    let page = Page::read(body, "videos", &["id", "callbackId", "createdAt"], |fields, answer| {
        let video = Video(fields);
        let (callback_id, created) = (fields.text("callbackId"), video.created_at());
        Some(Element {
            kind: KIND.to_owned(),
            entity_id: video.id()?,
            callback_id,
            callback_url: None,
            created,
            answer,
        })
    })?;
    let next = Fields::from(&pick(&decoded(body), &["nextOffset"]).fields).text("nextOffset");
    let is_offset = |text: &String| text.parse::<u32>().is_ok_and(|offset| offset > 0);
    Some(Page { next: next.filter(is_offset), ..page })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_plain_id_becomes_a_path() {
        let id = "1f0c7a1e-0000-4000-8000-000000000001";
        for kind in ["video", "synthesia.video"] {
            assert_eq!(paths(kind, id), [format!("/v2/videos/{id}")]);
            for id in ["", "a/b", "..", "a?x=1", "a#b", "a%2fb", "a b", "é", &"a".repeat(129)] {
                assert!(paths(kind, id).is_empty(), "{id}");
            }
        }
        for kind in ["", "elevenlabs.video", "dubbing", "synthesia.", "synthesia.synthesia.video"] {
            assert!(paths(kind, id).is_empty(), "{kind}");
        }
    }

    #[test]
    fn the_key_is_sent_bare() {
        assert_eq!(authorization("key"), ("authorization", "key".to_owned()));
    }

    #[test]
    fn the_own_value_is_the_callback_id() {
        assert_eq!(echoed("synthesia.video", &json!({"callbackId": "order"})).as_deref(), Some("order"));
        for answer in [json!({"callbackId": ""}), json!({}), json!([]), json!(null)] {
            assert_eq!(echoed("video", &answer), None);
        }
        assert_eq!(echoed("dubbing", &json!({"callbackId": "order"})), None);
    }

    #[test]
    fn a_video_of_the_list_says_its_order_and_when_it_was_created() {
        let body = r#"{"videos": [{"id": "a", "callbackId": "order", "createdAt": 1760000000}, null,
            {"id": "b", "callbackId": "", "createdAt": "soon", "title": "\ud83d"}, {"callbackId": "no id"}]}"#;
        let page = page(body.as_bytes()).unwrap();
        let one = |video: &Element| (video.entity_id.clone(), video.callback_id.clone(), video.created);
        assert_eq!(
            page.elements.iter().map(one).collect::<Vec<_>>(),
            [("a".to_owned(), Some("order".to_owned()), Some(1_760_000_000)), ("b".to_owned(), None, None)]
        );
        assert_eq!((page.unreadable, page.elements[0].kind.as_str()), (2, "synthesia.video"));
    }

    #[test]
    fn a_list_ends_where_no_offset_is_given() {
        let next = |next: &str| page(format!(r#"{{"videos": [], "nextOffset": {next}}}"#).as_bytes()).unwrap().next;
        for none in ["null", "0", "\"\"", "-1", "1.5", "{}"] {
            assert_eq!(next(none), None, "{none}");
        }
        assert_eq!((next("100"), next("\"100\"")), (Some("100".to_owned()), Some("100".to_owned())));
        assert_eq!(page(br#"{"videos": []}"#).unwrap().next, None);
        assert!(page(br#"{"nextOffset": 20}"#).is_none(), "it is no page");
    }

    #[test]
    fn an_offset_adds_nothing_to_the_request() {
        for (offset, expected) in [(None, 0), (Some("200"), 200), (Some("200&limit=1"), 0), (Some(""), 0)] {
            let path = format!("/v2/videos?limit=100&offset={expected}&source=workspace&source=my_videos");
            assert_eq!(list_path(offset), path);
        }
    }
}
