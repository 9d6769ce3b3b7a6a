//! `plan`, `sync`, `rotate`, `endpoints`: requests to the function `admin`.

use super::Output;
use local::{Error, Result, Stack};
use serde_json::{Value, json};
use std::process::ExitCode;

/// `admin` speaks to JSON's users, this command to those of make.
const HINTS: [(&str, &str); 3] = [
    (r#"ask for {"action": "sync"}"#, "run `make sync`"),
    (r#""force": true"#, "FORCE=1"),
    (r#""prune": true"#, "PRUNE=1"),
];

pub fn ask(output: Output, request: &Value) -> Result<ExitCode> {
    let reply = local::admin::ask(&Stack::load()?, request).map_err(|error| match error {
        Error::Failed(message) => Error::Failed(for_make(&message)),
        other => other,
    })?;
    output.result(|| reply.clone(), || for_make(reply["text"].as_str().unwrap_or_default()))?;
    Ok(ExitCode::SUCCESS)
}

pub fn rotate(output: Output, endpoint: &str) -> Result<ExitCode> {
    // Before HeyGen is asked: the names are known here.
    Stack::load()?.endpoint(endpoint)?;
    ask(output, &json!({"action": "rotate", "endpoint": endpoint}))
}

fn for_make(text: &str) -> String {
    HINTS.iter().fold(text.to_owned(), |text, (json, make)| text.replace(json, make))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_the_variables_of_make() {
        assert_eq!(for_make(r#"ask with "force": true"#), "ask with FORCE=1");
        assert_eq!(for_make(r#"ask for {"action": "sync"} first"#), "run `make sync` first");
    }
}
