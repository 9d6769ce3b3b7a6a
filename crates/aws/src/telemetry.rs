//! JSON log lines on standard output, where Lambda picks them up, and metrics in CloudWatch's embedded format.

use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use time::OffsetDateTime;
use tracing_subscriber::EnvFilter;

/// The namespace of every metric.
pub const NAMESPACE: &str = "HeygenWebhooks";

/// `STACK`: the deployment, which every metric names, so that two in one account are told apart.
static STACK: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("STACK").ok().filter(|name| !name.is_empty()));

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// A time in seconds.
    Seconds,
    /// What CloudWatch has no unit for: the metric's name says it.
    None,
}

impl Unit {
    /// CloudWatch's name of it.
    fn as_str(self) -> &'static str {
        match self {
            Unit::Count => "Count",
            Unit::Seconds => "Seconds",
            Unit::None => "None",
        }
    }
}

/// Logs as one JSON object per line. `LOG_LEVEL` is a level or a `tracing` filter; "info" unless set.
pub fn init() {
    let filter = std::env::var("LOG_LEVEL").ok().and_then(|level| EnvFilter::try_new(level).ok());
    // A second call finds a subscriber in place, which is as good.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new("info")))
        .try_init();
}

/// Counts one occurrence. Dimensions are part of a metric's name in CloudWatch, so they must be few
/// and their values from a short list.
pub fn count(metric: &str, dimensions: &[(&str, &str)]) {
    measure(metric, 1, Unit::Count, dimensions);
}

/// Says a value. What is no number (a fraction may be NaN) is not said.
pub fn measure(metric: &str, value: impl Into<Value>, unit: Unit, dimensions: &[(&str, &str)]) {
    let value = value.into();
    if !value.is_number() {
        return;
    }
    let stack = STACK.as_deref().map(|stack| ("Stack", stack));
    let dimensions: Vec<_> = stack.into_iter().chain(dimensions.iter().copied()).collect();
    #[expect(clippy::print_stdout, reason = "standard output is where CloudWatch reads metrics from")]
    {
        println!("{}", emf(OffsetDateTime::now_utc(), metric, value, unit, &dimensions));
    }
}

fn emf(at: OffsetDateTime, metric: &str, value: Value, unit: Unit, dimensions: &[(&str, &str)]) -> Value {
    let names: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".into(),
        json!({
            "Timestamp": at.unix_timestamp_nanos() / 1_000_000,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [names],
                "Metrics": [{"Name": metric, "Unit": unit.as_str()}],
            }],
        }),
    );
    line.insert(metric.into(), value);
    line.extend(dimensions.iter().map(|(name, value)| ((*name).into(), json!(value))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_line_names_its_dimensions_and_carries_their_values() {
        let dimensions = [("Stack", "prod"), ("Outcome", "accepted")];
        let line = emf(OffsetDateTime::UNIX_EPOCH, "Deliveries", json!(1), Unit::Count, &dimensions);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["Stack", "Outcome"]]));
        assert_eq!(line["_aws"]["Timestamp"], json!(0));
        assert_eq!((&line["Deliveries"], &line["Outcome"]), (&json!(1), &json!("accepted")));
    }

    #[test]
    fn a_value_has_its_unit() {
        let line = emf(OffsetDateTime::UNIX_EPOCH, "SecondsToRecord", json!(0.25), Unit::Seconds, &[]);
        let metric = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metric["Metrics"], json!([{"Name": "SecondsToRecord", "Unit": "Seconds"}]));
        assert_eq!((&metric["Dimensions"], &line["SecondsToRecord"]), (&json!([[]]), &json!(0.25)));
    }
}
