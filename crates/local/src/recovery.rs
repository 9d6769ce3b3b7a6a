//! Invoking the function `recovery`, which brings back what was missed.

use crate::aws_api::AwsApi;
use crate::error::Result;
use crate::stack::Stack;
use serde_json::Value;

/// The response of a stack's recovery to a request, such as `{"action": "backfill"}`. A function error is an error.
pub fn ask(stack: &Stack, request: &Value) -> Result<Value> {
    AwsApi::of(stack)?.invoke(&stack.functions.recovery, request.to_string().as_bytes())
}
