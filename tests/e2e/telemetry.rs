//! Monitoring: what the functions write, as metrics, is documented.

use crate::deployed::Deployed;
use crate::support::{Stack, TIMEOUT, assert_same, now};
use crate::telemetry_caused::make_everything_happen;
use local::stack_dir::workspace;
use serde_json::Value;
use simulator::Options;
use std::collections::{BTreeMap, BTreeSet};

pub const NAMESPACE: &str = "HeygenWebhooks";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    pub namespace: String,
    pub name: String,
    pub dimensions: BTreeMap<String, String>,
}

impl Metric {
    pub fn names(&self) -> Vec<&str> {
        self.dimensions.keys().map(String::as_str).collect()
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

pub fn list(value: &Value) -> &[Value] {
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

pub fn emitted(stack: &Stack, since: u64) -> BTreeSet<(Metric, String)> {
    lines(stack, since).iter().flat_map(metrics).collect()
}

/// The value of the dimension `Stack`.
pub fn stack_name(stack: &Stack) -> String {
    let name = &stack.stack().functions.receiver;
    text(&stack.api().function(name).unwrap()["Environment"]["Variables"]["STACK"])
}

pub fn operations() -> String {
    std::fs::read_to_string(workspace().join("docs/operations.md")).unwrap()
}

/// The rows of the table below a heading, without backticks.
pub fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let section = page.split_once(&format!("\n{heading}\n")).unwrap().1;
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()).collect()
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
