//! The requests that the function accepts.

use crate::dead_letters::letter::Wanted;
use crate::error::Error;
use crate::key::Key;
use crate::replay::chosen::Chosen;
use crate::track::tracked::Subject;
use heygen::EventType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use webhook::Status;

/// A request, written in JSON as `{"action": "backfill"}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// What the schedule does: everything that needs no decision, each whatever happens to the others.
    Recover {},
    /// Brings back what the platforms have and this deployment never received.
    Backfill(BackfillOptions),
    /// Registers a job, before or after HeyGen was asked for it.
    Track(TrackOptions),
    /// Looks after the tracked jobs that should have ended, and the links that expire soon.
    Sweep {},
    /// Replaces the links of jobs that succeeded.
    Refresh(About),
    /// Sends dead letters back to the queue.
    Redrive(RedriveOptions),
    /// Deletes dead letters.
    Purge(PurgeOptions),
    /// Shows all that is known of an id.
    Explain(About),
    /// Tells jobs to the bus, or sends events through the processor, once more.
    Replay(ReplayOptions),
    /// Says what does not work, and what mends it.
    Doctor {
        /// Whether to post signed probes, as admin's `verify` does. By default, if each sync does.
        verify: Option<bool>,
    },
}

/// Where a replay leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum To {
    Bus,
    Processor,
}

/// What to replay. By default, it is only counted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ReplayRequest")]
pub struct ReplayOptions {
    pub to: To,
    pub dry_run: bool,
    pub chosen: Chosen,
    pub callback_id: Option<String>,
    pub entity_id: Option<String>,
    /// As in the logs: a `callback_id`, or else the id of an entity.
    pub correlation_id: Option<String>,
    /// The jobs whose events could not be put on the bus.
    pub undelivered: bool,
    pub continue_from: Option<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayRequest {
    to: Option<To>,
    dry_run: Option<bool>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    since: Option<OffsetDateTime>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
    event_type: Option<String>,
    status: Option<Status>,
    callback_id: Option<String>,
    entity_id: Option<String>,
    correlation_id: Option<String>,
    #[serde(default)]
    undelivered: bool,
    continue_from: Option<Key>,
}

impl TryFrom<ReplayRequest> for ReplayOptions {
    type Error = &'static str;

    fn try_from(request: ReplayRequest) -> Result<Self, Self::Error> {
        let ReplayRequest { since, until, event_type, status, undelivered, .. } = request;
        let ReplayRequest { callback_id, entity_id, correlation_id, .. } = request;
        let to = match (request.to, undelivered) {
            (Some(To::Processor), true) => return Err("undelivered is about the bus"),
            (None, true) => To::Bus,
            (to, _) => to.ok_or("`to` is needed: bus or processor")?,
        };
        let given = [callback_id.is_some(), entity_id.is_some(), correlation_id.is_some(), undelivered];
        let ids = given.into_iter().filter(|is_given| *is_given).count();
        if ids > 1 || ids == 0 && since.is_none() {
            return Err("one of since, callback_id, entity_id, correlation_id and undelivered is needed");
        }
        let chosen = Chosen { since, until, event_type, status, also_renewed: false };
        let (dry_run, continue_from) = (request.dry_run.unwrap_or(true), request.continue_from);
        Ok(ReplayOptions { to, dry_run, chosen, callback_id, entity_id, correlation_id, undelivered, continue_from })
    }
}

/// In JSON one of `callback_id` and `entity_id`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "OneId")]
pub enum About {
    CallbackId(String),
    EntityId(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneId {
    callback_id: Option<String>,
    entity_id: Option<String>,
}

impl TryFrom<OneId> for About {
    type Error = &'static str;

    fn try_from(id: OneId) -> Result<Self, Self::Error> {
        match (id.callback_id, id.entity_id) {
            (Some(id), None) if !id.is_empty() => Ok(About::CallbackId(id)),
            (None, Some(id)) if !id.is_empty() => Ok(About::EntityId(id)),
            _ => Err("either callback_id or entity_id is needed, and not both"),
        }
    }
}

/// A job that a team expects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackOptions {
    pub callback_id: String,
    /// `avatar_video`, … as in the event types of HeyGen; `synthesia.video` and the like of another platform.
    pub kind: String,
    /// The platform's id, as soon as it is known.
    #[serde(default)]
    pub entity_id: Option<String>,
    /// The field that holds it in the events of a kind that HeyGen has no status call for, such as `group_id`.
    #[serde(default)]
    pub entity_field: Option<String>,
    /// Of a translation.
    #[serde(default)]
    pub output_language: Option<String>,
    /// The endpoint that the callback URL leads to. It may be left out if the platform has one.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// RFC 3339. After it, the platform is asked for the job.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expected_by: Option<OffsetDateTime>,
    /// Whether its links are replaced before they expire.
    #[serde(default)]
    pub keep_fresh: Option<bool>,
    /// Your own, which are kept on the job's item.
    #[serde(default)]
    pub attributes: Map<String, Value>,
}

impl TrackOptions {
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            kind: &self.kind,
            callback_id: Some(&self.callback_id),
            entity_id: self.entity_id.as_deref().filter(|id| !id.is_empty()),
            entity_field: self.entity_field.as_deref(),
            output_language: self.output_language.as_deref(),
        }
    }
}

