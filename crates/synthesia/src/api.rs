//! How to ask Synthesia's API for a video, or for all of them. The requests are the caller's.

use serde_json::Value;
use webhook::callback::is_entity_id;
use webhook::fields::Fields;
use webhook::pick::{decoded, objects, pick};

use crate::video::PATHS;

/// Where the paths begin.
pub const BASE_URL: &str = "https://api.synthesia.io";

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

/// The path of a page of the list of videos: those of the workspace, and those of the key's owner.
pub fn list_path(offset: u32) -> String {
    format!("/v2/videos?limit={PAGE}&offset={offset}&source=workspace&source=my_videos")
}

/// The videos of a page, and the offset of the next one, if there is one. Each video is what [`paths`] would get. `None` if
/// the text is no page, so that a broken one is not taken for the last.
///
/// An element that is no object is left out. One that has something in it that cannot be decoded is given with the fields
/// that this crate reads, as texts.
pub fn page(body: &[u8]) -> Option<(Vec<Value>, Option<u32>)> {
    let text = decoded(body);
    let videos = objects(&text, "videos", PATHS)?;
    let next = Fields::from(&pick(&text, &["nextOffset"]).fields).text("nextOffset");
    Some((videos, next.and_then(|offset| offset.parse().ok()).filter(|offset| *offset > 0)))
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
    fn one_bad_element_of_a_page_hides_no_other() {
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        let body = format!(
            r#"{{"odd": 1e400, "videos": [{{"id": "a", "n": 1}}, null, "x", [], {{"id": "b", "title": "\ud83d"}}, {{"id": 7, "x": {deep}}}, {{"id": "c"}}], "nextOffset": "100"}}"#
        );
        let expected = [json!({"id": "a", "n": 1}), json!({"id": "b"}), json!({"id": "7"}), json!({"id": "c"})];
        assert_eq!(page(body.as_bytes()), Some((expected.to_vec(), Some(100))));
    }

    #[test]
    fn a_list_ends_where_no_offset_is_given() {
        for next in ["null", "0", "\"\"", "-1", "1.5", "{}"] {
            let body = format!(r#"{{"videos": [], "nextOffset": {next}}}"#);
            assert_eq!(page(body.as_bytes()), Some((Vec::new(), None)), "{next}");
        }
        assert_eq!(page(br#"{"videos": []}"#), Some((Vec::new(), None)));
    }

    #[test]
    fn what_is_no_page_is_not_taken_for_the_last_one() {
        for body in
            ["", "[]", "{}", r#"{"videos": {}}"#, "no JSON", r#"{"nextOffset": 20, "videos": [{"id": "a"}, {"id""#]
        {
            assert_eq!(page(body.as_bytes()), None, "{body}");
        }
    }
}
