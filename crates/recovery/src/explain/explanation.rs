//! All that is known of one id, without what gives access to a result.

use crate::dead_letters::letter::Letter;
use aws::clock::to_text;
use aws::jobs::{EventItem, JobItem, printable, without_queries, without_query};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use webhook::{Platform, Status};

/// The most jobs, events and dead letters in one reply.
const LIMIT: usize = 200;
/// Links that expire within this time are said to.
const SOON: Duration = Duration::days(3);
/// What is written on the item of a job that a team expects: by recovery, and by the examples that start another job after it.
const TRACKED: [&str; 10] = [
    "tracked_at",
    "expected_by",
    "keep_fresh",
    "due_at",
    "attempt",
    "retried_as",
    "given_up",
    "next_job",
    "next_error",
    "made_from",
];

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    pub jobs: Vec<Job>,
    /// By time.
    pub events: Vec<Event>,
    pub dead_letters: Vec<DeadLetter>,
    /// How many changes of any job could not be put on the bus at the times when these jobs changed.
    pub undelivered: usize,
    pub at_heygen: Vec<AtHeyGen>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at_platforms: Vec<AtPlatform>,
    /// How many more jobs, events and dead letters there are.
    pub omitted: usize,
    /// For CloudWatch Logs Insights.
    pub log_query: String,
    /// What could not be read, and why.
    pub not_read: Vec<String>,
    pub conclusion: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Absent if it is HeyGen.
    #[serde(skip_serializing_if = "is_heygen")]
    pub platform: Platform,
    pub id: String,
    pub item: String,
    pub kind: String,
    pub entity_id: String,
    pub callback_id: Option<String>,
    pub output_language: Option<String>,
    pub status: Option<Status>,
    pub previous_status: String,
    /// The sort key of the event that set the status, and its type.
    pub decided_by: String,
    pub event_type: String,
    pub failure: Option<String>,
    /// Whether the same job may succeed: `may_pass`, `no_credit` or `will_not_pass`.
    pub reason: Option<String>,
    /// Host and path of each link, by name.
    pub links: BTreeMap<String, String>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub links_expire_at: Option<OffsetDateTime>,
    /// `expired`, `soon` or `later`; `None` if no link says so.
    pub links_expire: Option<&'static str>,
    pub received_at: String,
    pub updated_at: String,
    /// What a team registered of it, and its attempts.
    pub tracked: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Absent if it is HeyGen.
    #[serde(skip_serializing_if = "is_heygen")]
    pub platform: Platform,
    pub identity: String,
    pub item: String,
    pub event_type: Option<String>,
    pub callback_id: Option<String>,
    pub entity_id: Option<String>,
    /// `delivery` if the platform posted it.
    pub via: String,
    pub endpoint: String,
    /// API Gateway's id of the request.
    pub request_id: Option<String>,
    pub received_at: String,
    /// From the platform's send to the receipt, if it said when it sent.
    pub seconds_to_receive: Option<i64>,
    /// From the receipt to the record.
    pub seconds_to_record: Option<i64>,
    /// Why its job was not changed.
    pub job_omitted: Option<String>,
    /// Whether a job's status is from it.
    pub has_decided: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Absent if it is HeyGen.
    #[serde(skip_serializing_if = "is_heygen")]
    pub platform: Platform,
    pub reason: String,
    pub event_type: Option<String>,
    pub identity: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub sent_at: Option<OffsetDateTime>,
}

/// What HeyGen says now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AtHeyGen {
    pub kind: &'static str,
    pub entity_id: String,
    /// HeyGen's word.
    pub status: &'static str,
    /// Of fresh links.
    #[serde(with = "time::serde::rfc3339::option")]
    pub links_expire_at: Option<OffsetDateTime>,
    /// How many events of it are on the first page of HeyGen's list of delivered events; `None` if it was not read.
    pub delivered_events: Option<usize>,
}

/// What another platform says now of a job that is recorded here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AtPlatform {
    pub platform: Platform,
    pub kind: String,
    pub entity_id: String,
    /// `pending`, `failed`, `succeeded` or `not_found`.
    pub status: &'static str,
    /// The same; `None` if the platform does not know it.
    #[serde(skip)]
    pub(crate) says: Option<Status>,
    /// Of fresh links.
    #[serde(with = "time::serde::rfc3339::option")]
    pub links_expire_at: Option<OffsetDateTime>,
}

