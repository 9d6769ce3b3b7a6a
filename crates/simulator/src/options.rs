//! What a simulated HeyGen is like when it starts.

use heygen::EventType;
use std::time::Duration;

/// How the simulator behaves. The default is HeyGen as it is documented, in a hurry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The event types that can be subscribed to: those that [`EventType::KNOWN`] lists.
    pub event_types: Vec<String>,
    /// The endpoints that are there already.
    pub endpoints: Vec<Existing>,
    /// Whether a new endpoint has to answer `OPTIONS`.
    pub check_urls: bool,
    /// How long it may take over that answer: 1 s (HeyGen's v1 documentation).
    pub check_limit: Duration,
    /// How long a receiver may take over a delivery: 10 s (HeyGen's v1 and v3 documentation).
    pub delivery_limit: Duration,
    /// How often deliveries are tried, and when.
    pub retries: Retries,
    /// What a retry is signed with.
    pub retry_signatures: RetrySignatures,
    /// What a delivery says besides its body.
    pub headers: Headers,
    /// How long a job takes.
    pub job_duration: Duration,
}

/// An endpoint that somebody registered before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// Where it posts to.
    pub url: String,
    /// What it subscribes to; `None` for everything.
    pub events: Option<Vec<String>>,
    /// Whether HeyGen still delivers to it.
    pub enabled: bool,
}

/// When a failed delivery is tried again. HeyGen's documentation has exponential backoff for up to 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// The pause before the second attempt; each later one is twice as long.
    pub base: Duration,
    /// How many attempts there are, the first one included.
    pub attempts: u32,
}

/// What a retry is signed with after the endpoint's secret was rotated. HeyGen's documentation does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrySignatures {
    /// The secret that the endpoint has by then.
    Anew,
    /// The secret that it had at the first attempt: the signature stays as it is.
    OfTheFirstAttempt,
}

/// The headers of a delivery. HeyGen's documentation changed them over time, and live deliveries
/// without the advisory ones were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers {
    /// The signature as `Signature` (v1, and v3 since September 2026).
    pub signature: bool,
    /// The signature as `Heygen-Signature` (v3, May to August 2026).
    pub heygen_signature: bool,
    /// `Heygen-Timestamp`: when the event was first sent, in Unix seconds. A retry repeats it.
    pub timestamp: bool,
    /// `Heygen-Event-Id`.
    pub event_id: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            event_types: EventType::KNOWN.iter().map(|name| (*name).to_owned()).collect(),
            endpoints: Vec::new(),
            check_urls: true,
            check_limit: Duration::from_secs(1),
            delivery_limit: Duration::from_secs(10),
            retries: Retries { base: Duration::from_millis(10), attempts: 12 },
            retry_signatures: RetrySignatures::Anew,
            headers: Headers { signature: true, heygen_signature: false, timestamp: false, event_id: false },
            job_duration: Duration::from_millis(10),
        }
    }
}

impl Existing {
    /// An enabled endpoint for everything.
    pub fn new(url: impl Into<String>) -> Self {
        Existing { url: url.into(), events: None, enabled: true }
    }

    /// So many endpoints of other people, whose receivers below `.invalid` take everything.
    pub fn foreign(count: usize) -> Vec<Self> {
        (0..count).map(|number| Self::new(format!("https://team-{number}.example.invalid/hooks"))).collect()
    }
}
