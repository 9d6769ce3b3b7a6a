//! Errors have a class: it decides who should try again.

/// What a failure means for the one who might try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// It may pass: try again.
    Transient,
    /// It will not pass for this input, however often it is tried.
    Permanent,
    /// The other side refuses us. Not the input's fault, and no retry helps before someone mends
    /// the key, the permissions or the plan; the input has to be kept until then.
    Denied,
}
