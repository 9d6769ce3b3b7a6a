//! The reply about what is recorded: jobs and events, without what gives access to a result.

use aws::jobs::{EventItem, JobItem, Record, printable, without_queries, without_query};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use time::OffsetDateTime;
use webhook::Status;

/// The most jobs, and the most events, in one reply: Lambda returns at most 6 MB.
const LIMIT: usize = 500;

/// What is recorded, with neither queries of links nor bodies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobsReply {
    /// By their keys.
    pub jobs: Vec<RecordedJob>,
    /// By time.
    pub events: Vec<RecordedEvent>,
    /// How many more jobs there are.
    pub omitted_jobs: usize,
    /// How many older events there are.
    pub omitted_events: usize,
}

/// A text is empty if the item has only your own attributes yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedJob {
    /// The partition key.
    pub id: String,
    /// The sort key.
    pub item: String,
    pub kind: String,
    pub entity_id: String,
    pub callback_id: Option<String>,
    pub output_language: Option<String>,
    pub status: Option<Status>,
    /// Host and path of each link, by name.
    pub links: BTreeMap<String, String>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub links_expire_at: Option<OffsetDateTime>,
    /// Whether links or failure are too large for the job's item.
    pub result_omitted: bool,
    pub failure: Option<RecordedFailure>,
    /// Of a failed job: `may_pass`, `no_credit` or `will_not_pass`.
    pub reason: Option<String>,
    /// The type of the event that set the status.
    pub event_type: String,
    /// The identity of that event.
    pub identity: String,
    /// The endpoint that received it.
    pub endpoint: String,
    /// RFC 3339.
    pub received_at: String,
    /// RFC 3339.
    pub updated_at: String,
}

/// Links in it are without their query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedFailure {
    pub code: Option<String>,
    pub message: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedEvent {
    pub identity: String,
    pub event_type: Option<String>,
    pub callback_id: Option<String>,
    pub entity_id: Option<String>,
    /// The sort key of its job.
    pub job: Option<String>,
    /// Why the job was not changed, although the event says how it ended.
    pub job_omitted: Option<String>,
    pub endpoint: String,
    /// RFC 3339.
    pub received_at: String,
}

impl JobsReply {
    pub(crate) fn of(record: Record) -> Self {
        let Record { mut jobs, mut events } = record;
        jobs.sort_by(|a, b| (&a.id, &a.item).cmp(&(&b.id, &b.item)));
        events.sort_by(|a, b| (&a.received_at, &a.item).cmp(&(&b.received_at, &b.item)));
        let (omitted_jobs, omitted_events) = (jobs.len().saturating_sub(LIMIT), events.len().saturating_sub(LIMIT));
        JobsReply {
            jobs: jobs.into_iter().take(LIMIT).map(job).collect(),
            events: events.into_iter().skip(omitted_events).map(event).collect(),
            omitted_jobs,
            omitted_events,
        }
    }
}

fn job(job: JobItem) -> RecordedJob {
    RecordedJob {
        result_omitted: job.attributes["result_omitted"].is_string(),
        id: job.id,
        item: job.item,
        kind: job.kind,
        entity_id: job.entity_id,
        callback_id: job.callback_id,
        output_language: job.output_language,
        status: job.status,
        links: job.links.into_iter().map(|(name, link)| (name, without_query(&link))).collect(),
        links_expire_at: job.links_expire_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()),
        failure: job.failure.map(|failure| RecordedFailure {
            code: failure.code.map(|code| without_queries(&code)),
            message: failure.message.map(|message| without_queries(&message)),
        }),
        reason: job.reason,
        event_type: job.event_type,
        identity: job.identity,
        endpoint: job.endpoint,
        received_at: job.received_at,
        updated_at: job.updated_at,
    }
}

fn event(event: EventItem) -> RecordedEvent {
    RecordedEvent {
        identity: event.identity().to_owned(),
        event_type: event.event_type,
        callback_id: event.callback_id,
        entity_id: event.entity_id,
        job: event.job,
        job_omitted: event.job_omitted,
        endpoint: event.endpoint,
        received_at: event.received_at,
    }
}

