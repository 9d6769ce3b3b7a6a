//! What can be changed while a simulator runs.

use crate::lock;
use crate::pages::Order;
use crate::{Options, World};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// A change of a simulator's options while it runs. The default changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// [`Options::list_undelivered`].
    pub list_undelivered: Option<bool>,
    /// [`Options::newest_first`].
    pub newest_first: Option<bool>,
    /// [`Options::link_lifetime`], in seconds.
    pub link_lifetime_seconds: Option<u64>,
    /// [`Options::account`].
    pub account: Option<Value>,
    /// By how many milliseconds to set the clock forward.
    pub advance_milliseconds: Option<u64>,
}

/// The options that can be changed.
pub(crate) struct Settings {
    pub(crate) list_undelivered: bool,
    pub(crate) newest_first: bool,
    pub(crate) link_lifetime: Duration,
    pub(crate) account: Value,
}

impl Settings {
    pub(crate) fn of(options: &Options) -> Self {
        Settings {
            list_undelivered: options.list_undelivered,
            newest_first: options.newest_first,
            link_lifetime: options.link_lifetime,
            account: options.account.clone(),
        }
    }
}

impl World {
    pub(crate) fn change(&self, change: Change) {
        let Change { list_undelivered, newest_first, link_lifetime_seconds, account, advance_milliseconds } = change;
        let settings = &mut *lock(&self.settings);
        settings.list_undelivered = list_undelivered.unwrap_or(settings.list_undelivered);
        settings.newest_first = newest_first.unwrap_or(settings.newest_first);
        settings.link_lifetime = link_lifetime_seconds.map_or(settings.link_lifetime, Duration::from_secs);
        if let Some(account) = account {
            settings.account = account;
        }
        self.clock.advance(Duration::from_millis(advance_milliseconds.unwrap_or_default()));
    }

    /// The order of lists. HeyGen documents none.
    pub(crate) fn order(&self) -> Order {
        if lock(&self.settings).newest_first { Order::NewestFirst } else { Order::OldestFirst }
    }
}
