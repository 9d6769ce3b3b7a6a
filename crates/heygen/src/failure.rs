//! Why a job failed, in HeyGen's spellings.

use webhook::Failure;
use webhook::fields::Fields;

/// The spellings of a failure's code, the most specific first.
const CODES: [&str; 2] = ["failure_code", "error_code"];

/// The spellings of its message. v1 uses `msg` or `message`. v3 is undocumented, so every spelling that
/// was reported is read.
const MESSAGES: [&str; 5] = ["failure_message", "error_message", "message", "msg", "error"];

/// Whether a field of `event_data` may say why the job failed.
pub(crate) fn reads(name: &str) -> bool {
    CODES.contains(&name) || MESSAGES.contains(&name)
}

/// The same of a field of its object `error`.
pub(crate) fn reads_in_error(name: &str) -> bool {
    matches!(name, "code" | "message")
}

/// Reads `event_data`, whose `error` may be a text, or an object with a code and a message.
pub(crate) fn read(data: Fields<'_>) -> Option<Failure> {
    let error = data.object("error");
    let code = data.first_text(&CODES).or_else(|| error.text("code"));
    let message = data.first_text(&MESSAGES).or_else(|| error.text("message"));
    Failure::of(code, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(data: Value) -> Option<(Option<String>, Option<String>)> {
        super::read(Fields::of(Some(&data))).map(|failure| (failure.code, failure.message))
    }

    fn failure(code: &str, message: &str) -> Option<(Option<String>, Option<String>)> {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some((text(code), text(message)))
    }

    #[test]
    fn every_reported_spelling_is_read() {
        for name in ["failure_message", "error_message", "message", "msg", "error"] {
            assert_eq!(read(json!({name: "no face"})), failure("", "no face"), "{name}");
        }
        for name in ["failure_code", "error_code"] {
            assert_eq!(read(json!({name: 40119})), failure("40119", ""), "{name}");
        }
    }

    #[test]
    fn an_error_may_be_an_object() {
        let nested = json!({"error": {"code": "40119", "message": "no face", "detail": {"at": [1]}}});
        assert_eq!(read(nested), failure("40119", "no face"));
        assert_eq!(read(json!({"error": {"message": {"en": "no face"}}})), None);
        assert_eq!(read(json!({"error": [{"message": "no face"}]})), None);
    }

    #[test]
    fn the_most_specific_spelling_wins() {
        let both = json!({"msg": "Failed", "failure_message": "no face", "failure_code": "f",
                          "error": {"code": "e", "message": "m"}});
        assert_eq!(read(both), failure("f", "no face"));
    }

    #[test]
    fn no_text_is_no_failure() {
        assert_eq!(read(json!({"msg": "", "error": null, "failure_code": {}})), None);
    }
}
