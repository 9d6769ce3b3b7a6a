//! What can go wrong, with its class, and what to do next.

use crate::change::Change;
use crate::limits::Limits;
use crate::plan::Plan;
use aws::env::ConfigError;
use aws::error::AwsError;
use aws::secrets::SecretError;
use heygen::ErrorClass;
use heygen::api::{ApiError, InvalidConfig, Kind};
use lambda_runtime::Diagnostic;
use thiserror::Error;

/// A failed action, without anything secret in it.
#[derive(Debug, Error)]
pub enum Error {
    /// A variable of the function's environment is wrong.
    #[error("{0}")]
    Config(String),
    /// What was asked for cannot be read.
    #[error("the request: {0}. Ask for example for {{\"action\": \"plan\"}}")]
    InvalidRequest(String),
    /// `endpoints.json` is wrong.
    #[error("endpoints.json: {field}: {why}")]
    DesiredEndpoint {
        /// The field, as a path.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no API key.
    #[error("there is no API key of HeyGen's: {0}")]
    NoApiKey(String),
    /// The API key or the base URL cannot be used.
    #[error("the settings for HeyGen: {0}")]
    Settings(#[from] InvalidConfig),
    /// An AWS call failed.
    #[error("{0}")]
    Aws(#[from] AwsError),
    /// A stored secret could not be read.
    #[error("{0}")]
    Secret(#[from] SecretError),
    /// A call of HeyGen failed.
    #[error("{0}{hint}", hint = hint(.0))]
    HeyGen(#[from] ApiError),
    /// A plan would remove more than it may.
    #[error(
        "refused: it would delete or replace {removals} of {owned} endpoints, and no more than {most} or {percent} % may go \
         at once; none of the plan was carried out. If that is what you want, ask with \"force\": true",
        most = .limits.removals, percent = .limits.percent
    )]
    TooManyRemovals {
        /// How many it would remove.
        removals: usize,
        /// How many there are.
        owned: usize,
        /// How many may go.
        limits: Limits,
    },
    /// The plan is not the one that was agreed to.
    #[error(
        "refused: the plan is no longer the one with checksum {asked}; none of it was carried out. The plan now:\n{plan}"
    )]
    AnotherPlan {
        /// The checksum that was asked for.
        asked: String,
        /// The plan of now.
        plan: Box<Plan>,
    },
    /// An endpoint that the action needs is not there.
    #[error("{name:?} is not registered: ask for {{\"action\": \"sync\"}} first")]
    NotRegistered {
        /// Its name.
        name: String,
    },
    /// HeyGen registered an endpoint, and did not show its secret.
    #[error("HeyGen gave no secret for {0}: ask for {{\"action\": \"sync\"}} again, and it is recovered by a rotation")]
    NoSecret(String),
    /// Some changes were made and others not.
    #[error("{}", partly(.lines, .failed))]
    Partly {
        /// What was done.
        done: Vec<Change>,
        /// The same in words, a line each.
        lines: Vec<String>,
        /// What was not, and why.
        failed: Vec<(String, Error)>,
    },
    /// The function's time is over.
    #[error("the function's time is over before everything was done; ask again, and it goes on where it stopped")]
    TooSlow,
}

fn partly(done: &[String], failed: &[(String, Error)]) -> String {
    let done: String = done.iter().map(|line| format!("done: {line}\n")).collect();
    let failed: Vec<_> = failed.iter().map(|(what, error)| format!("failed: {what}: {error}")).collect();
    format!("{done}{}", failed.join("\n"))
}

fn hint(error: &ApiError) -> &'static str {
    match error.kind {
        Kind::Unauthorized => ". It is the value of the secret that the deployment's parameter ApiKeySecret names",
        _ => "",
    }
}

impl Error {
    /// What follows from it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::Config(_) | Error::InvalidRequest(_) | Error::DesiredEndpoint { .. } | Error::Settings(_) => {
                ErrorClass::Permanent
            }
            Error::TooManyRemovals { .. } | Error::AnotherPlan { .. } | Error::NotRegistered { .. } => {
                ErrorClass::Permanent
            }
            Error::NoApiKey(_) => ErrorClass::Denied,
            Error::Aws(error) => error.class,
            Error::Secret(error) => error.class(),
            Error::HeyGen(error) => error.class,
            Error::NoSecret(_) | Error::TooSlow => ErrorClass::Transient,
            // The one that somebody has to look at says more than the one that passes.
            Error::Partly { failed, .. } => {
                let classes: Vec<_> = failed.iter().map(|(_, error)| error.class()).collect();
                let worst =
                    [ErrorClass::Denied, ErrorClass::Permanent].into_iter().find(|class| classes.contains(class));
                worst.unwrap_or(ErrorClass::Transient)
            }
        }
    }

    /// Whether it stopped a plan on purpose.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Error::TooManyRemovals { .. } | Error::AnotherPlan { .. })
    }
}

impl From<&ConfigError> for Error {
    fn from(error: &ConfigError) -> Self {
        Error::Config(error.to_string())
    }
}

/// What Lambda says of a failed invocation: the class as its type.
impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Diagnostic { error_type: format!("{:?}", error.class()), error_message: error.to_string() }
    }
}
