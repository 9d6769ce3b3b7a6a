//! The id that groups the jobs and events of one order.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::shortened;

/// The longest correlation id, in bytes, that is stored unchanged.
const LIMIT: usize = 1024;

/// Groups what belongs together: an event's `callback_id`, else its entity id, else its identity.
///
/// An id longer than 1024 bytes becomes `sha256:` and the hex of its SHA-256, so that it fits into
/// a key (DynamoDB's limit is 2048 bytes) and is never truncated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CorrelationId(String);

impl CorrelationId {
    /// The correlation id of every job that was started with this `callback_id`.
    pub fn of(callback_id: &str) -> Self {
        Self(shortened(callback_id, LIMIT))
    }

    /// The id as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_id_is_hashed_and_not_truncated() {
        assert_eq!(CorrelationId::of(&"x".repeat(1024)).as_str().len(), 1024);
        let one = CorrelationId::of(&"x".repeat(1025));
        let other = CorrelationId::of(&format!("{}y", "x".repeat(1024)));
        assert_ne!(one, other);
        assert!(one.as_str().starts_with("sha256:"));
        assert_eq!(one.as_str().len(), "sha256:".len() + 64);
    }

    #[test]
    fn a_stored_id_is_read_back_unchanged() {
        for id in ["order_12345", &"x".repeat(2000)] {
            let id = CorrelationId::of(id);
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<CorrelationId>(&json).unwrap(), id);
        }
    }
}
