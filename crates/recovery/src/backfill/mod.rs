//! Brings back what HeyGen has and this deployment never received, through the same queue and with the same identities.
//!
//! Running twice does no harm, nor does running twice at once: the processor records an event once.

pub(crate) mod before;
pub(crate) mod comparison;
pub(crate) mod cursor;
pub(crate) mod elsewhere;
pub(crate) mod order;
pub(crate) mod plan;
pub(crate) mod reading;
pub(crate) mod scan;
pub(crate) mod source;
pub(crate) mod subscribed;

use crate::action::BackfillOptions;
use crate::backfill::before::Befores;
use crate::backfill::comparison::{Compared, Comparison};
use crate::backfill::cursor::{Cursor, Cursors, Scan};
use crate::backfill::order::Orders;
use crate::backfill::plan::{Asked, Step, plan};
use crate::backfill::reading::{Reader, Reading, Stop};
use crate::backfill::source::{Found, Source};
use crate::backfill::subscribed::Subscribed;
use crate::budget::Budget;
use crate::config::Config;
use crate::error::Error;
use crate::measures;
use crate::reply::{BackfillReply, SourceReply};
use crate::send::Sender;
use aws::jobs::Jobs;
use heygen::api::{Api, ApiError, ApiVersion, EntityKind, Kind};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use time::OffsetDateTime;
use webhook::CorrelationId;

pub(crate) struct Backfill<'a> {
    pub(crate) config: &'a Config,
    pub(crate) api: &'a Api,
    pub(crate) jobs: &'a Jobs,
    pub(crate) cursors: &'a Cursors,
    pub(crate) befores: &'a Befores,
    pub(crate) sender: Sender<'a>,
    pub(crate) budget: Budget,
    pub(crate) now: OffsetDateTime,
}

/// The lists that a run reads, and what it knows of the others.
#[derive(Default)]
struct Lists {
    to_read: VecDeque<(Source, Scan, Option<Cursor>)>,
    replies: Vec<SourceReply>,
}

