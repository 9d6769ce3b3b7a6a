//! HTTP responses. The one place where an outcome becomes an HTTP status.

use crate::report::Handled;
use lambda_http::Body;
use lambda_http::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use lambda_http::http::{Response, StatusCode};
use serde_json::{Value, json};
use webhook::{Identity, SignatureHeaderError};

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
    /// SQS holds what there is to look up.
    Callback,
}

impl From<Handled> for Accepted {
    fn from(handled: Handled) -> Self {
        match handled {
            Handled::Delivery { event, .. } => Accepted::Delivery(event.identity),
            Handled::Callback(_) => Accepted::Callback,
        }
    }
}

/// Defines [`Rejection`] from one row each.
macro_rules! rejections {
    ($($(#[$why:meta])* $name:ident: $status:ident, $code:literal, $message:literal;)*) => {
        /// Why a delivery was rejected. 4xx only for the sender's errors; 503 for our own, so that HeyGen retries.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Rejection {
            $($(#[$why])* $name,)*
        }

        impl Rejection {
            pub const ALL: &[Rejection] = &[$(Rejection::$name,)*];

            pub fn status(self) -> StatusCode {
                match self {
                    $(Rejection::$name => StatusCode::$status,)*
                }
            }

            /// A name that never changes: it is in responses, logs and metrics.
            pub fn code(self) -> &'static str {
                match self {
                    $(Rejection::$name => $code,)*
                }
            }

            /// What the sender, or the operator, can do.
            pub fn message(self) -> &'static str {
                match self {
                    $(Rejection::$name => $message,)*
                }
            }
        }
    };
}

rejections! {
    UnknownPath: NOT_FOUND, "unknown_path",
        "The path of a delivery is /webhooks/heygen/{endpoint}.";
    UnknownEndpoint: NOT_FOUND, "unknown_endpoint",
        "There is no endpoint with this name. Check the URL that is registered at HeyGen, or add the name to the deployment's parameter Endpoints.";
    Method: METHOD_NOT_ALLOWED, "method_not_allowed",
        "Use POST for deliveries.";
    EmptyBody: BAD_REQUEST, "empty_body",
        "The body is empty. Post the event as JSON.";
    BadBase64: BAD_REQUEST, "bad_base64",
        "The body is marked as base64, but is not valid base64. Send it unencoded.";
    /// More bytes than configured, or more than an SQS message holds even compressed.
    TooLarge: PAYLOAD_TOO_LARGE, "body_too_large",
        "The body is too large. If the event is genuine, raise the deployment's parameter MaxBodyBytes.";
    NoSignature: UNAUTHORIZED, "signature_missing",
        "There is no signature header. Sign the raw body with HMAC-SHA256 and send 64 hex digits in the header Signature.";
    /// No signature header has 64 hex digits.
    MalformedSignature: UNAUTHORIZED, "signature_malformed",
        "The signature header must be exactly 64 hex digits, without a prefix.";
    /// The signature does not match, and the secrets are not being changed.
    WrongSignature: UNAUTHORIZED, "signature_mismatch",
        "The signature does not match this endpoint's secret and this body. If the secret was rotated, store the new one in Secrets Manager.";
    /// Its signature is right, and covers a time that is too long ago.
    TooOld: UNAUTHORIZED, "delivery_too_old",
        "The signature is older than this deployment accepts. Check the clocks, or raise the deployment's parameter MaxDeliveryAgeMinutes.";
    SecretMissing: SERVICE_UNAVAILABLE, "secret_missing",
        "No secret is stored for this endpoint yet. Run admin's sync, or store the secret that HeyGen showed at registration. Then retry.";
    /// The stored value cannot be read, or Secrets Manager did not respond.
    SecretUnavailable: SERVICE_UNAVAILABLE, "secret_unavailable",
        "The endpoint's secret could not be read. Retry later.";
    /// The signature does not match, but the secret is being changed.
    SecretPending: SERVICE_UNAVAILABLE, "secret_pending",
        "The endpoint's secret is being changed. Retry later.";
    QueueUnavailable: SERVICE_UNAVAILABLE, "queue_unavailable",
        "The delivery could not be stored. Retry later.";
    /// AWS took longer than a sender waits.
    TooSlow: SERVICE_UNAVAILABLE, "too_slow",
        "Storing the delivery took too long. Retry later.";
    /// Variables of the function are missing or wrong.
    NotConfigured: SERVICE_UNAVAILABLE, "not_configured",
        "The receiver's configuration is incomplete. Correct the deployment's parameters.";
}

impl From<SignatureHeaderError> for Rejection {
    fn from(error: SignatureHeaderError) -> Self {
        match error {
            SignatureHeaderError::Missing => Rejection::NoSignature,
            SignatureHeaderError::Malformed => Rejection::MalformedSignature,
        }
    }
}

pub fn response(outcome: &Result<Accepted, Rejection>) -> Response<Body> {
    match outcome {
        Ok(Accepted::Options) => build(StatusCode::NO_CONTENT, None),
        Ok(Accepted::Callback) => build(StatusCode::OK, Some(&json!({}))),
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
