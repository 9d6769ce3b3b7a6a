//! Gathers all that is known of one `callback_id` or entity: here, in the dead-letter queue, and at HeyGen. What cannot be
//! read is reported, and stops nothing else.

pub(crate) mod conclusion;
pub mod explanation;
pub(crate) mod text;

use crate::action::About;
use crate::dead_letters::Letters;
use crate::dead_letters::letter::Letter;
use crate::error::Error;
use crate::explain::conclusion::{Facts, Known, Says, conclude, word};
use crate::explain::explanation::{AtHeyGen, AtPlatform, DeadLetter, Event, Explanation, Job, log_query};
use crate::hold::Held;
use crate::look_up::Platforms;
use crate::replay::undelivered::Times;
use crate::sweep::fresh::said;
use aws::clock::from_text;
use aws::error::AwsError;
use aws::jobs::{JobItem, Jobs, Record};
use aws::queue::Queue;
use futures::stream::{self, StreamExt};
use heygen::api::{Api, ApiError, EntityKind, EventFilter, Kind, Progress};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;
use webhook::{CorrelationId, Platform, Status};

/// The platforms are asked for no more entities than this.
const MOST_ENTITIES: usize = 20;
const AT_ONCE: usize = 8;

pub(crate) struct Explain<'a> {
    pub(crate) jobs: &'a Jobs,
    pub(crate) letters: Letters<'a>,
    pub(crate) undelivered: &'a Queue,
    /// HeyGen's API, unless it cannot be used.
    pub(crate) api: Result<Api, Error>,
    pub(crate) platforms: Platforms<'a>,
    pub(crate) now: OffsetDateTime,
}

/// One entity at HeyGen.
struct Answer {
    kind: EntityKind,
    entity_id: String,
    progress: Progress,
    links_expire_at: Option<i64>,
    delivered_events: Option<usize>,
}

impl Explain<'_> {
    pub(crate) async fn run(&self, about: &About) -> Explanation {
        let mut not_read = Vec::new();
        let record = match about {
            About::CallbackId(id) => self.jobs.of_callback_id(id).await,
            About::EntityId(id) => self.jobs.of_entity(id).await,
        };
        let record = noted("what is recorded", record, &mut not_read).unwrap_or_default();
        let ids = ids(about, &record);
        let letters = self.letters.find(|letter| is_about(letter, about, &ids));
        let (letters, undelivered) = futures::join!(letters, self.undelivered_at(&record));
        let (letters, all_letters) =
            noted("the dead-letter queue", letters, &mut not_read).unwrap_or((Vec::new(), true));
        let (undelivered, all_reports) =
            noted("the queue of undelivered job events", undelivered, &mut not_read).unwrap_or((0, true));
        for (is_complete, what) in [(all_letters, "dead letters"), (all_reports, "undelivered job events")] {
            if !is_complete {
                not_read.push(format!("all {what}: there are too many for one run"));
            }
        }
        let wanted = entities(about, &record);
        let others: Vec<_> = record.jobs.iter().filter(|job| can_be_asked(job)).collect();
        let answers = match wanted.is_empty() && !others.is_empty() {
            true => Vec::new(),
            false => self.ask_heygen(&wanted, &mut not_read).await,
        };
        let at_platforms = self.ask_others(&others, &mut not_read).await;
        let explanation = Explanation {
            jobs: record.jobs.iter().map(|job| Job::of(job, self.now)).collect(),
            events: record.events.iter().cloned().map(|event| Event::of(event, &record.jobs)).collect(),
            dead_letters: letters.iter().map(DeadLetter::of).collect(),
            undelivered,
            at_heygen: answers.iter().map(AtHeyGen::from).collect(),
            at_platforms,
            omitted: 0,
            log_query: log_query(&ids.into_iter().collect::<Vec<_>>()),
            not_read,
            conclusion: Vec::new(),
        };
        let conclusion = conclusion(&explanation, &answers, !wanted.is_empty());
        Explanation { conclusion, ..explanation }.limited()
    }

    /// How many changes of any job were not put on the bus when one of these jobs changed. Only their times are known.
    async fn undelivered_at(&self, record: &Record) -> Result<(usize, bool), AwsError> {
        let changed: Vec<_> = record.jobs.iter().filter_map(|job| from_text(&job.updated_at).ok()).collect();
        let mut held = Held::new(self.undelivered, self.letters.holding);
        let mut read = Ok(Some(Vec::new()));
        while let Ok(Some(_)) = read {
            read = held.next(self.letters.budget, Times::of).await;
        }
        let count = held.values().flatten().filter(|times| changed.iter().any(|at| times.has(*at))).count();
        let is_complete = held.is_complete();
        held.release().await;
        read.map(|_| (count, is_complete))
    }

    async fn ask_heygen(
        &self,
        wanted: &BTreeMap<String, BTreeSet<EntityKind>>,
        not_read: &mut Vec<String>,
    ) -> Vec<Answer> {
        let api = match &self.api {
            Ok(api) => api,
            Err(error) => {
                not_read.push(format!("what HeyGen says: {error}"));
                return Vec::new();
            }
        };
        if wanted.len() > MOST_ENTITIES {
            not_read.push(format!("what HeyGen says of more than {MOST_ENTITIES} entities"));
        }
        let pairs = wanted.iter().take(MOST_ENTITIES).flat_map(|(id, kinds)| kinds.iter().map(move |kind| (id, *kind)));
        let asked: Vec<_> = stream::iter(pairs).map(|(id, kind)| ask(api, kind, id)).buffered(AT_ONCE).collect().await;
        let mut answers = Vec::new();
        for (answer, problems) in asked {
            answers.extend(answer);
            for problem in problems {
                if !not_read.contains(&problem) {
                    not_read.push(problem);
                }
            }
        }
        answers
    }

    /// One after another, within the platforms' limits.
    async fn ask_others(&self, jobs: &[&JobItem], not_read: &mut Vec<String>) -> Vec<AtPlatform> {
        if jobs.len() > MOST_ENTITIES {
            not_read.push(format!("what other platforms say of more than {MOST_ENTITIES} jobs"));
        }
        let (mut answers, mut failed) = (Vec::new(), BTreeSet::new());
        for job in jobs.iter().take(MOST_ENTITIES) {
            let platform = Platform::of_kind(&job.kind);
            if failed.contains(&platform) {
                continue;
            }
            match said(&self.platforms, platform, job).await {
                Ok(said) => {
                    let reported = said.as_ref().map(|said| said.event.job());
                    let status = reported.as_ref().map(|job| job.as_ref().map_or(Status::Pending, |job| job.status));
                    let expire_at = reported.flatten().and_then(|job| job.links_expire_at);
                    answers.push(AtPlatform::new(job, status, expire_at));
                }
                Err(error) => {
                    failed.insert(platform);
                    not_read.push(format!("what {} says: {error}", platform.title()));
                }
            }
        }
        answers
    }
}

