//! Where HeyGen says what happened: the events that it delivered, and the lists of what it made; and the lists of other
//! platforms.
//!
//! Nobody knows whether the first holds events whose delivery failed. So the second is read, too: what has ended there
//! and has no job here was missed, whatever became of its event.

use crate::backfill::pages::{Listed, Pages};
use crate::backfill::scan::Times;
use crate::config::Config;
use crate::error::Error;
use crate::look_up::Platforms;
use crate::own_urls::OwnUrls;
use aws::error::AwsError;
use aws::jobs::{JobItem, Jobs};
use heygen::Outcome;
use heygen::api::{self, Api, DeliveredEvent, Entity, EntityKind, EventFilter};
use std::collections::BTreeMap;
use webhook::{CorrelationId, Event, LookUp, Platform, Status, Verified};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Events,
    List(EntityKind),
    /// A list of another platform, by its name.
    Of(Platform, &'static str),
}

/// What the lists are read with.
pub(crate) struct Apis<'a> {
    /// `None` if HeyGen's lists are not read.
    pub(crate) heygen: Option<&'a Api>,
    pub(crate) platforms: &'a Platforms<'a>,
    pub(crate) own_urls: &'a BTreeMap<Platform, OwnUrls>,
}

impl Source {
    /// HeyGen's.
    pub(crate) fn heygen() -> impl Iterator<Item = Source> {
        std::iter::once(Source::Events).chain(EntityKind::LISTED.map(Source::List))
    }

    /// Those of the other platforms that are used here: that have an endpoint and a key.
    pub(crate) fn elsewhere(config: &Config) -> impl Iterator<Item = Source> {
        let is_used = |platform: &Platform| config.has_key(*platform) && config.endpoints(*platform).next().is_some();
        let lists = |platform| platforms::list::lists(platform).iter().map(move |list| Source::Of(platform, list));
        Platform::ALL.into_iter().filter(is_used).flat_map(lists)
    }

    pub(crate) fn platform(self) -> Platform {
        match self {
            Source::Events | Source::List(_) => Platform::HeyGen,
            Source::Of(platform, _) => platform,
        }
    }

    /// Part of the cursor's key.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Source::Events => "events",
            Source::List(kind) => kind.name(),
            Source::Of(_, list) => list,
        }
    }

    /// The `via` of what is brought back from here.
    pub(crate) fn via(self) -> &'static str {
        match self {
            Source::Events => "backfill",
            Source::List(_) | Source::Of(..) => "list",
        }
    }

    /// From the first page, or from that of a token. `None` if nothing is there to read it with.
    pub(crate) fn listing<'a>(
        self,
        apis: &Apis<'a>,
        filter: &EventFilter,
        token: Option<String>,
    ) -> Result<Option<Listing<'a>>, Error> {
        Ok(match (self, apis.heygen) {
            (Source::Events, Some(api)) => Some(Listing::Events(api.delivered_events(filter)?.starting_at(token))),
            (Source::List(kind), Some(api)) => Some(Listing::Entities(api.entities(kind)?.starting_at(token))),
            (Source::Of(platform, list), _) => {
                let own_urls = apis.own_urls.get(&platform);
                own_urls.map(|own| Listing::Jobs(Pages::new(apis.platforms, own, (platform, list), token)))
            }
            (Source::Events | Source::List(_), None) => None,
        })
    }
}

/// A list, page by page.
pub(crate) enum Listing<'a> {
    Events(api::Pages<'a, DeliveredEvent>),
    Entities(api::Pages<'a, Entity>),
    Jobs(Pages<'a>),
}

impl Listing<'_> {
    /// `None` after the last page.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Found>>, Error> {
        Ok(match self {
            Listing::Events(pages) => pages.next().await?.map(|page| page.into_iter().map(Found::Event).collect()),
            Listing::Entities(pages) => pages.next().await?.map(|page| page.into_iter().map(Found::Entity).collect()),
            Listing::Jobs(pages) => pages.next().await?.map(|page| page.into_iter().map(Found::Job).collect()),
        })
    }

    /// Of the next page; `None` at the end.
    pub(crate) fn token(&self) -> Option<&str> {
        match self {
            Listing::Events(pages) => pages.token(),
            Listing::Entities(pages) => pages.token(),
            Listing::Jobs(pages) => pages.token(),
        }
    }

    /// The number of elements that could not be read.
    pub(crate) fn unreadable(&self) -> usize {
        match self {
            Listing::Events(pages) => pages.unreadable().len(),
            Listing::Entities(pages) => pages.unreadable().len(),
            Listing::Jobs(pages) => pages.unreadable,
        }
    }
}

/// An element of a list.
pub(crate) enum Found {
    Event(DeliveredEvent),
    Entity(Entity),
    /// Of another platform.
    Job(Listed),
}

impl Found {
    pub(crate) fn times(&self) -> Times {
        let seconds = |at: Option<time::OffsetDateTime>| at.map(time::OffsetDateTime::unix_timestamp);
        match self {
            Found::Event(event) => Times::of_event(seconds(event.created())),
            Found::Entity(entity) => Times::of_job(seconds(entity.created_at), seconds(entity.completed_at)),
            // No other platform says when a job ended: what it calls the last change may be any.
            Found::Job(job) => Times::of_job(job.created, None),
        }
    }

