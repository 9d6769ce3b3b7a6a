//! What a verification of an endpoint found.

use serde::Serialize;
use std::fmt;

/// What a verification of one endpoint found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The endpoint's name.
    pub endpoint: String,
    /// The URL that the probe was posted to, without its query.
    pub url: String,
    /// The response to `OPTIONS`, if there was one.
    pub options: Option<Answer>,
    /// The response to the probe, if there was one.
    pub post: Option<Answer>,
    /// How long after it was posted the probe was found in the table; `None` if it was not.
    pub recorded_after_ms: Option<u64>,
    /// Why the endpoint does not work; `None` if it does.
    pub problem: Option<String>,
}

/// A response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Answer {
    pub status: u16,
    pub milliseconds: u64,
}

impl Verification {
    pub fn is_verified(&self) -> bool {
        self.problem.is_none()
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verification { endpoint, options, post, recorded_after_ms, problem, .. } = self;
        let sign = if self.is_verified() { '✓' } else { '✗' };
        write!(f, "  {sign} {endpoint}")?;
        let mut separator = "  ";
        for (method, answer) in [("OPTIONS", options), ("POST", post)] {
            if let Some(Answer { status, milliseconds }) = answer {
                write!(f, "{separator}{method} {status} in {milliseconds} ms")?;
                separator = ", ";
            }
        }
        if let Some(milliseconds) = recorded_after_ms {
            write!(f, "{separator}recorded after {milliseconds} ms")?;
        }
        problem.as_ref().map_or(Ok(()), |problem| write!(f, "  not verified: {problem}"))
    }
}
