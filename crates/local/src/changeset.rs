//! Carrying out what `aws cloudformation deploy` prepared. It would do so itself, but looks every 30 s whether
//! that is done, and does not say why if it failed.

use crate::cli::AwsCli;
use crate::error::{Error, Result};
use crate::interrupt;
use serde_json::Value;
use std::time::Duration;

/// Longer than admin may take.
const LIMIT: Duration = Duration::from_secs(360);

/// Carries out the change set that `prepared` names, if anything changes, and waits until the stack is in its
/// new state. What is returned describes the stack.
pub fn carry_out(cli: &AwsCli, stack: &str, prepared: &[u8]) -> Result<Value> {
    let describe = ["cloudformation", "describe-stacks", "--stack-name", stack];
    let prepared = String::from_utf8_lossy(prepared);
    let Some(arn) = arn(&prepared) else { return Ok(cli.json(&describe)?["Stacks"][0].take()) };
    cli.run(&["cloudformation", "execute-change-set", "--change-set-name", arn])?;
    let done = interrupt::poll(LIMIT, Duration::from_millis(100), || {
        let described = cli.json(&describe)?["Stacks"][0].take();
        let status = described["StackStatus"].as_str().unwrap_or_default();
        Ok((!status.ends_with("_IN_PROGRESS")).then_some(described))
    })?;
    let described =
        done.ok_or_else(|| Error::Failed(format!("{stack} is not deployed after {} s", LIMIT.as_secs())))?;
    match described["StackStatus"].as_str() {
        Some("CREATE_COMPLETE" | "UPDATE_COMPLETE") => Ok(described),
        status => {
            let events = cli.json(&["cloudformation", "describe-stack-events", "--stack-name", stack])?;
            let why = reasons(&events["StackEvents"]).join("\n  ");
            Err(Error::Failed(format!("{stack} could not be deployed: {}\n  {why}", status.unwrap_or("no status"))))
        }
    }
}

/// The change set's name, which stands at the end; there is none if nothing changes.
fn arn(prepared: &str) -> Option<&str> {
    prepared.split_whitespace().rev().find(|word| word.starts_with("arn:"))
}

/// What failed, and why, beginning with what failed first.
fn reasons(events: &Value) -> Vec<String> {
    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let events = events.as_array().map(Vec::as_slice).unwrap_or_default().iter().rev();
    let failed = events.filter(|event| text(event, "ResourceStatus").ends_with("_FAILED"));
    failed
        .map(|event| format!("{}: {}", text(event, "LogicalResourceId"), text(event, "ResourceStatusReason")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_set_is_found_if_there_is_one() {
        let created = "Changeset created successfully. Run the following command to review changes:\n\
                       aws cloudformation describe-change-set --change-set-name arn:aws:cloudformation:x\n";
        assert_eq!(arn(created), Some("arn:aws:cloudformation:x"));
        assert_eq!(arn("\nNo changes to deploy. Stack heygen-webhooks is up to date\n"), None);
    }

    #[test]
    fn the_first_reason_comes_first() {
        let event = |id: &str, status: &str| json!({"LogicalResourceId": id, "ResourceStatus": status, "ResourceStatusReason": "no"});
        let events =
            [event("Stack", "CREATE_FAILED"), event("Api", "CREATE_COMPLETE"), event("Admin", "CREATE_FAILED")];
        assert_eq!(reasons(&json!(events)), ["Admin: no", "Stack: no"]);
    }
}
