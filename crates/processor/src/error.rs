//! Why a whole invocation fails. A message that fails alone is no error: it is reported in the response.

use aws::env::ConfigError;
use aws::error::ErrorClass;
use lambda_runtime::Diagnostic;
use thiserror::Error;

#[derive(Debug, Error, PartialEq, Eq)]
pub enum Error {
    #[error("the function is not configured: {0}")]
    Config(#[from] ConfigError),
    #[error("a message without an id failed: the whole batch is retried")]
    NoMessageId,
}

impl Error {
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::Config(_) => ErrorClass::Permanent,
            Error::NoMessageId => ErrorClass::Transient,
        }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Diagnostic { error_type: error.class().as_str().into(), error_message: error.to_string() }
    }
}
