//! A list, read page by page. The cursor moves after what is missing of a page is on the queue.

use crate::backfill::comparison::{Compared, Comparison, Memory};
use crate::backfill::cursor::{Cursor, Cursors, Missed, Scan};
use crate::backfill::scan::{Order, Seen};
use crate::backfill::source::{Apis, Found, Listing, Source};
use crate::budget::Budget;
use crate::error::Error;
use crate::look_up::error::{LookUpError, Problem};
use crate::measures;
use crate::reply::SourceReply;
use aws::error::AwsError;
use heygen::api::{EventFilter, Kind};
use webhook::ErrorClass;

/// What the readings of a run share.
pub(crate) struct Reader<'a> {
    pub(crate) apis: &'a Apis<'a>,
    pub(crate) cursors: &'a Cursors,
    pub(crate) comparison: &'a Comparison<'a>,
    pub(crate) filter: &'a EventFilter,
    /// Of the whole run.
    pub(crate) budget: Budget,
    /// In Unix seconds.
    pub(crate) now: i64,
}

pub(crate) struct Reading<'a> {
    reader: &'a Reader<'a>,
    pub(crate) source: Source,
    listing: Listing<'a>,
    scan: Scan,
    /// `None` if only some events are asked for.
    cursor: Option<Cursor>,
    order: Order,
    memory: Memory,
    pages: usize,
    /// Whether the token is one that an earlier run stored. It may have expired meanwhile.
    is_token_old: bool,
    /// Whether the cursor says less than is known.
    is_stale: bool,
    pub(crate) reply: SourceReply,
}

/// Why a reading stops for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    End,
    /// Another run reads the same list.
    Overtaken,
    TimeIsOver,
}

impl<'a> Reading<'a> {
    /// `None` if nothing is there to read it with.
    pub(crate) fn new(
        reader: &'a Reader<'a>,
        source: Source,
        scan: Scan,
        cursor: Option<Cursor>,
    ) -> Result<Option<Self>, Error> {
        let Some(listing) = source.listing(reader.apis, reader.filter, scan.token.clone())? else { return Ok(None) };
        let reply = SourceReply { is_complete: false, ..SourceReply::new(source.name(), &scan) };
        let (order, memory, is_token_old) = (Order::default(), Memory::default(), scan.token.is_some());
        Ok(Some(Reading {
            reader,
            source,
            listing,
            scan,
            cursor,
            order,
            memory,
            pages: 0,
            is_token_old,
            is_stale: false,
            reply,
        }))
    }

    /// Whether the platform has shown any of it.
    pub(crate) fn is_shown(&self) -> bool {
        self.pages > 0
    }

    /// Reads on, at least one page, until the share is used up.
    pub(crate) async fn read(&mut self, share: Budget) -> Result<Stop, Error> {
        let result = self.pages(share).await;
        self.reply.unreadable = self.listing.unreadable();
        match result {
            Ok(Stop::End) => {
                self.log_unreadable();
                self.reply.is_complete = self.finish().await?;
                self.reply.continue_from = None;
                Ok(if self.reply.is_complete { Stop::End } else { Stop::Overtaken })
            }
            Ok(stop) => Ok(stop),
            Err(error) => {
                if self.is_stale {
                    self.keep().await?;
                }
                Err(error)
            }
        }
    }

    async fn pages(&mut self, share: Budget) -> Result<Stop, Error> {
        loop {
            if !self.reader.budget.is_left() {
                return Ok(Stop::TimeIsOver);
            }
            let page = match self.listing.next().await {
                Err(error) if self.is_token_old && is_about_the_token(&error) => {
                    self.begin_again(&error)?;
                    continue;
                }
                page => page?,
            };
            let Some(page) = page else { return Ok(Stop::End) };
            // The call may have taken long. The page is requested again by the next run.
            if !self.reader.budget.is_left() {
                return Ok(Stop::TimeIsOver);
            }
            let ends = self.compare(page).await?;
            self.pages += 1;
            self.log_progress();
            if ends {
                return Ok(Stop::End);
            }
            if let Some(token) = self.listing.token() {
                self.scan.token = Some(token.to_owned());
                self.reply.continue_from = self.cursor.is_none().then(|| token.to_owned());
                self.is_token_old = false;
                if !self.keep().await? {
                    return Ok(Stop::Overtaken);
                }
            }
            if !share.is_left() {
                return Ok(Stop::TimeIsOver);
            }
        }
    }

