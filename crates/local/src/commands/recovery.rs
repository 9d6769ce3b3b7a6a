//! `backfill`, `redrive`, `purge`, `explain`, `replay`, `doctor` and others: requests to the function `recovery`.

use super::{Output, print};
use clap::Args;
use local::{Result, Stack};
use serde_json::{Map, Value, json};
use std::process::ExitCode;

#[derive(Args)]
pub struct Backfill {
    /// From when on, in RFC 3339
    #[arg(long)]
    since: Option<String>,
    /// Until when, in RFC 3339
    #[arg(long)]
    until: Option<String>,
    /// Only events of this type
    #[arg(long)]
    event_type: Option<String>,
    /// Only events about this video, translation, …
    #[arg(long)]
    entity_id: Option<String>,
}

pub fn backfill(output: Output, options: &Backfill) -> Result<ExitCode> {
    let Backfill { since, until, event_type, entity_id } = options;
    let fields = [("since", since), ("until", until), ("event_type", event_type), ("entity_id", entity_id)];
    repeated(output, request("backfill", &fields))?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Default, Args)]
pub struct Track {
    /// The callback id
    #[arg(long)]
    callback_id: String,
    /// The kind of job, as in the event types
    #[arg(long, default_value = "avatar_video")]
    kind: String,
    /// The platform's id, as soon as it is known
    #[arg(long)]
    entity_id: Option<String>,
    /// Of a platform with several endpoints for callbacks, the one that the callback URL is made for
    #[arg(long)]
    endpoint: Option<String>,
    /// Of a translation
    #[arg(long)]
    output_language: Option<String>,
    /// After this time, in RFC 3339, the platform is asked for the job
    #[arg(long)]
    expected_by: Option<String>,
    /// Replace its links before they expire
    #[arg(long)]
    keep_fresh: bool,
}

pub fn track(output: Output, options: &Track) -> Result<ExitCode> {
    repeated(output, request_to_track(options))?;
    Ok(ExitCode::SUCCESS)
}

fn request_to_track(options: &Track) -> Value {
    let Track { callback_id, kind, entity_id, endpoint, output_language, expected_by, keep_fresh } = options;
    let fields = [
        ("entity_id", entity_id),
        ("endpoint", endpoint),
        ("output_language", output_language),
        ("expected_by", expected_by),
    ];
    let mut request = request("track", &fields);
    request["callback_id"] = json!(callback_id);
    request["kind"] = json!(kind);
    if *keep_fresh {
        request["keep_fresh"] = json!(true);
    }
    request
}

#[derive(Args)]
pub struct Refresh {
    /// The callback id
    #[arg(long)]
    callback_id: Option<String>,
    /// Or the id of the video, translation, …
    #[arg(long)]
    entity_id: Option<String>,
}

pub fn refresh(output: Output, options: &Refresh) -> Result<ExitCode> {
    let Refresh { callback_id, entity_id } = options;
    repeated(output, request("refresh", &[("callback_id", callback_id), ("entity_id", entity_id)]))?;
    Ok(ExitCode::SUCCESS)
}

/// An action without options: `recover`, which is what the schedule does, or `sweep`.
pub fn plain(output: Output, action: &str) -> Result<ExitCode> {
    repeated(output, request(action, &[]))?;
    Ok(ExitCode::SUCCESS)
}

fn request(action: &str, fields: &[(&str, &Option<String>)]) -> Value {
    let given = fields.iter().filter_map(|(name, value)| Some(((*name).to_owned(), json!(value.as_ref()?))));
    let mut request: Map<_, _> = given.collect();
    request.insert("action".to_owned(), json!(action));
    request.into()
}

/// Asks until nothing is left to do, and shows each reply. The same request goes on where it stopped.
fn repeated(output: Output, mut request: Value) -> Result<Value> {
    let stack = Stack::load()?;
    loop {
        let reply = local::recovery::ask(&stack, &request)?;
        output.result(|| reply.clone(), || reply["text"].as_str().unwrap_or_default().to_owned())?;
        if reply["more"] != true {
            return Ok(reply);
        }
        if !output.json {
            print("There is more: continuing.")?;
        }
        if !reply["continue_from"].is_null() {
            request["continue_from"] = reply["continue_from"].clone();
        }
    }
}

/// Which dead letters.
#[derive(Args)]
pub struct DeadLetters {
    /// A part of their reason
    #[arg(long)]
    reason: Option<String>,
    /// Dead letters for this long, or longer
    #[arg(long, value_name = "HOURS")]
    older_than_hours: Option<u32>,
    /// Only events of this type
    #[arg(long)]
    event_type: Option<String>,
    /// Only events of this order
    #[arg(long)]
    callback_id: Option<String>,
    /// Only events about this video, translation, …
    #[arg(long)]
    entity_id: Option<String>,
    /// As in the logs
    #[arg(long)]
    correlation_id: Option<String>,
    /// Also those that cannot be read
    #[arg(long)]
    unreadable: bool,
}

impl DeadLetters {
    fn request(&self, action: &str) -> Value {
        let fields = [
            ("reason", &self.reason),
            ("event_type", &self.event_type),
            ("callback_id", &self.callback_id),
            ("entity_id", &self.entity_id),
            ("correlation_id", &self.correlation_id),
        ];
        let mut request = request(action, &fields);
        request["older_than_hours"] = json!(self.older_than_hours);
        request["unreadable"] = json!(self.unreadable);
        request
    }
}

