//! Log lines for people: one aligned line per step, without metrics, each error once.

use crate::logs::LogLine;
use crate::progress::Paint;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use time::OffsetDateTime;

/// Fields that connect a line about a callback id with lines that do not have it.
const LINKS: [&str; 3] = ["identity", "request_id", "message_id"];
/// Shown in columns of their own.
const COLUMNS: [&str; 3] = ["timestamp", "level", "message"];
/// In this order, before all others.
const FIRST: [&str; 12] = [
    "outcome",
    "http_status",
    "reason",
    "error",
    "class",
    "endpoint",
    "event_type",
    "job",
    "job_status",
    "change",
    "operation",
    "correlation_id",
];
/// After all others: identifiers that are seldom read.
const LAST: [&str; 3] = ["identity", "message_id", "request_id"];
const MESSAGE_WIDTH: usize = 26;
/// Enough of an identity to tell two apart, as `jobs` shows it.
const IDENTITY_WIDTH: usize = 12;

/// Which lines are shown.
#[derive(Debug)]
pub struct View {
    callback_id: Option<String>,
    metrics: bool,
    links: HashSet<String>,
    /// Lines that may yet turn out to be about the callback id.
    held: Vec<Line>,
    last_error: Option<String>,
}

impl View {
    pub fn new(callback_id: Option<&str>, metrics: bool) -> Self {
        let callback_id = callback_id.map(str::to_owned);
        View { callback_id, metrics, links: HashSet::new(), held: Vec::new(), last_error: None }
    }

    /// The lines to show, of those that are new.
    pub fn take(&mut self, lines: Vec<LogLine>) -> Vec<Line> {
        let mut lines: Vec<_> = lines.into_iter().filter_map(|line| self.read(&line)).collect();
        let Some(id) = self.callback_id.clone() else { return lines };
        lines.splice(0..0, std::mem::take(&mut self.held));
        let of_order = |line: &Line| line.fields.get("correlation_id").is_some_and(|value| value == id.as_str());
        self.links.extend(lines.iter().filter(|line| of_order(line)).flat_map(Line::links));
        let (shown, held) =
            lines.into_iter().partition(|line| of_order(line) || line.links().any(|link| self.links.contains(&link)));
        self.held = held;
        shown
    }

    fn read(&mut self, line: &LogLine) -> Option<Line> {
        if line.is_lambdas() {
            return None;
        }
        let Ok(Value::Object(mut fields)) = serde_json::from_str(&line.text) else {
            return Some(Line::text(line));
        };
        let metrics = metrics(fields.remove("_aws"));
        let has_log_part = COLUMNS.iter().all(|name| fields.contains_key(*name));
        if !self.metrics {
            if !has_log_part && !metrics.is_empty() {
                return None;
            }
            fields.retain(|name, _| !metrics.contains(name));
        }
        let line = Line { at: line.at, function: line.function, fields };
        if self.is_repeated_error(&line) { None } else { Some(line) }
    }

    /// Lambda's runtime logs the error that an invocation returned, which the function has logged before.
    fn is_repeated_error(&mut self, line: &Line) -> bool {
        let message = line.field("message");
        if message.starts_with("Diagnostic {") {
            return self.last_error.take().is_some();
        }
        if line.field("level") == "ERROR" {
            self.last_error = Some(message.to_owned());
        }
        false
    }
}

/// The names of a line's metrics and dimensions, in CloudWatch's embedded format.
fn metrics(aws: Option<Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for directive in aws.iter().flat_map(|aws| aws["CloudWatchMetrics"].as_array().into_iter().flatten()) {
        names.extend(directive["Metrics"].as_array().into_iter().flatten().map(|metric| text(&metric["Name"])));
        let sets = directive["Dimensions"].as_array().into_iter().flatten();
        names.extend(sets.flat_map(|set| set.as_array().into_iter().flatten().map(text)));
    }
    names
}

/// A line to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Unix time in milliseconds.
    at: u64,
    function: &'static str,
    fields: Map<String, Value>,
}

impl Line {
    fn text(line: &LogLine) -> Self {
        let fields = Map::from_iter([("message".to_owned(), json!(line.text))]);
        Line { at: line.at, function: line.function, fields }
    }

    pub fn to_json(&self) -> Value {
        let mut line = self.fields.clone();
        line.insert("function".to_owned(), self.function.into());
        line.entry("timestamp").or_insert_with(|| self.time().into());
        Value::Object(line)
    }

    fn field(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn links(&self) -> impl Iterator<Item = String> {
        LINKS.iter().filter_map(|name| Some(format!("{name} {}", self.fields.get(*name)?.as_str()?)))
    }

    /// The fields without a column of their own, the most telling ones first.
    fn ordered(&self) -> Vec<(&str, &Value)> {
        let position = |list: &[&str], name: &str| list.iter().position(|one| *one == name);
        let rank = |name: &str| {
            position(&FIRST, name).unwrap_or_else(|| FIRST.len() + position(&LAST, name).map_or(0, |last| last + 1))
        };
        let all = self.fields.iter().map(|(name, value)| (name.as_str(), value));
        let mut fields: Vec<_> = all.filter(|(name, _)| !COLUMNS.contains(name)).collect();
        // Stable: those of one rank stay in alphabetical order.
        fields.sort_by_key(|(name, _)| rank(name));
        fields
    }

    /// The function's own timestamp: CloudWatch's may be that of the invocation.
    fn time(&self) -> String {
        let own = self.field("timestamp");
        if !own.is_empty() {
            return own.to_owned();
        }
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.at) * 1_000_000);
        let format = time::format_description::well_known::Rfc3339;
        at.ok().and_then(|at| at.format(&format).ok()).unwrap_or_default()
    }
}

