//! What a sender is told. The one place where an outcome becomes an HTTP status.

use heygen::{Identity, SignatureHeaderError};
use lambda_http::Body;
use lambda_http::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use lambda_http::http::{Response, StatusCode};
use serde_json::{Value, json};

/// The methods of a delivery path.
const ALLOWED: &str = "OPTIONS, POST";

/// When to try again after a fault of ours, in seconds.
const RETRY_SECONDS: &str = "5";

/// The delivery, or the question, was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `OPTIONS`: HeyGen's probe when an endpoint is registered.
    Options,
    /// SQS holds the delivery.
    Accepted(Identity),
}

/// Why a delivery was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// Not a delivery path.
    UnknownPath,
    /// A delivery path, but no such endpoint here.
    UnknownEndpoint,
    /// Neither `POST` nor `OPTIONS`.
    Method,
    /// No body.
    EmptyBody,
    /// API Gateway marked the body as base64, and it is not.
    BadBase64,
    /// More bytes than configured, or than SQS takes even compressed.
    TooLarge,
    /// None of the signature headers is there.
    NoSignature,
    /// None of them has 64 hex digits.
    MalformedSignature,
    /// The signature does not hold, and the secrets are settled.
    WrongSignature,
    /// No secret is stored for the endpoint yet.
    SecretMissing,
    /// What is stored is not readable, or Secrets Manager did not answer.
    SecretUnavailable,
    /// The signature does not hold, but the secret is being changed.
    SecretPending,
    /// SQS did not take the message.
    QueueUnavailable,
    /// AWS took longer than a sender waits.
    TooSlow,
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
    /// The status: 4xx only where the sender is at fault, 503 where we are, so that it tries again.
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
            | Rejection::TooSlow => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A stable name, for programs, logs and metrics.
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
        }
    }

    /// What to do about it.
    pub fn message(self) -> &'static str {
        match self {
            Rejection::UnknownPath => "Deliveries are posted to /webhooks/heygen/{endpoint}.",
            Rejection::UnknownEndpoint => {
                "There is no endpoint of this name. Check the URL that is registered at HeyGen, or add the name to the deployment's parameter Endpoints."
            }
            Rejection::Method => "Deliveries are posted: use POST.",
            Rejection::EmptyBody => "The body is empty. Post the event as JSON.",
            Rejection::BadBase64 => "The body is marked as base64 and is not. Send it as it is.",
            Rejection::TooLarge => {
                "The body is too large. Raise the deployment's parameter MaxBodyBytes, if the event is genuine and it still fits into a message."
            }
            Rejection::NoSignature => {
                "No signature header. Sign the raw body with HMAC-SHA256 and send 64 hex digits in the header Signature."
            }
            Rejection::MalformedSignature => {
                "The signature header does not hold exactly 64 hex digits, without a prefix."
            }
            Rejection::WrongSignature => {
                "The signature was not made with this endpoint's secret over these bytes. If the secret was rotated, store the new one in Secrets Manager."
            }
            Rejection::SecretMissing => {
                "No secret is stored for this endpoint yet. Ask admin for a sync, or store the one that HeyGen showed at registration; the delivery can be tried again."
            }
            Rejection::SecretUnavailable => "The endpoint's secret could not be read. Try again.",
            Rejection::SecretPending => "The endpoint's secret is being changed. Try again.",
            Rejection::QueueUnavailable => "The delivery could not be stored. Try again.",
            Rejection::TooSlow => "Storing the delivery took too long. Try again.",
        }
    }
}

/// The HTTP response.
pub fn response(outcome: &Result<Answer, Rejection>) -> Response<Body> {
    let (status, body) = match outcome {
        Ok(Answer::Options) => (StatusCode::NO_CONTENT, None),
        Ok(Answer::Accepted(identity)) => (StatusCode::OK, Some(json!({"identity": identity.as_str()}))),
        Err(refusal) => {
            let error = json!({"error": {"code": refusal.code(), "message": refusal.message()}});
            (refusal.status(), Some(error))
        }
    };
    let mut response = Response::new(body.map_or(Body::Empty, |body: Value| Body::Text(body.to_string())));
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
