//! How to ask ElevenLabs' API for a job. The requests are the caller's.

use serde_json::Value;
use webhook::callback::is_entity_id;
use webhook::fields::Fields;
use webhook::list::{Element, Page, encoded};
use webhook::pick::{decoded, pick, raw};

use crate::data::Data;
use crate::subject::Subject;

/// Where the paths begin. A key of a residency is good at its own host only.
pub const BASE_URL: &str = "https://api.elevenlabs.io";

/// What Flows generates. Each has a list of its own, and an event does not say which of them it is about.
pub const LISTS: [&str; 3] = ["elevenlabs.video", "elevenlabs.image", "elevenlabs.text-to-speech"];

const PREFIX: &str = "elevenlabs.";

/// How many generations a page of a list has at most.
const PAGE: u32 = 100;

/// The header that carries the key.
pub fn authorization(key: &str) -> (&'static str, String) {
    ("xi-api-key", key.to_owned())
}

/// The paths to GET one after another until one is not 404, for a job of this kind, with or without the platform's prefix.
/// Empty if it cannot be looked up, or the id could change the path.
///
/// A template run is found by its template as well, a language of a dub by its project, and a transcript by another id than
/// that of its event: of these the entity id alone does not make a path.
pub fn paths(kind: &str, entity_id: &str) -> Vec<String> {
    let subject = Subject::of_kind(kind).filter(|_| is_entity_id(entity_id));
    match subject {
        Some(Subject::Flows) => {
            LISTS.iter().map(|list| format!("/v1/flows/{}/{entity_id}", list.trim_start_matches(PREFIX))).collect()
        }
        Some(Subject::DubbingProject) => vec![format!("/v1/dubbing/project/{entity_id}")],
        Some(Subject::Conversation) => vec![format!("/v1/convai/conversations/{entity_id}")],
        Some(Subject::TemplateRun | Subject::DubbingLanguage | Subject::SpeechToText) | None => Vec::new(),
    }
}

/// The caller's own value, as an answer about a job of this kind repeats it.
pub fn echoed(kind: &str, answer: &Value) -> Option<String> {
    Data { subject: Subject::of_kind(kind), fields: Fields::of(Some(answer)) }.own_value()
}

/// The path of a page of one of the [`LISTS`], newest first; the first page without a cursor.
pub fn list_path(list: &str, cursor: Option<&str>) -> String {
    let cursor = cursor.map(|cursor| format!("&cursor={}", encoded(cursor))).unwrap_or_default();
    format!("/v1/flows/{}?page_size={PAGE}{cursor}", list.trim_start_matches(PREFIX))
}

/// The generations of a page, each with what [`paths`] would get: they have neither a value of the caller's nor a time. `None`
/// if the text is no page.
pub fn page(body: &[u8]) -> Option<Page> {
    let page = Page::read(body, "generations", &["id"], |fields, answer| {
        let (kind, entity_id) = (Subject::Flows.kind().to_owned(), fields.text("id")?);
        Some(Element { kind, entity_id, callback_id: None, callback_url: None, created: None, answer })
    })?;
    let text = decoded(body);
    let is_last = raw(&text, &["has_more"]) == Some("false");
    let next = Fields::from(&pick(&text, &["next_cursor"]).fields).text("next_cursor");
    Some(Page { next: next.filter(|_| !is_last), ..page })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_plain_id_becomes_a_path() {
        for (kind, expected) in [
            ("flows", &["/v1/flows/video/a_1", "/v1/flows/image/a_1", "/v1/flows/text-to-speech/a_1"][..]),
            ("dubbing", &["/v1/dubbing/project/a_1"]),
            ("conversation", &["/v1/convai/conversations/a_1"]),
            ("flows_template_run", &[]),
            ("dubbing_language", &[]),
            ("speech_to_text", &[]),
            ("video", &[]),
            ("", &[]),
        ] {
            for kind in [kind.to_owned(), format!("elevenlabs.{kind}")] {
                assert_eq!(paths(&kind, "a_1"), expected, "{kind}");
                for id in ["", "a/b", "..", "a?x=1", "a#b", "a%2fb", "a b", "é", &"a".repeat(129)] {
                    assert!(paths(&kind, id).is_empty(), "{kind} {id}");
                }
            }
        }
    }

    #[test]
    fn the_key_has_a_header_of_its_own() {
        assert_eq!(authorization("key"), ("xi-api-key", "key".to_owned()));
    }

    #[test]
    fn the_own_value_depends_on_the_kind() {
        let answer = json!({"reference": "r", "user_id": "u", "webhook_metadata": "{\"callback_id\": \"m\"}", "project_id": "p"});
        for (kind, expected) in [
            ("flows", None),
            ("flows_template_run", None),
            ("dubbing", Some("r")),
            ("dubbing_language", Some("r")),
            ("speech_to_text", Some("m")),
            ("elevenlabs.conversation", None),
            ("synthesia.video", None),
        ] {
            assert_eq!(echoed(kind, &answer).as_deref(), expected, "{kind}");
        }
        let with_variable =
            json!({"user_id": "u", "conversation_initiation_client_data": {"dynamic_variables": {"callback_id": 7}}});
        assert_eq!(echoed("conversation", &with_variable).as_deref(), Some("7"));
        assert_eq!(echoed("dubbing_language", &json!({"project_id": "p"})), None);
        assert_eq!(echoed("dubbing", &json!("text")), None);
    }

    #[test]
    fn a_cursor_stays_a_cursor() {
        assert_eq!(list_path("elevenlabs.video", None), "/v1/flows/video?page_size=100");
        assert_eq!(
            list_path("elevenlabs.image", Some("a+/=&x#é")),
            "/v1/flows/image?page_size=100&cursor=a%2B%2F%3D%26x%23%C3%A9"
        );
    }

    #[test]
    fn a_list_ends_where_there_is_no_more() {
        for (rest, next) in [
            (r#""next_cursor": "c", "has_more": true"#, Some("c")),
            (r#""next_cursor": "c""#, Some("c")),
            (r#""next_cursor": 7"#, Some("7")),
            (r#""next_cursor": "c", "has_more": false"#, None),
            (r#""next_cursor": null, "has_more": true"#, None),
            (r#""next_cursor": """#, None),
        ] {
            let body = format!(r#"{{"generations": [7, {{"id": "a"}}], {rest}}}"#);
            let page = page(body.as_bytes()).unwrap();
            assert_eq!((page.next.as_deref(), page.unreadable), (next, 1), "{rest}");
            let [generation] = &page.elements[..] else { panic!("{page:?}") };
            assert_eq!((generation.kind.as_str(), generation.answer.get()), ("elevenlabs.flows", r#"{"id": "a"}"#));
        }
        assert!(page(b"{}").is_none());
    }
}
