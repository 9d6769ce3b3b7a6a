//! How a job is looked up. The requests themselves are made elsewhere.

use serde_json::Value;
use webhook::callback::is_entity_id;
use webhook::fields::Fields;

use crate::kind::Kind;

/// The API's only host.
pub const BASE_URL: &str = "https://tavusapi.com";

/// The name and the value of the header that carries the API key.
pub fn authorization(key: &str) -> (&'static str, String) {
    ("x-api-key", key.to_owned())
}

/// The path and query to look a job up at, below [`BASE_URL`]. None for a kind that is unknown, or an id that could change
/// the request's target.
pub fn paths(kind: &str, entity_id: &str) -> Vec<String> {
    if !is_entity_id(entity_id) {
        return Vec::new();
    }
    let path = Kind::of(kind).map(|kind| match kind {
        Kind::Video => format!("/v2/videos/{entity_id}?verbose=true"),
        Kind::Replica => format!("/v2/replicas/{entity_id}"),
        // Only the verbose answer has the conversation's events.
        Kind::Conversation => format!("/v2/conversations/{entity_id}?verbose=true"),
    });
    path.into_iter().collect()
}

/// The order that an answer names, to be compared with that of the callback's token: a video's `video_name`, unless Tavus
/// chose it. The other kinds name none.
pub fn echoed(kind: &str, answer: &Value) -> Option<String> {
    let kind = Kind::of(kind)?;
    own_name(kind, Fields::of(Some(answer)))
}

pub(crate) fn own_name(kind: Kind, answer: Fields<'_>) -> Option<String> {
    let name = answer.text("video_name").filter(|_| kind == Kind::Video)?;
    let id = answer.text("video_id").unwrap_or_default();
    // A video without a name is called `replica_id: … - August 28, 2024 - video: ID`, as the documentation's samples show.
    let is_default = !id.is_empty() && name.ends_with(&format!("video: {id}"));
    (!is_default).then_some(name)
}

/// The URL that an answer says the job's callbacks go to. A conversation's events call it `webhook_url`.
pub fn callback_url(kind: &str, answer: &Value) -> Option<String> {
    Kind::of(kind)?;
    Fields::of(Some(answer)).first_text(&["callback_url", "webhook_url"])
}

/// Whether the answer about a job of this kind repeats its callback URL, so that one without it has none. Those about videos
/// and replicas are not documented to.
pub fn repeats_callback_url(kind: &str) -> bool {
    Kind::of(kind) == Some(Kind::Conversation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KINDS;
    use serde_json::json;

    #[test]
    fn each_kind_has_its_path() {
        let expected = ["/v2/videos/x_1?verbose=true", "/v2/replicas/x_1", "/v2/conversations/x_1?verbose=true"];
        assert_eq!(KINDS.len(), expected.len());
        for (kind, path) in KINDS.iter().zip(expected) {
            assert_eq!(paths(kind, "x_1"), [path]);
            assert_eq!(paths(&format!("tavus.{kind}"), "x_1"), [path]);
        }
        assert!(paths("document", "x_1").is_empty());
        assert!(paths("did.talk", "x_1").is_empty());
    }

    #[test]
    fn the_key_has_its_header() {
        assert_eq!(authorization("k"), ("x-api-key", "k".to_owned()));
    }

    #[test]
    fn only_a_name_that_was_given_is_an_order() {
        for (kind, answer, expected) in [
            ("video", json!({"video_id": "v1", "video_name": "order_1"}), Some("order_1")),
            ("tavus.video", json!({"video_id": "v1", "video_name": 7}), Some("7")),
            ("video", json!({"video_name": "about video: "}), Some("about video: ")),
            (
                "video",
                json!({"video_id": "1e30440cf9", "video_name": "replica_id: r7 - August 28, 2024 - video: 1e30440cf9"}),
                None,
            ),
            ("video", json!({"video_id": "v1", "video_name": ""}), None),
            ("video", json!({"video_id": "v1", "video_name": ["order_1"]}), None),
            ("video", json!("order_1"), None),
            ("replica", json!({"video_name": "order_1"}), None),
            ("conversation", json!({"conversation_name": "order_1"}), None),
            ("document", json!({"video_name": "order_1"}), None),
        ] {
            assert_eq!(echoed(kind, &answer).as_deref(), expected, "{kind} {answer}");
        }
    }

    #[test]
    fn an_answer_may_say_where_its_callbacks_go() {
        for (kind, answer, expected) in [
            ("conversation", json!({"callback_url": "https://a.invalid"}), Some("https://a.invalid")),
            ("tavus.conversation", json!({"webhook_url": "https://b.invalid"}), Some("https://b.invalid")),
            (
                "conversation",
                json!({"callback_url": "", "webhook_url": "https://b.invalid"}),
                Some("https://b.invalid"),
            ),
            ("conversation", json!({"callback_url": null}), None),
            ("conversation", json!({"callback_url": ["https://a.invalid"]}), None),
            ("conversation", json!("https://a.invalid"), None),
            ("video", json!({"callback_url": "https://a.invalid"}), Some("https://a.invalid")),
            ("did.conversation", json!({"callback_url": "https://a.invalid"}), None),
        ] {
            assert_eq!(callback_url(kind, &answer).as_deref(), expected, "{kind} {answer}");
        }
        assert!(repeats_callback_url("tavus.conversation") && !repeats_callback_url("tavus.video"));
    }
}
