//! API Gateway's invocation in, its response out.
//!
//! `lambda_http`'s own conversion panics on a body that is not the base64 it claims to be, and on a
//! `Host` or a path that makes no URL, all of which any sender can cause. This one rejects them.

use crate::app::{App, Request};
use crate::report;
use crate::response::{Accepted, Rejection, rejected, response};
use aws::env::ConfigError;
use aws::error::ErrorClass;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lambda_http::Body;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_http::http::{Method, Response};
use webhook::{Platform, Unverified};

/// Responds to one invocation. Without a configuration the function still responds, so that HeyGen retries, and the
/// response names what is missing.
pub async fn respond(app: Result<&App, &ConfigError>, invocation: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
    let request = request(invocation);
    let (parts, body) = match app {
        Ok(app) => response(&app.handle(request).await).into_parts(),
        Err(error) => not_configured(&request, error).into_parts(),
    };
    let mut built = ApiGatewayV2httpResponse::default();
    built.status_code = i64::from(parts.status.as_u16());
    built.headers = parts.headers;
    // "" where there is none, as a null body is not understood everywhere.
    built.body = Some(if let Body::Empty = body { Body::Text(String::new()) } else { body });
    built
}

fn not_configured(request: &Request, error: &ConfigError) -> Response<Body> {
    if request.method == Method::OPTIONS {
        return response(&Ok(Accepted::Options));
    }
    report::span(&request.request_id, None).in_scope(|| {
        tracing::error!(%error, class = ErrorClass::Permanent.as_str(), "the function is not configured");
        report::write(Platform::HeyGen, Err(Rejection::NotConfigured));
    });
    rejected(Rejection::NotConfigured, &format!("{} {error}", Rejection::NotConfigured.message()))
}

fn request(invocation: ApiGatewayV2httpRequest) -> Request {
    let text = invocation.body.unwrap_or_default();
    let body = if invocation.is_base64_encoded {
        BASE64.decode(text).map(Unverified::new).map_err(|_| Rejection::BadBase64)
    } else {
        Ok(Unverified::new(text.into_bytes()))
    };
    Request {
        method: invocation.request_context.http.method,
        path: invocation.raw_path.unwrap_or_default(),
        headers: invocation.headers,
        body,
        request_id: invocation.request_context.request_id.unwrap_or_default(),
    }
}
