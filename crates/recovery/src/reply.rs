//! The replies, one struct per action. Their text is in `text`.

use crate::action::To;
use crate::backfill::cursor::Scan;
use crate::dead_letters::letter::Counts;
pub use crate::doctor::finding::{DoctorReply, Finding, Severity};
use crate::explain::explanation::Explanation;
use crate::key::Key;
use crate::replay::chosen::Chosen;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use webhook::Platform;

/// The reply to an action, tagged with its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Reply {
    Recover(RecoverReply),
    Backfill(BackfillReply),
    Track(TrackReply),
    Sweep(SweepReply),
    Refresh(RefreshReply),
    Redrive(RedriveReply),
    Purge(PurgeReply),
    Explain(Explanation),
    Replay(ReplayReply),
    Doctor(DoctorReply),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayReply {
    pub to: To,
    pub dry_run: bool,
    /// How many jobs or events are asked for.
    pub matching: usize,
    pub replayed: usize,
    /// Jobs that have nothing to tell, and events whose body is not in the table.
    pub skipped: usize,
    /// How many reports of undelivered job events there were, if these were asked for.
    pub reports: Option<usize>,
    /// For continuing.
    #[serde(with = "time::serde::rfc3339::option")]
    pub since: Option<OffsetDateTime>,
    /// For continuing.
    #[serde(with = "time::serde::rfc3339::option")]
    pub until: Option<OffsetDateTime>,
    pub continue_from: Option<Key>,
    pub is_complete: bool,
}

impl ReplayReply {
    pub(crate) fn new(to: To, dry_run: bool, chosen: &Chosen) -> Self {
        let Chosen { since, until, .. } = *chosen;
        let (matching, replayed, skipped) = (0, 0, 0);
        let (reports, continue_from, is_complete) = (None, None, false);
        ReplayReply { to, dry_run, matching, replayed, skipped, reports, since, until, continue_from, is_complete }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedriveReply {
    pub dry_run: bool,
    #[serde(flatten)]
    pub letters: Counts,
    /// If not all could be counted: how many there are, approximately, whether they are asked for or not.
    pub in_queue: Option<u64>,
    /// How many are on the queue again.
    pub redriven: usize,
    /// For continuing, so that what comes back is not sent again.
    #[serde(with = "time::serde::rfc3339")]
    pub sent_before: OffsetDateTime,
    /// If not, there was no time to look at all of them.
    pub is_complete: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PurgeReply {
    pub purged: usize,
    /// If not, others that match may be left.
    pub is_complete: bool,
}

/// Each step of a scheduled run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecoverReply {
    /// `None` if there is no list to read: v1 of HeyGen's API has none, nor has Tavus.
    pub backfill: Option<BackfillReply>,
    pub sweep: SweepReply,
    /// `None` if HeyGen did not say.
    pub credit: Option<CreditReply>,
    /// The requests that had run out of time.
    pub continued: Vec<ContinuedReply>,
}

/// A request that ran out of time, and how it went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContinuedReply {
    pub action: String,
    pub request: Value,
    /// The text of its reply; `None` if it failed, or there was no time for it.
    pub reply: Option<String>,
    pub error: Option<String>,
    pub is_complete: bool,
}

impl ContinuedReply {
    pub(crate) fn new(request: &Value) -> Self {
        let action = request["action"].as_str().unwrap_or_default().to_owned();
        ContinuedReply { action, request: request.clone(), reply: None, error: None, is_complete: false }
    }
}

/// What is left of the workspace's credit at HeyGen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CreditReply {
    /// HeyGen's name of the form of billing, such as `wallet`.
    pub billing: String,
    /// In credits, if HeyGen counts in them.
    pub credits: Option<f64>,
    /// In USD: of a wallet, or what a cap leaves.
    pub usd: Option<f64>,
}

/// Where the job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrackReply {
    /// The partition key.
    pub id: String,
    /// The sort key.
    pub item: String,
    #[serde(with = "time::serde::rfc3339")]
    pub expected_by: OffsetDateTime,
    /// To hand to the platform with the job. Whoever knows it can have the job looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
}

/// What a sweep found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SweepReply {
    /// HeyGen's jobs.
    #[serde(flatten)]
    pub heygen: Swept,
    /// Those of other platforms, if any were due.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub platforms: BTreeMap<Platform, SweptElsewhere>,
    /// If not, the next run continues.
    pub is_complete: bool,
}

impl Default for SweepReply {
    fn default() -> Self {
        SweepReply { heygen: Swept::default(), platforms: BTreeMap::new(), is_complete: true }
    }
}

/// How many jobs were due, by what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Ended at the platform, without an event here: it is on the queue now.
    pub finished: usize,
    /// Not at their end.
    pub running: usize,
    /// Unknown to it, but not for long enough.
    pub unknown: usize,
    /// Unknown to it for too long: they fail.
    pub failed: usize,
    /// New links are on the queue.
    pub refreshed: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SweptElsewhere {
    #[serde(flatten)]
    pub jobs: Swept,
    /// Why the platform was asked no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// By the lists that were read, the id of each order's job; `None` of several.
    #[serde(skip)]
    pub(crate) listed: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// How many calls have failed in a row.
    #[serde(skip)]
    pub(crate) failures: usize,
}

