//! What can fail, with its class, and what to do next.

use crate::change::Change;
use crate::desired::InvalidFile;
use crate::plan::Plan;
use aws::api_key::ApiKeyError;
use aws::env::ConfigError;
use aws::error::AwsError;
use aws::secrets::SecretError;
use heygen::api::{ApiError, InvalidConfig, InvalidIdempotencyKey, Kind};
use lambda_runtime::Diagnostic;
use thiserror::Error;
use webhook::ErrorClass;

/// Why an action failed; without secrets, links and bodies.
#[derive(Debug, Error)]
pub enum Error {
    /// The function's environment.
    #[error("{0}")]
    Config(String),
    #[error("invalid request: {0}. An example is {{\"action\": \"plan\"}}")]
    InvalidRequest(String),
    #[error("{0}")]
    InvalidFile(#[from] InvalidFile),
    /// What `endpoints.json` says is not known, so nothing is changed.
    #[error(
        "the SSM parameter {name}, which EndpointsParameter names, {problem}. Until then, nothing is changed at HeyGen"
    )]
    EndpointsParameter { name: String, problem: ParameterProblem },
    #[error("{0}")]
    ApiKey(#[from] ApiKeyError),
    /// The API key or the base URL.
    #[error("HeyGen settings: {0}")]
    Settings(#[from] InvalidConfig),
    #[error("{0}")]
    IdempotencyKey(#[from] InvalidIdempotencyKey),
    #[error("{0}")]
    Aws(#[from] AwsError),
    #[error("{0}")]
    Secret(#[from] SecretError),
    #[error("{0}{hint}", hint = hint(.0))]
    HeyGen(#[from] ApiError),
    #[error("rejected, nothing was changed: the plan no longer has the checksum {requested}. The plan now:\n{plan}")]
    PlanChanged { requested: String, plan: Box<Plan> },
    #[error("unknown endpoint {name:?} (configured: {configured})")]
    UnknownEndpoint { name: String, configured: String },
    #[error("{endpoint_id} was left as it is: {reason}")]
    LeftAlone { endpoint_id: String, reason: String },
    #[error("endpoint {0:?} is not registered at HeyGen: ask for {{\"action\": \"sync\"}} first")]
    NotRegistered(String),
    /// HeyGen registered an endpoint without showing its secret.
    #[error("HeyGen returned no secret for endpoint {0}: ask for {{\"action\": \"sync\"}}, which rotates it")]
    NoSecret(String),
    #[error(
        "another run ({purpose}, since {since}) is in progress, until {until} at the latest. Repeat the request after it"
    )]
    Busy { purpose: String, since: String, until: String },
    #[error(
        "the stored secret of {0:?} was changed by someone else meanwhile, so this run stopped: repeat the request"
    )]
    Overtaken(String),
    /// The note of the change is kept.
    #[error("{0}. HeyGen may have made the change: the next sync completes it, with a new secret if necessary")]
    UnknownResult(Box<ApiError>),
    #[error(
        "an endpoint at HeyGen that could not be read may be endpoint {0:?}: it is left alone until it can be read"
    )]
    Hidden(String),
    /// The change is complete, but an earlier secret could not be revoked.
    #[error(
        "HeyGen has not given endpoint {0:?} a new secret, so an old one is still accepted: rotate it again with \"revoke\": true"
    )]
    NoNewSecret(String),
    /// A rotation with `revoke` failed.
    #[error("{reason}\nThe old secret of {endpoint} may still be accepted: repeat the request until it succeeds")]
    NotRevoked { endpoint: String, reason: Box<Error> },
    /// Of another platform than HeyGen.
    #[error("{reason}")]
    Platform { reason: String, class: ErrorClass },
    #[error("{}", partial(.done, .failed))]
    Partial { done: Vec<Change>, failed: Vec<(Change, Error)> },
    /// The invocation is about to end.
    #[error("timed out before everything was done; repeat the request, and it continues where it stopped")]
    Timeout,
    /// CloudFormation's.
    #[error("the request type {0:?} is not known, so nothing was done: it must be Create, Update or Delete")]
    UnknownRequestType(String),
    #[error("CloudFormation did not accept the response")]
    CloudFormation,
}

