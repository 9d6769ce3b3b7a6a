//! The alarms of a stack, as CloudWatch describes them.

use crate::doctor::observed::{Seen, read};
use serde::Deserialize;
use serde_json::Value;

/// Each alarm of the template is named after the stack and one of these. Looked for by a prefix, the alarms of the stack
/// `shop-staging` would count as those of `shop`.
const NAMES: [&str; 36] = [
    "admin-errors",
    "api-faults",
    "callbacks-denied",
    "callbacks-waiting",
    "credits-low",
    "dead-letters",
    "endpoint-disabled",
    "endpoint-drift",
    "endpoint-not-verified",
    "falling-behind",
    "job-events-failing",
    "job-omitted",
    "jobs-without-credit",
    "missed-events",
    "no-delivery",
    "none-accepted",
    "oldest-message",
    "platform-deliveries-rejected",
    "platform-endpoint-drift",
    "platform-events-missed",
    "platform-events-unused",
    "platform-jobs-without-credit",
    "processor-errors",
    "processor-release",
    "processor-throttles",
    "receiver-errors",
    "receiver-release",
    "receiver-throttles",
    "recovery-errors",
    "signature-failures",
    "still-waiting",
    "sync-failed",
    "sync-held-back",
    "undelivered-job-events",
    "unreadable-bodies",
    "usd-low",
];

/// They notify no one: CodeDeploy looks at them.
const OF_RELEASES: [&str; 2] = ["receiver-release", "processor-release"];

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Alarm {
    #[serde(rename = "AlarmName")]
    pub(crate) name: String,
    #[serde(rename = "AlarmDescription", default)]
    description: String,
    #[serde(rename = "StateValue")]
    pub(crate) state: String,
    pub(crate) actions_enabled: Option<bool>,
    #[serde(rename = "AlarmActions", default)]
    pub(crate) actions: Vec<String>,
}

/// The names of a stack's alarms; not every stack has all of them.
pub(crate) fn names(stack: &str) -> Vec<String> {
    NAMES.iter().map(|name| format!("{stack}-{name}")).collect()
}

/// The alarms in CloudWatch's reply.
pub(crate) fn alarms(mut reply: Value) -> Seen<Vec<Alarm>> {
    read("cloudwatch:DescribeAlarms", reply["MetricAlarms"].take())
}

impl Alarm {
    /// Whether it is meant to notify someone.
    pub(crate) fn is_for_people(&self) -> bool {
        !OF_RELEASES.iter().any(|name| self.name.ends_with(&format!("-{name}")))
    }

    /// The section of the runbook that its description names.
    pub(crate) fn runbook(&self) -> &str {
        let (_, section) = self.description.split_once("docs/operations.md#").unwrap_or_default();
        if section.is_empty() { "alarms" } else { section.trim() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_names_are_those_of_the_template() {
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
        let template = std::fs::read_to_string(template).unwrap();
        let named = template.lines().filter_map(|line| line.trim().strip_prefix("AlarmName: !Sub ${AWS::StackName}-"));
        assert_eq!(named.collect::<BTreeSet<_>>(), BTreeSet::from(NAMES));
        // As many as CloudWatch describes in one reply.
        assert!(NAMES.len() <= 100);
    }

    #[test]
    fn an_alarm_leads_to_its_section_of_the_runbook() {
        let alarm = |description: &str| Alarm { description: description.to_owned(), ..Alarm::default() };
        assert_eq!(alarm("It failed.\nWhat to do: docs/operations.md#sync-failed").runbook(), "sync-failed");
        assert_eq!(alarm("It failed.").runbook(), "alarms");
    }
}
