//! Deploying a template with CloudFormation, by a change set as `sam deploy` does.

use crate::aws_api::AwsApi;
use crate::aws_api::QueryService::CloudFormation;
use crate::error::{Error, Result};
use crate::interrupt;
use serde_json::Value;
use std::time::Duration;

/// Longer than `admin` may take.
const LIMIT: Duration = Duration::from_secs(360);
const PAUSE: Duration = Duration::from_millis(100);

/// Creates or updates a stack and waits until that is done; returns its description.
pub fn deploy(api: &AwsApi, stack: &str, template_url: &str, parameters: &[(&str, &str)]) -> Result<Value> {
    let change_set = create_change_set(api, stack, template_url, parameters)?;
    let prepared = finished(|| api.query(CloudFormation, "DescribeChangeSet", &[("ChangeSetName", &change_set)]))?;
    if prepared["Status"] != "CREATE_COMPLETE" {
        let reason = prepared["StatusReason"].as_str().unwrap_or("no reason given");
        let unchanged = ["didn't contain changes", "No updates are to be performed"];
        if unchanged.iter().any(|words| reason.contains(words)) {
            return describe(api, stack);
        }
        return Err(Error::Failed(format!("{stack} could not be deployed: {reason}")));
    }
    api.query(CloudFormation, "ExecuteChangeSet", &[("ChangeSetName", &change_set)])?;
    let described = finished(|| describe(api, stack))?;
    match described["StackStatus"].as_str() {
        Some("CREATE_COMPLETE" | "UPDATE_COMPLETE") => Ok(described),
        status => {
            let events = api.query(CloudFormation, "DescribeStackEvents", &[("StackName", stack)])?;
            let why = reasons(&events["StackEvents"]).join("\n  ");
            Err(Error::Failed(format!("{stack} could not be deployed: {}\n  {why}", status.unwrap_or("no status"))))
        }
    }
}

/// The stack's description; an error if there is no such stack.
pub fn describe(api: &AwsApi, stack: &str) -> Result<Value> {
    Ok(api.query(CloudFormation, "DescribeStacks", &[("StackName", stack)])?["Stacks"][0].take())
}

/// The change set's ARN.
fn create_change_set(api: &AwsApi, stack: &str, template_url: &str, parameters: &[(&str, &str)]) -> Result<String> {
    // One that was only prepared, or rolled back, has nothing to update.
    let exists = describe(api, stack).is_ok_and(|stack| stack["StackStatus"] != "REVIEW_IN_PROGRESS");
    let numbered: Vec<_> = (1..)
        .zip(parameters)
        .flat_map(|(number, (name, value))| {
            let field = |field: &str| format!("Parameters.member.{number}.{field}");
            [(field("ParameterKey"), *name), (field("ParameterValue"), *value)]
        })
        .collect();
    // Two updates may come within a second, and a name can be used once.
    let name = format!("local-{}", fastrand::u64(..));
    let mut form = vec![
        ("StackName", stack),
        ("ChangeSetName", &name),
        ("ChangeSetType", if exists { "UPDATE" } else { "CREATE" }),
        ("TemplateURL", template_url),
        ("Capabilities.member.1", "CAPABILITY_IAM"),
    ];
    form.extend(numbered.iter().map(|(name, value)| (name.as_str(), *value)));
    let created = api.query(CloudFormation, "CreateChangeSet", &form)?;
    let arn = created["Id"].as_str().map(str::to_owned);
    arn.ok_or_else(|| Error::failed("CreateChangeSet returned no id"))
}

/// Asks until nothing is in progress any more.
fn finished(ask: impl Fn() -> Result<Value>) -> Result<Value> {
    let status = |described: &Value| {
        let names = ["StackStatus", "Status"];
        names.into_iter().find_map(|name| described[name].as_str().map(str::to_owned)).unwrap_or_default()
    };
    let done = interrupt::poll(LIMIT, PAUSE, || {
        let described = ask()?;
        let status = status(&described);
        Ok((!status.ends_with("_IN_PROGRESS") && !status.ends_with("_PENDING")).then_some(described))
    })?;
    done.ok_or_else(|| Error::Failed(format!("CloudFormation is not done after {} s", LIMIT.as_secs())))
}

/// What failed, and why; what failed first comes first.
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
    fn the_first_reason_comes_first() {
        let event = |id: &str, status: &str| json!({"LogicalResourceId": id, "ResourceStatus": status, "ResourceStatusReason": "no"});
        let events =
            [event("Stack", "CREATE_FAILED"), event("Api", "CREATE_COMPLETE"), event("Admin", "CREATE_FAILED")];
        assert_eq!(reasons(&json!(events)), ["Admin: no", "Stack: no"]);
    }
}
