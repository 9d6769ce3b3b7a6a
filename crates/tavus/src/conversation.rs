//! How a conversation stands. It has no status that says so: its events do.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhook::Status;
use webhook::fields::Fields;
use webhook::json::{each_element, each_field, text, texts};

use crate::read::UNKNOWN;

const JOINED: &str = "system.replica_joined";
const SHUTDOWN: &str = "system.shutdown";
const TRANSCRIPTION_READY: &str = "application.transcription_ready";

/// The event that decides how a conversation stands. Of two, the greater does: the higher status, then the later time. So
/// the order of the list does not matter, nor what is in it twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Decision {
    pub(crate) status: Status,
    at: Option<OffsetDateTime>,
    /// The event's type; or Tavus' word for a conversation that has no such event yet.
    pub(crate) state: String,
    /// Its time as Tavus wrote it.
    pub(crate) timestamp: Option<String>,
    /// Why the call ended.
    pub(crate) shutdown_reason: Option<String>,
}

impl Decision {
    /// Reads the verbose answer.
    pub(crate) fn read(answer: &str) -> Self {
        let (mut status, mut reason, mut events) = (None, None, "");
        let is_read = |name: &str| matches!(name, "status" | "shutdown_reason" | "events");
        each_field(answer, is_read, |name, value| match name {
            "status" => status = not_empty(value),
            "shutdown_reason" => reason = not_empty(value),
            _ => events = value,
        });
        let mut decision = Self::without_events(status, reason.clone());
        each_element(events, |event| {
            if let Some(next) = Self::of_event(event, reason.as_deref()).filter(|next| *next > decision) {
                decision = next;
            }
        });
        decision
    }

    /// An answer need not have the event that its `shutdown_reason` is of.
    fn without_events(status: Option<String>, reason: Option<String>) -> Self {
        let is_crash = reason.as_deref().is_some_and(is_crash);
        let state = if is_crash { Some(SHUTDOWN.to_owned()) } else { status };
        Self {
            status: if is_crash { Status::Failed } else { Status::Pending },
            at: None,
            state: state.unwrap_or_else(|| UNKNOWN.to_owned()),
            timestamp: None,
            shutdown_reason: reason,
        }
    }

    /// `None` for an event that does not say how the conversation stands.
    fn of_event(event: &str, reason_of_answer: Option<&str>) -> Option<Self> {
        let mut own_reason = None;
        each_field(
            event,
            |name| name == "properties",
            |_, properties| {
                own_reason = Fields::from(&texts(properties, |name| name == "shutdown_reason")).text("shutdown_reason");
            },
        );
        let fields = texts(event, |name| matches!(name, "event_type" | "timestamp"));
        let fields = Fields::from(&fields);
        let (state, shutdown_reason) = match fields.text("event_type")?.as_str() {
            // One event under two names: replicas are called PALs now.
            JOINED | "system.pal_joined" => (JOINED, None),
            SHUTDOWN => (SHUTDOWN, own_reason.or_else(|| reason_of_answer.map(str::to_owned))),
            TRANSCRIPTION_READY => (TRANSCRIPTION_READY, None),
            _ => return None,
        };
        let timestamp = fields.text("timestamp");
        Some(Self {
            status: match &shutdown_reason {
                _ if state == TRANSCRIPTION_READY => Status::Succeeded,
                Some(reason) if is_crash(reason) => Status::Failed,
                _ => Status::Pending,
            },
            at: timestamp.as_deref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok()),
            state: state.to_owned(),
            timestamp,
            shutdown_reason,
        })
    }

    /// Whether the state is a word that this version knows.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self.state.as_str(), "active" | "ended" | JOINED | SHUTDOWN | TRANSCRIPTION_READY)
    }

    /// When it was decided, as a Unix time in seconds.
    pub(crate) fn occurred_at(&self) -> Option<i64> {
        self.at.map(OffsetDateTime::unix_timestamp)
    }
}

/// Documented are `exception_encountered_during_conversation_startup` and `internal error occurred at step x`. After any
/// other reason, such as a participant who left, a transcript may still come.
fn is_crash(reason: &str) -> bool {
    let reason = reason.to_lowercase().replace(['_', '-'], " ");
    ["exception", "internal error"].iter().any(|word| reason.contains(word))
}