impl fmt::Display for JobsReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.jobs.iter().try_for_each(|job| job.fmt(f))?;
        for RecordedEvent { received_at, event_type, identity, endpoint, job_omitted, .. } in &self.events {
            let event_type = printable(event_type.as_deref().unwrap_or("(no event type)"));
            let identity = identity.get(..12).unwrap_or(identity);
            write!(f, "  {received_at}  {event_type}  {identity}  {endpoint}")?;
            job_omitted.as_ref().map_or(Ok(()), |why| write!(f, ", its job was not changed: {why}"))?;
            writeln!(f)?;
        }
        let count = |listed: usize, omitted: usize| match omitted {
            0 => listed.to_string(),
            _ => format!("{} ({omitted} not listed)", listed + omitted),
        };
        let (jobs, events) = (count(self.jobs.len(), self.omitted_jobs), count(self.events.len(), self.omitted_events));
        write!(f, "Jobs: {jobs}. Events: {events}.")
    }
}

impl fmt::Display for RecordedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or("no status", Status::as_str);
        let language = self.output_language.as_ref().map_or(String::new(), |language| format!(" ({language})"));
        let title = format!("{}  {}{language}", self.kind, self.entity_id);
        writeln!(f, "  {}  {status}  {}", printable(&title), self.updated_at)?;
        if let Some(callback_id) = &self.callback_id {
            writeln!(f, "      callback_id  {}", printable(callback_id))?;
        }
        for (name, link) in &self.links {
            writeln!(f, "      {}  {}", printable(name), printable(link))?;
        }
        if let Some(at) = self.links_expire_at {
            writeln!(f, "      the first of the links expires at {}", aws::clock::to_text(at))?;
        }
        if self.result_omitted {
            writeln!(f, "      the result is too large for the job's item: see the event")?;
        }
        if let Some(RecordedFailure { code, message }) = &self.failure {
            let reason = [code, message].into_iter().flatten().cloned().collect::<Vec<_>>().join(": ");
            writeln!(f, "      {}", printable(&reason))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::jobs::FailureItem;
    use std::collections::BTreeMap;

    #[test]
    fn a_reply_about_jobs_has_no_query_of_a_link_and_no_attribute_of_yours() {
        let link = "https://files.example.invalid/v.mp4?Signature=canary";
        let failed = FailureItem { code: Some(link.to_owned()), message: Some(format!("Cannot fetch {link} twice")) };
        let record = Record {
            jobs: vec![JobItem {
                links: BTreeMap::from([("video".to_owned(), link.to_owned())]),
                failure: Some(failed),
                links_expire_at: Some(i64::MAX),
                attributes: serde_json::json!({"customer": "canary", "result_omitted": "yes"}),
                ..JobItem::default()
            }],
            events: vec![EventItem { body: Some(link.to_owned()), ..EventItem::default() }],
        };
        let reply = JobsReply::of(record);
        assert_eq!(reply.jobs[0].links["video"], "files.example.invalid/v.mp4");
        let message = reply.jobs[0].failure.as_ref().unwrap().message.as_deref();
        assert_eq!(message, Some("Cannot fetch files.example.invalid/v.mp4 twice"));
        assert!(reply.jobs[0].result_omitted);
        assert_eq!(reply.jobs[0].links_expire_at, None, "no time that can be written");
        let json = serde_json::to_string(&reply).unwrap();
        assert!(!format!("{json} {reply} {reply:?}").contains("canary"));
    }

    #[test]
    fn of_very_many_the_newest_events_are_listed_and_the_others_counted() {
        let event = |n: usize| EventItem { received_at: format!("{n:04}"), ..EventItem::default() };
        let record =
            Record { jobs: vec![JobItem::default(); LIMIT + 2], events: (0..=LIMIT).rev().map(event).collect() };
        let reply = JobsReply::of(record);
        assert_eq!((reply.jobs.len(), reply.omitted_jobs), (LIMIT, 2));
        assert_eq!((reply.events.len(), reply.omitted_events), (LIMIT, 1));
        assert_eq!(
            (reply.events[0].received_at.as_str(), reply.events[LIMIT - 1].received_at.as_str()),
            ("0001", "0500")
        );
    }
}