impl Backfill<'_> {
    /// Reads all lists; or only the delivered events, and the entity, if these are asked for. An error of one list does not
    /// stop the others.
    pub(crate) async fn run(&self, options: &BackfillOptions) -> Result<BackfillReply, Error> {
        let latest = (self.now - self.config.delay).unix_timestamp();
        let seconds = |at: OffsetDateTime| at.unix_timestamp();
        let until = options.until.map(seconds);
        let asked = Asked { since: options.since.map(seconds), until: until.map(|until| until.min(latest)) };
        let comparison = Comparison {
            config: self.config,
            jobs: self.jobs,
            befores: self.befores,
            sender: self.sender.clone(),
            orders: Orders::new(self.api),
            subscribed: self.subscribed(options).await?,
            sent: Mutex::default(),
            now: self.now,
        };
        let mut lists = match options.is_narrowed() {
            true => self.narrowed(options, asked, latest),
            false => self.all(asked, latest).await?,
        };
        let mut errors = Vec::new();
        match &options.entity_id {
            Some(id) if options.continue_from.is_none() => match self.entity(&comparison, id, options).await {
                Ok(reply) => lists.replies.push(reply),
                Err(error) => errors.push(error),
            },
            _ => {}
        }
        self.read(&comparison, options, &mut lists, &mut errors).await;
        if lists.replies.iter().all(|source| source.missed == 0) {
            measures::missed(0);
        }
        let place = |reply: &SourceReply| Source::all().position(|source| source.name() == reply.list);
        lists.replies.sort_by_key(place);
        let left_out_after =
            until.filter(|until| *until > latest).and_then(|_| OffsetDateTime::from_unix_timestamp(latest).ok());
        match errors.len() {
            0 => Ok(BackfillReply::new(lists.replies, left_out_after)),
            _ => Err(Error::Several(errors)),
        }
    }

    /// What is asked for by name is brought back in any case.
    async fn subscribed(&self, options: &BackfillOptions) -> Result<Subscribed, Error> {
        if options.is_narrowed() {
            return Ok(Subscribed::ALL);
        }
        Ok(Subscribed::of(&self.api.endpoints().readable().await?.elements, &self.config.urls))
    }

    fn narrowed(&self, options: &BackfillOptions, asked: Asked, latest: i64) -> Lists {
        let (from, until) = (asked.since.unwrap_or(0), asked.until.unwrap_or(latest));
        let scan = Scan { from, until, token: options.continue_from.clone() };
        let has_list = self.config.version == ApiVersion::V3 || options.entity_id.is_none();
        let to_read = has_list.then_some((Source::Events, scan, None)).into_iter().collect();
        Lists { to_read, ..Lists::default() }
    }

    /// Before anything is read, all that is asked for is noted, so that no part of it depends on this run.
    async fn all(&self, asked: Asked, latest: i64) -> Result<Lists, Error> {
        let mut cursors = Vec::new();
        for source in Source::all() {
            cursors.push(self.cursors.read(source.name()).await?);
        }
        let is_first_run = cursors.iter().any(|cursor| cursor.first_run.is_none());
        cursors.iter_mut().for_each(|cursor| cursor.begin(self.now.unix_timestamp()));
        let steps = plan(&cursors, asked, latest);
        for (cursor, step) in cursors.iter_mut().zip(&steps) {
            if let Step::Begin(scan) = step {
                cursor.scan = Some(scan.clone());
            }
        }
        let mut cursors: Vec<_> = Source::all().map(Source::name).zip(cursors).collect();
        let is_begun = steps.iter().any(|step| matches!(step, Step::Begin(_)));
        let mut lists = Lists::default();
        if (is_first_run || is_begun && asked != Asked::default()) && !self.cursors.write_all(&mut cursors).await? {
            tracing::warn!("another run reads the lists, so this one stops");
            let stopped = |(list, scan): (&'static str, &Scan)| SourceReply {
                is_complete: false,
                ..SourceReply::new(list, scan)
            };
            let left = cursors.iter().filter_map(|(list, cursor)| Some((*list, cursor.scan.as_ref()?)));
            lists.replies.extend(left.map(stopped));
            return Ok(lists);
        }
        for ((source, step), (_, cursor)) in Source::all().zip(steps).zip(cursors) {
            match step {
                Step::Continue(scan) | Step::Begin(scan) => lists.to_read.push_back((source, scan, Some(cursor))),
                Step::Done(scan) => lists.replies.push(SourceReply::new(source.name(), &scan)),
            }
        }
        Ok(lists)
    }

    /// Each list gets an equal share of the time, and what others leave. A list that takes long is not always the first.
    async fn read(
        &self,
        comparison: &Comparison<'_>,
        options: &BackfillOptions,
        lists: &mut Lists,
        errors: &mut Vec<Error>,
    ) {
        let filter = options.filter();
        let now = self.now.unix_timestamp();
        let Backfill { api, cursors, budget, .. } = *self;
        let reader = Reader { api, cursors, comparison, filter: &filter, budget, now };
        let mut readings = VecDeque::new();
        for (source, scan, cursor) in lists.to_read.drain(..) {
            match Reading::new(&reader, source, scan, cursor) {
                Ok(reading) => readings.push_back(reading),
                Err(error) => errors.push(error),
            }
        }
        readings.rotate_left(fastrand::usize(..readings.len().max(1)));
        while let Some(mut reading) = readings.pop_front() {
            let source = reading.source;
            match reading.read(budget.share(readings.len() + 1)).await {
                Ok(Stop::TimeIsOver) if budget.is_left() => readings.push_back(reading),
                Ok(_) => lists.replies.push(reading.reply),
                // The plan or the key may not allow it: an error each time would hide other errors.
                Err(Error::HeyGen(error)) if source != Source::Events && is_refused(&error) => {
                    tracing::warn!(%error, class = error.class.as_str(), list = source.name(), "HeyGen does not show this list");
                    lists.replies.push(SourceReply::refused(source.name()));
                }
                Err(error) => {
                    tracing::error!(%error, class = error.class().as_str(), list = source.name(), "the list could not be read to its end");
                    errors.push(error);
                }
            }
        }
    }

    /// Asks for one entity, as whatever it may be, because no list may have it any more.
    async fn entity(
        &self,
        comparison: &Comparison<'_>,
        id: &str,
        options: &BackfillOptions,
    ) -> Result<SourceReply, Error> {
        let jobs = self.jobs.jobs_at(&CorrelationId::of(id)).await?;
        let known: BTreeSet<_> = jobs.iter().filter_map(|job| EntityKind::of_job(&job.kind)).collect();
        let kinds = if known.is_empty() { EntityKind::ALL.into() } else { known };
        let mut reply = SourceReply::of_entity();
        for kind in kinds {
            let entity = match self.api.entity(kind, id).await {
                Ok(entity) => entity,
                // Not of this kind.
                Err(error) if is_refused(&error) || matches!(error.kind, Kind::Unsupported | Kind::Rejected) => {
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            reply.listed += 1;
            let found = Some(Found::Entity(entity)).filter(Found::has_ended);
            let mut missing = comparison.missing(found.into_iter().collect()).await?;
            missing.retain(|(_, missing)| {
                let event_type = missing.event.event_type.as_deref();
                options.event_type.as_deref().is_none_or(|wanted| event_type == Some(wanted))
            });
            let mut compared = Compared::default();
            let result = comparison.send(Source::List(kind), missing, &mut compared).await;
            reply.missed += compared.sent;
            measures::missed(compared.sent);
            result?;
        }
        Ok(reply)
    }
}

/// Whether HeyGen's answer would be the same next time.
fn is_refused(error: &ApiError) -> bool {
    matches!(error.kind, Kind::Forbidden | Kind::NotFound | Kind::Gone)
}
