//! The function's configuration, read from its environment.

use aws::endpoints::{PlatformEndpoint, PlatformEndpoints};
use aws::env::{ConfigError, Env};
use heygen::api::{ApiConfig, ApiVersion, RetryPolicy, Timeouts};
use std::collections::BTreeMap;
use std::time::Duration;
use webhook::Platform;

/// All attempts of a call of HeyGen's end within this time, so that one which begins just before the reserve of an
/// invocation ends within it.
pub(crate) const LONGEST_CALL: Duration = Duration::from_secs(20);

/// Most fields are a parameter of `template.yaml`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `STACK`: the stack's name, part of the key of what recovery itself has to remember.
    pub stack: String,
    /// `TABLE_NAME`: the table of jobs and events.
    pub table: String,
    /// `QUEUE_URL`: the queue that the processor reads.
    pub queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: where the processor puts what it cannot record.
    pub dead_letter_queue_url: String,
    /// `UNDELIVERED_QUEUE_URL`: where the pipe reports job events that the bus did not take.
    pub undelivered_queue_url: String,
    /// `API_URL` and `PUBLIC_URL`: where HeyGen posts to this deployment.
    pub urls: Vec<String>,
    /// `API_KEY_SECRET`: the name or the ARN of the secret with HeyGen's API key.
    pub api_key_secret: Option<String>,
    /// `HEYGEN_API_VERSION`: `v3` or `v1`.
    pub version: ApiVersion,
    /// `HEYGEN_BASE_URL`.
    pub base_url: String,
    /// `BACKFILL_DELAY_MINUTES`: what is younger may still be on its way.
    pub delay: Duration,
    /// `EXPECTED_MINUTES`: how long a tracked job may take, unless another time is given with it.
    pub expected_within: Duration,
    /// `UNKNOWN_JOB_HOURS`: a job that HeyGen does not know fails this long after it should have ended.
    pub unknown_after: Duration,
    pub callbacks: Callbacks,
    pub watched: Watched,
    pub holding: Holding,
    /// The APIs of the other platforms.
    pub apis: BTreeMap<Platform, PlatformApi>,
    pub confirming: Confirming,
    pub timeouts: Timeouts,
    pub retry: RetryPolicy,
}

/// How callbacks are confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirming {
    /// `CONFIRM_QUEUE_URL`: where callbacks wait. Without it, the queue's visibility timeout is their wait.
    pub queue_url: Option<String>,
    /// How many requests the callbacks of one endpoint may cause in a minute. A token that leaked leads to no more.
    pub per_endpoint: u32,
    /// How many those of all endpoints of a platform may cause.
    pub per_platform: u32,
}

impl Default for Confirming {
    fn default() -> Self {
        Confirming { queue_url: None, per_endpoint: 30, per_platform: 60 }
    }
}

/// What the callback URLs of tracked jobs are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Callbacks {
    /// `PLATFORM_ENDPOINTS`: the endpoints besides HeyGen's registered ones.
    pub endpoints: Vec<PlatformEndpoint>,
    /// `CALLBACK_PREFIX`: what the names of the callback secrets begin with.
    pub secret_prefix: Option<String>,
}

impl Callbacks {
    fn read(env: &mut Env<'_>) -> Self {
        let PlatformEndpoints(endpoints) = env.or("PLATFORM_ENDPOINTS", PlatformEndpoints::default());
        Callbacks { endpoints, secret_prefix: env.text("CALLBACK_PREFIX") }
    }
}

/// How a platform other than HeyGen is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlatformApi {
    /// `SYNTHESIA_API_KEY_SECRET` and so on: the name or the ARN of the secret with the key. Without one, the platform is
    /// not used.
    pub key_secret: Option<String>,
    /// `SYNTHESIA_BASE_URL` and so on: in place of the platform's production host.
    pub base_url: Option<String>,
}

impl PlatformApi {
    fn all(env: &Env<'_>) -> BTreeMap<Platform, Self> {
        let others = Platform::ALL.into_iter().filter(|platform| *platform != Platform::HeyGen);
        let read = |platform: Platform| {
            let name = platform.name().to_ascii_uppercase();
            let key_secret = env.text(&format!("{name}_API_KEY_SECRET"));
            (platform, PlatformApi { key_secret, base_url: env.text(&format!("{name}_BASE_URL")) })
        };
        others.map(read).collect()
    }
}

/// How messages are hidden from others while a run looks at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// How long a message is hidden: longer than an invocation lasts, so that no run sees one twice.
    pub hidden: Duration,
    /// How long to wait for a message if there is none.
    pub wait: Duration,
    /// No more are hidden at once. Showing them again takes 2,000 calls, some seconds of the time that is kept for the end
    /// of a run; remembering them takes some 30 MB.
    pub most: usize,
}

impl Default for Holding {
    fn default() -> Self {
        Holding { hidden: Duration::from_secs(300), wait: Duration::from_secs(1), most: 20_000 }
    }
}

