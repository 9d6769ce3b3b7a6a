//! The stack's schedules. The local AWS runs them, as AWS does.

use crate::aws_api::{AwsApi, JsonService};
use crate::deploy::STACK_NAME;
use crate::error::Result;
use serde_json::{Value, json};

/// Of the deployed stack: each rule that runs by the clock.
pub fn rules(api: &AwsApi) -> Result<Vec<Value>> {
    let reply = api.json(JsonService::Events, "ListRules", &json!({"NamePrefix": STACK_NAME}))?;
    let rules = reply["Rules"].as_array().cloned().unwrap_or_default();
    Ok(rules.into_iter().filter(|rule| rule["ScheduleExpression"].is_string()).collect())
}

/// Stops them: a test would meet a run that it did not ask for.
pub fn pause(api: &AwsApi) -> Result<()> {
    for rule in rules(api)? {
        api.json(JsonService::Events, "DisableRule", &json!({"Name": rule["Name"]}))?;
    }
    Ok(())
}