/// Which dead letters to send back. By default, they are only counted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "OfDeadLetters")]
pub struct RedriveOptions {
    pub wanted: Wanted,
    pub dry_run: bool,
}

/// Which dead letters to delete, and how many there have to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "OfDeadLetters")]
pub struct PurgeOptions {
    pub wanted: Wanted,
    pub count: usize,
    /// Whether there may be more, which stay.
    pub partly: bool,
}

/// Both as they are in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfDeadLetters {
    dry_run: Option<bool>,
    count: Option<usize>,
    partly: Option<bool>,
    reason: Option<String>,
    older_than_hours: Option<u32>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    sent_before: Option<OffsetDateTime>,
    event_type: Option<String>,
    callback_id: Option<String>,
    entity_id: Option<String>,
    correlation_id: Option<String>,
    #[serde(default)]
    unreadable: bool,
}

impl OfDeadLetters {
    fn wanted(self) -> Wanted {
        Wanted {
            reason: self.reason,
            older_than: self.older_than_hours.map(|hours| time::Duration::hours(hours.into())),
            sent_before: self.sent_before,
            event_type: self.event_type,
            callback_id: self.callback_id,
            entity_id: self.entity_id,
            correlation_id: self.correlation_id,
            unreadable: self.unreadable,
        }
    }
}

impl TryFrom<OfDeadLetters> for RedriveOptions {
    type Error = &'static str;

    fn try_from(options: OfDeadLetters) -> Result<Self, Self::Error> {
        if options.count.is_some() || options.partly.is_some() {
            return Err("count and partly are for purge");
        }
        Ok(RedriveOptions { dry_run: options.dry_run.unwrap_or(true), wanted: options.wanted() })
    }
}

impl TryFrom<OfDeadLetters> for PurgeOptions {
    type Error = &'static str;

    fn try_from(options: OfDeadLetters) -> Result<Self, Self::Error> {
        match (options.count, options.dry_run) {
            (Some(count), None) => {
                Ok(PurgeOptions { count, partly: options.partly.unwrap_or(false), wanted: options.wanted() })
            }
            _ => Err("count is needed: as many as a dry run of redrive, with the same conditions, found"),
        }
    }
}

/// Which events to bring back. By default, those since the last run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackfillOptions {
    /// RFC 3339. The scheduled runs continue from there, too, if this run does not get to the end.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub since: Option<OffsetDateTime>,
    /// RFC 3339. By default and at most, `BackfillDelayMinutes` ago.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub until: Option<OffsetDateTime>,
    /// Only events of this type.
    #[serde(default)]
    pub event_type: Option<String>,
    /// Only events about this video, translation, …, which is asked for by its id, too.
    #[serde(default)]
    pub entity_id: Option<String>,
    /// Where an earlier run of the same request stopped, if only some events are asked for.
    #[serde(default)]
    pub continue_from: Option<String>,
}

