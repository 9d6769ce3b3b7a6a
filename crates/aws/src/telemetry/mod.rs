//! Log lines as JSON on standard output, where Lambda picks them up. A line can carry metrics in CloudWatch's
//! embedded metric format (EMF), so that one line is both.
//!
//! Each delivery, and each message, has one span and one line at its end:
//!
//! ```
//! use aws::telemetry::{Metrics, TARGET};
//! let span = tracing::info_span!(target: TARGET, "delivery", request_id = "r-1", identity = tracing::field::Empty);
//! let _entered = span.enter();
//! span.record("identity", "d28e");
//! let mut metrics = Metrics::default();
//! metrics.count("Deliveries", &[("Outcome", "accepted")]);
//! tracing::info!(target: TARGET, outcome = "accepted", %metrics, "delivery accepted");
//! ```

mod json_line;
mod metrics;

pub use metrics::{Metrics, NAMESPACE, Unit};

use json_line::JsonLine;
use serde_json::Value;
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;

/// The target of the spans whose fields every line shows, and of the lines that carry metrics. `LOG_LEVEL` does not
/// filter it: metrics are read from the log, and have to be complete at any level.
pub const TARGET: &str = "telemetry";

/// What the targets of this workspace start with. The others are limited to "info": below that, `lambda_runtime` logs whole
/// invocations, and HTTP clients log headers and bodies.
const OWN_TARGETS: [&str; 6] = ["admin", "aws::", "heygen", "processor", "receiver", "recovery"];

/// Writes log lines to standard output. `LOG_LEVEL` is a level, "info" unless set.
pub fn init() {
    let level = std::env::var("LOG_LEVEL").unwrap_or_default();
    // It fails only if there is a subscriber already, which then serves as well.
    let _ = tracing::subscriber::set_global_default(subscriber(&level, std::io::stdout));
}

/// What [`init`] installs, with another writer for tests.
pub fn subscriber<W>(level: &str, writer: W) -> impl Subscriber + Send + Sync + 'static
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let chosen = Some(level).filter(|level| !level.is_empty()).and_then(|level| level.parse().ok());
    let level = chosen.unwrap_or(LevelFilter::INFO);
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_targets(OWN_TARGETS.map(|target| (target, level)))
        .with_target(TARGET, LevelFilter::INFO);
    tracing_subscriber::fmt()
        .fmt_fields(JsonFields::new())
        .event_format(JsonLine)
        .with_writer(writer)
        .with_max_level(LevelFilter::TRACE)
        .finish()
        .with(filter)
}

/// Counts one occurrence, in a line of its own.
pub fn count(metric: &'static str, dimensions: &[(&'static str, &str)]) {
    measure(metric, 1, Unit::Count, dimensions);
}

/// Measures one value, in a line of its own. A value that is not a number, such as NaN, is left out.
pub fn measure(metric: &'static str, value: impl Into<Value>, unit: Unit, dimensions: &[(&'static str, &str)]) {
    let mut metrics = Metrics::default();
    metrics.measure(metric, value, unit, dimensions);
    tracing::info!(target: TARGET, %metrics);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `work` writes at a level.
    fn lines(level: &str, work: impl FnOnce()) -> Vec<Value> {
        let output = Output::default();
        let writer = output.clone();
        tracing::subscriber::with_default(subscriber(level, move || writer.clone()), work);
        let written = output.0.lock().unwrap();
        written.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    fn delivery() {
        let span = tracing::info_span!(target: TARGET, "delivery", request_id = "r", identity = tracing::field::Empty);
        let _entered = span.enter();
        let _foreign = tracing::error_span!("Lambda runtime invoke", requestId = "foreign").entered();
        span.record("identity", "i");
        tracing::error!(error = %"no such queue", class = "transient", "not enqueued");
        let mut metrics = Metrics::default();
        metrics.count("Deliveries", &[("Outcome", "accepted")]);
        tracing::info!(target: TARGET, outcome = "accepted", size = 7_u64, absent = None::<u64>, %metrics, "accepted");
    }

    #[test]
    fn each_line_shows_the_fields_of_our_span_and_the_last_one_the_metrics() {
        let lines = lines("info", delivery);
        assert_eq!(lines.len(), 2);
        for line in &lines {
            assert_eq!((&line["request_id"], &line["identity"]), (&json!("r"), &json!("i")), "{line}");
            assert!(line["requestId"].is_null(), "{line}");
        }
        assert_eq!((&lines[0]["level"], &lines[0]["error"]), (&json!("ERROR"), &json!("no such queue")));
        assert_eq!(
            (&lines[1]["message"], &lines[1]["size"], &lines[1]["Deliveries"]),
            (&json!("accepted"), &json!(7), &json!(1))
        );
        assert!(lines[1]["_aws"]["CloudWatchMetrics"].is_array() && lines[1]["metrics"].is_null());
    }

    #[test]
    fn metrics_and_the_fields_of_spans_are_there_at_every_level() {
        for level in ["error", "warn", "trace", "off", "not a level!", ""] {
            let lines = lines(level, delivery);
            let last = lines.last().unwrap_or_else(|| panic!("no line at {level:?}"));
            assert_eq!((&last["Deliveries"], &last["request_id"]), (&json!(1), &json!("r")), "at {level:?}");
        }
        assert_eq!(lines("off", delivery).len(), 1);
    }

    #[test]
    fn other_crates_log_nothing_below_info_at_any_level() {
        let work = || {
            tracing::trace!(target: "lambda_runtime::layers::api_response", body = "canary");
            tracing::debug!(target: "aws_smithy_runtime::client", body = "canary");
            tracing::debug!(target: "hyper_util::client", "canary");
            tracing::debug!(target: "aws::secrets", "ours");
            tracing::info!(target: "lambda_runtime", "theirs");
        };
        for (level, expected) in [("trace", &["ours", "theirs"][..]), ("debug", &["ours", "theirs"]), ("warn", &[])] {
            let messages: Vec<_> = lines(level, work).iter().map(|line| line["message"].clone()).collect();
            assert_eq!(messages, expected, "at {level}");
        }
        let lines = lines("lambda_runtime=trace", work);
        assert_eq!(lines.len(), 1, "a filter is no level: {lines:?}");
    }

    #[test]
    fn a_line_with_nothing_but_a_metric_has_no_message() {
        let lines = lines("error", || count("EndpointSyncs", &[("Outcome", "failed")]));
        assert_eq!((&lines[0]["EndpointSyncs"], lines[0].get("message")), (&json!(1), None));
    }
}
