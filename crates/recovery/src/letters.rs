//! The dead-letter queue, read to its end: sent back, deleted, or only counted.
//!
//! A message is hidden from others while this runs, and visible again afterwards unless it was taken. So two runs at once
//! share the messages between them.

use crate::budget::Budget;
use crate::letter::{Choice, Counts, Letter, Wanted};
use crate::measures::letter;
use aws::error::AwsError;
use aws::queue::{Queue, Received};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use time::OffsetDateTime;

/// Longer than an invocation, so that no message is seen twice by one.
const HIDDEN: Duration = Duration::from_secs(300);
/// SQS may return nothing although there are messages: this often in a row is believed.
const EMPTY: usize = 3;
/// Calls of the queues at once.
const AT_ONCE: usize = 16;

pub(crate) struct Letters<'a> {
    pub(crate) dead: &'a Queue,
    /// Where the processor reads.
    pub(crate) queue: &'a Queue,
    pub(crate) budget: Budget,
    pub(crate) now: OffsetDateTime,
}

/// What was found, and is still hidden from others.
#[derive(Default)]
struct Found {
    counts: Counts,
    /// By the messages' ids.
    held: HashMap<String, (Letter, Choice)>,
    /// The ids of those that are gone.
    done: HashSet<String>,
    is_complete: bool,
}

/// How it ended.
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    /// How many were sent back or deleted.
    pub(crate) done: usize,
    /// If not, there may be more.
    pub(crate) is_complete: bool,
}

impl Letters<'_> {
    /// Counts, and changes nothing.
    pub(crate) async fn count(&self, wanted: &Wanted) -> Result<Outcome, AwsError> {
        self.read(wanted, async |_, _| Ok(false)).await
    }

    /// Those of them that are asked for, and whether all were looked at. Changes nothing.
    pub(crate) async fn find(&self, is_meant: impl Fn(&Letter) -> bool) -> Result<(Vec<Letter>, bool), AwsError> {
        let mut found = Found::default();
        let wanted = Wanted { unreadable: true, ..Wanted::default() };
        let read = self.receive_all(&wanted, &mut found, &async |_, _| Ok(false)).await;
        let letters =
            found.held.values().map(|(letter, _)| letter).filter(|letter| is_meant(letter)).cloned().collect();
        Ok((letters, self.end(found, read).await?.is_complete))
    }

    /// Sends back those that are asked for, each unchanged. Cut before the message is deleted, it is on both queues: then
    /// the next run sends it again, and the processor knows its event.
    pub(crate) async fn redrive(&self, wanted: &Wanted) -> Result<Outcome, AwsError> {
        self.read(wanted, async |letter, message| {
            self.queue.send(message.body.clone()).await?;
            self.dead.delete(&message.receipt_handle).await?;
            report(letter, "redriven");
            Ok(true)
        })
        .await
    }

    /// Deletes those that are asked for if they are as many as expected, else none.
    pub(crate) async fn purge(&self, wanted: &Wanted, expected: usize) -> Result<Outcome, AwsError> {
        let mut found = Found::default();
        let read = self.receive_all(wanted, &mut found, &async |_, _| Ok(false)).await;
        let mut purged = Ok(());
        if read.is_ok() && found.is_complete && found.counts.matching == expected {
            let taken: Vec<_> = found.held.extract_if(|_, (_, choice)| *choice == Choice::Take).collect();
            let deleting = taken.into_iter().map(|(id, (letter, _))| async move {
                self.dead.delete(&letter.receipt_handle).await?;
                report(&letter, "purged");
                Ok(id)
            });
            let done = stream::iter(deleting).buffer_unordered(AT_ONCE).try_collect().await;
            purged = done.map(|done| found.done = done);
        }
        self.end(found, read.and(purged)).await
    }

    async fn read(
        &self,
        wanted: &Wanted,
        take: impl AsyncFn(&Letter, &Received) -> Result<bool, AwsError>,
    ) -> Result<Outcome, AwsError> {
        let mut found = Found::default();
        let read = self.receive_all(wanted, &mut found, &take).await;
        self.end(found, read).await
    }

    /// Shows the others what is left, also after an error.
    async fn end(&self, found: Found, result: Result<(), AwsError>) -> Result<Outcome, AwsError> {
        let releasing = found.held.into_values().map(|(letter, _)| async move {
            if let Err(error) = self.dead.postpone(&letter.receipt_handle, 0).await {
                tracing::warn!(%error, class = error.class.as_str(), "a dead letter stays hidden for five minutes");
            }
        });
        stream::iter(releasing).buffer_unordered(AT_ONCE).collect::<()>().await;
        result?;
        Ok(Outcome { counts: found.counts, done: found.done.len(), is_complete: found.is_complete })
    }

    /// Reads the queue to its end, or as long as there is time. What `take` returns true for is gone.
    async fn receive_all(
        &self,
        wanted: &Wanted,
        found: &mut Found,
        take: &impl AsyncFn(&Letter, &Received) -> Result<bool, AwsError>,
    ) -> Result<(), AwsError> {
        let mut empty = 0;
        while self.budget.is_left() {
            let messages = self.dead.receive(HIDDEN).await?;
            empty = if messages.is_empty() { empty + 1 } else { 0 };
            if empty == EMPTY {
                found.is_complete = true;
                return Ok(());
            }
            let mut taking = Vec::new();
            for message in messages {
                // SQS may deliver a message twice, even one that was deleted.
                if found.done.contains(&message.id) {
                    self.dead.delete(&message.receipt_handle).await?;
                    continue;
                }
                let letter = Letter::of(&message);
                let choice = wanted.choose(&letter, self.now);
                let is_known = found.held.insert(message.id.clone(), (letter.clone(), choice)).is_some();
                if !is_known {
                    found.counts.add(&letter, choice);
                    if choice == Choice::Take {
                        taking.push((letter, message));
                    }
                }
            }
            let taken: Vec<_> = stream::iter(&taking)
                .map(async |(letter, message)| (message, take(letter, message).await))
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            let mut failed = None;
            for (message, result) in taken {
                match result {
                    Ok(true) => {
                        found.held.remove(&message.id);
                        found.done.insert(message.id.clone());
                    }
                    Ok(false) => {}
                    Err(error) => failed = Some(error),
                }
            }
            failed.map_or(Ok(()), Err)?;
        }
        Ok(())
    }
}

fn report(dead: &Letter, outcome: &'static str) {
    let event = dead.event.as_ref();
    let identity = event.map(|event| event.identity.as_str());
    letter(outcome, dead.reason.as_deref(), identity, event.map(|event| event.correlation_id.as_str()));
}
