//! Why a job failed, as its platform explains it.

use std::fmt;

/// Why a job failed. Both texts are the platform's. They may quote a script or a link, so `Debug` omits
/// them.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its error code, such as HeyGen's `rendering_timeout`; a number is kept as text.
    pub code: Option<String>,
    /// Its explanation, for people.
    pub message: Option<String>,
}

/// What a failure says about starting the job again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The platform was not able to do it at the time: the same job may succeed.
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

impl Failure {
    /// `None` if neither is given.
    pub fn of(code: Option<String>, message: Option<String>) -> Option<Self> {
        (code.is_some() || message.is_some()).then_some(Self { code, message })
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
        assert_eq!(Failure::of(None, None), None);
        assert!(Failure::of(Some("x".to_owned()), None).is_some());
    }

    #[test]
    fn debug_does_not_show_the_texts() {
        let failure = Failure { code: Some("canary".to_owned()), message: Some("canary".to_owned()) };
        assert_eq!(format!("{failure:?}"), "Failure(redacted)");
    }
}