    /// Whether it may have an event: it is at its end, was meant for this deployment, and is not the same as an element of
    /// another list.
    pub(crate) fn has_ended(&self) -> bool {
        match self {
            Found::Event(_) => true,
            Found::Entity(entity) => ended_as(entity).is_some() && !entity.is_translation(),
            Found::Job(job) => job.ended.is_some(),
        }
    }

    /// The platform's id of the element.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Found::Event(event) => event.id.as_deref(),
            Found::Entity(entity) => Some(&entity.id),
            Found::Job(job) => Some(&job.entity_id),
        }
    }

    /// The event that is not recorded here, with its type and place; `None` if it is, or if a job already has its result.
    pub(crate) async fn missing(&self, jobs: &Jobs) -> Result<Option<Missing>, AwsError> {
        let (body, recorded) = match self {
            Found::Event(event) => {
                let body = event.to_verified();
                let read = heygen::read(&body);
                let is_missing = !jobs.has_event(&read.place().partition, &read.identity).await?;
                (is_missing.then_some(body), Vec::new())
            }
            Found::Entity(entity) => {
                let recorded = jobs.jobs_at(&CorrelationId::of(&entity.id)).await?;
                let body = missing_kind(entity, &recorded).and_then(|kind| entity.to_verified(kind));
                (body, recorded)
            }
            Found::Job(job) => {
                let recorded = jobs.jobs_at(&CorrelationId::of(&job.entity_id)).await?;
                let look_up = job.ended.as_ref().and_then(|ended| missing_end(job.platform, ended, &recorded));
                (look_up.as_ref().map(LookUp::to_verified), recorded)
            }
        };
        Ok(body.map(|body| {
            let has_callback_id = recorded.iter().any(|job| job.callback_id.is_some());
            let event = platforms::read(self.platform(), &body);
            Missing { event, body, has_job: !recorded.is_empty(), has_callback_id }
        }))
    }

    fn platform(&self) -> Platform {
        match self {
            Found::Event(_) | Found::Entity(_) => Platform::HeyGen,
            Found::Job(job) => job.platform,
        }
    }
}

/// An event that a platform knows of, and this deployment does not.
pub(crate) struct Missing {
    pub(crate) event: Event,
    pub(crate) body: Verified,
    /// Whether a job of the entity is recorded, such as one that is tracked.
    pub(crate) has_job: bool,
    /// Whether such a job has a `callback_id`.
    pub(crate) has_callback_id: bool,
}

impl Missing {
    /// The same event with the `callback_id`, for a video whose order nothing here knows.
    pub(crate) fn with_callback_id(self, video: &Entity, callback_id: String) -> Self {
        let kind = self.event.job().map_or_else(|| video.kind.job_kind().to_owned(), |job| job.kind);
        match video.clone().with_callback_id(callback_id).to_verified(&kind) {
            Some(body) => Missing { event: heygen::read(&body), body, ..self },
            None => self,
        }
    }
}

fn ended_as(entity: &Entity) -> Option<Status> {
    match entity.progress.as_ref()?.outcome()? {
        Outcome::Succeeded => Some(Status::Succeeded),
        Outcome::Failed => Some(Status::Failed),
        Outcome::Unknown => None,
    }
}

/// The kind of the job that does not have the entity's end yet; `None` if one has.
///
/// A video may be made by several kinds of jobs, and its list does not say by which. So a job of any of them that has
/// ended counts; one that is tracked and pending says which event is missing.
fn missing_kind<'a>(entity: &Entity, recorded: &'a [JobItem]) -> Option<&'a str> {
    let ended = ended_as(entity)?;
    let of_it: Vec<_> = recorded.iter().filter(|job| is_about(job, entity)).collect();
    if of_it.iter().any(|job| job.status.is_some_and(|status| status >= ended)) {
        return None;
    }
    Some(of_it.first().map_or(entity.kind.job_kind(), |job| job.kind.as_str()))
}

/// What another platform says of a job's end, under the order that it is recorded with; `None` if that end is recorded.
fn missing_end(platform: Platform, ended: &LookUp, recorded: &[JobItem]) -> Option<LookUp> {
    let reported = platforms::read(platform, &ended.to_verified()).job()?;
    let job = recorded.iter().find(|job| job.item == reported.item_key());
    if job.is_some_and(|job| !is_missing(job, reported.status)) {
        return None;
    }
    let callback_id = ended.callback_id.clone().or_else(|| job?.callback_id.clone());
    Some(LookUp { callback_id, ..ended.clone() })
}

/// Whether the job's end is not recorded here, or less of it.
pub(crate) fn is_missing(job: &JobItem, ended: Status) -> bool {
    ended != Status::Pending && job.status.is_none_or(|status| status < ended)
}

fn is_about(job: &JobItem, entity: &Entity) -> bool {
    let is_by_product = matches!(job.kind.as_str(), "avatar_video_gif" | "avatar_video_caption");
    let language = |of: &Option<String>| of.clone().filter(|language| !language.is_empty());
    let differs =
        language(&job.output_language).zip(language(&entity.output_language)).is_some_and(|(one, other)| one != other);
    !is_by_product && !differs
}
