//! What a platform says in an error, without what may be a secret: it may quote what it received.

use serde_json::Value;
use webhook::fields::Fields;

/// Longer words are keys, tokens or digests.
const LONGEST_WORD: usize = 30;
const LONGEST: usize = 200;

/// Synthesia's `error`, or the `message` or `status` of ElevenLabs' `detail`. `None` if there is nothing that can be shown.
pub(crate) fn said(answer: &Value, key: &str) -> Option<String> {
    let fields = Fields::of(Some(answer));
    let detail = fields.object("detail");
    let text = fields.text("error").or_else(|| detail.first_text(&["message", "status"]))?;
    if text.contains(key) {
        return None;
    }
    let mut shown = String::new();
    for word in text.split_whitespace() {
        let is_plain = word.chars().count() <= LONGEST_WORD && !word.contains("://") && !word.contains("sec_");
        let word = if is_plain { word } else { "…" };
        if shown.len() + word.len() >= LONGEST {
            break;
        }
        shown.extend((!shown.is_empty()).then_some(' '));
        shown.extend(word.chars().filter(|char| !char.is_control()));
    }
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_is_shown_without_links_and_secrets() {
        for (answer, expected) in [
            (json!({"error": "Invalid url", "context": "x"}), Some("Invalid url")),
            (json!({"detail": {"status": "in_use", "message": "It is in use by wsec_abc"}}), Some("It is in use by …")),
            (json!({"detail": {"status": "in_use"}}), Some("in_use")),
            (json!({"error": "see https://h.invalid/?x now"}), Some("see … now")),
            (json!({"error": "x".repeat(31)}), Some("…")),
            (json!({"error": "the key the-key is wrong"}), None),
            (json!({"detail": [{"loc": []}]}), None),
            (json!("error"), None),
        ] {
            assert_eq!(said(&answer, "the-key").as_deref(), expected, "{answer}");
        }
    }
}
