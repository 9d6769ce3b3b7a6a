//! Why a job failed, as HeyGen explains it.

use std::fmt;

use crate::fields::Fields;

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

/// Why a job failed. Both texts are HeyGen's. They may quote a script or a link, so `Debug` omits
/// them.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    /// HeyGen's error code, such as `rendering_timeout`; v1 uses numbers, kept here as text.
    pub code: Option<String>,
    /// HeyGen's explanation, for people.
    pub message: Option<String>,
}

impl Failure {
    /// Reads `event_data`, whose `error` may be a text, or an object with a code and a message.
    pub(crate) fn read(data: Fields<'_>) -> Option<Self> {
        let error = data.object("error");
        let code = data.first_text(&CODES).or_else(|| error.text("code"));
        let message = data.first_text(&MESSAGES).or_else(|| error.text("message"));
        (code.is_some() || message.is_some()).then_some(Self { code, message })
    }
}

/// What a failure says about starting the job again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// HeyGen was not able to do it at the time: the same job may succeed.
    MayPass,
    /// The workspace has no credit left, or its quota is used up: no job succeeds until that changes.
    NoCredit,
    /// The job itself, or a reason that this version does not know: a person has to look.
    WillNotPass,
}

impl Reason {
    /// The name in lower case, as in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MayPass => "may_pass",
            Self::NoCredit => "no_credit",
            Self::WillNotPass => "will_not_pass",
        }
    }
}

/// HeyGen documents neither codes nor messages of failed jobs, so these are words that both usually have.
const NO_CREDIT: [&str; 5] = ["credit", "quota", "payment", "balance", "billing"];
const MAY_PASS: [&str; 8] =
    ["timeout", "timed out", "time out", "internal", "try again", "unavailable", "rate limit", "overload"];

impl Failure {
    /// Guessed from the words of code and message. Unknown is [`Reason::WillNotPass`], so that nothing is repeated, and
    /// paid for, again and again.
    pub fn reason(&self) -> Reason {
        let text = [&self.code, &self.message].map(|text| text.as_deref().unwrap_or_default()).join(" ");
        let text = text.to_lowercase().replace(['_', '-'], " ");
        let has_one_of = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has_one_of(&NO_CREDIT) {
            Reason::NoCredit
        } else if has_one_of(&MAY_PASS) {
            Reason::MayPass
        } else {
            Reason::WillNotPass
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failure(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(data: Value) -> Option<(Option<String>, Option<String>)> {
        Failure::read(Fields::of(Some(&data))).map(|failure| (failure.code, failure.message))
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
    fn a_reason_says_whether_the_job_may_be_started_again() {
        let reason = |code: &str, message: &str| {
            let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            Failure { code: text(code), message: text(message) }.reason()
        };
        for (code, message, expected) in [
            ("insufficient_credit", "", Reason::NoCredit),
            ("MOVIO_PAYMENT_INSUFFICIENT_CREDIT", "", Reason::NoCredit),
            ("", "You have used up your quota. Please try again.", Reason::NoCredit),
            ("rendering_timeout", "", Reason::MayPass),
            ("", "Rendering timed out", Reason::MayPass),
            ("INTERNAL_ERROR", "Something went wrong", Reason::MayPass),
            ("", "no face was found", Reason::WillNotPass),
            ("40119", "", Reason::WillNotPass),
            ("", "", Reason::WillNotPass),
        ] {
            assert_eq!(reason(code, message), expected, "{code} {message}");
        }
    }

    #[test]
    fn no_text_is_no_failure() {
        assert_eq!(read(json!({"msg": "", "error": null, "failure_code": {}})), None);
    }

    #[test]
    fn debug_does_not_show_the_texts() {
        let data = json!({"error": {"code": "canary", "message": "canary"}});
        let failure = Failure::read(Fields::of(Some(&data))).unwrap();
        assert_eq!(format!("{failure:?}"), "Failure(redacted)");
    }
}
