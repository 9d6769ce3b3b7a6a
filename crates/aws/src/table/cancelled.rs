//! Why DynamoDB cancelled the transaction, from its reasons: one code per write, in order.

use crate::error::ErrorClass;

#[derive(Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// The event is in the table: a duplicate.
    EventIsKnown,
    /// The event is new, but its job already has this or a later status.
    JobIsAhead,
    Failed {
        class: ErrorClass,
        code: String,
    },
}

const CONDITION: &str = "ConditionalCheckFailed";

/// `codes` are those of the event and of the job; `"None"` for a write that did not fail.
///
/// A known event settles everything. But the job's condition counts only if the event's was evaluated: a conflict on the
/// event does not say whether it is known.
pub fn meaning<'a>(codes: impl IntoIterator<Item = &'a str>) -> Cancelled {
    let mut codes = codes.into_iter();
    let (event, job) = (codes.next().unwrap_or_default(), codes.next().unwrap_or_default());
    if event == CONDITION {
        return Cancelled::EventIsKnown;
    }
    if event == "None" && job == CONDITION {
        return Cancelled::JobIsAhead;
    }
    let code = [event, job].into_iter().find(|code| !matches!(*code, "" | "None" | CONDITION)).unwrap_or("unknown");
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
        assert_eq!(meaning([CONDITION, "None"]), Cancelled::EventIsKnown);
        assert_eq!(meaning([CONDITION, CONDITION]), Cancelled::EventIsKnown);
        assert_eq!(meaning(["None", CONDITION]), Cancelled::JobIsAhead);
        assert_eq!(meaning(["TransactionConflict", "None"]), failed(ErrorClass::Transient, "TransactionConflict"));
        assert_eq!(meaning(["None", "TransactionConflict"]), failed(ErrorClass::Transient, "TransactionConflict"));
        // The event's condition was not evaluated: the job's failed one must not mean "log the event alone".
        assert_eq!(meaning(["TransactionConflict", CONDITION]), failed(ErrorClass::Transient, "TransactionConflict"));
    }

    #[test]
    fn throttling_is_retried_and_bad_input_is_not() {
        assert_eq!(meaning(["ThrottlingError", "None"]), failed(ErrorClass::Transient, "ThrottlingError"));
        assert_eq!(meaning(["None", "ValidationError"]), failed(ErrorClass::Permanent, "ValidationError"));
        assert_eq!(meaning([]), failed(ErrorClass::Transient, "unknown"));
    }
}
