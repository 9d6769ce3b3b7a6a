//! Errors of the API, and the one place that turns them into responses of v1 and v3.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The versions of the API, whose error bodies differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V3,
}

/// Why a call was rejected.
#[derive(Debug, Clone)]
pub(crate) struct Rejection {
    pub(crate) status: StatusCode,
    /// The error code of v3.
    pub(crate) code: &'static str,
    /// The error code of v1, if it is documented.
    pub(crate) v1_code: Option<u32>,
    pub(crate) message: String,
    pub(crate) param: Option<&'static str>,
    pub(crate) retry_after: Option<String>,
}

impl Version {
    pub(crate) fn of(path: &str) -> Self {
        if path.starts_with("/v1/") { Version::V1 } else { Version::V3 }
    }

    pub(crate) fn respond(self, rejection: &Rejection) -> Response {
        let mut response = (rejection.status, Json(self.error(rejection))).into_response();
        if let Some(value) = rejection.retry_after.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }

    fn error(self, rejection: &Rejection) -> Value {
        let Rejection { status, code, v1_code, message, param, retry_after: _ } = rejection;
        match (self, param) {
            // Only two codes of v1 are documented. They start with the status, so the others do too.
            (Version::V1, _) => {
                json!({"code": v1_code.unwrap_or(u32::from(status.as_u16()) * 1000), "message": message})
            }
            (Version::V3, None) => json!({"error": {"code": code, "message": message}}),
            (Version::V3, Some(param)) => json!({"error": {"code": code, "message": message, "param": param}}),
        }
    }
}

impl Rejection {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Rejection { status, code, v1_code: None, message: message.into(), param: None, retry_after: None }
    }

    /// 400. HeyGen does not document the code.
    pub(crate) fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        let rejection = Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", message);
        Rejection { param: Some(param), ..rejection }
    }

    pub(crate) fn invalid_url(message: impl Into<String>) -> Self {
        Rejection { v1_code: Some(400_542), ..Self::invalid("url", message) }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("{what} not found"))
    }

    pub(crate) fn no_such_endpoint() -> Self {
        Rejection { v1_code: Some(400_131), ..Self::not_found("Webhook endpoint") }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized")
    }

    pub(crate) fn in_progress() -> Self {
        Self::new(StatusCode::CONFLICT, "request_in_progress", "A request with this Idempotency-Key is in progress")
    }
}

/// The gate writes the body, because it knows the version.
impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
