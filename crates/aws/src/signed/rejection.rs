//! An error response of AWS.

use super::xml::element;
use aws_sdk_sqs::error::{ErrorMetadata, ProvideErrorMetadata};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::Value;
use std::fmt;

/// AWS's code and message. The message is not shown: it may quote the input.
pub(super) struct Rejection(ErrorMetadata);

impl Rejection {
    pub(super) fn read(response: &HttpResponse, body: &[u8]) -> Self {
        let xml = str::from_utf8(body).unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |names: [&str; 2]| names.into_iter().find_map(|name| body[name].as_str());
        let code = response.headers().get("x-amzn-errortype").or_else(|| text(["__type", "code"]));
        let code = code.or_else(|| element(xml, "Code"));
        let mut metadata = ErrorMetadata::builder();
        metadata = match code.map(short).filter(|code| !code.is_empty()) {
            Some(code) => metadata.code(code),
            // Of a proxy, say.
            None => metadata.code(format!("HTTP {}", response.status().as_u16())),
        };
        if let Some(message) = text(["message", "Message"]).or_else(|| element(xml, "Message")) {
            metadata = metadata.message(message);
        }
        Rejection(metadata.build())
    }
}

/// `Code` of `namespace#Code:https://…`.
fn short(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default()
}

impl ProvideErrorMetadata for Rejection {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rejection").field(&self.0.code()).finish()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code().unwrap_or_default())
    }
}

impl std::error::Error for Rejection {}
