//! Monitoring: log keys are documented, saved queries use no others, and the log tells the story of a delivery.

use crate::deployed::Deployed;
use crate::support::{TIMEOUT, now, stack, success, unique};
use crate::telemetry::{lines, metrics, operations, stack_name, table, text};
use crate::telemetry_caused::make_everything_happen;
use local::aws_api::QueryService::CloudFormation;
use serde_json::Value;
use simulator::Options;
use std::collections::BTreeSet;

#[test]
fn log_keys_are_documented_and_saved_queries_use_no_other() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let since = now();
    make_everything_happen(&mut admin);
    let stack = &admin.stack;
    let keys: BTreeSet<_> = table(&operations(), "### Log keys")
        .into_iter()
        .flat_map(|row| row[0].split(", ").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    for key in ["request_id", "endpoint", "identity", "correlation_id", "outcome", "class", "error"] {
        assert!(keys.contains(key), "{key} is not documented");
    }
    let messages = ["delivery rejected", "event recorded", "message dead-lettered", "action failed"];
    let logged = |message: &&str| !stack.lines_with(since, &[*message]).is_empty();
    stack.wait_for("log lines", TIMEOUT, || Ok(messages.iter().all(logged).then_some(()))).unwrap();
    let mut undocumented = BTreeSet::new();
    for line in lines(stack, since) {
        if !["ERROR", "WARN", "INFO"].contains(&line["level"].as_str().unwrap_or_default()) {
            continue;
        }
        // Metrics and their dimensions have a table of their own.
        let mut metric_keys = BTreeSet::from(["_aws".to_owned()]);
        for (metric, _) in metrics(&line) {
            metric_keys.extend(metric.dimensions.into_keys().chain([metric.name]));
        }
        let unknown = |key: &&String| !keys.contains(*key) && !metric_keys.contains(*key);
        undocumented.extend(line.as_object().unwrap().keys().filter(unknown).cloned());
        if line["error"].is_string() {
            assert!(["transient", "permanent", "denied"].contains(&line["class"].as_str().unwrap_or("none")), "{line}");
        }
    }
    assert!(undocumented.is_empty(), "log keys that are not in docs/operations.md: {undocumented:?}");

    let name = stack_name(stack);
    let get = [("StackName", name.as_str()), ("TemplateStage", "Processed")];
    let got = stack.api().query(CloudFormation, "GetTemplate", &get).unwrap();
    let template: Value = serde_json::from_str(&text(&got["TemplateBody"])).unwrap();
    let resources = template["Resources"].as_object().unwrap().values();
    let queries: Vec<_> = resources.filter(|one| one["Type"] == "AWS::Logs::QueryDefinition").collect();
    assert!(queries.len() >= 5);
    for query in queries {
        let query = text(&query["Properties"]["QueryString"]);
        for word in fields(&query) {
            assert!(word.starts_with('@') || keys.contains(word), "{word} is not a log key: {query}");
        }
    }
}

/// The fields that a saved query shows or compares.
fn fields(query: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    for command in query.lines().filter(|line| !line.starts_with('#')) {
        let command = command.trim_start_matches("| ");
        if let Some(listed) = command.strip_prefix("fields ") {
            fields.extend(listed.split(", "));
        } else if let Some(conditions) = command.strip_prefix("filter ") {
            let word = |condition: &'_ str| -> usize { condition.find([' ', ')']).unwrap_or(condition.len()) };
            let conditions = conditions.split(" and ").map(|one| one.trim_start_matches("ispresent("));
            fields.extend(conditions.map(|condition| &condition[..word(condition)]));
        }
    }
    fields
}

#[test]
fn the_log_shows_what_happened_to_a_callback_id() {
    let stack = stack();
    let since = now();
    let id = unique("order");
    stack.accepted(&success(&id, &unique("video")));
    stack.recorded(&id, 1);
    let story =
        || -> Vec<Value> { lines(&stack, since).into_iter().filter(|line| line["correlation_id"] == id).collect() };
    let story = stack.wait_for("both lines", TIMEOUT, || Ok(Some(story()).filter(|lines| lines.len() >= 2))).unwrap();
    let logged: Vec<_> = story.iter().map(|line| (text(&line["message"]), text(&line["outcome"]))).collect();
    let pair = |message: &str, outcome: &str| (message.to_owned(), outcome.to_owned());
    assert!(logged.contains(&pair("delivery accepted", "accepted")), "{logged:?}");
    assert!(logged.contains(&pair("event recorded", "job_updated")), "{logged:?}");
    assert_eq!(story.len(), 2, "one line of the receiver, one of the processor: {story:?}");
    for key in ["request_id", "identity", "endpoint"] {
        assert!(story[0][key].is_string() && story.iter().all(|line| line[key] == story[0][key]), "{key}: {story:?}");
    }
}