/// Why a run asks a platform no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// There is no API key for it: its jobs wait for their events.
    NoKey,
    /// Its rate limit is exceeded: the next run continues.
    RateLimited,
    /// It rejects the key, or the settings are wrong.
    Refused,
    /// Several calls in a row failed.
    Failing,
}

/// How many jobs there are, by what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RefreshReply {
    /// New links are on the queue.
    pub refreshed: usize,
    /// Not succeeded, here or at HeyGen: nothing changes.
    pub left: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackfillReply {
    pub sources: Vec<SourceReply>,
    /// If `until` was later than this: what ended since then may still be on its way.
    #[serde(with = "time::serde::rfc3339::option")]
    pub left_out_after: Option<OffsetDateTime>,
    /// For continuing, if only some events were asked for.
    pub continue_from: Option<String>,
}

/// What was found in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceReply {
    pub list: &'static str,
    /// What ended from here on and before `until` was compared.
    #[serde(with = "time::serde::rfc3339::option")]
    pub from: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub until: Option<OffsetDateTime>,
    /// How many elements of the list were read.
    pub listed: usize,
    /// How many of them could not be read.
    pub unreadable: usize,
    /// How many were never received, and are on the queue now.
    pub missed: usize,
    /// Whether the platform does not show this list to this API key.
    pub is_refused: bool,
    /// If not, the next run continues.
    pub is_complete: bool,
    /// Why this run asks for no more of it; never of HeyGen's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    #[serde(skip)]
    pub(crate) continue_from: Option<String>,
}

impl SourceReply {
    /// Of an entity that was asked for by its id.
    pub(crate) fn of_entity() -> Self {
        let (list, from, until, continue_from) = ("entity", None, None, None);
        let (listed, unreadable, missed, is_refused, is_complete, stopped) = (0, 0, 0, false, true, None);
        SourceReply { list, from, until, listed, unreadable, missed, is_refused, is_complete, stopped, continue_from }
    }

    /// The platform is asked no more in this run.
    pub(crate) fn stopped(self, is_limited: bool) -> Self {
        SourceReply { stopped: Some(if is_limited { Stopped::RateLimited } else { Stopped::Failing }), ..self }
    }

    pub(crate) fn refused(list: &'static str) -> Self {
        SourceReply { list, is_refused: true, ..SourceReply::of_entity() }
    }

    pub(crate) fn new(list: &'static str, scan: &Scan) -> Self {
        let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).ok();
        SourceReply { list, from: time(scan.from), until: time(scan.until), ..SourceReply::of_entity() }
    }
}

/// A reply, and whether the schedule goes on with what is left of its request.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub reply: Reply,
    pub goes_on: bool,
}

impl Answer {
    /// As the function returns it.
    pub fn to_json(&self) -> Value {
        let mut json = self.reply.to_json();
        json["goes_on"] = Value::Bool(self.goes_on);
        if self.goes_on {
            json["text"] = Value::String(format!("{} The schedule goes on with it.", self.reply));
        }
        json
    }
}

#[derive(Serialize)]
struct WithText<'a> {
    #[serde(flatten)]
    reply: &'a Reply,
    text: String,
    /// Whether the same request, repeated, has more to do.
    more: bool,
}

impl Reply {
    /// With `text` for people.
    pub fn to_json(&self) -> Value {
        // Fails only for keys that are not strings.
        serde_json::to_value(WithText { reply: self, text: self.to_string(), more: self.has_more() })
            .unwrap_or_default()
    }

    fn has_more(&self) -> bool {
        match self {
            Reply::Recover(RecoverReply { backfill, sweep, credit: _, continued }) => {
                backfill.as_ref().is_some_and(BackfillReply::has_more)
                    || !sweep.is_complete
                    || continued.iter().any(|request| !request.is_complete && request.error.is_none())
            }
            Reply::Sweep(reply) => !reply.is_complete,
            Reply::Track(_) | Reply::Refresh(_) => false,
            Reply::Backfill(reply) => reply.has_more(),
            // Counting begins again each time.
            Reply::Redrive(reply) => !reply.is_complete && !reply.dry_run,
            Reply::Replay(reply) => !reply.is_complete,
            Reply::Purge(_) | Reply::Explain(_) | Reply::Doctor(_) => false,
        }
    }
}

impl BackfillReply {
    pub(crate) fn new(sources: Vec<SourceReply>, left_out_after: Option<OffsetDateTime>) -> Self {
        let continue_from = sources.iter().find_map(|source| source.continue_from.clone());
        BackfillReply { sources, left_out_after, continue_from }
    }

    fn has_more(&self) -> bool {
        self.sources.iter().any(|source| !source.is_complete && source.stopped.is_none())
    }
}
