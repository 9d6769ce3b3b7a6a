//! Brings back what HeyGen has and this deployment never received, through the same queue and with the same identities.
//!
//! Running twice does no harm, nor does running twice at once: the processor records an event once.

use crate::action::BackfillOptions;
use crate::budget::Budget;
use crate::config::Config;
use crate::cursor::{Cursor, Cursors, Missed, Scan};
use crate::error::Error;
use crate::measures;
use crate::reply::{BackfillReply, SourceReply};
use crate::scan::Order;
use crate::send::Sender;
use crate::source::{Found, Listing, Missing, Source};
use crate::subscribed::Subscribed;
use aws::error::AwsError;
use aws::jobs::Jobs;
use futures::stream::{self, StreamExt, TryStreamExt};
use heygen::ErrorClass;
use heygen::api::{Api, ApiError, Kind};
use std::time::Duration;
use time::OffsetDateTime;

/// HeyGen may list an event later than its time says. What is this much older than the cursor is compared again.
const OVERLAP: i64 = 3_600;
/// Calls of the table and of the queue at once.
const AT_ONCE: usize = 16;
/// Of what does not say when it ended, the delivery may be on its way: it is looked up once more after this time.
const SECOND_LOOK: Duration = Duration::from_secs(30);
/// What was created this long ago has ended long ago.
const LONG_AGO: i64 = 24 * 3_600;

pub(crate) struct Backfill<'a> {
    pub(crate) config: &'a Config,
    pub(crate) api: &'a Api,
    pub(crate) jobs: &'a Jobs,
    pub(crate) cursors: &'a Cursors,
    pub(crate) sender: Sender<'a>,
    pub(crate) budget: Budget,
    pub(crate) now: OffsetDateTime,
}