/// Whether another platform than HeyGen has a call for it.
fn can_be_asked(job: &JobItem) -> bool {
    !platforms::look_up::paths(Platform::of_kind(&job.kind), &job.kind, &job.entity_id).is_empty()
}

async fn ask(api: &Api, kind: EntityKind, entity_id: &str) -> (Option<Answer>, Vec<String>) {
    let mut problems = Vec::new();
    let entity = match api.entity(kind, entity_id).await {
        Ok(entity) => entity,
        Err(ApiError { kind: Kind::NotFound, .. }) => return (None, problems),
        Err(ApiError { kind: Kind::Unsupported, .. }) => {
            problems.push("what HeyGen says of other jobs than videos: its API v1 has no call for them".to_owned());
            return (None, problems);
        }
        Err(error) => {
            problems.push(format!("what HeyGen says: {error}"));
            return (None, problems);
        }
    };
    let fresh = entity.to_verified(kind.job_kind()).and_then(|body| heygen::read(&body).job());
    let answer = Answer {
        kind,
        entity_id: entity_id.to_owned(),
        progress: entity.progress.unwrap_or(Progress::Other(String::new())),
        links_expire_at: fresh.and_then(|job| job.links_expire_at),
        delivered_events: noted("HeyGen's list of delivered events", delivered(api, entity_id).await, &mut problems),
    };
    (Some(answer), problems)
}

/// How many events of it are on the first page.
async fn delivered(api: &Api, entity_id: &str) -> Result<usize, ApiError> {
    let filter = EventFilter { entity_id: Some(entity_id.to_owned()), ..EventFilter::default() };
    Ok(api.delivered_events(&filter)?.next().await?.map_or(0, |page| page.len()))
}

fn noted<T, E: std::fmt::Display>(what: &str, result: Result<T, E>, not_read: &mut Vec<String>) -> Option<T> {
    result.inspect_err(|error| not_read.push(format!("{what}: {error}"))).ok()
}

