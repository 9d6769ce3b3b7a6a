//! What can be changed while a simulator runs.

use crate::jobs::JobOutcome;
use crate::lock;
use crate::pages::Order;
use crate::{Options, World};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use webhook::Platform;

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
    /// Options of platforms.
    pub platforms: BTreeMap<Platform, PlatformChange>,
}

/// A change of a platform's options while the simulator runs. The default changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformChange {
    /// [`PlatformOptions::link_lifetime`](crate::PlatformOptions::link_lifetime), in seconds.
    pub link_lifetime_seconds: Option<u64>,
    /// [`PlatformOptions::gets_per_minute`](crate::PlatformOptions::gets_per_minute).
    pub gets_per_minute: Option<u32>,
    /// [`PlatformOptions::created_jobs`](crate::PlatformOptions::created_jobs).
    pub created_jobs: Option<JobOutcome>,
}

/// The options that can be changed.
pub(crate) struct Settings {
    pub(crate) list_undelivered: bool,
    pub(crate) newest_first: bool,
    pub(crate) account: Value,
}

impl Settings {
    pub(crate) fn of(options: &Options) -> Self {
        Settings {
            list_undelivered: options.list_undelivered,
            newest_first: options.newest_first,
            account: options.account.clone(),
        }
    }
}

impl World {
    pub(crate) fn change(&self, change: Change) {
        let Change {
            list_undelivered,
            newest_first,
            link_lifetime_seconds,
            account,
            advance_milliseconds,
            mut platforms,
        } = change;
        if link_lifetime_seconds.is_some() {
            platforms.entry(Platform::HeyGen).or_default().link_lifetime_seconds = link_lifetime_seconds;
        }
        for (platform, change) in platforms {
            self.change_platform(platform, change);
        }
        let settings = &mut *lock(&self.settings);
        settings.list_undelivered = list_undelivered.unwrap_or(settings.list_undelivered);
        settings.newest_first = newest_first.unwrap_or(settings.newest_first);
        if let Some(account) = account {
            settings.account = account;
        }
        self.clock.advance(Duration::from_millis(advance_milliseconds.unwrap_or_default()));
    }

    fn change_platform(&self, platform: Platform, change: PlatformChange) {
        let PlatformChange { link_lifetime_seconds, gets_per_minute, created_jobs } = change;
        let mut options = self.site(platform).options();
        options.link_lifetime = link_lifetime_seconds.map_or(options.link_lifetime, Duration::from_secs);
        options.gets_per_minute = gets_per_minute.unwrap_or(options.gets_per_minute);
        if let Some(created_jobs) = created_jobs {
            options.created_jobs = created_jobs;
        }
    }

    /// The order of lists. HeyGen documents none.
    pub(crate) fn order(&self) -> Order {
        if lock(&self.settings).newest_first { Order::NewestFirst } else { Order::OldestFirst }
    }
}