impl Backfill<'_> {
    /// Reads all lists, or only the delivered events if a filter is given. An error of one list does not stop the others.
    pub(crate) async fn run(&self, options: &BackfillOptions) -> Result<BackfillReply, Error> {
        let subscribed = Subscribed::of(&self.api.endpoints().readable().await?.elements, &self.config.urls);
        let (mut sources, mut errors) = (Vec::new(), Vec::new());
        for source in Source::all().filter(|source| *source == Source::Events || !options.is_narrowed()) {
            match self.read(source, options, &subscribed).await {
                Ok(reply) => sources.push(reply),
                // The plan or the key may not allow it: an error each time would hide other errors.
                Err(Error::HeyGen(error)) if source != Source::Events && is_refused(&error) => {
                    tracing::warn!(%error, list = source.name(), "HeyGen does not show this list");
                    sources.push(SourceReply::refused(source.name()));
                }
                Err(error) => {
                    tracing::error!(%error, class = error.class().as_str(), list = source.name(), "the list could not be read to its end");
                    errors.push(error);
                }
            }
        }
        measures::missed(sources.iter().map(|source| source.missed).sum());
        match errors.len() {
            0 => Ok(BackfillReply { sources }),
            _ => Err(Error::Several(errors)),
        }
    }

    async fn read(
        &self,
        source: Source,
        options: &BackfillOptions,
        subscribed: &Subscribed,
    ) -> Result<SourceReply, Error> {
        let mut cursor = self.cursors.read(source.name()).await?;
        let mut scan = self.scan(&cursor, options);
        let filter = options.filter();
        let mut listing = source.listing(self.api, &filter, scan.token.clone())?;
        let mut reply = SourceReply::new(source.name(), &scan);
        let mut order = Order::default();
        loop {
            if !self.budget.is_left() {
                return Ok(SourceReply { is_complete: false, ..reply });
            }
            let page = match listing.next().await {
                Err(error) if scan.token.is_some() && is_about_the_token(&error) => {
                    // It may have expired since the last run: then the scan begins again.
                    tracing::warn!(%error, list = source.name(), "the scan begins again");
                    scan.token = None;
                    listing = source.listing(self.api, &filter, None)?;
                    continue;
                }
                page => page?,
            };
            let Some(page) = page else { break };
            reply.listed += page.len();
            let times: Vec<_> = page.iter().map(Found::times).collect();
            reply.missed += self.bring_back(source, &scan, page, subscribed).await?;
            let ends = scan.ends_after(&times, &mut order);
            scan.token = listing.token().map(str::to_owned);
            if ends || scan.token.is_none() {
                break;
            }
            if !options.is_narrowed() && !self.keep(source, &mut cursor, &scan).await? {
                return Ok(SourceReply { is_complete: false, ..reply });
            }
        }
        reply.unreadable = unreadable(source, &listing);
        if !options.is_narrowed() {
            cursor.read_until = cursor.read_until.max(Some(scan.until));
            cursor.scan = None;
            if reply.missed > 0 {
                let count = i64::try_from(reply.missed).unwrap_or(i64::MAX);
                cursor.missed = Some(Missed { count, at: self.now.unix_timestamp() });
            }
            reply.is_complete = self.cursors.write(source.name(), &mut cursor).await?;
        }
        Ok(reply)
    }

    /// The rest of the last scan, unless another time is asked for. A list that was never read begins now: what is older
    /// was not meant for this deployment.
    fn scan(&self, cursor: &Cursor, options: &BackfillOptions) -> Scan {
        let seconds = |at: OffsetDateTime| at.unix_timestamp();
        let until = options.until.map_or_else(|| seconds(self.now - self.config.delay), seconds);
        let since = match (options.since, &cursor.scan) {
            (Some(since), _) => Some(seconds(since)),
            (None, Some(scan)) if !options.is_narrowed() && options.until.is_none() => return scan.clone(),
            (None, _) if options.is_narrowed() => Some(0),
            (None, _) => cursor.read_until.map(|read_until| read_until.saturating_sub(OVERLAP)),
        };
        Scan { from: since.unwrap_or(until), until, token: None }
    }

    async fn keep(&self, source: Source, cursor: &mut Cursor, scan: &Scan) -> Result<bool, AwsError> {
        cursor.scan = Some(scan.clone());
        let is_kept = self.cursors.write(source.name(), cursor).await?;
        if !is_kept {
            tracing::warn!(list = source.name(), "another run reads this list, so this one stops");
        }
        Ok(is_kept)
    }

    /// Sends what is missing of a page, and returns how much it is.
    async fn bring_back(
        &self,
        source: Source,
        scan: &Scan,
        page: Vec<Found>,
        subscribed: &Subscribed,
    ) -> Result<usize, AwsError> {
        let wanted: Vec<_> = page.into_iter().filter(|found| scan.wants(found.times()) && found.has_ended()).collect();
        let (sure, unsure): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|found| self.is_sure(found));
        let sent = self.send_missing(source, sure, subscribed).await?;
        let unsure = self.missing(unsure, subscribed).await?;
        if unsure.is_empty() {
            return Ok(sent);
        }
        tokio::time::sleep(SECOND_LOOK.min(self.config.delay)).await;
        let unsure = unsure.into_iter().map(|(found, _)| found).collect();
        Ok(sent + self.send_missing(source, unsure, subscribed).await?)
    }

    fn is_sure(&self, found: &Found) -> bool {
        let times = found.times();
        times.ended.is_some() || times.created.is_some_and(|at| at < self.now.unix_timestamp() - LONG_AGO)
    }

    async fn send_missing(
        &self,
        source: Source,
        found: Vec<Found>,
        subscribed: &Subscribed,
    ) -> Result<usize, AwsError> {
        let missing = self.missing(found, subscribed).await?;
        let count = missing.len();
        let sending = missing.into_iter().map(|(_, Missing { event, body })| async move {
            self.sender.send(body, source.via()).await?;
            tracing::warn!(
                identity = event.identity.as_str(),
                correlation_id = event.correlation_id().as_str(),
                event_type = event.type_label(),
                via = source.via(),
                "HeyGen has an event that was never received: it is on the queue now"
            );
            Ok(())
        });
        stream::iter(sending).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        Ok(count)
    }

    async fn missing(&self, found: Vec<Found>, subscribed: &Subscribed) -> Result<Vec<(Found, Missing)>, AwsError> {
        let looking = found.into_iter().map(|found| async move {
            let missing = found.missing(self.jobs).await?;
            let missing = missing.filter(|missing| subscribed.wants(missing.event.event_type.as_ref()));
            Ok(missing.map(|missing| (found, missing)))
        });
        let found: Vec<_> = stream::iter(looking).buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// Logged, because an element that cannot be read may be one that was missed.
fn unreadable(source: Source, listing: &Listing<'_>) -> usize {
    let count = listing.unreadable();
    if count > 0 {
        tracing::warn!(list = source.name(), count, "elements of HeyGen's list could not be read");
    }
    count
}

/// Whether HeyGen's answer would be the same next time.
fn is_refused(error: &ApiError) -> bool {
    matches!(error.kind, Kind::Forbidden | Kind::NotFound | Kind::Gone)
}

fn is_about_the_token(error: &ApiError) -> bool {
    error.class == ErrorClass::Permanent && matches!(error.kind, Kind::Rejected | Kind::NotFound | Kind::RepeatedToken)
}
