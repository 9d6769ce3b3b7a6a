//! How much may be removed without being forced: a wrong configuration must not empty a workspace.

use crate::change::{Change, ChangeKind};
use crate::error::Error;

/// The most that is removed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Endpoints.
    pub removals: usize,
    /// Endpoints, as a part of those that this deployment has at HeyGen, in percent.
    pub percent: usize,
}

/// One endpoint, and not more than 30 % of them.
impl Default for Limits {
    fn default() -> Self {
        Limits { removals: 1, percent: 30 }
    }
}

impl Limits {
    /// Whether these changes stay within the limits, for a deployment that has `owned` endpoints.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyRemovals`], with the numbers.
    pub fn check(&self, changes: &[&Change], owned: usize) -> Result<(), Error> {
        let removals = changes.iter().filter(|change| removes(change)).count();
        if removals > self.removals || removals * 100 > self.percent * owned {
            return Err(Error::TooManyRemovals { removals, owned, limits: *self });
        }
        Ok(())
    }
}

/// What is only the end of a replacement was counted when that was begun.
fn removes(change: &Change) -> bool {
    match &change.what {
        ChangeKind::Replace { .. } => true,
        ChangeKind::Delete { why, .. } => *why != crate::change::DeleteReason::Replaced,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::DeleteReason;

    fn delete(why: DeleteReason) -> Change {
        Change { endpoint: "main".into(), what: ChangeKind::Delete { endpoint_id: "ep".into(), why } }
    }

    #[test]
    fn one_in_four_may_go_and_no_more() {
        let unwanted = delete(DeleteReason::Duplicate);
        let limits = Limits::default();
        for (removals, owned, allowed) in
            [(0, 0, true), (0, 1, true), (1, 1, false), (1, 3, false), (1, 4, true), (2, 100, false)]
        {
            assert_eq!(limits.check(&vec![&unwanted; removals], owned).is_ok(), allowed, "{removals} of {owned}");
        }
        assert!(limits.check(&[&delete(DeleteReason::Replaced)], 1).is_ok());
    }
}
