//! The function's configuration, read from its environment.

use crate::deployment::Deployment;
use crate::limits::Limits;
use crate::settings::PlatformSettings;
use aws::env::{ConfigError, Env};
use heygen::HeaderNames;
use heygen::api::{ApiConfig, ApiVersion, RetryPolicy, Timeouts};
use std::time::Duration;
use tokio::time::Instant;

/// How long a stored value takes to reach all readers of Secrets Manager.
pub(crate) const PROPAGATION: Duration = Duration::from_millis(500);

/// From the public URL into the table, with a cold start of each function.
const VERIFY_PATIENCE: Duration = Duration::from_secs(20);

/// The function's timeout in `template.yaml`, and 5 s for the difference between two clocks.
const LONGEST_RUN: Duration = Duration::from_secs(305);

/// Most fields are a parameter of `template.yaml`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `API_URL`, `PUBLIC_URL`, `FORMER_URLS` and `ENDPOINTS`.
    pub deployment: Deployment,
    /// `DOMAIN_TARGET`: what the DNS record of `PUBLIC_URL` has to point to, if that is a domain of the stack.
    pub domain_target: Option<String>,
    /// `ENDPOINTS_JSON`: the content of `endpoints.json`. Empty: all endpoints, with all events.
    pub endpoints_json: String,
    /// `ENDPOINTS_PARAMETER`: the name of the parameter of SSM that holds the content of `endpoints.json` instead.
    pub endpoints_parameter: Option<String>,
    /// `SECRET_PREFIX`: an endpoint's secret is called this, followed by the endpoint's name.
    pub secret_prefix: String,
    /// `STACK`: the stack's name, for the tag of the secrets that it creates.
    pub stack: String,
    /// `KMS_KEY_ARN`: the key for the secrets that it creates; without it, Secrets Manager's own.
    pub kms_key: Option<String>,
    /// `TABLE_NAME`: the table of jobs and events.
    pub table: String,
    /// `API_KEY_SECRET`: the name or the ARN of the secret with HeyGen's API key.
    pub api_key_secret: Option<String>,
    /// `HEYGEN_API_VERSION`: `v3` or `v1`.
    pub version: ApiVersion,
    /// `HEYGEN_BASE_URL`.
    pub base_url: String,
    /// The endpoints of other platforms; there may be none.
    pub platforms: PlatformSettings,
    /// How long it takes until every receiver has read a stored secret: `SECRET_REFRESH_SECONDS`, which is how long a
    /// receiver caches it, and the time that Secrets Manager needs.
    pub settle: Duration,
    /// `SECRET_OVERLAP_HOURS`: how long a replaced secret is still accepted.
    pub secret_overlap: Duration,
    /// `MAX_SECRET_DAYS`: a sync rotates secrets that are as old; 0 is never.
    pub max_secret_age: Option<Duration>,
    /// `MAX_REMOVALS` and `MAX_REMOVAL_PERCENT`.
    pub limits: Limits,
    /// `VERIFY_ENDPOINTS`: whether each sync and each rotation ends with a verification.
    pub verify: bool,
    /// How long an endpoint that does not work is tried again, beyond `settle`: 20 s, and `BATCH_WINDOW_SECONDS`, for
    /// which a message may wait on the queue.
    pub verify_patience: Duration,
    /// `SIGNATURE_HEADERS`: its first name is the header of a probe's signature.
    pub signature_header: String,
    /// `DEREGISTER_ON_DELETE`: whether deleting the stack deletes its endpoints at HeyGen.
    pub deregister_on_delete: bool,
    /// A run that ends without releasing its lease keeps others waiting for as long.
    pub longest_run: Duration,
    pub timeouts: Timeouts,
    pub retry: RetryPolicy,
    /// No change at HeyGen is started unless it ends before then, whatever the response.
    pub changes_until: Option<Instant>,
}

impl Config {
    /// Whether only other platforms' endpoints are kept in sync. Without any of those, a missing key is an error.
    pub(crate) fn leaves_heygen_alone(&self) -> bool {
        self.api_key_secret.is_none() && !self.platforms.endpoints.0.is_empty()
    }

