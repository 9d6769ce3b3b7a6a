//! Metrics in CloudWatch's embedded metric format.

use serde_json::{Map, Value, json};
use std::fmt;
use std::sync::LazyLock;
use time::OffsetDateTime;
use webhook::Platform;

pub const NAMESPACE: &str = "HeygenWebhooks";

/// `STACK`, the dimension that every metric has, which separates two deployments in one account.
static STACK: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("STACK").ok().filter(|name| !name.is_empty()));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Seconds,
    /// CloudWatch has no unit for it: the metric's name says what it is.
    None,
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Unit::Count => "Count",
            Unit::Seconds => "Seconds",
            Unit::None => "None",
        }
    }
}

/// The metrics of one line. Each has its own dimensions, but a dimension has the same value for all of them.
#[derive(Debug, Default)]
pub struct Metrics {
    all: Vec<Metric>,
    platform: Platform,
}

#[derive(Debug)]
struct Metric {
    name: &'static str,
    value: Value,
    unit: Unit,
    dimensions: Vec<(&'static str, String)>,
}

impl Metrics {
    /// Metrics about one platform, which is their first dimension. HeyGen's have none.
    pub fn of(platform: Platform) -> Self {
        Metrics { all: Vec::new(), platform }
    }

    /// Counts one occurrence. CloudWatch bills each combination of dimension values as a metric, so values have to come
    /// from a short list.
    pub fn count(&mut self, name: &'static str, dimensions: &[(&'static str, &str)]) {
        self.measure(name, 1, Unit::Count, dimensions);
    }

    /// Adds a value. One that is not a number, such as NaN, is left out.
    pub fn measure(
        &mut self,
        name: &'static str,
        value: impl Into<Value>,
        unit: Unit,
        dimensions: &[(&'static str, &str)],
    ) {
        let value = value.into();
        if value.is_number() {
            let platform = Some(("Platform", self.platform.name())).filter(|_| self.platform != Platform::HeyGen);
            let dimensions =
                platform.iter().chain(dimensions).map(|(name, value)| (*name, (*value).to_owned())).collect();
            self.all.push(Metric { name, value, unit, dimensions });
        }
    }

    /// Adds a duration in seconds, to the millisecond.
    pub fn seconds(&mut self, name: &'static str, seconds: f64) {
        self.measure(name, (seconds * 1_000.0).round() / 1_000.0, Unit::Seconds, &[]);
    }

    /// The members that make a JSON line an EMF line. CloudWatch wants one entry per set of dimensions.
    fn emf(&self, at: OffsetDateTime, stack: Option<&str>) -> Map<String, Value> {
        let mut entries: Vec<(Vec<&str>, Vec<Value>)> = Vec::new();
        let mut line = Map::new();
        for metric in &self.all {
            let own = metric.dimensions.iter().map(|(name, value)| (*name, value.as_str()));
            let dimensions: Vec<_> = stack.map(|stack| ("Stack", stack)).into_iter().chain(own).collect();
            let names: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
            let definition = json!({"Name": metric.name, "Unit": metric.unit.as_str()});
            match entries.iter_mut().find(|(known, _)| *known == names) {
                Some((_, metrics)) => metrics.push(definition),
                None => entries.push((names, vec![definition])),
            }
            line.insert(metric.name.into(), metric.value.clone());
            line.extend(dimensions.into_iter().map(|(name, value)| (name.into(), value.into())));
        }
        if !entries.is_empty() {
            let entries = entries
                .into_iter()
                .map(|(names, metrics)| json!({"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": metrics}));
            let milliseconds = at.unix_timestamp_nanos() / 1_000_000;
            let metadata = json!({"Timestamp": milliseconds, "CloudWatchMetrics": entries.collect::<Vec<_>>()});
            line.insert("_aws".into(), metadata);
        }
        line
    }
}

/// JSON, which the log line takes apart again: a field of `tracing` can hold no structure.
impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Value::Object(self.emf(OffsetDateTime::now_utc(), STACK.as_deref())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emf(add: impl FnOnce(&mut Metrics)) -> Map<String, Value> {
        let mut metrics = Metrics::default();
        add(&mut metrics);
        metrics.emf(OffsetDateTime::UNIX_EPOCH, Some("prod"))
    }

    #[test]
    fn metrics_of_one_line_have_the_dimensions_that_each_was_given() {
        let line = emf(|metrics| {
            metrics.count("Events", &[("Outcome", "job_updated")]);
            metrics.seconds("SecondsToRecord", 0.250_499);
            metrics.count("UnknownEventTypes", &[]);
        });
        assert_eq!(
            line["_aws"],
            json!({"Timestamp": 0, "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": [["Stack", "Outcome"]], "Metrics": [{"Name": "Events", "Unit": "Count"}]},
                {"Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": [
                    {"Name": "SecondsToRecord", "Unit": "Seconds"}, {"Name": "UnknownEventTypes", "Unit": "Count"}]},
            ]})
        );
        assert_eq!((&line["Events"], &line["SecondsToRecord"]), (&json!(1), &json!(0.25)));
        assert_eq!((&line["Stack"], &line["Outcome"]), (&json!("prod"), &json!("job_updated")));
    }

    #[test]
    fn what_is_not_a_number_is_no_metric() {
        assert!(emf(|metrics| metrics.seconds("SecondsToRecord", f64::NAN)).is_empty());
    }
}
