//! How a job is looked up. The requests themselves are made elsewhere.

use serde_json::Value;
use webhook::callback::is_entity_id;
use webhook::fields::Fields;

use crate::kind::Kind;

/// The API's only host.
pub const BASE_URL: &str = "https://api.d-id.com";

/// The name and the value of the header that carries the API key. D-ID issues the key as it stands behind `Basic`; one that
/// names its scheme is sent as it is.
pub fn authorization(key: &str) -> (&'static str, String) {
    let names_its_scheme = ["Basic ", "Bearer "].iter().any(|scheme| key.starts_with(scheme));
    ("authorization", if names_its_scheme { key.to_owned() } else { format!("Basic {key}") })
}

/// The paths to look a job up at, below [`BASE_URL`], to be tried until one is not answered with 404. None for a kind that
/// is unknown, or an id that could change the request's target.
pub fn paths(kind: &str, entity_id: &str) -> Vec<String> {
    if !is_entity_id(entity_id) {
        return Vec::new();
    }
    let folders: &[&str] = match Kind::of(kind) {
        Some(Kind::Talk) => &["talks"],
        Some(Kind::Clip) => &["clips"],
        Some(Kind::Animation) => &["animations"],
        Some(Kind::Scene) => &["scenes"],
        Some(Kind::Expressive) => &["expressives"],
        // One request starts a group with a job per language. Which of the ids a callback has is not documented.
        Some(Kind::Translation) => &["translations", "translations/groups"],
        Some(Kind::SceneAvatar) => &["scenes/avatars"],
        None => &[],
    };
    folders.iter().map(|folder| format!("/{folder}/{entity_id}")).collect()
}

/// The order that an answer names, to be compared with that of the callback's token: its `user_data`. Not every kind's
/// answer has it.
pub fn echoed(kind: &str, answer: &Value) -> Option<String> {
    Kind::of(kind)?;
    Fields::of(Some(answer)).text("user_data")
}

/// The URL that an answer says the job's callbacks go to.
pub fn callback_url(kind: &str, answer: &Value) -> Option<String> {
    Kind::of(kind)?;
    Fields::of(Some(answer)).text("webhook")
}

/// Whether the answer about a job of this kind repeats its callback URL, so that one without it has none. Only the schemas
/// of talks and clips list it.
pub fn repeats_callback_url(kind: &str) -> bool {
    matches!(Kind::of(kind), Some(Kind::Talk | Kind::Clip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KINDS;
    use serde_json::json;

    #[test]
    fn each_kind_has_its_paths() {
        let expected: [&[&str]; 7] = [
            &["/talks/x_1"],
            &["/clips/x_1"],
            &["/animations/x_1"],
            &["/scenes/x_1"],
            &["/expressives/x_1"],
            &["/translations/x_1", "/translations/groups/x_1"],
            &["/scenes/avatars/x_1"],
        ];
        assert_eq!(KINDS.len(), expected.len());
        for (kind, expected) in KINDS.iter().zip(expected) {
            assert_eq!(paths(kind, "x_1"), expected);
            assert_eq!(paths(&format!("did.{kind}"), "x_1"), expected);
        }
        assert!(paths("agent", "x_1").is_empty());
        assert!(paths("tavus.video", "x_1").is_empty());
    }

    #[test]
    fn a_key_is_sent_as_it_was_issued() {
        for (key, value) in [
            ("dXNlcg==:cGFzc3dvcmQ", "Basic dXNlcg==:cGFzc3dvcmQ"),
            ("Basic dXNlcg", "Basic dXNlcg"),
            ("Bearer token", "Bearer token"),
            ("Basically", "Basic Basically"),
        ] {
            assert_eq!(authorization(key), ("authorization", value.to_owned()));
        }
    }

    #[test]
    fn the_order_is_the_user_data() {
        for (kind, answer, expected) in [
            ("talk", json!({"user_data": "order_90"}), Some("order_90")),
            ("did.scene", json!({"user_data": 7}), Some("7")),
            ("talk", json!({"user_data": ""}), None),
            ("talk", json!({"user_data": {"order": 1}}), None),
            ("talk", json!([]), None),
            ("agent", json!({"user_data": "order_90"}), None),
        ] {
            assert_eq!(echoed(kind, &answer).as_deref(), expected, "{kind} {answer}");
        }
    }

    #[test]
    fn an_answer_may_say_where_its_callbacks_go() {
        for (kind, answer, expected) in [
            ("talk", json!({"webhook": "https://a.invalid"}), Some("https://a.invalid")),
            ("did.scene", json!({"webhook": "https://a.invalid"}), Some("https://a.invalid")),
            ("talk", json!({"webhook": ""}), None),
            ("talk", json!({"webhook": {"url": "https://a.invalid"}}), None),
            ("talk", json!([]), None),
            ("agent", json!({"webhook": "https://a.invalid"}), None),
        ] {
            assert_eq!(callback_url(kind, &answer).as_deref(), expected, "{kind} {answer}");
        }
        assert!(repeats_callback_url("did.clip") && !repeats_callback_url("did.animation"));
    }
}
