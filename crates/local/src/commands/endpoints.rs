//! `plan`, `sync`, `rotate`, `endpoints`, `verify`: requests to the function `admin`.

use super::Output;
use local::desired::Desired;
use local::{Error, Result, Stack};
use serde_json::{Value, json};
use std::process::ExitCode;

/// `admin` words its hints for JSON requests; these commands have variables of make.
const HINTS: [(&str, &str); 8] = [
    (r#"repeat the request with "force": true"#, "repeat the command with FORCE=1"),
    (r#"repeat the request with "adopt": true"#, "repeat the command with ADOPT=1"),
    ("repeat the request until", "repeat the command until"),
    (r#"again with "revoke": true"#, "again with REVOKE=1"),
    (r#"(only with "prune": true)"#, "(only with PRUNE=1)"),
    (r#"(only with "adopt": true)"#, "(only with ADOPT=1)"),
    (": sync first", ": run `make sync` first"),
    (": sync again", ": run `make sync` again"),
];

pub fn ask(output: Output, request: &Value) -> Result<ExitCode> {
    show(output, request)?;
    Ok(ExitCode::SUCCESS)
}

/// Fails if one of the endpoints does not work.
pub fn verify(output: Output, endpoint: Option<&str>) -> Result<ExitCode> {
    let reply = show(output, &json!({"action": "verify", "endpoint": endpoint}))?;
    let works = reply["verified"].as_array().is_some_and(|all| all.iter().all(|found| found["problem"].is_null()));
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks `admin`, and shows its reply.
fn show(output: Output, request: &Value) -> Result<Value> {
    let reply = local::admin::ask(&Stack::load()?, request).map_err(|error| match error {
        Error::Failed(message) => Error::Failed(for_make(&message)),
        other => other,
    })?;
    output.result(|| reply.clone(), || for_make(reply["text"].as_str().unwrap_or_default()))?;
    Ok(reply)
}

/// Shows what the present `endpoints.json` would change, deployed or not.
pub fn plan(output: Output) -> Result<ExitCode> {
    let file: Value = serde_json::from_str(&Desired::checked_in()?.json)
        .map_err(|error| Error::Failed(format!("Reading endpoints.json: {error}")))?;
    ask(output, &json!({"action": "plan", "endpoints": file["endpoints"]}))
}

pub fn rotate(output: Output, endpoint: &str, revoke: bool) -> Result<ExitCode> {
    // Before HeyGen is asked: the names are known here.
    Stack::load()?.endpoint(endpoint)?;
    ask(output, &json!({"action": "rotate", "endpoint": endpoint, "revoke": revoke}))
}

fn for_make(text: &str) -> String {
    HINTS.iter().fold(text.to_owned(), |text, (json, make)| text.replace(json, make))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_the_variables_of_make() {
        assert_eq!(
            for_make(r#"If this is what you want, repeat the request with "force": true"#),
            "If this is what you want, repeat the command with FORCE=1"
        );
        assert_eq!(
            for_make("The old secret of main may still be accepted: repeat the request until it succeeds"),
            "The old secret of main may still be accepted: repeat the command until it succeeds"
        );
        assert_eq!(
            for_make(r#"- main  delete  ep_1 (only with "prune": true)"#),
            "- main  delete  ep_1 (only with PRUNE=1)"
        );
        assert_eq!(
            for_make("\"main\" is not registered: sync first"),
            "\"main\" is not registered: run `make sync` first"
        );
    }
}
