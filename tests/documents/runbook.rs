//! The runbook: each entry ends with what mends it, and every command in it is one that works.

use crate::markdown::Document;
use crate::none;
use crate::references::{commands, targets};
use crate::template::{Template, scalar};
use serde_json::Value;
use std::collections::BTreeSet;

const PAGE: &str = "docs/operations.md";

/// The entries: heading and text.
fn entries() -> Vec<(String, String)> {
    let alarms = Document::read(PAGE).section("## Alarms").text;
    let entries: Vec<_> = alarms.split("\n### ").skip(1).collect();
    assert!(entries.len() > 20, "the runbook is read wrongly");
    let entry =
        |entry: &str| entry.split_once('\n').map(|(heading, text)| (heading.to_owned(), text.to_owned())).unwrap();
    entries.into_iter().map(entry).collect()
}

#[test]
fn each_entry_of_the_runbook_ends_with_the_command_that_mends_it_or_shows_it() {
    let known = targets(true);
    let mut problems = Vec::new();
    for (heading, text) in entries() {
        let end = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
        if !commands(end).iter().any(|target| known.contains(*target)) {
            problems.push(format!(
                "{PAGE}, {heading}: its last paragraph names no command of the Makefile. End it with one"
            ));
        }
        let on_aws = ["admin '{", "recovery '{", "(#deploying-and-changing)"];
        if !on_aws.iter().any(|command| text.contains(command)) {
            problems.push(format!(
                "{PAGE}, {heading}: it names no action of admin or recovery for a stack on AWS. Add one"
            ));
        }
    }
    none(problems);
}

#[test]
fn every_action_in_the_operations_page_is_one_that_the_function_accepts() {
    let page = Document::read(PAGE).text;
    let mut problems = Vec::new();
    for (function, accepts) in [
        ("admin", (|request| admin::Action::read(request).is_ok()) as fn(Value) -> bool),
        ("recovery", |request| recovery::Action::read(request).is_ok()),
    ] {
        let requests: Vec<_> = page.split(&format!("{function} '{{")).skip(1).collect();
        assert!(requests.len() > 5, "{function}");
        for request in requests {
            let request = format!("{{{}", request.split_once('\'').unwrap().0);
            if !serde_json::from_str(&request).is_ok_and(accepts) {
                problems.push(format!("{PAGE}: {function} does not accept {request}. Correct it"));
            }
        }
    }
    none(problems);
}

#[test]
fn every_alarm_that_notifies_someone_leads_to_an_entry_of_the_runbook() {
    let template = Template::read();
    let anchors: BTreeSet<_> =
        entries().into_iter().map(|(heading, _)| heading.to_lowercase().replace(' ', "-")).collect();
    let mut problems = Vec::new();
    for (name, alarm) in template.entries(&["Resources"]) {
        let alarm = &alarm["Properties"];
        let Some(why) = scalar(&alarm["AlarmDescription"]).filter(|_| !alarm["AlarmActions"].is_badvalue()) else {
            continue;
        };
        let leads = why.split_once(" What to do: docs/operations.md#").map(|(_, anchor)| anchor.trim().to_owned());
        if !leads.is_some_and(|anchor| anchors.contains(&anchor)) {
            problems.push(format!("template.yaml: {name} leads to no entry of the runbook: {why}"));
        }
    }
    none(problems);
}
