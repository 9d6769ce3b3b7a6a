//! The dead-letter queue: sent back, deleted, or only counted.
//!
//! A message is hidden from others while this runs, and visible again afterwards unless it was taken. So two runs at once
//! share the messages between them.

pub(crate) mod letter;

use crate::budget::Budget;
use crate::config::Holding;
use crate::dead_letters::letter::{Choice, Counts, Letter, Wanted};
use crate::error::Error;
use crate::hold::Held;
use crate::measures::letter;
use aws::error::AwsError;
use aws::queue::{Queue, Received};
use futures::stream::{self, StreamExt};
use time::OffsetDateTime;

/// Messages that are sent back at once.
const AT_ONCE: usize = 16;
/// After so many messages there is a line in the log.
const PROGRESS: usize = 500;

pub(crate) struct Letters<'a> {
    pub(crate) dead: &'a Queue,
    /// Where the processor reads.
    pub(crate) queue: &'a Queue,
    pub(crate) holding: Holding,
    pub(crate) budget: Budget,
    pub(crate) now: OffsetDateTime,
}

/// How it ended.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    /// How many were sent back or deleted.
    pub(crate) done: usize,
    /// If not, there may be more.
    pub(crate) is_complete: bool,
}

type HeldLetters<'a> = Held<'a, (Letter, Choice)>;

impl Letters<'_> {
    /// Counts, and changes nothing.
    pub(crate) async fn count(&self, wanted: &Wanted) -> Result<Outcome, AwsError> {
        let (mut held, mut ended) = (self.held(), Outcome::default());
        let read = self.read(wanted, usize::MAX, &mut held, &mut ended).await;
        held.release().await;
        read.map(|()| ended)
    }

    /// Those of them that are asked for, and whether all were looked at. Changes nothing.
    pub(crate) async fn find(&self, is_meant: impl Fn(&Letter) -> bool) -> Result<(Vec<Letter>, bool), AwsError> {
        let (mut held, wanted) = (self.held(), Wanted { unreadable: true, ..Wanted::default() });
        let mut ended = Outcome::default();
        let read = self.read(&wanted, usize::MAX, &mut held, &mut ended).await;
        let letters = held.values().map(|(letter, _)| letter).filter(|letter| is_meant(letter)).cloned().collect();
        held.release().await;
        read.map(|()| (letters, ended.is_complete))
    }

    /// Sends back those that are asked for, each unchanged. Cut before the message is deleted, it is on both queues: then
    /// the next run sends it again, and the processor knows its event.
    pub(crate) async fn redrive(&self, wanted: &Wanted) -> Result<Outcome, Error> {
        let (mut held, mut ended) = (self.held(), Outcome::default());
        let sent = self.send_all(wanted, &mut held, &mut ended).await;
        ended.is_complete = held.is_complete();
        let (is_stuck, looked_at) = (held.is_full() && ended.done == 0, held.len());
        held.release().await;
        sent?;
        if is_stuck { Err(Error::OthersInTheWay { looked_at }) } else { Ok(ended) }
    }

    async fn send_all(&self, wanted: &Wanted, held: &mut HeldLetters<'_>, ended: &mut Outcome) -> Result<(), AwsError> {
        while let Some(messages) = self.next(wanted, held, ended).await? {
            let sending = messages.iter().map(async |message| (&message.id, self.send_back(message).await));
            let sent: Vec<_> = stream::iter(sending).buffer_unordered(AT_ONCE).collect().await;
            let mut failed = None;
            for (id, sent) in sent {
                match sent {
                    Ok(()) => {
                        held.value(id).inspect(|(letter, _)| report(letter, "redriven"));
                        held.is_gone(id);
                        ended.done += 1;
                    }
                    Err(error) => failed = Some(error),
                }
            }
            failed.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    async fn send_back(&self, message: &Received) -> Result<(), AwsError> {
        self.queue.send(message.body.clone()).await?;
        self.dead.delete(&message.receipt_handle).await
    }

    /// Deletes as many as expected, if so many are asked for; else none. With `partly`, there may be more of them, which
    /// stay.
    pub(crate) async fn purge(&self, wanted: &Wanted, expected: usize, partly: bool) -> Result<Outcome, Error> {
        let (mut held, mut ended) = (self.held(), Outcome::default());
        let enough = if partly { expected } else { usize::MAX };
        let read = self.read(wanted, enough, &mut held, &mut ended).await;
        let is_meant = |(_, choice): &(Letter, Choice)| *choice == Choice::Take;
        let purged = match read.map_err(Error::from).and_then(|()| may_purge(&ended, expected, partly)) {
            Ok(()) => {
                held.delete(expected, is_meant, |(letter, _)| report(letter, "purged")).await.map_err(Error::from)
            }
            Err(error) => Err(error),
        };
        held.release().await;
        Ok(Outcome { done: purged?, ..ended })
    }

    fn held(&self) -> HeldLetters<'_> {
        Held::new(self.dead, self.holding)
    }

    /// To the queue's end, or until there are enough of those that are asked for.
    async fn read(
        &self,
        wanted: &Wanted,
        enough: usize,
        held: &mut HeldLetters<'_>,
        ended: &mut Outcome,
    ) -> Result<(), AwsError> {
        while ended.counts.matching < enough && self.next(wanted, held, ended).await?.is_some() {}
        ended.is_complete = held.is_complete();
        Ok(())
    }

    /// The next messages that are asked for. All are counted and held.
    async fn next(
        &self,
        wanted: &Wanted,
        held: &mut HeldLetters<'_>,
        ended: &mut Outcome,
    ) -> Result<Option<Vec<Received>>, AwsError> {
        let read = |message: &Received| {
            let letter = Letter::of(message);
            let choice = wanted.choose(&letter, self.now);
            (letter, choice)
        };
        let Some(mut messages) = held.next(self.budget, read).await? else { return Ok(None) };
        let before = ended.counts.found;
        messages.retain(|message| {
            let Some((letter, choice)) = held.value(&message.id) else { return false };
            ended.counts.add(letter, *choice);
            *choice == Choice::Take
        });
        let Counts { found, matching, .. } = ended.counts;
        if before / PROGRESS < found / PROGRESS {
            tracing::info!(found, matching, done = ended.done, "reading dead letters");
        }
        Ok(Some(messages))
    }
}

/// Whether so many may be deleted.
fn may_purge(found: &Outcome, expected: usize, partly: bool) -> Result<(), Error> {
    match found.counts.matching {
        matching if partly && matching >= expected => Ok(()),
        _ if !found.is_complete => Err(Error::TooMany),
        matching if matching == expected => Ok(()),
        matching => Err(Error::OtherCount { expected, found: matching }),
    }
}

fn report(dead: &Letter, outcome: &'static str) {
    let event = dead.event.as_ref();
    let identity = event.map(|event| event.identity.as_str());
    letter(outcome, dead.reason.as_deref(), identity, event.map(|event| event.correlation_id.as_str()));
}
