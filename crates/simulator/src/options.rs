//! The options of a simulator.

use crate::jobs::JobOutcome;
use crate::random;
use heygen::EventType;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;
use webhook::Platform;

/// How the simulator behaves. The default is HeyGen as documented, but with short waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The event types that endpoints can subscribe to. Default: [`EventType::KNOWN`].
    pub event_types: Vec<String>,
    /// Endpoints that are already registered. Default: none.
    pub endpoints: Vec<Existing>,
    /// Whether a new endpoint must respond to `OPTIONS` with 2xx. Default: yes.
    pub check_urls: bool,
    /// Whether a second endpoint with the same URL is rejected. Default: no. HeyGen does not document it.
    pub unique_urls: bool,
    /// Whether an update is confirmed and makes no change, in v3. Default: no.
    pub ignore_updates: bool,
    /// The time limit of that response. Default: 1 s (HeyGen's v1 documentation).
    pub check_limit: Duration,
    /// The time limit of a receiver's response to a delivery. Default: 10 s (HeyGen's v1 and v3
    /// documentation).
    pub delivery_limit: Duration,
    /// The attempts of a delivery. Default: 12, the first two 10 ms apart.
    pub retries: Retries,
    /// The secret that signs a retry. Default: the current one.
    pub retry_signatures: RetrySignatures,
    /// The headers of a delivery. Default: only `Signature`.
    pub headers: Headers,
    /// The duration of a job. Default: 10 ms.
    pub job_duration: Duration,
    /// Whether the list of delivered events also has those that were never delivered. Default: no, which is harder for
    /// a client; HeyGen does not document it.
    pub list_undelivered: bool,
    /// Whether the lists of events and jobs begin with the newest. Default: yes. HeyGen documents no order.
    pub newest_first: bool,
    /// How long links are valid, from the time of the response or event that has them. Default: 7 days (HeyGen's v1
    /// documentation).
    pub link_lifetime: Duration,
    /// How far the simulator's clock starts behind the real time. The `Date` of its API's responses is by that clock.
    /// Default: not at all.
    pub behind: Duration,
    /// The `data` of `GET /v3/users/me`. Default: a wallet with 100 USD.
    pub account: Value,
    /// Synthesia. Default: it waits 6 s for a response and allows 60 GETs a minute, as documented; links are valid for a
    /// day, which is not.
    pub synthesia: PlatformOptions,
    /// ElevenLabs. Default: links are valid for an hour, as documented.
    pub elevenlabs: PlatformOptions,
    /// Tavus. Default: links are valid for a day, which is not documented.
    pub tavus: PlatformOptions,
    /// D-ID. Default: links are valid for a day, as documented.
    pub did: PlatformOptions,
}

/// How a platform beside HeyGen behaves. `Debug` does not show the key.
#[derive(Clone, PartialEq, Eq)]
pub struct PlatformOptions {
    /// The key of its API. Default: a fixed text, another one for each platform.
    pub api_key: String,
    /// How long links are valid, from the time of the response or event that has them.
    pub link_lifetime: Duration,
    /// The time limit of a receiver's response to a delivery.
    pub delivery_limit: Duration,
    /// How many GETs are answered in a minute by the simulator's clock. Default, but for Synthesia: any number.
    pub gets_per_minute: u32,
    /// How many elements a page of a list of jobs has at most, whatever is asked for; not at Tavus. Default: 100.
    pub largest_page: usize,
    /// Whether a rejection of too many GETs has the header `Retry-After`. Default: no.
    pub says_retry_after: bool,
    /// How a job ends that a call of the API creates, after [`Options::job_duration`]. Default: it succeeds.
    pub created_jobs: JobOutcome,
}

impl PlatformOptions {
    fn new(platform: Platform) -> Self {
        let day = Duration::from_hours(24);
        let options = PlatformOptions {
            api_key: format!("simulated-{platform}-key"),
            link_lifetime: day,
            delivery_limit: Duration::from_secs(10),
            gets_per_minute: u32::MAX,
            largest_page: 100,
            says_retry_after: false,
            created_jobs: JobOutcome::Succeeds,
        };
        match platform {
            Platform::Synthesia => {
                PlatformOptions { delivery_limit: Duration::from_secs(6), gets_per_minute: 60, ..options }
            }
            Platform::ElevenLabs => PlatformOptions { link_lifetime: Duration::from_hours(1), ..options },
            Platform::Did => {
                PlatformOptions { api_key: "simulated-did-user:simulated-did-password".to_owned(), ..options }
            }
            Platform::HeyGen | Platform::Tavus => options,
        }
    }
}

