//! Compares what the platforms list with what is recorded, and sends what is missing.

use crate::backfill::before::{Before, Befores};
use crate::backfill::cursor::{Cursor, Scan};
use crate::backfill::order::Orders;
use crate::backfill::source::{Found, Missing, Source};
use crate::backfill::subscribed::Subscribed;
use crate::config::Config;
use crate::error::Error;
use crate::send::Sender;
use aws::error::AwsError;
use aws::jobs::Jobs;
use futures::stream::{self, StreamExt, TryStreamExt};
use heygen::api::EntityKind;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use webhook::Platform;

/// Calls of the table and of the queue at once.
const AT_ONCE: usize = 16;
/// Calls of HeyGen at once.
const ORDERS_AT_ONCE: usize = 4;
/// Of what does not say when it ended, the delivery may be on its way: it is looked up once more after this time.
const SECOND_LOOK: Duration = Duration::from_secs(30);
/// What was created this long ago has ended long ago.
const LONG_AGO: i64 = 24 * 3_600;

pub(crate) struct Comparison<'a> {
    pub(crate) config: &'a Config,
    pub(crate) jobs: &'a Jobs,
    pub(crate) befores: &'a Befores,
    pub(crate) sender: Sender<'a>,
    pub(crate) orders: Orders<'a>,
    pub(crate) subscribed: Subscribed,
    /// The identities of what was sent in this run: two lists may have the same event.
    pub(crate) sent: Mutex<BTreeSet<String>>,
    pub(crate) now: OffsetDateTime,
}

/// What one list has shown so far.
#[derive(Default)]
pub(crate) struct Memory {
    /// What had ended before the first run, once it matters.
    before: Option<Before>,
    /// Whether the deliveries that may have been on their way had their time.
    has_waited: bool,
}

/// Of one page.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// How many events were missing, and are on the queue.
    pub(crate) sent: usize,
    /// Whether some had ended before the first run, beside more that are not remembered.
    pub(crate) is_before_first_run: bool,
}

