//! Invoking the function `admin`, which manages a stack's endpoints at HeyGen.

use crate::aws_api::AwsApi;
use crate::error::Result;
use crate::stack::Stack;
use serde_json::{Value, json};

/// The secret whose value is HeyGen's API key, in a local stack.
pub const API_KEY_SECRET: &str = "heygen-api-key";

/// The response of a stack's admin to a request, such as `{"action": "plan"}`. A function error is an error.
pub fn ask(stack: &Stack, request: &Value) -> Result<Value> {
    AwsApi::of(stack)?.invoke(&stack.functions.admin, request.to_string().as_bytes())
}

pub fn sync(prune: bool, adopt: bool, force: bool, checksum: Option<&str>) -> Value {
    json!({"action": "sync", "prune": prune, "adopt": adopt, "force": force, "checksum": checksum})
}
