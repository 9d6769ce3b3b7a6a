//! One event as one JSON object, flat: saved queries and filters name keys without a path.

use super::TARGET;
use crate::clock;
use serde_json::{Map, Value};
use std::fmt::{self, Debug};
use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Time, level and message, then the fields of our spans, then those of the event. Spans of other crates, such as the
/// Lambda runtime's, are left out.
pub(super) struct JsonLine;

impl<S> FormatEvent<S, JsonFields> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        line.set("timestamp", clock::to_text(OffsetDateTime::now_utc()));
        line.set("level", event.metadata().level().as_str());
        let mut fields = Line::default();
        event.record(&mut fields);
        if let Some(message) = fields.take("message") {
            line.set("message", message);
        }
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if span.metadata().target() == TARGET {
                let extensions = span.extensions();
                let text = extensions.get::<FormattedFields<JsonFields>>().map_or("", |fields| fields.as_str());
                line.extend(serde_json::from_str(text).unwrap_or_default());
            }
        }
        let metrics = fields.take("metrics");
        fields.0.into_iter().for_each(|(name, value)| line.set(&name, value));
        if let Some(Value::String(metrics)) = metrics {
            line.extend(serde_json::from_str(&metrics).unwrap_or_default());
        }
        writeln!(writer, "{line}")
    }
}

/// The members of a line, in the order in which they are written.
#[derive(Default)]
struct Line(Vec<(String, Value)>);

impl Line {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.take(name);
        self.0.push((name.to_owned(), value.into()));
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    fn extend(&mut self, members: Map<String, Value>) {
        members.into_iter().for_each(|(name, value)| self.set(&name, value));
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            write!(f, "{before}{}:{value}", Value::from(name.as_str()))?;
        }
        f.write_str("}")
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field.name(), u64::try_from(value).unwrap_or(u64::MAX));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field.name(), format!("{value:?}"));
    }
}
