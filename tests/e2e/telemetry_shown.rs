//! Monitoring: dashboards and alarms use only what the functions write. The deployed ones are read, not the template.

use crate::deployed::Deployed;
use crate::support::{Stack, TIMEOUT, stack};
use crate::telemetry::{Metric, NAMESPACE, emitted, list, operations, stack_name, text};
use crate::telemetry_caused::make_everything_happen;
use local::aws_api::JsonService::CloudWatch;
use serde_json::{Value, json};
use simulator::Options;
use std::collections::BTreeSet;

/// AWS's own metrics that are shown, each with its dimension. From AWS's lists of metrics.
const OF_AWS: [(&str, &str, &str); 15] = [
    ("AWS/ApiGateway", "4xx", "ApiId"),
    ("AWS/ApiGateway", "5xx", "ApiId"),
    ("AWS/ApiGateway", "Count", "ApiId"),
    ("AWS/ApiGateway", "Latency", "ApiId"),
    ("AWS/DynamoDB", "TransactionConflict", "TableName"),
    ("AWS/DynamoDB", "WriteThrottleEvents", "TableName"),
    ("AWS/EventBridge/Pipes", "ExecutionFailed", "PipeName"),
    ("AWS/Lambda", "ConcurrentExecutions", "FunctionName"),
    ("AWS/Lambda", "Duration", "FunctionName"),
    ("AWS/Lambda", "Errors", "FunctionName"),
    ("AWS/Lambda", "Throttles", "FunctionName"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName"),
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
    ("AWS/SQS", "NumberOfMessagesSent", "QueueName"),
];

/// Outcomes of deliveries that nothing here causes: `permissions.rs` and `responses.rs` do, by their error codes.
const CAUSED_ELSEWHERE: [&str; 3] = ["secret_pending", "secret_unavailable", "queue_unavailable"];

/// The metrics and the search expressions of a deployed dashboard.
fn shown(dashboard: &Value) -> (BTreeSet<Metric>, Vec<String>) {
    let (mut metrics, mut searches) = (BTreeSet::new(), Vec::new());
    for widget in list(&dashboard["widgets"]) {
        for row in list(&widget["properties"]["metrics"]) {
            let row = list(row);
            if let Some(expression) = row[0]["expression"].as_str() {
                searches.push(expression.to_owned());
                continue;
            }
            let words: Vec<_> = row.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let dimensions = words[2..].chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
            metrics.insert(Metric { namespace: words[0].clone(), name: words[1].clone(), dimensions });
        }
    }
    (metrics, searches)
}

/// Namespace, metric and dimensions of `SEARCH('{Namespace,Dimension,…} MetricName="Name" …', …)`.
fn searched(expression: &str) -> (&str, &str, Vec<&str>) {
    let between = |from: &str, to: &str| expression.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let mut schema = between("{", "}").split(',');
    let namespace = schema.next().unwrap();
    let mut dimensions: Vec<_> = schema.collect();
    dimensions.sort_unstable();
    (namespace, between("MetricName=\"", "\""), dimensions)
}

pub fn alarms(stack: &Stack) -> Vec<Value> {
    let prefix = format!("{}-", stack_name(stack));
    let described = stack.api().json(CloudWatch, "DescribeAlarms", &json!({ "AlarmNamePrefix": prefix })).unwrap();
    list(&described["MetricAlarms"]).to_vec()
}

/// The metric of an alarm, or those that its expression calculates with.
pub fn metrics_of(alarm: &Value) -> Vec<Metric> {
    let calculated: Vec<_> = list(&alarm["Metrics"]).iter().map(|query| &query["MetricStat"]["Metric"]).collect();
    let metrics = if calculated.is_empty() { vec![alarm] } else { calculated };
    let metric = |metric: &Value| {
        let dimensions = list(&metric["Dimensions"]).iter().map(|one| (text(&one["Name"]), text(&one["Value"])));
        let dimensions = dimensions.collect();
        Metric { namespace: text(&metric["Namespace"]), name: text(&metric["MetricName"]), dimensions }
    };
    metrics.into_iter().filter(|metric| !metric.is_null()).map(metric).collect()
}

fn is_caused_elsewhere(metric: &Metric) -> bool {
    let outcome = metric.dimensions.get("Outcome");
    metric.name == "Deliveries" && outcome.is_some_and(|outcome| CAUSED_ELSEWHERE.contains(&outcome.as_str()))
}

#[test]
fn dashboards_and_alarms_show_what_the_functions_write() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    make_everything_happen(&mut admin);
    let stack = &admin.stack;
    let name = stack_name(stack);

    let mut shown_metrics: BTreeSet<_> = alarms(stack).iter().flat_map(metrics_of).collect();
    assert!(shown_metrics.len() >= 13, "the alarms of the deployed stack: {shown_metrics:?}");
    let mut searches = Vec::new();
    for dashboard in ["videos", "operations"] {
        let get = json!({ "DashboardName": format!("{name}-{dashboard}") });
        let got = stack.api().json(CloudWatch, "GetDashboard", &get).unwrap();
        let (metrics, found) = shown(&serde_json::from_str(got["DashboardBody"].as_str().unwrap()).unwrap());
        assert!(metrics.len() >= 5, "{dashboard}: {metrics:?}");
        shown_metrics.extend(metrics);
        searches.extend(found);
    }
    let (ours, of_aws): (Vec<_>, Vec<_>) = shown_metrics.into_iter().partition(|metric| metric.namespace == NAMESPACE);

    let complete = || {
        let written = emitted(stack, 0);
        let is_there = |metric: &&Metric| written.iter().any(|(one, _)| one == *metric);
        let missing = ours.iter().filter(|metric| !is_there(metric) && !is_caused_elsewhere(metric));
        let missing: Vec<_> = missing.cloned().collect();
        Ok::<_, local::Error>(missing.is_empty().then_some(written).ok_or(missing))
    };
    // Lines arrive when the invocation that wrote them ends.
    let mut last = Vec::new();
    let written = stack.wait_for("all metrics", TIMEOUT, || Ok(complete()?.map_err(|missing| last = missing).ok()));
    let written = written.unwrap_or_else(|_| panic!("shown, and never written: {last:#?}"));

    assert!(searches.len() >= 3);
    for search in &searches {
        let (namespace, metric, dimensions) = searched(search);
        let fits = |one: &Metric| one.namespace == namespace && one.name == metric && one.names() == dimensions;
        assert!(written.iter().any(|(one, _)| fits(one)), "nothing is found by {search}");
        assert!(search.contains(&format!("Stack=\"{name}\"")), "it shows the metrics of other stacks: {search}");
    }
    for (metric, _) in &written {
        assert_eq!(metric.namespace, NAMESPACE);
        assert_eq!(metric.dimensions.get("Stack"), Some(&name), "{metric:?} may be of any stack");
    }

    let described = local::cloudformation::describe(stack.api(), &name).unwrap();
    let outputs = described["Outputs"].as_array().unwrap();
    let output = |key: &str| text(&outputs.iter().find(|output| output["OutputKey"] == key).unwrap()["OutputValue"]);
    let stack = stack.stack();
    let tail = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    let functions = &stack.functions;
    let resources = [
        tail(&stack.queue_url),
        tail(&stack.dlq_url),
        tail(&output("UndeliveredJobEventsQueueUrl")),
        output("PipeName"),
        stack.table.clone(),
        functions.receiver.clone(),
        functions.processor.clone(),
        functions.admin.clone(),
        functions.recovery.clone(),
    ];
    for metric in of_aws {
        let [(dimension, value)] = metric.dimensions.iter().collect::<Vec<_>>()[..] else { panic!("{metric:?}") };
        let known = (metric.namespace.as_str(), metric.name.as_str(), dimension.as_str());
        assert!(OF_AWS.contains(&known), "AWS writes no such metric: {metric:?}");
        let is_api = dimension == "ApiId" && stack.api_url.contains(value);
        assert!(is_api || resources.contains(value), "not of this stack: {metric:?}");
    }
}

#[test]
fn every_alarm_says_why_and_leads_to_the_runbook() {
    let stack = stack();
    let page = operations();
    let headings: BTreeSet<_> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let anchor = |heading: &str| heading.to_lowercase().replace(' ', "-");
    let anchors: BTreeSet<_> = headings.into_iter().map(anchor).collect();
    let alarms = alarms(&stack);
    if stack.stack().aws_endpoint.is_some() {
        assert!(alarms.len() >= 13);
    }
    for alarm in alarms {
        let (name, why) = (text(&alarm["AlarmName"]), text(&alarm["AlarmDescription"]));
        let (reason, leads) =
            why.split_once(" What to do: docs/operations.md#").unwrap_or_else(|| panic!("{name}: {why}"));
        assert!(reason.len() > 30, "{name}: {reason}");
        assert!(anchors.contains(leads), "{name} leads to #{leads}, and there are only {anchors:?}");
        assert!(!list(&alarm["AlarmActions"]).is_empty(), "{name} notifies no one");
    }
}