fn not_empty(value: &str) -> Option<String> {
    text(value).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(event_type: &str, timestamp: &str) -> Value {
        json!({"event_type": event_type, "timestamp": timestamp, "properties": {}})
    }

    fn shutdown(reason: &str) -> Value {
        json!({"event_type": SHUTDOWN, "timestamp": "2026-10-01T09:20:00Z", "properties": {"shutdown_reason": reason}})
    }

    fn read(events: &[Value]) -> Decision {
        Decision::read(&json!({"status": "ended", "events": events}).to_string())
    }

    #[test]
    fn a_conversation_is_pending_until_its_transcript_is_ready() {
        let mut events = Vec::new();
        assert_eq!((read(&events).status, read(&events).state.as_str()), (Status::Pending, "ended"));
        for (event_type, status, state) in [
            ("system.replica_joined", Status::Pending, JOINED),
            ("system.shutdown", Status::Pending, SHUTDOWN),
            ("application.recording_ready", Status::Pending, SHUTDOWN),
            ("application.transcription_ready", Status::Succeeded, TRANSCRIPTION_READY),
            ("application.perception_analysis", Status::Succeeded, TRANSCRIPTION_READY),
        ] {
            events.push(event(event_type, &format!("2026-10-01T09:2{}:00.5Z", events.len())));
            assert_eq!((read(&events).status, read(&events).state.as_str()), (status, state), "{event_type}");
        }
    }

    #[test]
    fn only_a_call_that_crashed_has_failed() {
        for (reason, status) in [
            ("exception_encountered_during_conversation_startup", Status::Failed),
            ("internal error occurred at step x", Status::Failed),
            ("Internal_Error", Status::Failed),
            ("max_call_duration reached", Status::Pending),
            ("participant_left_timeout", Status::Pending),
            ("participant_absent_timeout reached", Status::Pending),
            ("bot_could_not_join_meeting_it_was_probably_ended", Status::Pending),
            ("daily_room_has_been_deleted", Status::Pending),
            ("end_conversation_endpoint_hit", Status::Pending),
            ("", Status::Pending),
        ] {
            assert_eq!(read(&[shutdown(reason)]).status, status, "{reason}");
            let answer = json!({"shutdown_reason": reason, "status": "ended"}).to_string();
            assert_eq!(Decision::read(&answer).status, status, "{reason}, without events");
            let answer = json!({"events": [event(SHUTDOWN, "2026-10-01T09:20:00Z")], "shutdown_reason": reason});
            let decision = Decision::read(&answer.to_string());
            assert_eq!((decision.status, decision.at.is_some()), (status, true), "{reason}, at the top only");
        }
    }

    #[test]
    fn a_transcript_of_a_call_that_crashed_is_a_result() {
        let events = [event(TRANSCRIPTION_READY, "2026-10-01T09:19:00Z"), shutdown("internal error")];
        assert_eq!(read(&events).status, Status::Succeeded);
    }

    #[test]
    fn twins_are_one_event() {
        let (old, new) = ("system.replica_joined", "system.pal_joined");
        let at = "2026-10-01T09:20:00.123456Z";
        let one = read(&[event(old, at)]);
        assert_eq!(read(&[event(new, at), event(old, at)]), one);
        assert_eq!(read(&[event(new, at)]), one);
    }

    #[test]
    fn of_two_transcripts_the_later_one_decides_in_any_order() {
        let early = event(TRANSCRIPTION_READY, "2026-10-01T09:20:01.9Z");
        let late = event(TRANSCRIPTION_READY, "2026-10-01T11:20:02+02:00");
        let odd = event(TRANSCRIPTION_READY, "zzz");
        for events in [[&early, &late, &odd], [&odd, &late, &early], [&late, &odd, &early]] {
            let decision = read(&events.map(Clone::clone));
            assert_eq!(decision.timestamp.as_deref(), Some("2026-10-01T11:20:02+02:00"));
            assert_eq!(decision.occurred_at(), Some(1_790_846_402));
        }
    }

    #[test]
    fn an_odd_list_of_events_decides_nothing() {
        for events in
            ["7", "{}", "null", "[7, [], {}, null, {\"event_type\": 7}]", r#""application.transcription_ready""#]
        {
            let decision = Decision::read(&format!(r#"{{"events": {events}, "status": "active"}}"#));
            assert_eq!((decision.status, decision.state.as_str()), (Status::Pending, "active"), "{events}");
        }
        assert!(!Decision::read("[]").is_known());
        assert_eq!(Decision::read("").status, Status::Pending);
    }
}
