//! Errors have a class: it decides what happens to the delivery.

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
pub use heygen::ErrorClass;
use std::fmt;

/// A failed AWS call, with nothing in it that the call carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// The operation, `sqs:SendMessage` say.
    pub operation: &'static str,
    /// What follows from it.
    pub class: ErrorClass,
    /// AWS's error code, or what kept us from getting one (`timeout`, `connection`).
    pub code: String,
    /// AWS's own words; kept only where the class is [`ErrorClass::Denied`], since other messages may
    /// quote the input.
    pub message: Option<String>,
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.operation, self.code)?;
        self.message.as_ref().map_or(Ok(()), |message| write!(f, " ({message})"))
    }
}

impl std::error::Error for AwsError {}

impl AwsError {
    /// Reads class and code from what the SDK says.
    pub fn of<E: ProvideErrorMetadata, R>(operation: &'static str, error: &SdkError<E, R>) -> Self {
        let (class, code) = match error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("unknown");
                (class_of(code), code)
            }
            SdkError::TimeoutError(_) => (ErrorClass::Transient, "timeout"),
            SdkError::ConstructionFailure(_) => (ErrorClass::Permanent, "request could not be built"),
            // Missing credentials show here too: the chain is ours, and the next start may have them.
            SdkError::DispatchFailure(_) => (ErrorClass::Transient, "connection"),
            _ => (ErrorClass::Transient, "unreadable response"),
        };
        let message = (class == ErrorClass::Denied).then(|| error.message().map(str::to_owned)).flatten();
        AwsError { operation, class, code: code.to_owned(), message }
    }
}

/// The class of an AWS error code. What is not known is worth another try: a delivery is lost by
/// giving up, never by trying once more.
fn class_of(code: &str) -> ErrorClass {
    match code {
        "AccessDenied"
        | "AccessDeniedException"
        | "KmsAccessDenied"
        | "KMSAccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "AuthorizationError" => ErrorClass::Denied,
        "ValidationException" | "InvalidMessageContents" | "InvalidParameterValue" | "InvalidParameterException" => {
            ErrorClass::Permanent
        }
        _ => ErrorClass::Transient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_tried_again() {
        assert_eq!(class_of("SomethingNew"), ErrorClass::Transient);
        assert_eq!(class_of("ThrottlingException"), ErrorClass::Transient);
        assert_eq!(class_of("AccessDeniedException"), ErrorClass::Denied);
        assert_eq!(class_of("InvalidMessageContents"), ErrorClass::Permanent);
    }
}
