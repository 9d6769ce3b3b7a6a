//! Brings back what the platforms have and this deployment never received, through the same queue and with the same
//! identities.
//!
//! Running twice does no harm, nor does running twice at once: the processor records an event once.

pub(crate) mod before;
pub(crate) mod comparison;
pub(crate) mod cursor;
pub(crate) mod elsewhere;
pub(crate) mod order;
pub(crate) mod ours;
pub(crate) mod pages;
pub(crate) mod plan;
pub(crate) mod reading;
pub(crate) mod refusal;
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
use crate::backfill::refusal::Refusals;
use crate::backfill::source::{Apis, Found, Source};
use crate::backfill::subscribed::Subscribed;
use crate::budget::Budget;
use crate::config::Config;
use crate::error::Error;
use crate::look_up::Platforms;
use crate::measures;
use crate::own_urls::OwnUrls;
use crate::reply::{BackfillReply, SourceReply};
use crate::send::Sender;
use aws::jobs::Jobs;
use aws_sdk_secretsmanager::Client;
use heygen::api::{Api, ApiError, ApiVersion, EntityKind, Kind};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;
use time::OffsetDateTime;
use webhook::{CorrelationId, Platform};

pub(crate) struct Backfill<'a> {
    pub(crate) config: &'a Config,
    /// `None` without HeyGen's API: its lists are not read.
    pub(crate) heygen: Option<&'a Api>,
    pub(crate) platforms: Platforms<'a>,
    pub(crate) secrets: &'a Client,
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
        let (mut sources, mut errors) = (self.sources(), Vec::new());
        let subscribed = match self.subscribed(options).await {
            // Other platforms' lists are read all the same.
            Err(error) if !options.is_narrowed() && sources.iter().any(|source| is_elsewhere(*source)) => {
                sources.retain(|source| is_elsewhere(*source));
                errors.push(error);
                Subscribed::ALL
            }
            subscribed => subscribed?,
        };
        let comparison = Comparison {
            config: self.config,
            jobs: self.jobs,
            befores: self.befores,
            sender: self.sender.clone(),
            orders: Orders::new(self.heygen),
            subscribed,
            sent: Mutex::default(),
            now: self.now,
        };
        let mut lists = match options.is_narrowed() {
            true => self.narrowed(options, asked, latest),
            false => self.all(&sources, asked, latest).await?,
        };
        match (&options.entity_id, self.heygen) {
            (Some(id), Some(api)) if options.continue_from.is_none() => {
                match self.entity(api, &comparison, id, options).await {
                    Ok(reply) => lists.replies.push(reply),
                    Err(error) => errors.push(error),
                }
            }
            _ => {}
        }
        self.read(&comparison, options, &mut lists, &mut errors).await;
        if lists.replies.iter().all(|source| source.missed == 0) {
            measures::missed(0);
        }
        let place = |reply: &SourceReply| {
            let all = Source::heygen().chain(Source::elsewhere(self.config));
            all.map(Source::name).position(|name| name == reply.list)
        };
        lists.replies.sort_by_key(place);
        let left_out_after =
            until.filter(|until| *until > latest).and_then(|_| OffsetDateTime::from_unix_timestamp(latest).ok());
        match errors.len() {
            0 => Ok(BackfillReply::new(lists.replies, left_out_after)),
            _ => Err(Error::Several(errors)),
        }
    }

    fn sources(&self) -> Vec<Source> {
        let heygen = self.heygen.into_iter().flat_map(|_| Source::heygen());
        heygen.chain(Source::elsewhere(self.config)).collect()
    }

    /// What is asked for by name is brought back in any case.
    async fn subscribed(&self, options: &BackfillOptions) -> Result<Subscribed, Error> {
        match self.heygen {
            Some(api) if !options.is_narrowed() => {
                Ok(Subscribed::of(&api.endpoints().readable().await?.elements, &self.config.urls))
            }
            _ => Ok(Subscribed::ALL),
        }
    }

    fn narrowed(&self, options: &BackfillOptions, asked: Asked, latest: i64) -> Lists {
        let (from, until) = (asked.since.unwrap_or(0), asked.until.unwrap_or(latest));
        let scan = Scan { from, until, token: options.continue_from.clone() };
        let has_list = self.config.version == ApiVersion::V3 || options.entity_id.is_none();
        let to_read = has_list.then_some((Source::Events, scan, None)).into_iter().collect();
        Lists { to_read, ..Lists::default() }
    }

    /// Before anything is read, all that is asked for is noted, so that no part of it depends on this run.
    async fn all(&self, sources: &[Source], asked: Asked, latest: i64) -> Result<Lists, Error> {
        let mut cursors = Vec::new();
        for source in sources {
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
        let mut cursors: Vec<_> = sources.iter().map(|source| source.name()).zip(cursors).collect();
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
        for ((source, step), (_, cursor)) in sources.iter().copied().zip(steps).zip(cursors) {
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
        let own_urls = self.own_urls(lists, errors).await;
        let Backfill { heygen, ref platforms, cursors, budget, .. } = *self;
        let (filter, now) = (options.filter(), self.now.unix_timestamp());
        let apis = Apis { heygen, platforms, own_urls: &own_urls };
        let reader = Reader { apis: &apis, cursors, comparison, filter: &filter, budget, now };
        let mut readings = VecDeque::new();
        for (source, scan, cursor) in lists.to_read.drain(..) {
            match Reading::new(&reader, source, scan, cursor) {
                Ok(reading) => readings.extend(reading),
                Err(error) => errors.push(error),
            }
        }
        readings.rotate_left(fastrand::usize(..readings.len().max(1)));
        let mut refusals = Refusals::default();
        while let Some(mut reading) = readings.pop_front() {
            let source = reading.source;
            if refusals.is_stopped(source.platform()) {
                lists.replies.push(reading.reply.stopped(refusals.is_limited(source.platform())));
                continue;
            }
            let read = reading.read(budget.share(readings.len() + 1)).await;
            if reading.is_shown() {
                refusals.shows(source.platform());
            }
            match read {
                Ok(Stop::TimeIsOver) if budget.is_left() => readings.push_back(reading),
                Ok(_) => lists.replies.push(reading.reply),
                Err(Error::LookUp(error)) => {
                    let retry_after = error.retry_after();
                    match refusals.take(source, error) {
                        Some(error) => errors.push(unread(source, error.into())),
                        None if refusals.is_limited(source.platform()) => {
                            let (platform, seconds) = (source.platform(), retry_after.map(|wait| wait.as_secs()));
                            tracing::warn!(%platform, seconds, "the platform's rate limit is exceeded: the next run goes on");
                            lists.replies.push(reading.reply.stopped(true));
                        }
                        None => {}
                    }
                }
                // The plan or the key may not allow it: an error each time would hide other errors.
                Err(error @ Error::HeyGen(_)) if source != Source::Events && is_hidden(&error) => {
                    lists.replies.push(hidden(source, &error));
                }
                Err(error) => errors.push(unread(source, error)),
            }
        }
        let (hidden_lists, failed) = refusals.end();
        lists.replies.extend(hidden_lists.into_iter().map(|(source, error)| hidden(source, &error.into())));
        errors.extend(failed.into_iter().map(|(source, error)| unread(source, error.into())));
    }

    /// What tells the jobs of other platforms' lists that were meant for this deployment.
    async fn own_urls(&self, lists: &Lists, errors: &mut Vec<Error>) -> BTreeMap<Platform, OwnUrls> {
        let platforms = lists.to_read.iter().map(|(source, ..)| *source).filter(|source| is_elsewhere(*source));
        let mut all = BTreeMap::new();
        for platform in platforms.map(Source::platform).collect::<BTreeSet<_>>() {
            match OwnUrls::load(self.config, self.secrets, platform, self.now).await {
                Ok(own_urls) => drop(all.insert(platform, own_urls)),
                Err(error) => {
                    tracing::error!(%error, class = error.class().as_str(), %platform, "the platform's lists are not read");
                    errors.push(error.into());
                }
            }
        }
        all
    }

    /// Asks for one entity, as whatever it may be, because no list may have it any more.
    async fn entity(
        &self,
        api: &Api,
        comparison: &Comparison<'_>,
        id: &str,
        options: &BackfillOptions,
    ) -> Result<SourceReply, Error> {
        let jobs = self.jobs.jobs_at(&CorrelationId::of(id)).await?;
        let known: BTreeSet<_> = jobs.iter().filter_map(|job| EntityKind::of_job(&job.kind)).collect();
        let kinds = if known.is_empty() { EntityKind::ALL.into() } else { known };
        let mut reply = SourceReply::of_entity();
        for kind in kinds {
            let entity = match api.entity(kind, id).await {
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

fn is_elsewhere(source: Source) -> bool {
    source.platform() != Platform::HeyGen
}

fn is_hidden(error: &Error) -> bool {
    matches!(error, Error::HeyGen(error) if is_refused(error))
}

fn hidden(source: Source, error: &Error) -> SourceReply {
    let (list, title) = (source.name(), source.platform().title());
    tracing::warn!(%error, class = error.class().as_str(), list, "{title} does not show this list");
    SourceReply::refused(list)
}

fn unread(source: Source, error: Error) -> Error {
    tracing::error!(%error, class = error.class().as_str(), list = source.name(), "the list could not be read to its end");
    error
}

/// Whether HeyGen's answer would be the same next time.
fn is_refused(error: &ApiError) -> bool {
    matches!(error.kind, Kind::Forbidden | Kind::NotFound | Kind::Gone)
}
