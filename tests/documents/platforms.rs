//! Every platform is everywhere that the compiler does not see: in the template, the documents and the samples.

use crate::markdown::Document;
use crate::none;
use crate::template::{Template, scalar};
use local::stack_dir::workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use webhook::Platform;
use yaml_rust2::Yaml;

/// The beginning of the names of a platform's parameters.
fn parameter(platform: Platform) -> &'static str {
    match platform {
        Platform::HeyGen => "",
        Platform::Synthesia => "Synthesia",
        Platform::ElevenLabs => "ElevenLabs",
        Platform::Tavus => "Tavus",
        Platform::Did => "Did",
    }
}

#[test]
fn every_platform_is_in_the_template_the_documents_and_the_samples() {
    let template = fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let pattern = template.lines().find(|line| line.contains("AllowedPattern: \"((synthesia|")).unwrap();
    let document = Document::read("docs/platforms.md").text;
    let mut problems = Vec::new();
    for platform in Platform::ALL {
        let (name, title) = (platform.name(), platform.title());
        let mut needs = |is_there: bool, what: String| {
            if !is_there {
                problems.push(what);
            }
        };
        needs(pattern.contains(name), format!("template.yaml: {name} is not in PlatformEndpoints's AllowedPattern"));
        if platform == Platform::HeyGen {
            continue;
        }
        for (suffix, variable) in [("ApiKeySecret", "API_KEY_SECRET"), ("BaseUrl", "BASE_URL")] {
            let (parameter, variable) =
                (format!("{}{suffix}", parameter(platform)), format!("{}_{variable}", name.to_uppercase()));
            needs(
                template.contains(&format!("\n  {parameter}:\n")),
                format!("template.yaml: no parameter {parameter}"),
            );
            let is_given = template.contains(&format!("{variable}: !Ref {parameter}"));
            needs(is_given, format!("template.yaml: no function has the variable {variable} from {parameter}"));
        }
        let may_read = template.contains(&format!("secret:${{{}ApiKeySecret}}-??????", parameter(platform)));
        needs(may_read, format!("template.yaml: no role may read the key of {title}"));
        needs(
            document.contains(&format!("| {title} |")),
            format!("docs/platforms.md: the first table has no column {title}"),
        );
        for kind in platforms::kinds(platform) {
            let kind = kind.rsplit('.').next().unwrap();
            let is_there = document.contains(&format!("`{name}.{kind}`")) || document.contains(&format!("`.{kind}`"));
            needs(is_there, format!("docs/platforms.md: the kind {name}.{kind} is missing"));
        }
        let samples = workspace().join("events/deliveries").join(name);
        let has_samples = fs::read_dir(&samples).is_ok_and(|mut entries| entries.next().is_some());
        needs(has_samples, format!("events/deliveries/{name}: there are no samples"));
    }
    none(problems);
}

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