    /// Brings back what is missing of a page. Returns whether the rest of the list is too old.
    async fn compare(&mut self, page: Vec<Found>) -> Result<bool, Error> {
        self.reply.listed += page.len();
        let times: Vec<_> = page.iter().map(Found::times).collect();
        let mut compared = Compared::default();
        let about = (self.source, self.cursor.as_ref(), &self.scan);
        let result = self.reader.comparison.bring_back(about, page, &mut self.memory, &mut compared).await;
        self.note(compared.sent);
        result?;
        let seen = Seen { is_any_missing: compared.sent > 0, is_before_first_run: compared.is_before_first_run };
        Ok(self.scan.ends_after(&times, seen, &mut self.order))
    }

    fn note(&mut self, sent: usize) {
        if sent == 0 {
            return;
        }
        self.reply.missed += sent;
        measures::missed(sent);
        if let Some(cursor) = &mut self.cursor {
            let count = i64::try_from(self.reply.missed).unwrap_or(i64::MAX);
            cursor.missed = Some(Missed { count, at: self.reader.now });
            self.is_stale = true;
        }
    }

    fn begin_again(&mut self, error: &Error) -> Result<(), Error> {
        tracing::warn!(%error, class = error.class().as_str(), list = self.source.name(), "the scan begins again");
        self.scan.token = None;
        self.is_token_old = false;
        self.order = Order::again();
        if let Some(listing) = self.source.listing(self.reader.apis, self.reader.filter, None)? {
            self.listing = listing;
        }
        Ok(())
    }

    /// False if another run has written the cursor.
    async fn keep(&mut self) -> Result<bool, AwsError> {
        let Some(cursor) = &mut self.cursor else { return Ok(true) };
        cursor.scan = Some(self.scan.clone());
        self.is_stale = false;
        self.write().await
    }

    async fn finish(&mut self) -> Result<bool, AwsError> {
        let Some(cursor) = &mut self.cursor else { return Ok(true) };
        if cursor.is_first_look(&self.scan) && self.order.is_untimed() && self.listing.token().is_some() {
            self.reader.comparison.has_more_before(self.source).await?;
        }
        cursor.finish(&self.scan);
        self.is_stale = false;
        self.write().await
    }

    async fn write(&mut self) -> Result<bool, AwsError> {
        let Some(cursor) = &mut self.cursor else { return Ok(true) };
        let is_written = self.reader.cursors.write(self.source.name(), cursor).await?;
        if !is_written {
            tracing::warn!(list = self.source.name(), "another run reads this list, so this one stops");
        }
        Ok(is_written)
    }

    /// One line per page of a list that has many.
    fn log_progress(&self) {
        if self.pages > 1 {
            let SourceReply { list, listed, missed, .. } = &self.reply;
            tracing::info!(list, pages = self.pages, listed, missed, "reading a long list");
        }
    }

    /// Because an element that cannot be read may be one that was missed.
    fn log_unreadable(&self) {
        let SourceReply { list, unreadable: count, .. } = &self.reply;
        if *count > 0 {
            tracing::warn!(list, count, "elements of the list could not be read");
        }
    }
}

fn is_about_the_token(error: &Error) -> bool {
    match error {
        Error::HeyGen(error) => {
            let is_of_it = matches!(error.kind, Kind::Rejected | Kind::NotFound | Kind::RepeatedToken);
            error.class == ErrorClass::Permanent && is_of_it
        }
        Error::LookUp(LookUpError::Call(failed)) => matches!(failed.problem, Problem::Refused | Problem::Endless),
        _ => false,
    }
}
