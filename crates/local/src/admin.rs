//! Asking the function `admin`, which keeps a stack's endpoints at HeyGen as they are wanted.

use crate::cli::AwsCli;
use crate::error::{Context, Error, Result};
use crate::stack::Stack;
use serde_json::{Value, json};

/// The secret whose value is HeyGen's API key, in a local stack.
pub const API_KEY_SECRET: &str = "heygen-api-key";
/// Longer than the function may take, in seconds.
const LIMIT: &str = "310";

/// What a stack's admin answers to a request, such as `{"action": "plan"}`.
pub fn ask(stack: &Stack, request: &Value) -> Result<Value> {
    let payload = request.to_string();
    let function = ["lambda", "invoke", "--function-name", &stack.functions.admin, "--payload", &payload];
    // The answer and what the CLI says of it, one after the other.
    let printed = AwsCli::of(stack)?.run(&[&function[..], &["--cli-read-timeout", LIMIT, "/dev/stdout"]].concat())?;
    read(&printed)
}

fn read(printed: &[u8]) -> Result<Value> {
    let what = "Reading the answer of admin";
    let mut values = serde_json::Deserializer::from_slice(printed).into_iter::<Value>();
    let mut next = || values.next().ok_or_else(|| Error::Failed(format!("{what}: it is not complete")))?.context(what);
    let (answer, metadata) = (next()?, next()?);
    if metadata["FunctionError"].is_null() {
        return Ok(answer);
    }
    let said = answer["errorMessage"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
    Err(Error::Failed(said))
}

/// The request to bring the endpoints in step.
pub fn sync(prune: bool, force: bool, checksum: Option<&str>) -> Value {
    json!({"action": "sync", "prune": prune, "force": force, "checksum": checksum})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_an_error_is_one() {
        let answer = read(br#"{"text":"2 endpoints"}{ "StatusCode": 200 }"#).unwrap();
        assert_eq!(answer["text"], "2 endpoints");
        let error = read(br#"{"errorMessage":"too many","errorType":"Limits"}{"FunctionError":"Unhandled"}"#);
        assert_eq!(error.unwrap_err().to_string(), "too many");
        assert!(read(b"{}").is_err());
    }
}
