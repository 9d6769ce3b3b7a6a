//! Why DynamoDB cancelled the transaction, from its reasons: one code per write, in order.

use crate::error::ErrorClass;

#[derive(Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// The event is in the table: a duplicate.
    EventIsKnown,
    /// The event is new, but the condition on its job does not hold.
    JobIsAhead,
    /// The event is new, but its job's item would become larger than DynamoDB allows.
    JobIsTooLarge,
    Failed {
        class: ErrorClass,
        code: String,
    },
}

const CONDITION: &str = "ConditionalCheckFailed";

/// `codes` are those of the event, of the job if `changes_job`, and of the pointer if there is one; `"None"` for a write
/// that did not fail.
///
/// A known event settles everything. But the job's code counts only if all others succeeded: a conflict on the event does
/// not say whether it is known.
pub fn meaning(codes: &[&str], changes_job: bool) -> Cancelled {
    if codes.first() == Some(&CONDITION) {
        return Cancelled::EventIsKnown;
    }
    let others_succeeded = codes.iter().enumerate().all(|(index, code)| index == 1 || *code == "None");
    match codes.get(1) {
        Some(&CONDITION) if changes_job && others_succeeded => return Cancelled::JobIsAhead,
        Some(&"ValidationError") if changes_job && others_succeeded => return Cancelled::JobIsTooLarge,
        _ => {}
    }
    let code = codes.iter().copied().find(|code| !matches!(*code, "" | "None" | CONDITION)).unwrap_or("unknown");
    let class = match code {
        "ValidationError" | "ItemCollectionSizeLimitExceeded" => ErrorClass::Permanent,
        "AccessDenied" => ErrorClass::Denied,
        _ => ErrorClass::Transient,
    };
    Cancelled::Failed { class, code: code.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(class: ErrorClass, code: &str) -> Cancelled {
        Cancelled::Failed { class, code: code.into() }
    }

    #[test]
    fn a_duplicate_is_not_confused_with_a_conflict() {
        let meaning = |event, job| super::meaning(&[event, job, "None"], true);
        assert_eq!(meaning(CONDITION, "None"), Cancelled::EventIsKnown);
        assert_eq!(meaning(CONDITION, CONDITION), Cancelled::EventIsKnown);
        assert_eq!(meaning("None", CONDITION), Cancelled::JobIsAhead);
        assert_eq!(meaning("TransactionConflict", "None"), failed(ErrorClass::Transient, "TransactionConflict"));
        assert_eq!(meaning("None", "TransactionConflict"), failed(ErrorClass::Transient, "TransactionConflict"));
        // The event's condition was not evaluated: the job's failed one must not mean "store the event alone".
        assert_eq!(meaning("TransactionConflict", CONDITION), failed(ErrorClass::Transient, "TransactionConflict"));
    }

    #[test]
    fn what_happens_to_the_pointer_is_not_taken_for_the_job() {
        let conflict = failed(ErrorClass::Transient, "TransactionConflict");
        assert_eq!(meaning(&["None", "TransactionConflict"], false), conflict);
        assert_eq!(meaning(&["None", CONDITION, "TransactionConflict"], true), conflict);
        assert_eq!(meaning(&[CONDITION, "None"], false), Cancelled::EventIsKnown);
        assert_eq!(
            meaning(&["None", "ValidationError"], false),
            failed(ErrorClass::Permanent, "ValidationError"),
            "no job, so it cannot be too large"
        );
    }

    #[test]
    fn throttling_is_retried_and_bad_input_is_not() {
        let meaning = |event, job| super::meaning(&[event, job], true);
        assert_eq!(meaning("ThrottlingError", "None"), failed(ErrorClass::Transient, "ThrottlingError"));
        assert_eq!(meaning("ValidationError", "None"), failed(ErrorClass::Permanent, "ValidationError"));
        assert_eq!(meaning("None", "ValidationError"), Cancelled::JobIsTooLarge);
        assert_eq!(super::meaning(&[], false), failed(ErrorClass::Transient, "unknown"));
    }
}
