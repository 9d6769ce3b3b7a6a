//! How many endpoints one sync may delete: a wrong configuration must not empty a workspace.
//!
//! Only deletions are limited. Everything else, replacements included, leaves as many endpoints as there were.

/// The most that a sync deletes unless it is forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub removals: usize,
    /// In percent of the endpoints that this deployment has at HeyGen.
    pub percent: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { removals: 1, percent: 30 }
    }
}

impl Limits {
    /// How many of its `owned` endpoints one sync may delete. The percentage always allows one, so that a deployment
    /// with few endpoints can be cleaned up as well.
    pub fn deletions(&self, owned: usize) -> usize {
        self.removals.min((self.percent * owned / 100).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_deletion_is_always_allowed_and_more_only_within_both_limits() {
        let limits = |removals, percent| Limits { removals, percent };
        for (limits, owned, allowed) in [
            (Limits::default(), 1, 1),
            (Limits::default(), 100, 1),
            (limits(5, 30), 1, 1),
            (limits(5, 30), 9, 2),
            (limits(5, 30), 100, 5),
            (limits(5, 0), 100, 1),
            (limits(0, 100), 100, 0),
        ] {
            assert_eq!(limits.deletions(owned), allowed, "{limits:?} of {owned}");
        }
    }
}
