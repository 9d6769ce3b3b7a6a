//! Messages of a queue, hidden from others while they are looked at. Whatever happens, those that were not deleted are
//! shown again afterwards.

use crate::budget::Budget;
use crate::config::Holding;
use aws::error::AwsError;
use aws::queue::{MOST_IN_A_CALL, Queue, Received};
use futures::stream::{self, StreamExt};
use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};

/// SQS may return nothing, or nothing new, although there are messages: this often in a row is believed.
const EMPTY: usize = 3;
/// Calls of the queue at once.
const AT_ONCE: usize = 16;

/// With what was read of each message.
pub(crate) struct Held<'a, T> {
    queue: &'a Queue,
    holding: Holding,
    /// By SQS's id.
    messages: HashMap<String, Message<T>>,
    /// The ids of those that were deleted.
    gone: HashSet<String>,
    /// How often in a row nothing new was received.
    empty: usize,
}

struct Message<T> {
    /// Of the last receipt.
    receipt_handle: String,
    value: T,
}

impl<'a, T> Held<'a, T> {
    pub(crate) fn new(queue: &'a Queue, holding: Holding) -> Self {
        Held { queue, holding, messages: HashMap::new(), gone: HashSet::new(), empty: 0 }
    }

    /// The next messages that were not seen before. `None` if there are no more, or no time or no room for more.
    pub(crate) async fn next(
        &mut self,
        budget: Budget,
        read: impl Fn(&Received) -> T,
    ) -> Result<Option<Vec<Received>>, AwsError> {
        while !self.is_complete() && !self.is_full() && budget.is_left() {
            let (mut new, mut again) = (Vec::new(), Vec::new());
            for message in self.queue.receive(self.holding.hidden, self.holding.wait).await? {
                // SQS may deliver a message twice, even one that was deleted.
                if self.gone.contains(&message.id) {
                    again.push(message.receipt_handle);
                    continue;
                }
                match self.messages.entry(message.id.clone()) {
                    Entry::Occupied(mut known) => known.get_mut().receipt_handle = message.receipt_handle,
                    Entry::Vacant(entry) => {
                        let receipt_handle = message.receipt_handle.clone();
                        entry.insert(Message { receipt_handle, value: read(&message) });
                        new.push(message);
                    }
                }
            }
            if !again.is_empty() {
                self.queue.delete_all(&again.iter().map(String::as_str).collect::<Vec<_>>()).await?;
            }
            self.empty = if new.is_empty() { self.empty + 1 } else { 0 };
            if !new.is_empty() {
                return Ok(Some(new));
            }
        }
        Ok(None)
    }

    /// Whether all messages of the queue were seen.
    pub(crate) fn is_complete(&self) -> bool {
        self.empty >= EMPTY
    }

    /// Whether there is no room for more.
    pub(crate) fn is_full(&self) -> bool {
        self.messages.len() >= self.holding.most
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.messages.values().map(|message| &message.value)
    }

    pub(crate) fn value(&self, id: &str) -> Option<&T> {
        self.messages.get(id).map(|message| &message.value)
    }

    /// A message that was deleted by its receiver.
    pub(crate) fn is_gone(&mut self, id: &str) {
        self.messages.remove(id);
        self.gone.insert(id.to_owned());
    }

    /// Deletes up to `most` of those that are meant, and reports each. After an error, the others are held as before.
    pub(crate) async fn delete(
        &mut self,
        most: usize,
        is_meant: impl Fn(&T) -> bool,
        report: impl Fn(&T),
    ) -> Result<usize, AwsError> {
        let meant = self.messages.iter().filter(|(_, message)| is_meant(&message.value)).take(most);
        let meant: Vec<_> = meant.map(|(id, message)| (id.clone(), message.receipt_handle.clone())).collect();
        let queue = self.queue;
        let deleting = meant.chunks(MOST_IN_A_CALL).map(|some| async move {
            let handles: Vec<_> = some.iter().map(|(_, handle)| handle.as_str()).collect();
            let deleted = queue.delete_all(&handles).await;
            deleted.unwrap_or_else(|error| vec![Err(error); some.len()])
        });
        // In their order, so that each result is of its message.
        let deleted: Vec<_> = stream::iter(deleting).buffered(AT_ONCE).collect().await;
        let (mut count, mut failed) = (0, None);
        for ((id, _), deleted) in meant.iter().zip(deleted.into_iter().flatten()) {
            match deleted {
                Ok(()) => {
                    self.messages.get(id).inspect(|message| report(&message.value));
                    self.is_gone(id);
                    count += 1;
                }
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(count), Err)
    }

    /// Shows them to others again.
    pub(crate) async fn release(self) {
        let handles: Vec<_> = self.messages.values().map(|message| message.receipt_handle.as_str()).collect();
        let releasing = handles.chunks(MOST_IN_A_CALL).map(|some| async move {
            if let Err(error) = self.queue.show(some).await {
                let (class, count) = (error.class.as_str(), some.len());
                tracing::warn!(%error, class, count, "what was looked at stays hidden for five minutes");
            }
        });
        stream::iter(releasing).buffer_unordered(AT_ONCE).collect::<()>().await;
    }
}
