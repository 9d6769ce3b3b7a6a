//! What the simulator keeps per platform, and what a test sees of it.

use super::limit::Window;
use super::webhooks::{Webhook, Webhooks};
use crate::calls::{Call, Calls};
use crate::faults::{Fault, Faults, When};
use crate::http::Http;
use crate::options::{Options, PlatformOptions};
use crate::rejection::Rejection;
use crate::{Access, Simulator, World, lock};
use serde_json::Value;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use time::OffsetDateTime;
use webhook::Platform;

/// One platform, as it is simulated.
pub(crate) struct Site {
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
    pub(crate) webhooks: Webhooks,
    /// For deliveries.
    pub(crate) http: Http,
    options: Mutex<PlatformOptions>,
    gets: Mutex<Window>,
}

pub(crate) struct Sites {
    heygen: Site,
    synthesia: Site,
    elevenlabs: Site,
    tavus: Site,
    did: Site,
}

impl Site {
    fn new(options: PlatformOptions) -> Self {
        Site {
            calls: Calls::default(),
            faults: Faults::default(),
            webhooks: Webhooks::default(),
            http: Http::new(options.delivery_limit),
            gets: Mutex::default(),
            options: Mutex::new(options),
        }
    }

    pub(crate) fn options(&self) -> MutexGuard<'_, PlatformOptions> {
        lock(&self.options)
    }

    /// Counts a GET, or rejects it because there were too many.
    pub(crate) fn count_get(&self, platform: Platform, now: OffsetDateTime) -> Result<(), Rejection> {
        let PlatformOptions { gets_per_minute: limit, says_retry_after, .. } = self.options().clone();
        let Err(wait) = lock(&self.gets).take(limit, now) else { return Ok(()) };
        let mut rejection = Rejection::too_many_requests();
        if platform == Platform::Synthesia {
            rejection.headers = vec![("ratelimit-limit", limit), ("ratelimit-reset", wait)];
        }
        rejection.retry_after = says_retry_after.then(|| wait.to_string());
        Err(rejection)
    }
}

impl Sites {
    pub(crate) fn new(options: &Options) -> Self {
        let site = |platform| Site::new(options.of(platform));
        Sites {
            heygen: site(Platform::HeyGen),
            synthesia: site(Platform::Synthesia),
            elevenlabs: site(Platform::ElevenLabs),
            tavus: site(Platform::Tavus),
            did: site(Platform::Did),
        }
    }
}

impl World {
    pub(crate) fn site(&self, platform: Platform) -> &Site {
        match platform {
            Platform::HeyGen => &self.sites.heygen,
            Platform::Synthesia => &self.sites.synthesia,
            Platform::ElevenLabs => &self.sites.elevenlabs,
            Platform::Tavus => &self.sites.tavus,
            Platform::Did => &self.sites.did,
        }
    }

    /// The base URL of a platform's API and its key.
    pub(crate) fn access(&self, platform: Platform) -> Access {
        let base = self.url.get().cloned().unwrap_or_default();
        let url = match platform {
            Platform::HeyGen => base,
            other => format!("{base}/{other}"),
        };
        Access { url, api_key: self.site(platform).options().api_key.clone() }
    }
}

/// One platform of a [`Simulator`].
#[derive(Debug, Clone, Copy)]
pub struct Api<'a> {
    pub(crate) simulator: &'a Simulator,
    pub(crate) platform: Platform,
}

impl Api<'_> {
    fn site(&self) -> &Site {
        self.simulator.world.site(self.platform)
    }

    /// The base URL of its API, without a trailing slash, and its key.
    pub fn access(&self) -> Access {
        self.simulator.world.access(self.platform)
    }

    /// All calls of its API so far.
    pub fn calls(&self) -> Vec<Call> {
        self.site().calls.all()
    }

    /// Injects a fault into one call of its API. Of several faults that match a call, the one that was injected first
    /// applies to it.
    pub fn inject(&self, when: When, fault: Fault) {
        self.site().faults.inject(when, fault);
    }

    /// Its webhooks with their secrets, in the order of their registration. HeyGen's are
    /// [`Simulator::endpoints`].
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.site().webhooks.all()
    }

    /// Registers a webhook for events without a call of the API, and returns its id.
    pub fn register(&self, url: impl Into<String>, events: &[&str]) -> String {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        let webhook = Webhook::new(self.platform, url.into(), events, self.simulator.world.clock.now());
        self.site().webhooks.add(webhook).id
    }

    /// Changes a webhook in a way for which there is no call, such as one that a product uses. Returns whether it
    /// exists.
    pub fn change_webhook(&self, id: &str, change: impl FnOnce(&mut Webhook)) -> bool {
        self.site().webhooks.change(id, change).is_some()
    }

    /// Delivers an event, in its platform's envelope, to every webhook that gets events of its type; returns the event's
    /// id.
    pub fn emit(&self, event_type: &str, data: Value) -> String {
        let _runtime = self.simulator.server.enter();
        let world = &self.simulator.world;
        let body = super::envelope(self.platform, event_type, &data, world.clock.now());
        world.emit_elsewhere(self.platform, None, body.to_string().into_bytes(), None)
    }

    /// Delivers a body byte for byte: to a callback URL, or to every webhook that gets events of its type.
    pub fn emit_body(&self, callback_url: Option<&str>, body: impl Into<Vec<u8>>) -> String {
        let _runtime = self.simulator.server.enter();
        self.simulator.world.emit_elsewhere(self.platform, callback_url, body.into(), None)
    }

    /// Sets how long its links are valid from now on.
    pub fn set_link_lifetime(&self, lifetime: Duration) {
        self.site().options().link_lifetime = lifetime;
    }
}
