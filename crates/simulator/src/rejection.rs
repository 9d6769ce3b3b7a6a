//! Errors of the APIs, and the one place that turns them into responses: HeyGen's v1 and v3, and each platform's.

use crate::random;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use webhook::Platform;

/// The APIs whose error bodies differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    V1,
    V3,
    Synthesia,
    ElevenLabs,
    Tavus,
    Did,
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
    /// Further headers of the response.
    pub(crate) headers: Vec<(&'static str, u32)>,
}

/// D-ID's names of errors. Those of 429 and 5xx are an assumption.
fn kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "AuthorizationError",
        402 => "InsufficientCreditsError",
        403 => "PermissionError",
        404 => "NotFoundError",
        429 => "TooManyRequestsError",
        451 => "ImageModerationError",
        500.. => "InternalServerError",
        _ => "BadRequestError",
    }
}

impl Dialect {
    /// That of a path of a platform's API.
    pub(crate) fn of(platform: Platform, path: &str) -> Self {
        match platform {
            Platform::HeyGen if path.starts_with("/v1/") => Dialect::V1,
            Platform::HeyGen => Dialect::V3,
            Platform::Synthesia => Dialect::Synthesia,
            Platform::ElevenLabs => Dialect::ElevenLabs,
            Platform::Tavus => Dialect::Tavus,
            Platform::Did => Dialect::Did,
        }
    }

    pub(crate) fn respond(self, rejection: &Rejection) -> Response {
        let mut response = (self.status(rejection), Json(self.error(rejection))).into_response();
        for (name, value) in &rejection.headers {
            response.headers_mut().insert(*name, HeaderValue::from(*value));
        }
        if let Some(value) = rejection.retry_after.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }

    /// Synthesia documents 403 for a wrong key, ElevenLabs 422 for a request of the wrong shape.
    fn status(self, rejection: &Rejection) -> StatusCode {
        match (self, rejection.status) {
            (Dialect::Synthesia, StatusCode::UNAUTHORIZED) => StatusCode::FORBIDDEN,
            (Dialect::ElevenLabs, StatusCode::BAD_REQUEST) if rejection.param.is_some() => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            (_, status) => status,
        }
    }

    fn error(self, rejection: &Rejection) -> Value {
        let Rejection { status, code, v1_code, message, param, .. } = rejection;
        match (self, param) {
            // Only two codes of v1 are documented. They start with the status, so the others do too.
            (Dialect::V1, _) => {
                json!({"code": v1_code.unwrap_or(u32::from(status.as_u16()) * 1000), "message": message})
            }
            (Dialect::V3, None) => json!({"error": {"code": code, "message": message}}),
            (Dialect::V3, Some(param)) => json!({"error": {"code": code, "message": message, "param": param}}),
            (Dialect::Synthesia, param) => json!({"error": message, "context": param.unwrap_or(code)}),
            (Dialect::ElevenLabs, Some(param)) => {
                json!({"detail": [{"loc": ["body", param], "msg": message, "type": "value_error"}]})
            }
            (Dialect::ElevenLabs, None) => json!({"detail": {
                "type": code, "code": code, "message": message, "param": null, "request_id": random::opaque(),
                "status": code,
            }}),
            (Dialect::Tavus, _) if *status == StatusCode::BAD_REQUEST => json!({"error": message}),
            (Dialect::Tavus, _) => json!({"message": message}),
            (Dialect::Did, param) => json!({"kind": kind(*status), "description": message, "details": param}),
        }
    }
}

impl Rejection {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Rejection {
            status,
            code,
            v1_code: None,
            message: message.into(),
            param: None,
            retry_after: None,
            headers: Vec::new(),
        }
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

    pub(crate) fn too_many_requests() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", "Too many requests")
    }

    pub(crate) fn in_progress() -> Self {
        Self::new(StatusCode::CONFLICT, "request_in_progress", "A request with this Idempotency-Key is in progress")
    }
}

/// The gate writes the body, because it knows the API.
impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
