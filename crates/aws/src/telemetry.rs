//! JSON log lines on standard output, where Lambda picks them up, and metrics in CloudWatch's embedded format.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use tracing_subscriber::EnvFilter;

/// The namespace of every metric.
pub const NAMESPACE: &str = "HeygenWebhooks";

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
    #[expect(clippy::print_stdout, reason = "standard output is where CloudWatch reads metrics from")]
    {
        println!("{}", emf(OffsetDateTime::now_utc(), metric, dimensions));
    }
}

fn emf(at: OffsetDateTime, metric: &str, dimensions: &[(&str, &str)]) -> Value {
    let names: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".into(),
        json!({
            "Timestamp": at.unix_timestamp_nanos() / 1_000_000,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [names],
                "Metrics": [{"Name": metric, "Unit": "Count"}],
            }],
        }),
    );
    line.insert(metric.into(), json!(1));
    line.extend(dimensions.iter().map(|(name, value)| ((*name).into(), json!(value))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_line_names_its_dimensions_and_carries_their_values() {
        let line = emf(OffsetDateTime::UNIX_EPOCH, "Deliveries", &[("Outcome", "accepted")]);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["Outcome"]]));
        assert_eq!(line["_aws"]["Timestamp"], json!(0));
        assert_eq!((&line["Deliveries"], &line["Outcome"]), (&json!(1), &json!("accepted")));
    }
}
