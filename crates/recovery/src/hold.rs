//! All messages of a queue, hidden from others while they are looked at.

use crate::budget::Budget;
use aws::error::AwsError;
use aws::queue::{Queue, Received};
use futures::stream::{self, StreamExt};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longer than an invocation.
const HIDDEN: Duration = Duration::from_secs(300);
/// SQS may return nothing although there are messages: this often in a row is believed.
const EMPTY: usize = 2;
const AT_ONCE: usize = 16;

pub(crate) struct Held<'a> {
    queue: &'a Queue,
    pub(crate) messages: Vec<Received>,
    /// If not, there may be more.
    pub(crate) is_complete: bool,
}

impl<'a> Held<'a> {
    /// Also after an error, all is visible again.
    pub(crate) async fn of(queue: &'a Queue, budget: Budget) -> Result<Self, AwsError> {
        let mut found = BTreeMap::new();
        let mut empty = 0;
        while empty < EMPTY && budget.is_left() {
            let messages = match queue.receive(HIDDEN).await {
                Ok(messages) => messages,
                Err(error) => {
                    Held { queue, messages: found.into_values().collect(), is_complete: false }.release().await;
                    return Err(error);
                }
            };
            empty = if messages.is_empty() { empty + 1 } else { 0 };
            found.extend(messages.into_iter().map(|message| (message.id.clone(), message)));
        }
        Ok(Held { queue, messages: found.into_values().collect(), is_complete: empty == EMPTY })
    }

    /// Deletes some of them.
    pub(crate) async fn delete(&mut self, is_meant: impl Fn(&Received) -> bool) -> Result<(), AwsError> {
        let mut left = std::mem::take(&mut self.messages);
        while let Some(at) = left.iter().position(&is_meant) {
            if let Err(error) = self.queue.delete(&left[at].receipt_handle).await {
                self.messages = left;
                return Err(error);
            }
            left.swap_remove(at);
        }
        self.messages = left;
        Ok(())
    }

    /// Shows them to others again.
    pub(crate) async fn release(self) {
        let releasing = self.messages.iter().map(|message| async {
            if let Err(error) = self.queue.postpone(&message.receipt_handle, 0).await {
                tracing::warn!(%error, class = error.class.as_str(), "a message stays hidden for five minutes");
            }
        });
        stream::iter(releasing).buffer_unordered(AT_ONCE).collect::<()>().await;
    }
}
