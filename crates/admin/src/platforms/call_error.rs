//! Why a call of a platform's API failed.

use crate::error::Error;
use std::fmt;
use webhook::{ErrorClass, Platform};

/// A call that failed; without secrets, links and bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallError {
    pub(crate) platform: Platform,
    /// The method and the path's pattern.
    pub(crate) operation: &'static str,
    pub(crate) kind: Kind,
    pub(crate) status: Option<u16>,
    /// What the platform says, as far as it can be shown.
    pub(crate) said: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 401 or 403.
    Key,
    /// 404.
    NotFound,
    /// 429.
    Limited,
    /// Any other 4xx of the platform itself.
    Rejected,
    /// 5xx.
    Server,
    /// No answer in time, or the connection broke.
    NoAnswer,
    /// An answer that is not as documented.
    Odd,
    /// Nothing was sent, because it might not end in time.
    TooLate,
}

/// A gateway's answer is no JSON object, and says nothing of what the platform has.
pub(crate) fn kind(status: u16, is_object: bool) -> Kind {
    match status {
        500..=599 => Kind::Server,
        408 => Kind::NoAnswer,
        429 => Kind::Limited,
        400..=499 if !is_object => Kind::Odd,
        401 | 403 => Kind::Key,
        404 => Kind::NotFound,
        400..=499 => Kind::Rejected,
        _ => Kind::Odd,
    }
}

impl CallError {
    /// Whether the platform has certainly not made the change.
    pub(crate) fn changed_nothing(&self) -> bool {
        match self.kind {
            Kind::Key | Kind::NotFound | Kind::Limited | Kind::Rejected | Kind::TooLate => true,
            Kind::Server | Kind::NoAnswer | Kind::Odd => false,
        }
    }

    fn class(&self) -> ErrorClass {
        match self.kind {
            Kind::Key => ErrorClass::Denied,
            Kind::NotFound | Kind::Rejected | Kind::Odd => ErrorClass::Permanent,
            Kind::Limited | Kind::Server | Kind::NoAnswer | Kind::TooLate => ErrorClass::Transient,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = self.platform.title();
        write!(f, "{} at {title} failed: ", self.operation)?;
        match self.kind {
            Kind::Key => {
                write!(f, "{title} rejects the API key, or does not allow it this call: check it{}", self.hint())?
            }
            Kind::NotFound => write!(f, "{title} cannot find it")?,
            Kind::Limited => write!(f, "the rate limit is exceeded: try again later")?,
            Kind::Rejected => write!(f, "{title} does not accept the request")?,
            Kind::Server => write!(f, "{title} failed: try again later")?,
            Kind::NoAnswer => write!(f, "no answer in time, or the connection broke: try again")?,
            Kind::Odd => write!(f, "the answer is not as documented: {title}'s API may have changed")?,
            Kind::TooLate => write!(f, "there is not enough time left for a change: try again")?,
        }
        match (self.status, &self.said) {
            (Some(status), Some(said)) => write!(f, " (status {status}: {said})"),
            (Some(status), None) => write!(f, " (status {status})"),
            _ => Ok(()),
        }
    }
}

impl CallError {
    fn hint(&self) -> &'static str {
        match self.platform {
            Platform::ElevenLabs => "; it has to be a workspace admin's",
            Platform::Synthesia => "; a webhook can be changed only with a key of the person who created it",
            Platform::HeyGen | Platform::Tavus | Platform::Did => "",
        }
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Error::Platform { reason: error.to_string(), class: error.class() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_platforms_own_refusal_proves_that_nothing_was_changed() {
        for (status, is_object, expected) in [
            (400, true, Kind::Rejected),
            (404, true, Kind::NotFound),
            (404, false, Kind::Odd),
            (403, false, Kind::Odd),
            (409, true, Kind::Rejected),
            (200, true, Kind::Odd),
            (302, true, Kind::Odd),
            (408, true, Kind::NoAnswer),
            (502, false, Kind::Server),
        ] {
            assert_eq!(kind(status, is_object), expected, "{status}");
        }
    }
}
