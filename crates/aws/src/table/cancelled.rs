//! Why DynamoDB cancelled the transaction, told from its reasons: one code per write, in order.

use crate::error::ErrorClass;

/// What a cancelled transaction of an event and a job means.
#[derive(Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// The event is remembered: a duplicate.
    EventIsKnown,
    /// The event is new, but its job is as far or further.
    JobIsFurther,
    /// Neither: the transaction failed.
    Failed {
        /// Whether another try may help.
        class: ErrorClass,
        /// DynamoDB's code.
        code: String,
    },
}

const CONDITION: &str = "ConditionalCheckFailed";

/// `codes` are those of the event and of the job; `"None"` where that write had no objection.
///
/// The event's answer counts only if nothing else kept the job's from being given: a conflict on
/// the job says nothing of the event, and the other way round a known event settles everything.
pub fn meaning<'a>(codes: impl IntoIterator<Item = &'a str>) -> Cancelled {
    let mut codes = codes.into_iter();
    let (event, job) = (codes.next().unwrap_or_default(), codes.next().unwrap_or_default());
    if event == CONDITION {
        return Cancelled::EventIsKnown;
    }
    if event == "None" && job == CONDITION {
        return Cancelled::JobIsFurther;
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
    fn a_duplicate_is_told_from_a_conflict() {
        assert_eq!(meaning([CONDITION, "None"]), Cancelled::EventIsKnown);
        assert_eq!(meaning([CONDITION, CONDITION]), Cancelled::EventIsKnown);
        assert_eq!(meaning(["None", CONDITION]), Cancelled::JobIsFurther);
        assert_eq!(meaning(["TransactionConflict", "None"]), failed(ErrorClass::Transient, "TransactionConflict"));
        assert_eq!(meaning(["None", "TransactionConflict"]), failed(ErrorClass::Transient, "TransactionConflict"));
        // The event could not be judged: the job's refusal must not pass for "log it alone".
        assert_eq!(meaning(["TransactionConflict", CONDITION]), failed(ErrorClass::Transient, "TransactionConflict"));
    }

    #[test]
    fn throttling_is_tried_again_and_bad_input_is_not() {
        assert_eq!(meaning(["ThrottlingError", "None"]), failed(ErrorClass::Transient, "ThrottlingError"));
        assert_eq!(meaning(["None", "ValidationError"]), failed(ErrorClass::Permanent, "ValidationError"));
        assert_eq!(meaning([]), failed(ErrorClass::Transient, "unknown"));
    }
}
