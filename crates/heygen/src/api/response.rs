//! Reading a response: HeyGen's two envelopes, and the responses of gateways in between.

use std::time::Duration;

use serde_json::{Map, Value};

use super::scrub::Scrub;
use super::{ApiError, Kind};
use webhook::fields::Fields;
use webhook::json::{each_element, each_field};

/// v1's code for success.
const V1_SUCCESS: &str = "100";
/// v1's code for "Webhook endpoint not found".
pub(super) const V1_NOT_FOUND: &str = "400131";

/// A response without its body.
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
}

impl ResponseHead {
    pub(super) fn is_success(&self) -> bool {
        (200..=299).contains(&self.status)
    }

    /// The body of a successful response; `Null` if it is empty.
    pub(super) fn read(self, operation: &'static str, body: &[u8], scrub: &Scrub) -> Result<Value, ApiError> {
        let json =
            if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(body).ok().or_else(|| list(body)) };
        let rejection = json.as_ref().and_then(rejection);
        let (kind, message) = match (&json, &rejection) {
            (Some(_), None) if self.is_success() => return Ok(json.unwrap_or_default()),
            (_, Some(rejection)) => {
                (self.kind(Some(rejection)), rejection.message.as_deref().and_then(|m| scrub.message(m)))
            }
            (Some(_), None) => (self.kind(None), None),
            (None, None) => {
                let content_type = self.content_type.as_deref().unwrap_or("without a content type");
                (self.kind(None), Some(format!("the response is {content_type}, not JSON")))
            }
        };
        Err(ApiError {
            status: Some(self.status),
            code: rejection.and_then(|rejection| scrub.token(&rejection.code?)),
            message,
            request_id: self.request_id,
            retry_after: self.retry_after,
            ..ApiError::new(operation, kind)
        })
    }

    /// A code takes precedence over the status: HeyGen may send an error with status 200.
    fn kind(&self, rejection: Option<&Rejection>) -> Kind {
        let by_code = rejection.and_then(|rejection| match rejection.code.as_deref()? {
            "unauthorized" => Some(Kind::Unauthorized),
            "insufficient_credit" => Some(Kind::InsufficientCredit),
            "forbidden" => Some(Kind::Forbidden),
            "not_found" | V1_NOT_FOUND => Some(Kind::NotFound),
            "request_in_progress" => Some(Kind::InProgress),
            "rate_limit_exceeded" => Some(Kind::RateLimited),
            "quota_exceeded" => Some(Kind::QuotaExceeded),
            _ => None,
        });
        by_code.unwrap_or(match self.status {
            401 => Kind::Unauthorized,
            402 => Kind::InsufficientCredit,
            403 => Kind::Forbidden,
            // A gateway's 404 is about its own paths and must not be read as "deleted".
            404 if rejection.is_none() => Kind::NotJson,
            404 => Kind::NotFound,
            408 => Kind::Timeout,
            409 => Kind::Conflict,
            429 => Kind::RateLimited,
            200..=299 if rejection.is_none() => Kind::NotJson,
            300..=399 => Kind::Redirected,
            500..=599 => Kind::Server,
            _ => Kind::Rejected,
        })
    }
}

/// A list of which serde_json cannot read all elements, such as one with a lone surrogate in a title. They are `null`, so
/// that they hide no others. `None` if the body is no list.
fn list(body: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(body);
    let mut fields = Map::new();
    let is_json = each_field(
        &text,
        |_| true,
        |name, value| {
            let read = if value.starts_with('[') { elements(value) } else { serde_json::from_str(value).ok() };
            fields.extend(read.map(|value| (name.to_owned(), value)));
        },
    );
    (is_json && fields.get("data").is_some_and(Value::is_array)).then_some(Value::Object(fields))
}

fn elements(array: &str) -> Option<Value> {
    let mut elements = Vec::new();
    each_element(array, |element| elements.push(serde_json::from_str(element).unwrap_or_default()));
    Some(Value::Array(elements))
}

/// Why HeyGen rejected a request.
struct Rejection {
    code: Option<String>,
    message: Option<String>,
}

/// `{"error": {"code", "message"}}`, or v1's `{"code": 400542, "message"}` whose code is not 100.
fn rejection(body: &Value) -> Option<Rejection> {
    let body = Fields::of(Some(body));
    let error = body.get("error").filter(|error| !error.is_null());
    if let Some(error) = error {
        let fields = Fields::of(Some(error));
        return Some(Rejection {
            code: fields.text("code"),
            message: fields.text("message").or_else(|| body.text("error")),
        });
    }
    let code = body.text("code").filter(|code| code != V1_SUCCESS)?;
    Some(Rejection { code: Some(code), message: body.text("message") })
}
