//! Monitoring: dashboards, alarms and saved queries use only what the functions write, and what they write is documented.
//! The deployed dashboards and alarms are read, not the template.

use crate::dead_letters::put_dead_letter;
use crate::deployed::{A, Deployed};
use crate::failures::message;
use crate::support::{Stack, TIMEOUT, assert_same, body, now, stack, success, unique};
use crate::usage::Account;
use local::aws_api::{JsonService::CloudWatch, QueryService::CloudFormation};
use local::stack_dir::workspace;
use serde_json::{Value, json};
use simulator::Options;
use std::collections::{BTreeMap, BTreeSet};
use webhook::sign;

const NAMESPACE: &str = "HeygenWebhooks";

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

/// Outcomes of deliveries that this module does not cause: `permissions.rs` and `responses.rs` do, by their error codes.
const CAUSED_ELSEWHERE: [&str; 3] = ["secret_pending", "secret_unavailable", "queue_unavailable"];

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    pub namespace: String,
    pub name: String,
    pub dimensions: BTreeMap<String, String>,
}

impl Metric {
    fn names(&self) -> Vec<&str> {
        self.dimensions.keys().map(String::as_str).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The lines that the functions wrote since a time, as JSON.
pub fn lines(stack: &Stack, since: u64) -> Vec<Value> {
    let lines = stack.logs(since).unwrap().into_iter().filter(|line| !line.is_lambdas());
    lines.filter_map(|line| serde_json::from_str(&line.text).ok()).collect()
}

/// The metrics of a line, each with its unit. A line that CloudWatch would not understand is a failure.
pub fn metrics(line: &Value) -> Vec<(Metric, String)> {
    let mut metrics = Vec::new();
    for entry in list(&line["_aws"]["CloudWatchMetrics"]) {
        let at = line["_aws"]["Timestamp"].as_u64().unwrap();
        // CloudWatch accepts two weeks ago to two hours ahead.
        assert!(at.abs_diff(now()) < 24 * 3_600_000, "{line}");
        let [names] = list(&entry["Dimensions"]) else { panic!("{line}") };
        let value = |name: &Value| (text(name), text(&line[name.as_str().unwrap()]));
        let dimensions: BTreeMap<_, _> = list(names).iter().map(value).collect();
        for metric in list(&entry["Metrics"]) {
            let name = text(&metric["Name"]);
            assert!(line[&name].as_f64().is_some_and(|value| value.is_finite() && value >= 0.0), "{line}");
            let namespace = text(&entry["Namespace"]);
            metrics.push((Metric { namespace, name, dimensions: dimensions.clone() }, text(&metric["Unit"])));
        }
    }
    metrics
}

fn emitted(stack: &Stack, since: u64) -> BTreeSet<(Metric, String)> {
    lines(stack, since).iter().flat_map(metrics).collect()
}

/// Deliveries and syncs with every outcome that an alarm or a dashboard names.
fn make_everything_happen(admin: &mut Deployed) {
    let stack = &admin.stack;
    let (id, secret) = (unique("order"), stack.secret("main").unwrap());
    let sent = (now() / 1000).to_string();
    let taken = success(&id, &unique("video"));
    for _ in 0..2 {
        let headers = [("Signature", &*sign(&secret, &taken)), ("Heygen-Timestamp", &*sent)];
        assert_eq!(stack.posted(&headers, &taken).status, 200);
    }
    stack.accepted(&body("avatar_video.fail", json!({"video_id": unique("video"), "callback_id": id})));
    stack.accepted(&body("hologram.rendered", json!({"callback_id": id})));
    assert_eq!(stack.post("unset", &[("Signature", &"0".repeat(64))], b"{}").unwrap().status, 503);
    for headers in [&[][..], &[("Signature", "nonsense")], &[("Signature", &*"0".repeat(64))]] {
        assert_eq!(stack.posted(headers, b"{}").status, 401);
    }
    let poison = async |sqs: &aws_sdk_sqs::Client| {
        sqs.send_message().queue_url(&stack.stack().queue_url).message_body("poison of telemetry").send().await
    };
    stack.sqs(poison).unwrap();
    let whole = success(&id, &unique("video"));
    stack.accepted(&whole[..whole.len() - 2]);
    // A message that cannot be dead-lettered, either: SQS accepts no empty ones.
    let empty = json!({"Records": [{"messageId": "empty", "receiptHandle": "none", "body": ""}]});
    stack.api().invoke(&stack.stack().functions.processor, empty.to_string().as_bytes()).unwrap();
    let full = unique("video");
    stack.fill_job(&full, 409_000);
    stack.accepted(&success(&id, &full));
    stack.recorded(&id, 5);
    let data = json!({"video_id": unique("video"), "callback_id": id, "msg": "insufficient_credit"});
    stack.accepted(&body("avatar_video.fail", data));
    stack.accepted(&body("avatar_video.success", json!({"video_id": unique("video"), "duration": 12.5})));
    recover_everything(stack, &id);

    // Changed, unchanged, held back, rejected, failed.
    admin.configure(json!([{"name": A, "events": ["avatar_video.success"]}]));
    admin.sync();
    admin.sync();
    admin.stack.put_secret(A, &json!({})).unwrap();
    admin.sync();
    admin.ask(json!({"action": "sync", "checksum": "0"})).unwrap_err();
    admin.set_variables(&[("API_KEY_SECRET", "does/not/exist")]);
    admin.ask(json!({"action": "sync"})).unwrap_err();
}

/// A tracked job that is overdue, a dead letter that is sent back, and what the schedule does.
fn recover_everything(stack: &Stack, id: &str) {
    let ask = |request: Value| local::recovery::ask(stack.stack(), &request).unwrap();
    put_dead_letter(stack, &message(success(id, &unique("video"))));
    ask(json!({"action": "redrive", "dry_run": false, "callback_id": id}));
    let account = Account::of(stack).unwrap();
    account.set(json!({"billing_type": "usage_based", "usage_based": {
        "remaining_credits": 100, "spending_current_usd": 1, "spending_cap_usd": 50,
    }}));
    let long_ago = "2026-01-01T00:00:00Z";
    ask(json!({"action": "track", "callback_id": unique("overdue"), "kind": "avatar_video", "expected_by": long_ago}));
    ask(json!({"action": "recover"}));
}

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

/// The value of the dimension `Stack`.
pub fn stack_name(stack: &Stack) -> String {
    let name = &stack.stack().functions.receiver;
    text(&stack.api().function(name).unwrap()["Environment"]["Variables"]["STACK"])
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

fn operations() -> String {
    std::fs::read_to_string(workspace().join("docs/operations.md")).unwrap()
}

/// The rows of the table below a heading, without backticks.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let section = page.split_once(&format!("\n{heading}\n")).unwrap().1;
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()).collect()
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
fn every_metric_is_documented_and_every_documented_metric_is_written() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    make_everything_happen(&mut admin);
    let page = operations();
    let documented: BTreeSet<_> =
        table(&page, "### Metrics").into_iter().map(|row| (row[0].clone(), row[1].clone(), row[2].clone())).collect();
    assert!(documented.len() >= 10, "{documented:?}");
    let written = || -> BTreeSet<_> {
        let written = emitted(&admin.stack, 0).into_iter().map(|(metric, unit)| {
            // Any metric may be about another platform.
            let own: Vec<_> = metric.names().into_iter().filter(|name| !["Stack", "Platform"].contains(name)).collect();
            (metric.name.clone(), own.join(", "), unit)
        });
        written.collect()
    };
    // Lines arrive when the invocation that wrote them ends.
    let complete = || Ok(documented.is_subset(&written()).then_some(()));
    let _ = admin.stack.wait_for("all metrics", TIMEOUT, complete);
    assert_same("docs/operations.md, Metrics", &documented, "what was written", &written());

    let outcomes: BTreeMap<_, _> =
        table(&page, "### Outcomes").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    for (metric, _) in emitted(&admin.stack, 0) {
        let Some(outcome) = metric.dimensions.get("Outcome") else { continue };
        let documented = outcomes.get(&metric.name).unwrap_or_else(|| panic!("{} has no outcomes", metric.name));
        let mut words = documented.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
        assert!(words.any(|word| word == outcome), "not documented for {}: {outcome}", metric.name);
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
