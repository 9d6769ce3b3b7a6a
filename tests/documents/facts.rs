//! Numbers that documents state about the code.

use crate::markdown::Document;
use crate::none;
use crate::template::{Template, scalar};
use aws::env::Env;
use heygen::EventType;
use local::demo::{Delivery, Expected, plan};
use local::stack_dir::workspace;
use std::fs;
use webhook::Status;

/// Each number that stands before these words in a text, with its line.
fn before(text: &str, words: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (at, _) in line.match_indices(&format!(" {words}")) {
            let digits = line[..at].rsplit(|char: char| !char.is_ascii_digit()).next().unwrap_or_default();
            found.extend(digits.parse().ok().map(|number: usize| (index + 1, number)));
        }
    }
    found
}

/// The README shows these of the demonstration's jobs, and says how many more there are.
const ROWS_IN_README: usize = 4;

#[test]
fn numbers_in_documents_are_those_of_the_code() {
    let deliveries = plan().unwrap();
    let expected = Expected::of(&deliveries);
    let posted: usize = deliveries.iter().map(Delivery::times).sum();
    let forged = deliveries.iter().filter(|delivery| delivery.forged).count();
    let (succeeded, failed) = (expected.jobs(Status::Succeeded), expected.jobs(Status::Failed));
    let (jobs, new) = (succeeded + failed, expected.events());
    let known = EventType::KNOWN.len();
    let rules = [
        ("README.md", "deliveries", posted, "local::demo::plan"),
        ("README.md", "new,", new, "local::demo::Expected"),
        ("README.md", "repeated,", posted - forged - new, "local::demo::Expected"),
        ("README.md", "rejected", forged, "local::demo::plan"),
        ("README.md", "events of", new, "local::demo::Expected"),
        ("README.md", "jobs", jobs, "local::demo::Expected"),
        ("README.md", "more", jobs - ROWS_IN_README, "local::demo::Expected"),
        ("README.md", "succeeded,", succeeded, "local::demo::Expected"),
        ("README.md", "failed", failed, "local::demo::Expected"),
        ("docs/heygen.md", "known types", known, "heygen::EventType::KNOWN"),
    ];
    let mut problems = Vec::new();
    for (path, words, number, source) in rules {
        let found = before(&Document::read(path).text, words);
        if found.is_empty() {
            problems.push(format!("{path}: there is no number before {words:?}. It should be {number}, see {source}"));
        }
        let wrong = found.into_iter().filter(|(_, stated)| *stated != number);
        problems.extend(wrong.map(|(line, stated)| {
            format!("{path}:{line}: it says {stated} {words:?}, and {source} says {number}. Correct the document")
        }));
    }
    none(problems);
}

/// Phrases with what the template and the manifest say in them.
fn phrases() -> Vec<(&'static str, String, &'static str)> {
    let template = Template::read();
    let number = |keys: &[&str]| scalar(template.at(keys)).unwrap();
    let queue = |name, key: &str| number(&["Resources", name, "Properties", key]);
    let days = |name| queue(name, "MessageRetentionPeriod").parse::<u32>().unwrap() / 86_400;
    let tries = number(&["Resources", "Queue", "Properties", "RedrivePolicy", "maxReceiveCount"]);
    let default = |name| number(&["Parameters", name, "Default"]);
    let resources = template.entries(&["Resources"]);
    let alarms = |conditions: &[&str]| {
        let alarms =
            resources.iter().filter(|(_, resource)| resource["Type"].as_str() == Some("AWS::CloudWatch::Alarm"));
        alarms.filter(|(_, alarm)| alarm["Condition"].as_str().is_some_and(|name| conditions.contains(&name))).count()
    };
    let always = alarms(&["HasAlarms"]);
    let with_key = alarms(&["HasAlarms", "HasEndpointAlarms", "HasMissedEventsAlarm"]);
    let all = alarms(&["HasAlarms", "HasEndpointAlarms", "HasMissedEventsAlarm", "HasQuietAlarm"]);
    let manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let rust = manifest.split_once("rust-version = \"").unwrap().1.split('"').next().unwrap();
    let rust = rust.rsplitn(2, '.').last().unwrap();
    let (rate, burst) = (default("ThrottleRate"), default("ThrottleBurst"));
    vec![
        ("README.md", format!("Rust {rust} or later"), "Cargo.toml"),
        ("README.md", format!("{} days", default("DedupeDays")), "template.yaml, DedupeDays"),
        ("CONTRIBUTING.md", format!("Rust {rust} or later"), "Cargo.toml"),
        ("docs/architecture.svg", format!(">{} days<", days("Queue")), "template.yaml, Queue"),
        ("docs/architecture.svg", format!(">{} days<", days("DeadLetters")), "template.yaml, DeadLetters"),
        ("docs/architecture.svg", format!(">{tries} attempts<"), "template.yaml, Queue"),
        (
            "docs/operations.md",
            format!("{rate} a second, {burst} at once"),
            "template.yaml, ThrottleRate and ThrottleBurst",
        ),
        (
            "docs/operations.md",
            format!("{always} alarms, {with_key} with `ApiKeySecret` and {all} with `QuietHours`"),
            "the alarms of template.yaml",
        ),
    ]
}

#[test]
fn the_processor_knows_how_long_and_how_often_the_queue_keeps_a_message() {
    let template = Template::read();
    let queue = |keys: &[&str]| scalar(template.at(&[&["Resources", "Queue", "Properties"], keys].concat())).unwrap();
    assert_eq!(queue(&["MessageRetentionPeriod"]), processor::RETENTION.as_secs().to_string());
    assert_eq!(queue(&["RedrivePolicy", "maxReceiveCount"]), processor::MAX_RECEIVES.to_string());
}

#[test]
fn admins_lease_lasts_longer_than_its_function_may_run() {
    let timeout = scalar(Template::read().at(&["Resources", "Admin", "Properties", "Timeout"])).unwrap();
    let required = ["API_URL", "ENDPOINTS", "SECRET_PREFIX", "STACK", "TABLE_NAME"];
    let config = admin::Config::read(Env::from_fn(|name| required.contains(&name).then(|| "given".to_owned())));
    let lease = config.unwrap().longest_run;
    assert_eq!(lease.as_secs(), timeout.parse::<u64>().unwrap() + 5);
}

#[test]
fn what_documents_say_of_the_template_is_what_it_says() {
    let missing = phrases().into_iter().filter(|(path, phrase, _)| !Document::read(path).text.contains(phrase));
    none(missing.map(|(path, phrase, source)| format!("{path}: it should say {phrase:?}, as {source} does")).collect());
}

#[test]
fn the_dashboard_and_the_saved_query_of_usage_are_the_same() {
    let template = Template::read();
    let text = |keys: &[&str]| scalar(template.at(&[&["Resources"], keys].concat())).unwrap();
    let query = text(&["UsageQuery", "Properties", "QueryString"]);
    let lines: Vec<_> = query.lines().filter(|line| !line.starts_with('#')).collect();
    let in_a_widget = format!("| {}\"", lines.join(" ").replace('"', "\\\""));
    assert!(text(&["VideosDashboard", "Properties", "DashboardBody"]).contains(&in_a_widget), "{in_a_widget}");
}
