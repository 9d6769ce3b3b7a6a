//! Errors have a class, which decides what happens to the delivery.

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use std::fmt;
pub use webhook::ErrorClass;

/// A failed AWS call. It holds none of the call's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// Such as `sqs:SendMessage`.
    pub operation: &'static str,
    pub class: ErrorClass,
    /// AWS's error code, or why there is none (`timeout`, `connection`).
    pub code: String,
    /// AWS's message; kept only for [`ErrorClass::Denied`], since other messages may quote the input.
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
    pub fn new(operation: &'static str, class: ErrorClass, code: impl Into<String>) -> Self {
        AwsError { operation, class, code: code.into(), message: None }
    }

    /// The request could not be built from its input, so retrying cannot help.
    pub fn unbuildable(operation: &'static str) -> Self {
        Self::new(operation, ErrorClass::Permanent, "request could not be built")
    }

    /// Of a part of a call that succeeded otherwise.
    pub fn of_code(operation: &'static str, code: &str) -> Self {
        Self::new(operation, class_of(code), code)
    }

    /// Reads class and code from the SDK's error.
    pub fn of<E: ProvideErrorMetadata, R>(operation: &'static str, error: &SdkError<E, R>) -> Self {
        let (class, code) = match error {
            SdkError::ConstructionFailure(_) => return Self::unbuildable(operation),
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("unknown");
                (class_of(code), code)
            }
            SdkError::TimeoutError(_) => (ErrorClass::Transient, "timeout"),
            // Missing credentials are here, too; the next start may have them.
            SdkError::DispatchFailure(_) => (ErrorClass::Transient, "connection"),
            _ => (ErrorClass::Transient, "unreadable response"),
        };
        let message = (class == ErrorClass::Denied).then(|| error.message().map(str::to_owned)).flatten();
        AwsError { message, ..Self::new(operation, class, code) }
    }
}

/// The class of an AWS error code. Unknown codes are retried: giving up loses a delivery, another attempt never does.
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
    fn an_unknown_code_is_retried() {
        assert_eq!(class_of("SomethingNew"), ErrorClass::Transient);
        assert_eq!(class_of("ThrottlingException"), ErrorClass::Transient);
        assert_eq!(class_of("AccessDeniedException"), ErrorClass::Denied);
        assert_eq!(class_of("InvalidMessageContents"), ErrorClass::Permanent);
    }
}