/// Counts the dead letters, or sends them back.
pub fn redrive(output: Output, letters: &DeadLetters, really: bool) -> Result<ExitCode> {
    let stack = Stack::load()?;
    let mut request = letters.request("redrive");
    request["dry_run"] = json!(!really);
    loop {
        let reply = local::recovery::ask(&stack, &request)?;
        output.result(|| reply.clone(), || reply["text"].as_str().unwrap_or_default().to_owned())?;
        if reply["more"] != true {
            return Ok(ExitCode::SUCCESS);
        }
        // What came back meanwhile is not sent again.
        request["sent_before"] = reply["sent_before"].clone();
    }
}

pub fn purge(output: Output, letters: &DeadLetters, count: usize, partly: bool) -> Result<ExitCode> {
    let mut request = letters.request("purge");
    request["count"] = json!(count);
    request["partly"] = json!(partly);
    repeated(output, request)?;
    Ok(ExitCode::SUCCESS)
}

/// Whose story.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct About {
    /// An order
    #[arg(long)]
    callback_id: Option<String>,
    /// A video, a translation, …
    #[arg(long)]
    entity_id: Option<String>,
}

pub fn explain(output: Output, about: &About) -> Result<ExitCode> {
    let About { callback_id, entity_id } = about;
    repeated(output, request("explain", &[("callback_id", callback_id), ("entity_id", entity_id)]))?;
    Ok(ExitCode::SUCCESS)
}

/// What to replay.
#[derive(Args)]
pub struct Replay {
    /// Where to: bus or processor
    #[arg(long, required_unless_present = "undelivered")]
    to: Option<String>,
    /// Jobs that changed, or events that were received, from then on, in RFC 3339
    #[arg(long)]
    since: Option<String>,
    /// Until then, in RFC 3339
    #[arg(long)]
    until: Option<String>,
    /// Only of this event type
    #[arg(long)]
    event_type: Option<String>,
    /// Only of this status
    #[arg(long)]
    status: Option<String>,
    /// Only of this order
    #[arg(long)]
    callback_id: Option<String>,
    /// Only of this video, translation, …
    #[arg(long)]
    entity_id: Option<String>,
    /// As in the logs
    #[arg(long)]
    correlation_id: Option<String>,
    /// The jobs whose events could not be put on the bus
    #[arg(long)]
    undelivered: bool,
    /// Replay them
    #[arg(long)]
    really: bool,
}

/// Counts what a replay is about, or replays it.
pub fn replay(output: Output, options: &Replay) -> Result<ExitCode> {
    let Replay { to, since, until, event_type, status, callback_id, entity_id, correlation_id, undelivered, really } =
        options;
    let fields = [
        ("to", to),
        ("since", since),
        ("until", until),
        ("event_type", event_type),
        ("status", status),
        ("callback_id", callback_id),
        ("entity_id", entity_id),
        ("correlation_id", correlation_id),
    ];
    let stack = Stack::load()?;
    let mut request = request("replay", &fields);
    request["undelivered"] = json!(undelivered);
    request["dry_run"] = json!(!really);
    loop {
        let reply = local::recovery::ask(&stack, &request)?;
        output.result(|| reply.clone(), || reply["text"].as_str().unwrap_or_default().to_owned())?;
        if reply["more"] != true {
            return Ok(ExitCode::SUCCESS);
        }
        for field in ["continue_from", "since", "until"] {
            request[field] = reply[field].clone();
        }
    }
}

/// Fails for errors and for warnings.
pub fn doctor(output: Output, no_verify: bool) -> Result<ExitCode> {
    let mut request = request("doctor", &[]);
    if no_verify {
        request["verify"] = json!(false);
    }
    let reply = repeated(output, request)?;
    Ok(if is_well(&reply) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is only worth knowing is not wrong.
fn is_well(reply: &Value) -> bool {
    reply["errors"] == 0 && reply["warnings"] == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_doctor_fails_for_errors_and_for_warnings() {
        assert!(is_well(&json!({"errors": 0, "warnings": 0, "findings": [{"severity": "info"}]})));
        assert!(!is_well(&json!({"errors": 0, "warnings": 1})));
        assert!(!is_well(&json!({"errors": 1, "warnings": 0})));
        assert!(!is_well(&json!({})), "an unknown reply says nothing");
    }

    #[test]
    fn a_request_to_track_has_what_is_given_and_nothing_else() {
        let text = |text: &str| text.to_owned();
        let least = Track { callback_id: text("order_1"), kind: text("did.talk"), ..Track::default() };
        let expected = json!({"action": "track", "callback_id": "order_1", "kind": "did.talk"});
        assert_eq!(request_to_track(&least), expected);
        let all = Track {
            entity_id: Some(text("tlk_1")),
            endpoint: Some(text("second")),
            expected_by: Some(text("2026-12-01T00:00:00Z")),
            keep_fresh: true,
            ..least
        };
        let request = request_to_track(&all);
        assert_eq!((&request["endpoint"], &request["keep_fresh"]), (&json!("second"), &json!(true)));
    }
}