impl Comparison<'_> {
    /// Sends what is missing of a page. Also after an error, `compared` says what was sent.
    pub(crate) async fn bring_back(
        &self,
        (source, cursor, scan): (Source, Option<&Cursor>, &Scan),
        page: Vec<Found>,
        memory: &mut Memory,
        compared: &mut Compared,
    ) -> Result<(), Error> {
        let wanted = page.into_iter().filter(|found| scan.wants(found.times()) && found.has_ended()).collect();
        let missing = self.missing(wanted).await?;
        let missing = match cursor.filter(|cursor| !cursor.is_before_first_run(scan.from)) {
            Some(cursor) => self.without_old(source, (cursor, scan), missing, memory, compared).await?,
            // Asked for, whenever it ended.
            None => missing,
        };
        let (sure, mut unsure): (Vec<_>, Vec<_>) = missing.into_iter().partition(|(found, _)| self.is_sure(found));
        self.send(source, sure, compared).await?;
        if !unsure.is_empty() && !memory.has_waited {
            tokio::time::sleep(SECOND_LOOK.min(self.config.delay)).await;
            memory.has_waited = true;
            unsure = self.missing(unsure.into_iter().map(|(found, _)| found).collect()).await?;
        }
        self.send(source, unsure, compared).await
    }

    fn is_sure(&self, found: &Found) -> bool {
        let times = found.times();
        times.ended.is_some() || times.created.is_some_and(|at| at < self.now.unix_timestamp() - LONG_AGO)
    }

    /// Leaves out what had ended before the first run without saying so. The first look remembers it.
    async fn without_old(
        &self,
        source: Source,
        (cursor, scan): (&Cursor, &Scan),
        missing: Vec<(Found, Missing)>,
        memory: &mut Memory,
        compared: &mut Compared,
    ) -> Result<Vec<(Found, Missing)>, AwsError> {
        let is_early = |found: &Found| found.times().created.map(|at| cursor.is_before_first_run(at));
        // What is tracked was meant for this deployment.
        let may_be_old = |(found, missing): &(Found, Missing)| {
            found.times().ended.is_none() && !missing.has_job && is_early(found) != Some(false)
        };
        let (suspects, mut wanted): (Vec<_>, Vec<_>) = missing.into_iter().partition(may_be_old);
        if suspects.is_empty() {
            return Ok(wanted);
        }
        let before = match &mut memory.before {
            Some(before) => before,
            none => none.insert(self.befores.read(source.name()).await?),
        };
        if cursor.is_first_look(scan) {
            let ids = suspects.iter().filter_map(|(found, _)| found.id().map(str::to_owned));
            let new = before.take(ids);
            self.befores.add(source.name(), new, before.has_more).await?;
            return Ok(wanted);
        }
        let is_old = |found: &Found| found.id().is_some_and(|id| before.has(id, is_early(found)));
        let count = suspects.len();
        wanted.extend(suspects.into_iter().filter(|(found, _)| !is_old(found)));
        compared.is_before_first_run = before.has_more && wanted.len() < count;
        Ok(wanted)
    }

    /// At the end of the first look: there are more elements than it has seen.
    pub(crate) async fn has_more_before(&self, source: Source) -> Result<(), AwsError> {
        self.befores.add(source.name(), Vec::new(), true).await
    }

    pub(crate) async fn send(
        &self,
        source: Source,
        missing: Vec<(Found, Missing)>,
        compared: &mut Compared,
    ) -> Result<(), Error> {
        let new = missing.into_iter().filter(|(_, missing)| self.is_new(missing)).collect::<Vec<_>>();
        let with_orders = stream::iter(new).map(|(found, missing)| self.with_order(found, missing));
        let new: Vec<_> = with_orders.buffered(ORDERS_AT_ONCE).collect().await;
        let sending = new.into_iter().map(|missing| self.send_one(source, missing));
        let mut sending = stream::iter(sending).buffer_unordered(AT_ONCE);
        let mut result = Ok(());
        // Those that are under way end, too, so that they are counted.
        while let Some(sent) = sending.next().await {
            match sent {
                Ok(()) => compared.sent += 1,
                Err(error) => result = Err(error.into()),
            }
        }
        result
    }

    /// Whether this run has not sent it.
    fn is_new(&self, missing: &Missing) -> bool {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.insert(missing.event.identity.to_string())
    }

    async fn with_order(&self, found: Found, missing: Missing) -> Missing {
        let Found::Entity(entity) = &found else { return missing };
        if entity.kind != EntityKind::Video || entity.callback_id.is_some() || missing.has_callback_id {
            return missing;
        }
        match self.orders.of_video(&entity.id).await {
            Some(callback_id) => missing.with_callback_id(entity, callback_id),
            None => missing,
        }
    }

    async fn send_one(&self, source: Source, Missing { event, body, .. }: Missing) -> Result<(), AwsError> {
        self.sender.send_of(event.platform, body, source.via()).await?;
        // HeyGen is what is meant where no platform is named.
        let platform = Some(event.platform.name()).filter(|_| event.platform != Platform::HeyGen);
        tracing::warn!(
            platform,
            identity = event.identity.as_str(),
            correlation_id = event.correlation_id().as_str(),
            event_type = event.type_label(),
            via = source.via(),
            "{} has an event that was never received: it is on the queue now",
            event.platform.title()
        );
        Ok(())
    }

    pub(crate) async fn missing(&self, found: Vec<Found>) -> Result<Vec<(Found, Missing)>, AwsError> {
        let looking = found.into_iter().map(|found| async move {
            let missing = found.missing(self.jobs).await?;
            let is_wanted = |Missing { event, .. }: &Missing| {
                event.platform != Platform::HeyGen || self.subscribed.wants(event.event_type.as_deref())
            };
            let missing = missing.filter(is_wanted);
            Ok(missing.map(|missing| (found, missing)))
        });
        let found: Vec<_> = stream::iter(looking).buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::RESERVE;
    use crate::config::LONGEST_CALL;

    #[test]
    fn a_page_that_begins_just_before_the_reserve_ends_within_it() {
        // After the page was read there is time left: for the second look and an order. The table and the queue take little.
        let little = Duration::from_secs(5);
        assert!(SECOND_LOOK + LONGEST_CALL + little < RESERVE);
    }
}
