//! Jobs: started here, reported by webhook, and known to the lists and the status calls.

use crate::World;
use crate::pages::Key;
use crate::platforms::{CallbackUrl, Notify, Product};
use crate::sender::Disturbance;
use crate::{lock, random};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;

/// What a job makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobKind {
    /// A video of an avatar.
    Video,
    /// A video's translation into one language, such as `Spanish`. More languages are more jobs.
    Translation(String),
    /// A lip-sync.
    Lipsync,
    /// This number of clips of a long video.
    AiClipping(usize),
    /// A video that the video agent makes, in one session.
    VideoAgent,
    /// What another platform makes, and who hears of it.
    On(Product, Notify),
}

impl JobKind {
    /// The names of HeyGen's kinds, as they are in event types.
    pub const NAMES: [&str; 5] = ["avatar_video", "video_translate", "lipsync", "ai_clipping", "video_agent"];

    /// Its name, one of [`JobKind::NAMES`] or that of a [`Product`].
    pub fn name(&self) -> &'static str {
        match self {
            JobKind::Video => "avatar_video",
            JobKind::Translation(_) => "video_translate",
            JobKind::Lipsync => "lipsync",
            JobKind::AiClipping(_) => "ai_clipping",
            JobKind::VideoAgent => "video_agent",
            JobKind::On(product, _) => product.name(),
        }
    }

    /// The kind of that name. The language is for a translation; it is Spanish if it is not given. A clipping has three
    /// clips.
    pub fn named(name: &str, output_language: Option<String>) -> Option<Self> {
        match name {
            "avatar_video" => Some(JobKind::Video),
            "video_translate" => Some(JobKind::Translation(output_language.unwrap_or_else(|| "Spanish".to_owned()))),
            "lipsync" => Some(JobKind::Lipsync),
            "ai_clipping" => Some(JobKind::AiClipping(3)),
            "video_agent" => Some(JobKind::VideoAgent),
            name => Product::named(name).map(JobKind::from),
        }
    }
}

/// How a job ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobOutcome {
    /// It succeeds.
    Succeeds,
    /// It fails, with this message.
    Fails(String),
    /// Moderation rejects it, with this message. Only Synthesia and D-ID have a status of its own for that; elsewhere it
    /// failed.
    IsRejected(String),
    /// It is cancelled. HeyGen documents no event for that, so none is delivered. Only clippings have a status of their
    /// own for it; other jobs failed.
    IsCancelled,
    /// It does not end by itself, and no event is delivered.
    NeverEnds,
}

/// When a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// This long after its start, in real time.
    After(Duration),
    /// It ended this long ago; a job that never ends was started then. Its event is from that time, and is delivered
    /// now.
    Ago(Duration),
}

/// A job to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartJob {
    /// What it makes.
    pub kind: JobKind,
    /// The caller's own id: `callbackId` at Synthesia, `video_name` at Tavus, `user_data` at D-ID.
    pub callback_id: Option<String>,
    /// HeyGen's `callback_url`, to which its event is posted as well. The URL of a job of Tavus or D-ID is part of its
    /// [`Notify`].
    pub callback_url: Option<CallbackUrl>,
    /// How it ends.
    pub outcome: JobOutcome,
    /// When it ends.
    pub ends: Ends,
    /// What happens to its event. Without one, the next of [`Simulator::disturb`](crate::Simulator::disturb) applies.
    pub disturbance: Option<Disturbance>,
}

impl StartJob {
    /// A job without a `callback_id` that ended this long ago.
    pub fn ended(kind: JobKind, outcome: JobOutcome, ago: Duration) -> Self {
        StartJob { kind, callback_id: None, callback_url: None, outcome, ends: Ends::Ago(ago), disturbance: None }
    }
}

#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) kind: JobKind,
    pub(crate) callback_id: Option<String>,
    /// Of a job of HeyGen's.
    pub(crate) callback_url: Option<CallbackUrl>,
    pub(crate) created_at: OffsetDateTime,
    /// The id of the video that a translation or a session makes.
    pub(crate) video_id: String,
    /// The fields of the call that created it; null if there was none.
    pub(crate) input: Value,
    outcome: JobOutcome,
    ended_at: Option<OffsetDateTime>,
}

/// How far a job is.
pub(crate) enum State<'a> {
    Running,
    Succeeded { at: OffsetDateTime },
    Failed { at: OffsetDateTime, message: &'a str },
    Cancelled { at: OffsetDateTime },
}

#[derive(Default)]
pub(crate) struct Jobs(Mutex<Store>);

/// The jobs by the time of their start, because HeyGen's lists have an order, if not a documented one.
#[derive(Default)]
pub(crate) struct Store {
    jobs: BTreeMap<Key, Job>,
    keys: HashMap<String, Key>,
    /// By the id of the video that a translation or a session makes.
    made: HashMap<String, Key>,
    started: u64,
}

impl Store {
    /// A job, whatever its kind.
    pub(crate) fn get(&self, id: &str) -> Option<&Job> {
        self.jobs.get(self.keys.get(id)?)
    }