/// Why the parameter of SSM cannot be used.
#[derive(Debug, Error)]
pub enum ParameterProblem {
    #[error("does not exist: create it with aws ssm put-parameter, or correct EndpointsParameter")]
    Missing,
    #[error("has the type {0}: endpoints.json holds no secret, so store it as a String")]
    Type(String),
    #[error("is empty: store the content of endpoints.json in it")]
    Empty,
    #[error("has an error: {0}. Correct it with aws ssm put-parameter --overwrite")]
    Invalid(InvalidFile),
    #[error("could not be read: {0}. If the permission is missing, deploy again")]
    Aws(AwsError),
}

fn partial(done: &[Change], failed: &[(Change, Error)]) -> String {
    let done = done.iter().map(|change| format!("done: {change}"));
    let failed = failed.iter().map(|(change, error)| format!("failed: {change}: {error}"));
    done.chain(failed).collect::<Vec<_>>().join("\n")
}

fn hint(error: &ApiError) -> &'static str {
    match error.kind {
        Kind::Unauthorized => ". The key is the value of the secret in the parameter ApiKeySecret or ApiKeySecretArn",
        Kind::Gone => ". Set the parameter HeygenApiVersion=v3",
        _ => "",
    }
}

impl Error {
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::Config(_) | Error::InvalidRequest(_) | Error::InvalidFile(_) | Error::Settings(_) => {
                ErrorClass::Permanent
            }
            Error::IdempotencyKey(_) | Error::UnknownEndpoint { .. } | Error::NotRegistered(_) => ErrorClass::Permanent,
            Error::PlanChanged { .. } | Error::LeftAlone { .. } => ErrorClass::Permanent,
            Error::ApiKey(error) => error.class(),
            Error::EndpointsParameter { problem: ParameterProblem::Aws(error), .. } => error.class,
            Error::EndpointsParameter { .. } => ErrorClass::Permanent,
            Error::Aws(error) => error.class,
            Error::Secret(error) => error.class(),
            Error::HeyGen(error) => error.class,
            Error::Hidden(_) | Error::UnknownRequestType(_) => ErrorClass::Permanent,
            Error::UnknownResult(_)
            | Error::NoSecret(_)
            | Error::NoNewSecret(_)
            | Error::Busy { .. }
            | Error::Overtaken(_) => ErrorClass::Transient,
            Error::NotRevoked { reason, .. } => reason.class(),
            Error::Platform { class, .. } => *class,
            Error::Timeout | Error::CloudFormation => ErrorClass::Transient,
            // The class that needs someone's attention wins over the one that passes by itself.
            Error::Partial { failed, .. } => {
                let classes: Vec<_> = failed.iter().map(|(_, error)| error.class()).collect();
                let worst =
                    [ErrorClass::Denied, ErrorClass::Permanent].into_iter().find(|class| classes.contains(class));
                worst.unwrap_or(ErrorClass::Transient)
            }
        }
    }

    /// Whether HeyGen rejected every change that failed: it would reject them again.
    pub(crate) fn is_rejection_by_heygen(&self) -> bool {
        let is_rejected = |error: &Error| matches!(error, Error::HeyGen(ApiError { kind: Kind::Rejected, .. }));
        matches!(self, Error::Partial { failed, .. } if failed.iter().all(|(_, error)| is_rejected(error)))
    }

    /// Whether HeyGen accepts only one endpoint with the same URL. Its response to a second one is not documented.
    pub(crate) fn is_url_taken(&self) -> bool {
        let Error::HeyGen(ApiError { kind, code, message, .. }) = self else { return false };
        let text = [code, message].map(|text| text.as_deref().unwrap_or_default().to_ascii_lowercase()).concat();
        let says_so = ["already", "exist", "duplicate", "taken"].iter().any(|word| text.contains(word));
        matches!(kind, Kind::Conflict | Kind::Rejected) && says_so
    }

    /// Whether a sync was stopped on purpose, before it changed anything.
    pub fn is_rejection(&self) -> bool {
        matches!(self, Error::PlanChanged { .. })
    }
}

impl From<&ConfigError> for Error {
    fn from(error: &ConfigError) -> Self {
        Error::Config(error.to_string())
    }
}

/// Lambda's report of a failed invocation: its error type is the class.
impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Diagnostic { error_type: error.class().as_str().to_owned(), error_message: error.to_string() }
    }
}
