//! HTTP responses. The one place where an outcome becomes an HTTP status.

use heygen::{Identity, SignatureHeaderError};
use lambda_http::Body;
use lambda_http::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use lambda_http::http::{Response, StatusCode};
use serde_json::{Value, json};

/// The methods of a delivery path.
const ALLOWED: &str = "OPTIONS, POST";

/// When to retry after one of our own errors, in seconds.
const RETRY_SECONDS: &str = "5";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// `OPTIONS`: HeyGen's probe when an endpoint is registered.
    Options,
    /// SQS holds the delivery.
    Delivery(Identity),
}

/// Why a delivery was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    UnknownPath,
    UnknownEndpoint,
    Method,
    EmptyBody,
    /// API Gateway marked the body as base64, and it is not.
    BadBase64,
    /// More bytes than configured, or more than an SQS message holds even compressed.
    TooLarge,
    NoSignature,
    /// No signature header has 64 hex digits.
    MalformedSignature,
    /// The signature does not match, and the secrets are not being changed.
    WrongSignature,
    /// No secret is stored for the endpoint yet.
    SecretMissing,
    /// The stored value cannot be read, or Secrets Manager did not respond.
    SecretUnavailable,
    /// The signature does not match, but the secret is being changed.
    SecretPending,
    QueueUnavailable,
    /// AWS took longer than a sender waits.
    TooSlow,
    /// Variables of the function are missing or wrong. The last one: `ALL` counts up to it.
    NotConfigured,
}

impl From<SignatureHeaderError> for Rejection {
    fn from(error: SignatureHeaderError) -> Self {
        match error {
            SignatureHeaderError::Missing => Rejection::NoSignature,
            SignatureHeaderError::Malformed => Rejection::MalformedSignature,
        }
    }
}

impl Rejection {
    /// Every rejection, in the order of their declaration, for documents and tests.
    pub const ALL: [Rejection; Rejection::NotConfigured as usize + 1] = [
        Rejection::UnknownPath,
        Rejection::UnknownEndpoint,
        Rejection::Method,
        Rejection::EmptyBody,
        Rejection::BadBase64,
        Rejection::TooLarge,
        Rejection::NoSignature,
        Rejection::MalformedSignature,
        Rejection::WrongSignature,
        Rejection::SecretMissing,
        Rejection::SecretUnavailable,
        Rejection::SecretPending,
        Rejection::QueueUnavailable,
        Rejection::TooSlow,
        Rejection::NotConfigured,
    ];

    /// 4xx only for the sender's errors; 503 for our own, so that HeyGen retries.
    pub fn status(self) -> StatusCode {
        match self {
            Rejection::UnknownPath | Rejection::UnknownEndpoint => StatusCode::NOT_FOUND,
            Rejection::Method => StatusCode::METHOD_NOT_ALLOWED,
            Rejection::EmptyBody | Rejection::BadBase64 => StatusCode::BAD_REQUEST,
            Rejection::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Rejection::NoSignature | Rejection::MalformedSignature | Rejection::WrongSignature => {
                StatusCode::UNAUTHORIZED
            }
            Rejection::SecretMissing
            | Rejection::SecretUnavailable
            | Rejection::SecretPending
            | Rejection::QueueUnavailable
            | Rejection::TooSlow
            | Rejection::NotConfigured => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A name that never changes: it is in responses, logs and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Rejection::UnknownPath => "unknown_path",
            Rejection::UnknownEndpoint => "unknown_endpoint",
            Rejection::Method => "method_not_allowed",
            Rejection::EmptyBody => "empty_body",
            Rejection::BadBase64 => "bad_base64",
            Rejection::TooLarge => "body_too_large",
            Rejection::NoSignature => "signature_missing",
            Rejection::MalformedSignature => "signature_malformed",
            Rejection::WrongSignature => "signature_mismatch",
            Rejection::SecretMissing => "secret_missing",
            Rejection::SecretUnavailable => "secret_unavailable",
            Rejection::SecretPending => "secret_pending",
            Rejection::QueueUnavailable => "queue_unavailable",
            Rejection::TooSlow => "too_slow",
            Rejection::NotConfigured => "not_configured",
        }
    }

    /// What the sender, or the operator, can do.
    pub fn message(self) -> &'static str {
        match self {
            Rejection::UnknownPath => "The path of a delivery is /webhooks/heygen/{endpoint}.",
            Rejection::UnknownEndpoint => {
                "There is no endpoint with this name. Check the URL that is registered at HeyGen, or add the name to the deployment's parameter Endpoints."
            }
            Rejection::Method => "Use POST for deliveries.",
            Rejection::EmptyBody => "The body is empty. Post the event as JSON.",
            Rejection::BadBase64 => "The body is marked as base64, but is not valid base64. Send it unencoded.",
            Rejection::TooLarge => {
                "The body is too large. If the event is genuine, raise the deployment's parameter MaxBodyBytes."
            }
            Rejection::NoSignature => {
                "There is no signature header. Sign the raw body with HMAC-SHA256 and send 64 hex digits in the header Signature."
            }
            Rejection::MalformedSignature => "The signature header must be exactly 64 hex digits, without a prefix.",
            Rejection::WrongSignature => {
                "The signature does not match this endpoint's secret and this body. If the secret was rotated, store the new one in Secrets Manager."
            }
            Rejection::SecretMissing => {
                "No secret is stored for this endpoint yet. Run admin's sync, or store the secret that HeyGen showed at registration. Then retry."
            }
            Rejection::SecretUnavailable => "The endpoint's secret could not be read. Retry later.",
            Rejection::SecretPending => "The endpoint's secret is being changed. Retry later.",
            Rejection::QueueUnavailable => "The delivery could not be stored. Retry later.",
            Rejection::TooSlow => "Storing the delivery took too long. Retry later.",
            Rejection::NotConfigured => {
                "The receiver's configuration is incomplete. Correct the deployment's parameters."
            }
        }
    }
}

pub fn response(outcome: &Result<Accepted, Rejection>) -> Response<Body> {
    match outcome {
        Ok(Accepted::Options) => build(StatusCode::NO_CONTENT, None),
        Ok(Accepted::Delivery(identity)) => build(StatusCode::OK, Some(&json!({"identity": identity.as_str()}))),
        Err(rejection) => rejected(*rejection, rejection.message()),
    }
}

/// The response to a rejected delivery, with a message that says more than the rejection's own.
pub fn rejected(rejection: Rejection, message: &str) -> Response<Body> {
    let error = json!({"error": {"code": rejection.code(), "message": message}});
    build(rejection.status(), Some(&error))
}

fn build(status: StatusCode, body: Option<&Value>) -> Response<Body> {
    let mut response = Response::new(body.map_or(Body::Empty, |body| Body::Text(body.to_string())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut header = |name, value| headers.insert(name, lambda_http::http::HeaderValue::from_static(value));
    header(CACHE_CONTROL, "no-store");
    match status {
        StatusCode::NO_CONTENT | StatusCode::METHOD_NOT_ALLOWED => header(ALLOW, ALLOWED),
        StatusCode::SERVICE_UNAVAILABLE => header(RETRY_AFTER, RETRY_SECONDS),
        _ => None,
    };
    if status != StatusCode::NO_CONTENT {
        header(CONTENT_TYPE, "application/json");
    }
    response
}
