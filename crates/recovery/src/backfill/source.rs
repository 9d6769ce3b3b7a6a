//! Where HeyGen says what happened: the events that it delivered, and the lists of what it made.
//!
//! Nobody knows whether the first holds events whose delivery failed. So the second is read, too: what has ended there
//! and has no job here was missed, whatever became of its event.

use crate::backfill::scan::Times;
use aws::error::AwsError;
use aws::jobs::{JobItem, Jobs};
use heygen::Outcome;
use heygen::api::{Api, ApiError, DeliveredEvent, Entity, EntityKind, EventFilter, Pages};
use webhook::{CorrelationId, Event, Status, Verified};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Events,
    List(EntityKind),
}

impl Source {
    pub(crate) fn all() -> impl Iterator<Item = Source> {
        std::iter::once(Source::Events).chain(EntityKind::LISTED.map(Source::List))
    }

    /// Part of the cursor's key.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Source::Events => "events",
            Source::List(kind) => kind.name(),
        }
    }

    /// The `via` of what is brought back from here.
    pub(crate) fn via(self) -> &'static str {
        match self {
            Source::Events => "backfill",
            Source::List(_) => "list",
        }
    }

    /// From the first page, or from that of a token.
    pub(crate) fn listing<'a>(
        self,
        api: &'a Api,
        filter: &EventFilter,
        token: Option<String>,
    ) -> Result<Listing<'a>, ApiError> {
        Ok(match self {
            Source::Events => Listing::Events(api.delivered_events(filter)?.starting_at(token)),
            Source::List(kind) => Listing::Entities(api.entities(kind)?.starting_at(token)),
        })
    }
}

/// One of HeyGen's lists, page by page.
pub(crate) enum Listing<'a> {
    Events(Pages<'a, DeliveredEvent>),
    Entities(Pages<'a, Entity>),
}

impl Listing<'_> {
    /// `None` after the last page.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Found>>, ApiError> {
        Ok(match self {
            Listing::Events(pages) => pages.next().await?.map(|page| page.into_iter().map(Found::Event).collect()),
            Listing::Entities(pages) => pages.next().await?.map(|page| page.into_iter().map(Found::Entity).collect()),
        })
    }

    /// Of the next page; `None` at the end.
    pub(crate) fn token(&self) -> Option<&str> {
        match self {
            Listing::Events(pages) => pages.token(),
            Listing::Entities(pages) => pages.token(),
        }
    }

    /// The number of elements that could not be read.
    pub(crate) fn unreadable(&self) -> usize {
        match self {
            Listing::Events(pages) => pages.unreadable().len(),
            Listing::Entities(pages) => pages.unreadable().len(),
        }
    }
}

/// An element of a list.
pub(crate) enum Found {
    Event(DeliveredEvent),
    Entity(Entity),
}

impl Found {
    pub(crate) fn times(&self) -> Times {
        let seconds = |at: Option<time::OffsetDateTime>| at.map(time::OffsetDateTime::unix_timestamp);
        match self {
            Found::Event(event) => Times::of_event(seconds(event.created())),
            Found::Entity(entity) => Times::of_job(seconds(entity.created_at), seconds(entity.completed_at)),
        }
    }

    /// Whether it may have an event: it is at its end, and it is not the same as an element of another list.
    pub(crate) fn has_ended(&self) -> bool {
        match self {
            Found::Event(_) => true,
            Found::Entity(entity) => ended_as(entity).is_some() && !entity.is_translation(),
        }
    }

    /// HeyGen's id of the element.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Found::Event(event) => event.id.as_deref(),
            Found::Entity(entity) => Some(&entity.id),
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
        };
        Ok(body.map(|body| {
            let has_callback_id = recorded.iter().any(|job| job.callback_id.is_some());
            Missing { event: heygen::read(&body), body, has_job: !recorded.is_empty(), has_callback_id }
        }))
    }
}

/// An event that HeyGen knows of, and this deployment does not.
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

fn is_about(job: &JobItem, entity: &Entity) -> bool {
    let is_by_product = matches!(job.kind.as_str(), "avatar_video_gif" | "avatar_video_caption");
    let language = |of: &Option<String>| of.clone().filter(|language| !language.is_empty());
    let differs =
        language(&job.output_language).zip(language(&entity.output_language)).is_some_and(|(one, other)| one != other);
    !is_by_product && !differs
}
