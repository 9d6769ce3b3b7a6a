//! What the doctor says: one finding, and all of them as text for people.

use crate::doctor::remedy::{Remedy, Request};
use serde::Serialize;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Events are lost, late or not acted upon.
    Error,
    /// Something will become an error, or hides one.
    Warning,
    /// Worth knowing.
    Info,
}

/// Without secrets, links and bodies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable, such as `endpoint-disabled`.
    pub code: &'static str,
    pub severity: Severity,
    /// What was found, and what it means.
    pub message: String,
    /// What mends it.
    pub next_step: String,
    /// The request that mends it, if one does. `next_step` has it, too, and says what has to come first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

impl Finding {
    pub(crate) fn new(severity: Severity, code: &'static str, message: String, remedy: Remedy) -> Self {
        let Remedy { sentence: next_step, request } = remedy;
        Finding { code, severity, message, next_step, request }
    }
}

/// What was found, errors first. No finding: all is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoctorReply {
    pub findings: Vec<Finding>,
    /// How many findings are errors.
    pub errors: usize,
    pub warnings: usize,
}

impl DoctorReply {
    pub(crate) fn of(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.severity);
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        DoctorReply { errors: count(Severity::Error), warnings: count(Severity::Warning), findings }
    }
}

impl fmt::Display for DoctorReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        match self.findings.len() {
            0 => write!(f, "All is well."),
            1 => write!(f, "1 finding."),
            count => write!(f, "{count} findings."),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.severity {
            Severity::Error => '✗',
            Severity::Warning => '!',
            Severity::Info => 'i',
        };
        write!(f, "  {sign} {}  {}\n      next: {}", self.code, self.message, self.next_step)
    }
}
