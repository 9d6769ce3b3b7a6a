//! How many endpoints may be deleted or replaced at once: a wrong configuration must not empty a workspace.

use crate::change::{Change, ChangeKind, DeleteReason};
use thiserror::Error;

/// The most that a sync removes unless it is forced.
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

/// A plan that removes too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "rejected, nothing was changed: the plan deletes or replaces {removals} of {owned} endpoints, and the limits are {most} \
     and {percent} %. If this is what you want, repeat the request with \"force\": true",
    most = .limits.removals, percent = .limits.percent
)]
pub struct TooManyRemovals {
    pub removals: usize,
    pub owned: usize,
    pub limits: Limits,
}

impl Limits {
    /// Checks the changes of a deployment that has `owned` endpoints at HeyGen.
    pub fn check(&self, changes: &[&Change], owned: usize) -> Result<(), TooManyRemovals> {
        let removals = changes.iter().filter(|change| removes(change)).count();
        if removals > self.removals || removals * 100 > self.percent * owned {
            return Err(TooManyRemovals { removals, owned, limits: *self });
        }
        Ok(())
    }
}

/// The last step of a replacement does not count: the replacement did.
fn removes(change: &Change) -> bool {
    match &change.kind {
        ChangeKind::Replace { .. } => true,
        ChangeKind::Delete { reason, .. } => *reason != DeleteReason::Replaced,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delete(reason: DeleteReason) -> Change {
        Change { endpoint: "main".into(), kind: ChangeKind::Delete { endpoint_id: "ep".into(), reason } }
    }

    #[test]
    fn one_in_four_may_go_and_no_more() {
        let duplicate = delete(DeleteReason::Duplicate);
        let limits = Limits::default();
        for (removals, owned, allowed) in
            [(0, 0, true), (0, 1, true), (1, 1, false), (1, 3, false), (1, 4, true), (2, 100, false)]
        {
            assert_eq!(limits.check(&vec![&duplicate; removals], owned).is_ok(), allowed, "{removals} of {owned}");
        }
        assert!(limits.check(&[&delete(DeleteReason::Replaced)], 1).is_ok());
    }
}