impl fmt::Debug for PlatformOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("PlatformOptions");
        shown.field("link_lifetime", &self.link_lifetime).field("gets_per_minute", &self.gets_per_minute);
        shown.finish_non_exhaustive()
    }
}

impl Options {
    /// Those of one platform. HeyGen's key is another one each time.
    pub(crate) fn of(&self, platform: Platform) -> PlatformOptions {
        match platform {
            Platform::HeyGen => PlatformOptions {
                api_key: random::opaque(),
                link_lifetime: self.link_lifetime,
                delivery_limit: self.delivery_limit,
                ..PlatformOptions::new(platform)
            },
            Platform::Synthesia => self.synthesia.clone(),
            Platform::ElevenLabs => self.elevenlabs.clone(),
            Platform::Tavus => self.tavus.clone(),
            Platform::Did => self.did.clone(),
        }
    }
}

/// An endpoint that was registered before the test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// The URL to which events are posted.
    pub url: String,
    /// The event types that it subscribes to; `None` means all.
    pub events: Option<Vec<String>>,
    /// Whether HeyGen delivers to it.
    pub enabled: bool,
}

/// The attempts of a delivery. HeyGen documents exponential backoff for up to 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// The wait before the second attempt. Each later wait is twice as long as the one before.
    pub base: Duration,
    /// The number of attempts, including the first.
    pub attempts: u32,
}

/// The secret that signs a retry after a rotation. HeyGen does not document it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrySignatures {
    /// The secret that the endpoint has at the time of the retry.
    CurrentSecret,
    /// The secret that the endpoint had at the first attempt, so that the signature does not change.
    FirstSecret,
}

/// Which headers a delivery has. HeyGen's documentation changed them over time, and live deliveries were
/// seen without timestamp and event id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers {
    /// The signature as `Signature` (v1, and v3 since September 2026).
    pub signature: bool,
    /// The signature as `Heygen-Signature` (v3, May to August 2026).
    pub heygen_signature: bool,
    /// `Heygen-Timestamp`: when the event was first sent, in Unix seconds. Retries repeat it.
    pub timestamp: bool,
    /// `Heygen-Event-Id`: the event's id.
    pub event_id: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            event_types: EventType::KNOWN.iter().map(|name| (*name).to_owned()).collect(),
            endpoints: Vec::new(),
            check_urls: true,
            unique_urls: false,
            ignore_updates: false,
            check_limit: Duration::from_secs(1),
            delivery_limit: Duration::from_secs(10),
            retries: Retries { base: Duration::from_millis(10), attempts: 12 },
            retry_signatures: RetrySignatures::CurrentSecret,
            headers: Headers { signature: true, heygen_signature: false, timestamp: false, event_id: false },
            job_duration: Duration::from_millis(10),
            list_undelivered: false,
            newest_first: true,
            link_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
            behind: Duration::ZERO,
            account: json!({
                "username": "simulated", "email": "simulated@example.invalid", "billing_type": "wallet",
                "wallet": {"currency": "usd", "remaining_balance": 100.0, "auto_reload": null},
            }),
            synthesia: PlatformOptions::new(Platform::Synthesia),
            elevenlabs: PlatformOptions::new(Platform::ElevenLabs),
            tavus: PlatformOptions::new(Platform::Tavus),
            did: PlatformOptions::new(Platform::Did),
        }
    }
}

impl Existing {
    /// An enabled endpoint for all event types.
    pub fn new(url: impl Into<String>) -> Self {
        Existing { url: url.into(), events: None, enabled: true }
    }

    /// Endpoints of other teams, `count` of them, below `.invalid`, where every delivery succeeds.
    pub fn foreign(count: usize) -> Vec<Self> {
        (0..count).map(|number| Self::new(format!("https://team-{number}.example.invalid/hooks"))).collect()
    }
}
