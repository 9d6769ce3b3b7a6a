//! API Gateway's invocation in, its response out.
//!
//! `lambda_http`'s own conversion panics on a body that is not the base64 it claims to be, and on a
//! `Host` or a path that makes no URL: things that a stranger can send. This one refuses them.

use crate::answer::{Rejection, response};
use crate::app::{App, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use heygen::Unverified;
use lambda_http::Body;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

/// Answers one invocation.
pub async fn answer(app: &App, invocation: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
    let response = response(&app.handle(request(invocation)).await);
    let (parts, body) = response.into_parts();
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = i64::from(parts.status.as_u16());
    answer.headers = parts.headers;
    // "" where there is none, as a null body is not understood everywhere.
    answer.body = Some(if let Body::Empty = body { Body::Text(String::new()) } else { body });
    answer
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