    /// The error names every variable that is wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(Env::from_process())
    }

    pub fn read(mut env: Env<'_>) -> Result<Self, ConfigError> {
        let api_url = env.required::<String>("API_URL");
        let endpoints = env.required::<String>("ENDPOINTS");
        let secret_prefix = env.required("SECRET_PREFIX");
        let table = env.required("TABLE_NAME");
        let stack = env.required("STACK");
        let kms_key = env.text("KMS_KEY_ARN");
        let Version(version) = env.or("HEYGEN_API_VERSION", Version(ApiVersion::V3));
        let Limits { removals, percent } = Limits::default();
        let limits =
            Limits { removals: env.or("MAX_REMOVALS", removals), percent: env.or("MAX_REMOVAL_PERCENT", percent) };
        let settle = Duration::from_secs(env.or("SECRET_REFRESH_SECONDS", 10)) + PROPAGATION;
        let secret_overlap = Duration::from_hours(env.or("SECRET_OVERLAP_HOURS", 48));
        let max_secret_days: u32 = env.or("MAX_SECRET_DAYS", 0);
        let verify = env.or("VERIFY_ENDPOINTS", true);
        let batch_window = Duration::from_secs(env.or("BATCH_WINDOW_SECONDS", 0));
        let signature_header = env.or("SIGNATURE_HEADERS", HeaderNames::default()).first().to_owned();
        let deregister_on_delete = env.or("DEREGISTER_ON_DELETE", false);
        let public_url = env.text("PUBLIC_URL");
        let former_urls = env.text("FORMER_URLS").unwrap_or_default();
        let domain_target = env.text("DOMAIN_TARGET");
        let endpoints_json = env.text("ENDPOINTS_JSON").unwrap_or_default();
        let endpoints_parameter = env.text("ENDPOINTS_PARAMETER");
        let api_key_secret = env.text("API_KEY_SECRET");
        let base_url = env.text("HEYGEN_BASE_URL").unwrap_or_else(|| ApiConfig::BASE_URL.to_owned());
        let platforms = PlatformSettings::read(&mut env);
        let required = api_url.zip(endpoints).zip(secret_prefix).zip(table.zip(stack));
        let config = required.map(|(((api_url, endpoints), secret_prefix), (table, stack))| Config {
            deployment: Deployment::new(&api_url, public_url.as_deref(), &endpoints).with_former_urls(&former_urls),
            domain_target,
            endpoints_json,
            endpoints_parameter,
            secret_prefix,
            stack,
            kms_key,
            table,
            api_key_secret,
            version,
            base_url,
            platforms,
            settle,
            secret_overlap,
            max_secret_age: (max_secret_days > 0).then(|| Duration::from_hours(24 * u64::from(max_secret_days))),
            limits,
            verify,
            verify_patience: VERIFY_PATIENCE + batch_window,
            signature_header,
            deregister_on_delete,
            longest_run: LONGEST_RUN,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            changes_until: None,
        });
        env.finish(config)
    }

    /// The partition of the table that holds what admin itself has to remember.
    pub(crate) fn partition(&self) -> String {
        format!("admin#{}", self.secret_prefix)
    }
}

struct Version(ApiVersion);

impl std::str::FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "v3" => Ok(Version(ApiVersion::V3)),
            "v1" => Ok(Version(ApiVersion::V1)),
            _ => Err("must be \"v3\" or \"v1\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_may_wait_on_the_queue_for_the_batch_window() {
        let patience = |seconds: Option<&str>| {
            let get = |name: &str| match name {
                "BATCH_WINDOW_SECONDS" => seconds.map(str::to_owned),
                "API_URL" | "ENDPOINTS" | "SECRET_PREFIX" | "TABLE_NAME" | "STACK" => Some("x".to_owned()),
                _ => None,
            };
            Config::read(Env::from_fn(get)).unwrap().verify_patience
        };
        assert_eq!(patience(Some("60")), patience(None) + Duration::from_secs(60));
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let get = |name: &str| matches!(name, "HEYGEN_API_VERSION" | "MAX_REMOVALS").then(|| "v2".to_owned());
        let problems = Config::read(Env::from_fn(get)).unwrap_err().to_string();
        for name in
            ["API_URL", "ENDPOINTS", "SECRET_PREFIX", "TABLE_NAME", "STACK", "HEYGEN_API_VERSION", "MAX_REMOVALS"]
        {
            assert!(problems.contains(name), "{name} is missing in: {problems}");
        }
    }
}
