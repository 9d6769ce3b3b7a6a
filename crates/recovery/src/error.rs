//! What can fail, with its class, and what to do next.

use crate::look_up::error::LookUpError;
use aws::api_key::ApiKeyError;
use aws::error::AwsError;
use aws::secrets::SecretError;
use heygen::api::{ApiError, InvalidConfig};
use lambda_runtime::Diagnostic;
use thiserror::Error;
use webhook::ErrorClass;

/// Why an action failed; without secrets, links and bodies.
#[derive(Debug, Error)]
pub enum Error {
    #[error("invalid request: {0}. An example is {{\"action\": \"backfill\"}}")]
    InvalidRequest(String),
    #[error("{0}")]
    ApiKey(#[from] ApiKeyError),
    /// The API key or the base URL.
    #[error("HeyGen settings: {0}")]
    Settings(#[from] InvalidConfig),
    /// A callback secret.
    #[error("{0}")]
    Secret(#[from] SecretError),
    #[error(
        "the callback secret {0} has no value yet: run {{\"action\": \"sync\"}} of admin, which makes it. Then track the job again"
    )]
    NoCallbackSecret(String),
    #[error("there are no callback URLs without API_URL or PUBLIC_URL, and CALLBACK_PREFIX")]
    NoCallbacks,
    #[error("{0}")]
    Aws(#[from] AwsError),
    #[error("{0}")]
    HeyGen(#[from] ApiError),
    /// Of another platform.
    #[error("{0}")]
    LookUp(#[from] LookUpError),
    /// The invocation is about to end.
    #[error("timed out before everything was done; repeat the request, and it continues where it stopped")]
    Timeout,
    #[error(
        "nothing was deleted: {found} dead letters match now, and not {expected}. Look again with a dry run of redrive"
    )]
    OtherCount { expected: usize, found: usize },
    #[error(
        "nothing was deleted: there are more dead letters than one run can look at. Add \"partly\": true to delete as many as `count` says, and repeat that"
    )]
    TooMany,
    #[error(
        "nothing was sent back: {looked_at} dead letters were looked at, which is the most in one run, and none of them was asked for. Redrive or purge the others first"
    )]
    OthersInTheWay { looked_at: usize },
    /// Of the steps of a scheduled run.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<Error>),
}

impl Error {
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::InvalidRequest(_)
            | Error::Settings(_)
            | Error::OtherCount { .. }
            | Error::NoCallbacks
            | Error::TooMany
            | Error::OthersInTheWay { .. } => ErrorClass::Permanent,
            Error::ApiKey(error) => error.class(),
            Error::Aws(error) => error.class,
            Error::HeyGen(error) => error.class,
            Error::Secret(error) => error.class(),
            Error::Timeout | Error::NoCallbackSecret(_) => ErrorClass::Transient,
            Error::LookUp(error) => error.class(),
            // The class that needs someone's attention wins over the one that passes by itself.
            Error::Several(errors) => {
                let classes: Vec<_> = errors.iter().map(Error::class).collect();
                let worst =
                    [ErrorClass::Denied, ErrorClass::Permanent].into_iter().find(|class| classes.contains(class));
                worst.unwrap_or(ErrorClass::Transient)
            }
        }
    }
}

/// Lambda's report of a failed invocation: its error type is the class.
impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Diagnostic { error_type: error.class().as_str().to_owned(), error_message: error.to_string() }
    }
}
