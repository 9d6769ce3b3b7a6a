//! The functions' logs, from CloudWatch Logs.

use crate::aws_api::{AwsApi, JsonService};
use crate::error::Result;
use crate::stack::{Functions, Stack};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// A line of a function's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// CloudWatch's id of the event, with the number of the line in it.
    pub id: String,
    /// Unix time in milliseconds.
    pub at: u64,
    /// `receiver`, `processor`, `admin` or `recovery`.
    pub function: &'static str,
    pub text: String,
}

impl LogLine {
    /// Whether Lambda wrote it, and not the function: START, END and REPORT of an invocation.
    pub fn is_lambdas(&self) -> bool {
        ["START RequestId:", "END RequestId:", "REPORT RequestId:"].iter().any(|start| self.text.starts_with(start))
    }
}

/// All functions' lines since a time in Unix milliseconds, by time.
pub fn read(api: &AwsApi, stack: &Stack, since: u64) -> Result<Vec<LogLine>> {
    let mut lines = Vec::new();
    let Functions { receiver, processor, admin, recovery } = &stack.functions;
    let functions = [("receiver", receiver), ("processor", processor), ("admin", admin), ("recovery", recovery)];
    for (function, name) in functions {
        let configuration = api.function(name)?;
        let usual = format!("/aws/lambda/{name}");
        let group = configuration["LoggingConfig"]["LogGroup"].as_str().unwrap_or(&usual);
        let mut streams = HashMap::new();
        for event in events(api, group, since)? {
            lines.extend(of_event(function, &event, &mut streams));
        }
    }
    lines.sort_by_key(|line| line.at);
    Ok(lines)
}

fn events(api: &AwsApi, group: &str, since: u64) -> Result<Vec<Value>> {
    let mut events = Vec::new();
    let mut input = json!({ "logGroupName": group, "startTime": since });
    loop {
        let mut page = api.json(JsonService::Logs, "FilterLogEvents", &input)?;
        if let Value::Array(more) = page["events"].take() {
            events.extend(more);
        }
        match page["nextToken"].take() {
            Value::String(token) => input["nextToken"] = token.into(),
            _ => return Ok(events),
        }
    }
}

/// An event may be several lines. `streams` counts the events of each stream: MiniStack gives them no
/// ids, but has a stream per invocation, with one time for all its events.
fn of_event(function: &'static str, event: &Value, streams: &mut HashMap<String, usize>) -> Vec<LogLine> {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    let count = streams.entry(text("logStreamName").to_owned()).or_default();
    *count += 1;
    let id = event["eventId"].as_str().map_or_else(|| format!("{}/{count}", text("logStreamName")), str::to_owned);
    let at = event["timestamp"].as_u64().unwrap_or(0);
    let lines = text("message").lines().filter(|line| !line.trim().is_empty());
    let line =
        |(number, text): (usize, &str)| LogLine { id: format!("{id}/{number}"), at, function, text: text.to_owned() };
    lines.enumerate().map(line).collect()
}

/// Follows a log: returns each line once.
#[derive(Debug, Default)]
pub struct Tail {
    seen: HashSet<String>,
    from: u64,
}

impl Tail {
    /// Lines may arrive late, so each read goes back this far: 10 s.
    const OVERLAP: u64 = 10_000;

    /// The lines that are new since the last call.
    pub fn next(&mut self, api: &AwsApi, stack: &Stack) -> Result<Vec<LogLine>> {
        let mut lines = read(api, stack, self.from)?;
        lines.retain(|line| self.seen.insert(format!("{} {}", line.function, line.id)));
        if let Some(last) = lines.last() {
            self.from = last.at.saturating_sub(Self::OVERLAP);
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_each_event_has_an_id_with_and_without_cloudwatchs() {
        let mut streams = HashMap::new();
        let events = [
            json!({ "logStreamName": "s", "timestamp": 1, "message": "a\n\nb\n" }),
            json!({ "logStreamName": "s", "timestamp": 1, "message": "a" }),
            json!({ "logStreamName": "s", "timestamp": 2, "message": "a", "eventId": "7" }),
        ];
        let lines: Vec<_> = events.iter().flat_map(|event| of_event("receiver", event, &mut streams)).collect();
        let ids: Vec<_> = lines.iter().map(|line| (line.id.as_str(), line.text.as_str())).collect();
        assert_eq!(ids, [("s/1/0", "a"), ("s/1/1", "b"), ("s/2/0", "a"), ("7/0", "a")]);
    }
}