    /// The job that made a video: that of the video itself, its translation, or a session.
    pub(crate) fn making_video(&self, video_id: &str) -> Option<&Job> {
        let video = self.get(video_id).filter(|job| job.kind == JobKind::Video);
        video.or_else(|| self.jobs.get(self.made.get(video_id)?))
    }

    /// All jobs, with their keys.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = (Key, &Job)> {
        self.jobs.iter().map(|(key, job)| (*key, job))
    }

    fn add(&mut self, job: Job) {
        let key = (job.created_at.unix_timestamp_nanos(), self.started);
        self.started += 1;
        self.keys.insert(job.id.clone(), key);
        if matches!(job.kind, JobKind::Translation(_) | JobKind::VideoAgent) {
            self.made.insert(job.video_id.clone(), key);
        }
        self.jobs.insert(key, job);
    }

    fn remove(&mut self, id: &str) -> bool {
        let Some(job) = self.keys.remove(id).and_then(|key| self.jobs.remove(&key)) else { return false };
        self.made.remove(&job.video_id);
        true
    }
}

impl Jobs {
    /// What `read` returns of the jobs.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Store) -> T) -> T {
        read(&lock(&self.0))
    }

    /// Forgets a job. Returns whether there was one.
    pub(crate) fn forget(&self, id: &str) -> bool {
        lock(&self.0).remove(id)
    }

    /// Ends a job that is running, with another outcome if there is one. Returns it.
    fn end(&self, id: &str, outcome: Option<JobOutcome>, at: OffsetDateTime) -> Option<Job> {
        let store = &mut *lock(&self.0);
        let job = store.jobs.get_mut(store.keys.get(id)?)?;
        if !matches!(job.state(), State::Running) {
            return None;
        }
        job.ended_at = Some(at);
        job.outcome = outcome.unwrap_or_else(|| job.outcome.clone());
        Some(job.clone())
    }
}

impl World {
    /// Starts jobs and returns their ids. Those that have ended are reported in the order of their ends.
    pub(crate) fn start_jobs(self: &Arc<Self>, jobs: Vec<StartJob>) -> Vec<String> {
        let (mut ids, mut ended) = (Vec::with_capacity(jobs.len()), Vec::new());
        for job in jobs {
            let disturbance = job.disturbance;
            let job = self.start(job, Value::Null);
            ids.push(job.id.clone());
            if let Some(at) = job.ended_at {
                ended.push((at, job, disturbance));
            }
        }
        ended.sort_by_key(|(at, ..)| *at);
        for (at, job, disturbance) in ended {
            self.report(&job, at, disturbance);
        }
        ids
    }

    /// Starts a job. If it has ended already, its end is yet to be reported.
    pub(crate) fn start(self: &Arc<Self>, job: StartJob, input: Value) -> Job {
        let now = self.clock.now();
        let StartJob { kind, callback_id, callback_url, outcome, ends, disturbance } = job;
        let id = match &kind {
            JobKind::On(product, _) => product.new_id(),
            _ => random::opaque(),
        };
        let never_ends = outcome == JobOutcome::NeverEnds;
        let (created_at, ended_at) = match ends {
            Ends::After(_) => (now, None),
            Ends::Ago(ago) if never_ends => (now - ago, None),
            Ends::Ago(ago) => (now - ago - self.options.job_duration, Some(now - ago)),
        };
        let video_id = random::opaque();
        let job =
            Job { id: id.clone(), kind, callback_id, callback_url, created_at, video_id, input, outcome, ended_at };
        lock(&self.jobs.0).add(job.clone());
        self.report_start(&job, disturbance);
        if let (Ends::After(duration), false) = (ends, never_ends) {
            self.log.job_started();
            let world = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(duration).await;
                world.end_job(&id, None, disturbance);
                world.log.job_ended();
            });
        }
        job
    }

    /// It ends before it is reported: a client that asks about it on a delivery finds the same state. Returns whether a
    /// job of that id was running.
    pub(crate) fn end_job(
        self: &Arc<Self>,
        id: &str,
        outcome: Option<JobOutcome>,
        disturbance: Option<Disturbance>,
    ) -> bool {
        let now = self.clock.now();
        let Some(job) = self.jobs.end(id, outcome, now) else { return false };
        self.report(&job, now, disturbance);
        true
    }
}

impl Job {
    pub(crate) fn state(&self) -> State<'_> {
        match (&self.outcome, self.ended_at) {
            (JobOutcome::Succeeds, Some(at)) => State::Succeeded { at },
            (JobOutcome::Fails(message) | JobOutcome::IsRejected(message), Some(at)) => State::Failed { at, message },
            (JobOutcome::IsCancelled, Some(at)) => State::Cancelled { at },
            (JobOutcome::NeverEnds, _) | (_, None) => State::Running,
        }
    }

    pub(crate) fn is_rejected(&self) -> bool {
        matches!(self.outcome, JobOutcome::IsRejected(_))
    }

    pub(crate) fn is_a(&self, product: Product) -> bool {
        matches!(&self.kind, JobKind::On(other, _) if *other == product)
    }

    /// When it last changed.
    pub(crate) fn changed_at(&self) -> OffsetDateTime {
        self.ended_at.unwrap_or(self.created_at)
    }
}