impl AtPlatform {
    pub(crate) fn new(job: &JobItem, says: Option<Status>, links_expire_at: Option<i64>) -> Self {
        AtPlatform {
            platform: Platform::of_kind(&job.kind),
            kind: job.kind.clone(),
            entity_id: job.entity_id.clone(),
            status: says.map_or("not_found", Status::as_str),
            says,
            links_expire_at: links_expire_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
fn is_heygen(platform: &Platform) -> bool {
    *platform == Platform::HeyGen
}

impl Job {
    pub(crate) fn of(job: &JobItem, now: OffsetDateTime) -> Self {
        let expires = job.links_expire_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
        let failure = job.failure.as_ref().map(|failure| {
            let parts = [&failure.code, &failure.message].into_iter().flatten();
            parts.map(|part| without_queries(part)).collect::<Vec<_>>().join(": ")
        });
        let tracked = TRACKED.iter().filter_map(|name| {
            let value = job.attributes.get(*name)?;
            // In Unix seconds, unlike the others.
            let due_at = value.as_i64().filter(|_| *name == "due_at");
            let due_at = due_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()).map(to_text);
            Some(((*name).to_owned(), due_at.map_or_else(|| value.clone(), Value::String)))
        });
        Job {
            platform: Platform::of_kind(&job.kind),
            id: job.id.clone(),
            item: job.item.clone(),
            kind: job.kind.clone(),
            entity_id: job.entity_id.clone(),
            callback_id: job.callback_id.clone(),
            output_language: job.output_language.clone(),
            status: job.status,
            previous_status: job.previous_status.clone(),
            decided_by: job.decided_by.clone(),
            event_type: job.event_type.clone(),
            failure,
            reason: job.reason.clone(),
            links: job.links.iter().map(|(name, link)| (name.clone(), without_query(link))).collect(),
            links_expire_at: expires,
            links_expire: expires.map(|at| match at - now {
                left if left <= Duration::ZERO => "expired",
                left if left <= SOON => "soon",
                _ => "later",
            }),
            received_at: job.received_at.clone(),
            updated_at: job.updated_at.clone(),
            tracked: tracked.collect(),
        }
    }

    pub(crate) fn name(&self) -> String {
        let language = self.output_language.as_ref().map_or(String::new(), |language| format!(" ({language})"));
        printable(&format!("{} {}{language}", self.kind, self.entity_id))
    }
}

impl Event {
    pub(crate) fn of(event: EventItem, jobs: &[JobItem]) -> Self {
        let text = |name: &str| event.attributes[name].as_str();
        let time = |text: Option<&str>| aws::clock::from_text(text?).ok();
        let received = time(Some(&event.received_at));
        let sent = text("header_timestamp").and_then(|text| text.parse::<i64>().ok());
        let has_decided = jobs.iter().any(|job| job.decided_by == event.item && job.id == event.id);
        Event {
            platform: event.platform,
            identity: event.identity().to_owned(),
            request_id: text("request_id").map(str::to_owned),
            seconds_to_receive: received.zip(sent).map(|(at, sent)| at.unix_timestamp().saturating_sub(sent)),
            seconds_to_record: received.zip(time(text("recorded_at"))).map(|(from, to)| (to - from).whole_seconds()),
            has_decided,
            item: event.item,
            event_type: event.event_type,
            callback_id: event.callback_id,
            entity_id: event.entity_id,
            via: event.via,
            endpoint: event.endpoint,
            received_at: event.received_at,
            job_omitted: event.job_omitted,
        }
    }
}

impl DeadLetter {
    pub(crate) fn of(letter: &Letter) -> Self {
        let event = letter.event.as_ref();
        DeadLetter {
            platform: event.map_or_else(Platform::default, |event| event.platform),
            reason: without_queries(letter.full_reason()),
            event_type: event.map(|event| event.type_label.clone()),
            identity: event.map(|event| event.identity.clone()),
            sent_at: letter.sent_at,
        }
    }
}

impl Explanation {
    /// With no more than fits into a reply.
    pub(crate) fn limited(mut self) -> Self {
        self.events.sort_by(|a, b| (&a.received_at, &a.item).cmp(&(&b.received_at, &b.item)));
        let over = |length: usize| length.saturating_sub(LIMIT);
        let old_events = over(self.events.len());
        self.omitted = over(self.jobs.len()) + old_events + over(self.dead_letters.len());
        self.jobs.truncate(LIMIT);
        self.events.drain(..old_events);
        self.dead_letters.truncate(LIMIT);
        self.conclusion.truncate(LIMIT);
        self
    }
}

/// Finds the lines of some correlation ids.
pub(crate) fn log_query(ids: &[String]) -> String {
    let quoted: Vec<_> = ids.iter().map(|id| Value::from(printable(id)).to_string()).collect();
    format!(
        "fields @timestamp, message, outcome, reason, job_status, event_type, job, endpoint, identity, request_id, error \
         | filter correlation_id in [{}] | sort @timestamp asc",
        quoted.join(", ")
    )
}