impl BackfillOptions {
    /// Whether only some events are asked for, which moves no cursor.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.event_type.is_some() || self.entity_id.is_some()
    }

    pub(crate) fn filter(&self) -> heygen::api::EventFilter {
        let event_type = self.event_type.clone().map(EventType::new);
        heygen::api::EventFilter { event_type, entity_id: self.entity_id.clone() }
    }
}

impl Action {
    /// Every action.
    pub const NAMES: [&'static str; 10] =
        ["recover", "backfill", "track", "sweep", "refresh", "redrive", "purge", "explain", "replay", "doctor"];

    /// The name in a request.
    pub fn name(&self) -> &'static str {
        // By index, so that a new action does not compile until `NAMES` has its name.
        match self {
            Action::Recover {} => Self::NAMES[0],
            Action::Backfill(_) => Self::NAMES[1],
            Action::Track(_) => Self::NAMES[2],
            Action::Sweep {} => Self::NAMES[3],
            Action::Refresh(_) => Self::NAMES[4],
            Action::Redrive(_) => Self::NAMES[5],
            Action::Purge(_) => Self::NAMES[6],
            Action::Explain(_) => Self::NAMES[7],
            Action::Replay(_) => Self::NAMES[8],
            Action::Doctor { .. } => Self::NAMES[9],
        }
    }

    /// Reads a request.
    pub fn read(request: Value) -> Result<Self, Error> {
        serde_json::from_value(request).map_err(|error| Error::InvalidRequest(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    #[test]
    fn a_redrive_is_a_dry_run_unless_it_says_otherwise() {
        let redrive = |request| match Action::read(request).unwrap() {
            Action::Redrive(options) => options,
            other => panic!("{other:?}"),
        };
        assert_eq!(redrive(json!({"action": "redrive"})), RedriveOptions { wanted: Wanted::default(), dry_run: true });
        assert!(!redrive(json!({"action": "redrive", "dry_run": false})).dry_run);
        let old = redrive(json!({"action": "redrive", "older_than_hours": 2, "unreadable": true})).wanted;
        let hours = Some(time::Duration::hours(2));
        assert_eq!(old, Wanted { older_than: hours, unreadable: true, ..Wanted::default() });
    }

    #[test]
    fn a_wrong_request_is_an_error_that_says_what_is_wrong() {
        let since = Action::read(json!({"action": "backfill", "since": "2026-11-21T03:40:00Z"})).unwrap();
        let options = BackfillOptions { since: Some(datetime!(2026-11-21 03:40 UTC)), ..BackfillOptions::default() };
        assert_eq!(since, Action::Backfill(options));
        for (wrong, word) in [
            (json!({"action": "sing"}), "sing"),
            (json!({"action": "backfill", "from": 1}), "from"),
            (json!({"action": "backfill", "since": "yesterday"}), "year"),
            (json!({"action": "refresh"}), "callback_id"),
            (json!({"action": "refresh", "callback_id": "c", "entity_id": "v"}), "not both"),
            (json!({"action": "track", "callback_id": "c"}), "kind"),
            (json!({"action": "redrive", "count": 3}), "count and partly are for purge"),
            (json!({"action": "redrive", "resaon": "x"}), "resaon"),
            (json!({"action": "replay", "since": "2026-11-21T03:40:00Z"}), "bus or processor"),
            (json!({"action": "replay", "to": "bus"}), "since"),
            (json!({"action": "replay", "to": "processor", "undelivered": true}), "about the bus"),
            (json!({"action": "replay", "to": "bus", "callback_id": "c", "entity_id": "v"}), "one of"),
            (json!({"action": "replay", "to": "bus", "callback_id": "c", "correlation_id": "c"}), "one of"),
            (json!({"action": "explain"}), "callback_id"),
            (json!({"action": "explain", "callback_id": "c", "entity_id": "v"}), "not both"),
            (json!({"action": "purge"}), "count is needed"),
            (json!({"action": "purge", "count": 3, "dry_run": true}), "count is needed"),
            (json!({}), "action"),
            (json!([]), "action"),
        ] {
            let error = Action::read(wrong).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
