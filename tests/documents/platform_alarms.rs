//! The alarms about other platforms watch each platform that writes the metric.

use crate::none;
use crate::template::{Template, scalar};
use std::collections::{BTreeMap, BTreeSet};
use webhook::Platform;
use yaml_rust2::Yaml;

/// The platforms that write the metric with this name and this outcome. Of HeyGen's, only its callbacks are watched here.
fn writers(metric: &str, outcome: Option<&str>) -> Vec<Platform> {
    let others = || Platform::ALL.into_iter().filter(|platform| *platform != Platform::HeyGen);
    match (metric, outcome) {
        // Only a signed body may be anything. An answer of a platform is JSON.
        ("SignatureFailures" | "UnreadableBodies", None) | ("Deliveries", Some("secret_missing")) => {
            others().filter(|platform| platform.is_signed()).collect()
        }
        ("Confirmations", Some("denied")) => {
            Platform::ALL.into_iter().filter(|platform| platform.takes_callback_urls()).collect()
        }
        ("EndpointDrift" | "JobsWithoutCredit", None)
        | ("OverdueJobs", Some("finished"))
        | ("Events", Some("job_omitted")) => others().collect(),
        _ => panic!("template.yaml: an alarm of the platforms is on {metric} {outcome:?}. Say here who writes it"),
    }
}

#[test]
fn an_alarm_of_the_platforms_adds_up_all_that_write_its_metrics() {
    let template = Template::read();
    let of_platforms = |alarm: &&(&str, &Yaml)| scalar(&alarm.1["Condition"]).as_deref() == Some("HasPlatformAlarms");
    let resources = template.entries(&["Resources"]);
    let alarms: Vec<_> = resources.iter().filter(of_platforms).collect();
    assert!(alarms.len() >= 7, "{}", alarms.len());
    let mut problems = Vec::new();
    for (name, alarm) in alarms {
        let metrics = alarm["Properties"]["Metrics"].as_vec().map(Vec::as_slice).unwrap_or_default();
        let (measured, calculated): (Vec<_>, Vec<_>) =
            metrics.iter().partition(|metric| !metric["MetricStat"].is_badvalue());
        let mut named = BTreeMap::<_, BTreeSet<_>>::new();
        for metric in &measured {
            let metric = &metric["MetricStat"]["Metric"];
            let dimensions = metric["Dimensions"].as_vec().unwrap();
            let dimension = |name: &str| {
                let found = dimensions.iter().find(|one| one["Name"].as_str() == Some(name))?;
                scalar(&found["Value"])
            };
            let platform = dimension("Platform").map_or(Platform::HeyGen, |name| name.parse().unwrap());
            let key = (scalar(&metric["MetricName"]).unwrap(), dimension("Outcome"));
            named.entry(key).or_default().insert(platform);
        }
        for ((metric, outcome), platforms) in named {
            let expected = BTreeSet::from_iter(writers(&metric, outcome.as_deref()));
            if platforms != expected {
                problems.push(format!(
                    "template.yaml: {name} watches {metric} of {platforms:?}, and {expected:?} write it"
                ));
            }
        }
        let ids: Vec<_> = measured.iter().map(|metric| scalar(&metric["Id"]).unwrap()).collect();
        let sums: Vec<_> = calculated.iter().map(|metric| scalar(&metric["Expression"]).unwrap()).collect();
        if !ids.is_empty() && sums != [format!("SUM([{}])", ids.join(", "))] {
            problems.push(format!("template.yaml: {name} calculates {sums:?} of {ids:?}"));
        }
        // As many as CloudWatch takes in one alarm.
        assert!(metrics.len() <= 10, "{name}");
    }
    none(problems);
}
