//! Errors have a class: it decides who should try again.

use std::fmt;

/// What a failure means for the caller.
///
/// The names that [`as_str`](Self::as_str) returns are a contract: logs, metrics and error types
/// carry them, so alarms and queries depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Temporary: the same input may succeed later.
    Transient,
    /// The same input will never succeed, however often it is retried.
    Permanent,
    /// The other side denies access. The input is not at fault, and retrying does not help until
    /// someone corrects the key, the permissions or the plan; keep the input until then.
    Denied,
}

impl ErrorClass {
    /// `"transient"`, `"permanent"` or `"denied"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Denied => "denied",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorClass::{Denied, Permanent, Transient};

    #[test]
    fn a_class_has_the_same_name_in_every_log_and_metric() {
        for (class, name) in [(Transient, "transient"), (Permanent, "permanent"), (Denied, "denied")] {
            assert_eq!(class.as_str(), name);
            assert_eq!(class.to_string(), name);
        }
    }
}
