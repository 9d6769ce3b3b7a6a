//! The alarms, and whether they reach anyone.

use super::{Findings, Observed};
use crate::doctor::alarm::Alarm;
use aws::jobs::printable;

pub(super) fn find(all: &mut Findings, observed: &Observed) {
    if !observed.has_alarms {
        all.warning(
            "nobody-is-told",
            "There are no alarms, so nobody is told when something fails.",
            "Set the parameter AlarmEmail or AlarmTopicArn.",
        );
    }
    for alarm in all.seen_if_any("the alarms", observed.alarms.as_ref()).into_iter().flatten() {
        one(all, alarm);
    }
    if let Some(topic) = all.seen_if_any("the topic of the alarms", observed.topic.as_ref())
        && topic.receivers == 0
    {
        all.warning(
            "alarm-email-unconfirmed",
            "Nobody has confirmed the subscription e-mail of AlarmEmail, so alarms reach nobody.",
            format!(
                "Follow the link in the e-mail from AWS. If it is older than two days, send another: aws sns subscribe --topic-arn {} --protocol email --notification-endpoint ADDRESS",
                printable(&topic.arn)
            ),
        );
    }
}

fn one(all: &mut Findings, alarm: &Alarm) {
    let name = printable(&alarm.name);
    if alarm.state == "ALARM" {
        all.error(
            "alarm",
            format!("The alarm {name} is on."),
            format!("See docs/operations.md#{}. It ends by itself when the cause is gone.", printable(alarm.runbook())),
        );
    }
    if alarm.actions_enabled == Some(false) {
        all.warning(
            "alarms-muted",
            format!("The alarm {name} notifies nobody: its actions are disabled."),
            format!("aws cloudwatch enable-alarm-actions --alarm-names {name}"),
        );
    }
    if alarm.actions.is_empty() && alarm.is_for_people() {
        all.warning(
            "alarm-without-receiver",
            format!("The alarm {name} notifies nobody: it has no actions."),
            "Deploy the stack again, which gives each alarm its topic. AlarmEmail or AlarmTopicArn names it.",
        );
    }
}