/// `13:15:54.300  receiver   INFO   delivery accepted  endpoint=main outcome=accepted`, in UTC.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time();
        let clock = time.split_once('T').map_or(time.as_str(), |(_, clock)| clock);
        let clock = clock.trim_end_matches('Z');
        let level = self.field("level");
        let paint = match level {
            "ERROR" => Paint::Red,
            "WARN" => Paint::Bold,
            _ => Paint::Dim,
        };
        // Padded before it is painted: a terminal does not count the colour, but a format does.
        let (level, function) = (paint.out(format!("{level:<5}")), Paint::Cyan.out(format!("{:<9}", self.function)));
        write!(f, "{:<12.12}  {function}  {level}  ", clock)?;
        let fields: Vec<_> = self.ordered().into_iter().map(|(name, value)| shown(name, value)).collect();
        let message = printable(self.field("message"));
        if fields.is_empty() {
            return f.write_str(&message);
        }
        write!(f, "{message:<MESSAGE_WIDTH$}  {}", fields.join(" "))
    }
}

/// `name=value`, with quotes only around text that has spaces.
fn shown(name: &str, value: &Value) -> String {
    let value = match value {
        Value::String(text) if name == "identity" => printable(text.get(..IDENTITY_WIDTH).unwrap_or(text)),
        Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '=']) => printable(text),
        Value::String(text) => format!("{:?}", printable(text)),
        other => other.to_string(),
    };
    format!("{name}={value}")
}

/// Control characters from outside must not reach the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> LogLine {
        LogLine { id: String::new(), at: 1_795_266_954_300, function: "receiver", text: text.to_owned() }
    }

    fn shown_by(view: &mut View, lines: &[&str]) -> Vec<String> {
        view.take(lines.iter().map(|text| line(text)).collect()).iter().map(ToString::to_string).collect()
    }

    const DELIVERY: &str = r#"{"timestamp":"2026-11-21T13:15:54.300271Z","level":"INFO","message":"delivery accepted",
        "endpoint":"main","correlation_id":"order 1","body_bytes":819,"identity":"0123456789abcdef","Deliveries":1,"Outcome":"accepted","Stack":"dev",
        "_aws":{"CloudWatchMetrics":[{"Dimensions":[["Stack","Outcome"]],"Metrics":[{"Name":"Deliveries"}]}]}}"#;
    const METRICS: &str = r#"{"EndpointDrift":0,"_aws":{"CloudWatchMetrics":[{"Dimensions":[[]],"Metrics":[{"Name":"EndpointDrift"}]}]}}"#;

    #[test]
    fn a_line_is_for_people_and_metrics_are_left_out_unless_asked_for() {
        let lines = ["START RequestId: 1 Version: 2", DELIVERY, METRICS, "a panic\u{1b}"];
        let short = [
            "13:15:54.300  receiver   INFO   delivery accepted           endpoint=main correlation_id=\"order 1\" body_bytes=819 identity=0123456789ab",
            "13:15:54.3    receiver          a panic ",
        ];
        assert_eq!(shown_by(&mut View::new(None, false), &lines), short);
        let all = shown_by(&mut View::new(None, true), &lines);
        assert_eq!(all.len(), 3);
        assert!(all[0].contains("Deliveries=1") && all[1].ends_with("EndpointDrift=0"), "{all:?}");
    }

    #[test]
    fn an_error_is_shown_once() {
        let error = r#"{"timestamp":"T","level":"ERROR","message":"action failed","error":"no"}"#;
        let report = r#"{"timestamp":"T","level":"ERROR","message":"Diagnostic { error_message: \"no\" }"}"#;
        let mut view = View::new(None, false);
        assert_eq!(shown_by(&mut view, &[error, report]).len(), 1);
        assert_eq!(shown_by(&mut view, &[report]).len(), 1, "one that nothing else reports");
    }

    #[test]
    fn a_callback_id_also_finds_the_steps_before_it_was_known() {
        let early = r#"{"timestamp":"T","level":"WARN","message":"early","request_id":"r1"}"#;
        let other = r#"{"timestamp":"T","level":"INFO","message":"other","request_id":"r2","correlation_id":"b"}"#;
        let named = r#"{"timestamp":"T","level":"INFO","message":"named","request_id":"r1","correlation_id":"a"}"#;
        let mut view = View::new(Some("a"), false);
        assert_eq!(shown_by(&mut view, &[early, other]), Vec::<String>::new());
        let shown = shown_by(&mut view, &[named]);
        assert!(shown.len() == 2 && shown[0].contains("early") && shown[1].contains("named"), "{shown:?}");
        assert_eq!(shown_by(&mut view, &[other]), Vec::<String>::new());
    }
}
