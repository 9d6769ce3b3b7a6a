//! What the admin function is told by its environment.

use crate::deployment::Deployment;
use crate::limits::Limits;
use aws::env::{ConfigError, Env};
use heygen::api::{ApiConfig, ApiVersion, RetryPolicy, Timeouts};
use std::time::Duration;

/// How long a change takes to reach all of Secrets Manager's readers.
const SPREADS: Duration = Duration::from_millis(500);

/// The admin function's configuration; each field is one parameter of `template.yaml`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `API_URL`, `PUBLIC_URL` and `ENDPOINTS`: where this deployment receives, and for which endpoints.
    pub deployment: Deployment,
    /// `ENDPOINTS_JSON`: which of them shall be registered, and for what. Empty: all, for all events.
    pub endpoints_json: String,
    /// `SECRET_PREFIX`: an endpoint's secret is called this, followed by the endpoint's name.
    pub secret_prefix: String,
    /// `API_KEY_SECRET`: the name of the secret that holds HeyGen's API key.
    pub api_key_secret: Option<String>,
    /// `HEYGEN_API_VERSION`: `v3` or `v1`.
    pub version: ApiVersion,
    /// `HEYGEN_BASE_URL`: where HeyGen is.
    pub base_url: String,
    /// How long it takes until every receiver sees what was stored: `SECRET_REFRESH_SECONDS`, for which
    /// one may go on with what it knows, and a moment for Secrets Manager.
    pub settle: Duration,
    /// `SECRET_OVERLAP_HOURS`: how long a secret is accepted after it was replaced.
    pub secret_overlap: Duration,
    /// `MAX_REMOVALS` and `MAX_REMOVAL_PERCENT`: what is removed without being forced.
    pub limits: Limits,
    /// `DEREGISTER_ON_DELETE`: whether deleting the stack deletes its endpoints at HeyGen.
    pub deregister_on_delete: bool,
    /// How long one attempt at HeyGen may take.
    pub timeouts: Timeouts,
    /// When a call of HeyGen is tried again.
    pub retry: RetryPolicy,
}

impl Config {
    /// Reads the process's environment; the error names every variable that is wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(Env::from_process())
    }

    /// As [`from_env`](Self::from_env), from any source.
    pub fn read(mut env: Env<'_>) -> Result<Self, ConfigError> {
        let api_url = env.required::<String>("API_URL");
        let endpoints = env.required::<String>("ENDPOINTS");
        let secret_prefix = env.required("SECRET_PREFIX");
        let Version(version) = env.or("HEYGEN_API_VERSION", Version(ApiVersion::V3));
        let Limits { removals, percent } = Limits::default();
        let limits =
            Limits { removals: env.or("MAX_REMOVALS", removals), percent: env.or("MAX_REMOVAL_PERCENT", percent) };
        let settle = Duration::from_secs(env.or("SECRET_REFRESH_SECONDS", 10)) + SPREADS;
        let secret_overlap = Duration::from_hours(env.or("SECRET_OVERLAP_HOURS", 48));
        let deregister_on_delete = env.or("DEREGISTER_ON_DELETE", false);
        let public_url = env.text("PUBLIC_URL");
        let endpoints_json = env.text("ENDPOINTS_JSON").unwrap_or_default();
        let api_key_secret = env.text("API_KEY_SECRET");
        let base_url = env.text("HEYGEN_BASE_URL").unwrap_or_else(|| ApiConfig::BASE_URL.to_owned());
        let config = api_url.zip(endpoints).zip(secret_prefix).map(|((api_url, endpoints), secret_prefix)| Config {
            deployment: Deployment::new(&api_url, public_url.as_deref(), &endpoints),
            endpoints_json,
            secret_prefix,
            api_key_secret,
            version,
            base_url,
            settle,
            secret_overlap,
            limits,
            deregister_on_delete,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
        });
        env.finish(config)
    }
}

struct Version(ApiVersion);

impl std::str::FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "v3" => Ok(Version(ApiVersion::V3)),
            "v1" => Ok(Version(ApiVersion::V1)),
            _ => Err("it may be \"v3\" or \"v1\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once() {
        let get = |name: &str| matches!(name, "HEYGEN_API_VERSION" | "MAX_REMOVALS").then(|| "v2".to_owned());
        let problems = Config::read(Env::from_fn(get)).unwrap_err().to_string();
        for name in ["API_URL", "ENDPOINTS", "SECRET_PREFIX", "HEYGEN_API_VERSION", "MAX_REMOVALS"] {
            assert!(problems.contains(name), "{name} is missing in: {problems}");
        }
    }
}