/// The ids that log lines may have.
fn ids(about: &About, record: &Record) -> BTreeSet<String> {
    let (About::CallbackId(id) | About::EntityId(id)) = about;
    let jobs = record.jobs.iter().flat_map(|job| [Some(&job.entity_id), job.callback_id.as_ref()]);
    let events = record.events.iter().flat_map(|event| [event.entity_id.as_ref(), event.callback_id.as_ref()]);
    let known = jobs.chain(events).flatten().cloned().chain([CorrelationId::of(id).to_string()]);
    known.filter(|id| !id.is_empty()).take(50).collect()
}

fn is_about(letter: &Letter, about: &About, ids: &BTreeSet<String>) -> bool {
    let Some(event) = &letter.event else { return false };
    match about {
        About::CallbackId(id) if event.callback_id.is_some() => event.callback_id.as_ref() == Some(id),
        About::EntityId(id) => event.entity_id.as_ref() == Some(id),
        // An event without a callback_id belongs to that of its entity.
        About::CallbackId(_) => event.entity_id.as_ref().is_some_and(|id| ids.contains(CorrelationId::of(id).as_str())),
    }
}

/// What HeyGen can be asked for: each job, and an id that has none, as whatever it may be.
fn entities(about: &About, record: &Record) -> BTreeMap<String, BTreeSet<EntityKind>> {
    let mut wanted: BTreeMap<String, BTreeSet<EntityKind>> = BTreeMap::new();
    for job in record.jobs.iter().filter(|job| !job.entity_id.is_empty()) {
        wanted.entry(job.entity_id.clone()).or_default().extend(EntityKind::of_job(&job.kind));
    }
    let unknown = match about {
        About::EntityId(id) => vec![id],
        About::CallbackId(_) => {
            let of_heygen = record.events.iter().filter(|event| event.platform == Platform::HeyGen);
            of_heygen.filter_map(|event| event.entity_id.as_ref()).collect()
        }
    };
    for id in unknown {
        wanted.entry(id.clone()).or_insert_with(|| EntityKind::ALL.into());
    }
    wanted.retain(|_, kinds| !kinds.is_empty());
    wanted
}

fn conclusion(explanation: &Explanation, answers: &[Answer], was_asked: bool) -> Vec<String> {
    let answer = |kind: &str, id: &str| {
        let kind = EntityKind::of_job(kind)?;
        answers.iter().find(|answer| answer.kind == kind && answer.entity_id == id)
    };
    // HeyGen's answers are complete unless one could not be read.
    let heygen_answered = !explanation.not_read.iter().any(|problem| problem.contains("HeyGen says"));
    let says = |job: &Job| {
        if job.platform != Platform::HeyGen {
            let is_it = |at: &&AtPlatform| at.kind == job.kind && at.entity_id == job.entity_id;
            return explanation.at_platforms.iter().find(is_it).map(|at| Says::from(at.says));
        }
        match answer(&job.kind, &job.entity_id) {
            Some(answer) => Some(Says::from(&answer.progress)),
            None if heygen_answered && EntityKind::of_job(&job.kind).is_some() => Some(Says::from(&Progress::NotFound)),
            None => None,
        }
    };
    let jobs = explanation.jobs.iter().map(|job| Known {
        platform: job.platform,
        name: job.name(),
        entity_id: &job.entity_id,
        status: job.status,
        decided: Some((job.event_type.as_str(), job.received_at.as_str())).filter(|(event, _)| !event.is_empty()),
        failure: job.failure.as_deref(),
        links_have_expired: job.links_expire == Some("expired"),
        says: says(job),
    });
    let has_job = |answer: &&Answer| explanation.jobs.iter().any(|job| job.entity_id == answer.entity_id);
    let others = answers.iter().filter(|answer| !has_job(answer)).map(|answer| Known {
        name: format!("{} {}", answer.kind.job_kind(), answer.entity_id),
        entity_id: &answer.entity_id,
        says: Some(Says::from(&answer.progress)),
        ..Known::default()
    });
    conclude(&Facts {
        jobs: jobs.collect(),
        only_at_heygen: others.collect(),
        events: explanation.events.len(),
        dead: explanation.dead_letters.iter().map(|letter| letter.reason.as_str()).collect(),
        heygen_knows_none: was_asked && heygen_answered && answers.is_empty(),
        is_complete: explanation.not_read.is_empty(),
    })
}

impl From<&Answer> for AtHeyGen {
    fn from(answer: &Answer) -> Self {
        AtHeyGen {
            kind: answer.kind.job_kind(),
            entity_id: answer.entity_id.clone(),
            status: word(&answer.progress),
            links_expire_at: answer.links_expire_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()),
            delivered_events: answer.delivered_events,
        }
    }
}