/// What the doctor looks at beside the above; `None` is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// `ADMIN_FUNCTION`: the name of the function `admin`.
    pub admin: Option<String>,
    /// `EVENT_SOURCE`: the id of the event source mapping between the queue and the processor.
    pub event_source: Option<String>,
    /// `PIPE_NAME`: the pipe that publishes job events.
    pub pipe: Option<String>,
    /// `HAS_ALARMS`: whether the stack has alarms, which notify someone.
    pub has_alarms: bool,
    /// `ALARM_TOPIC`: the topic that the alarms notify, if it is the stack's own.
    pub alarm_topic: Option<String>,
    /// `VERIFY_ENDPOINTS`: whether each sync verifies the endpoints, so that probes are expected to get through.
    pub verify: bool,
    /// `SCHEDULE`: when `recover` runs.
    pub schedule: Option<String>,
}

impl Watched {
    fn read(env: &mut Env<'_>) -> Self {
        Watched {
            admin: env.text("ADMIN_FUNCTION"),
            event_source: env.text("EVENT_SOURCE"),
            pipe: env.text("PIPE_NAME"),
            has_alarms: env.or("HAS_ALARMS", false),
            alarm_topic: env.text("ALARM_TOPIC"),
            verify: env.or("VERIFY_ENDPOINTS", true),
            schedule: env.text("SCHEDULE"),
        }
    }
}

impl Config {
    /// The error names every variable that is wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(Env::from_process())
    }

    pub fn read(mut env: Env<'_>) -> Result<Self, ConfigError> {
        let stack = env.required("STACK");
        let table = env.required("TABLE_NAME");
        let queue_url = env.required("QUEUE_URL");
        let dead_letter_queue_url = env.required("DEAD_LETTER_QUEUE_URL");
        let version = match env.text("HEYGEN_API_VERSION").as_deref() {
            Some("v1") => ApiVersion::V1,
            _ => ApiVersion::V3,
        };
        let urls = ["API_URL", "PUBLIC_URL"].into_iter().filter_map(|name| env.text(name)).collect();
        let api_key_secret = env.text("API_KEY_SECRET");
        let base_url = env.text("HEYGEN_BASE_URL").unwrap_or_else(|| ApiConfig::BASE_URL.to_owned());
        let delay = Duration::from_mins(env.or("BACKFILL_DELAY_MINUTES", 15));
        let expected_within = Duration::from_mins(env.or("EXPECTED_MINUTES", 60));
        let unknown_after = Duration::from_hours(env.or("UNKNOWN_JOB_HOURS", 24));
        let undelivered_queue_url = env.required("UNDELIVERED_QUEUE_URL");
        let (callbacks, watched) = (Callbacks::read(&mut env), Watched::read(&mut env));
        let apis = PlatformApi::all(&env);
        let confirming = Confirming { queue_url: env.text("CONFIRM_QUEUE_URL"), ..Confirming::default() };
        let queues = queue_url.zip(dead_letter_queue_url).zip(undelivered_queue_url);
        let config = stack.zip(table).zip(queues).map(
            |((stack, table), ((queue_url, dead_letter_queue_url), undelivered_queue_url))| Config {
                stack,
                table,
                queue_url,
                dead_letter_queue_url,
                undelivered_queue_url,
                urls,
                api_key_secret,
                version,
                base_url,
                delay,
                expected_within,
                unknown_after,
                callbacks,
                watched,
                holding: Holding::default(),
                apis,
                confirming,
                timeouts: Timeouts::default(),
                retry: RetryPolicy { deadline: LONGEST_CALL, ..RetryPolicy::default() },
            },
        );
        env.finish(config)
    }

    /// Whether another platform than HeyGen can be asked.
    pub(crate) fn has_key(&self, platform: Platform) -> bool {
        self.apis.get(&platform).is_some_and(|api| api.key_secret.is_some())
    }

    /// The endpoints of a platform that are beside HeyGen's registered ones.
    pub(crate) fn endpoints(&self, platform: Platform) -> impl Iterator<Item = &PlatformEndpoint> {
        self.callbacks.endpoints.iter().filter(move |endpoint| endpoint.platform == platform)
    }

    /// Where platforms reach this deployment: its own domain, if it has one.
    pub(crate) fn public_url(&self) -> Option<String> {
        self.urls.last().cloned()
    }

    /// The partition of the table that holds what recovery itself has to remember.
    pub(crate) fn partition(&self) -> String {
        format!("recovery#{}", self.stack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once() {
        let is_wrong = |name: &str| matches!(name, "BACKFILL_DELAY_MINUTES" | "PLATFORM_ENDPOINTS");
        let get = |name: &str| is_wrong(name).then(|| "soon".to_owned());
        let problems = Config::read(Env::from_fn(get)).unwrap_err().to_string();
        for name in [
            "STACK",
            "TABLE_NAME",
            "QUEUE_URL",
            "DEAD_LETTER_QUEUE_URL",
            "UNDELIVERED_QUEUE_URL",
            "BACKFILL_DELAY_MINUTES",
            "PLATFORM_ENDPOINTS",
        ] {
            assert!(problems.contains(name), "{name} is missing in: {problems}");
        }
    }
}
