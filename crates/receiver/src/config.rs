//! The receiver's configuration, from environment variables.

use aws::endpoints::{PlatformEndpoint, PlatformEndpoints, names};
use aws::env::{ConfigError, Env};
use heygen::HeaderNames;
use std::time::Duration;
use webhook::Platform;

/// The receiver's configuration; each field is one parameter of `template.yaml`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `ENDPOINTS`: the names that deliveries may be sent to, comma separated.
    pub endpoints: Vec<String>,
    /// `SECRET_PREFIX`: the name of an endpoint's secret is this, followed by the endpoint's name.
    pub secret_prefix: String,
    /// `QUEUE_URL`: where verified deliveries go.
    pub queue_url: String,
    /// `PLATFORM_ENDPOINTS`: those of other platforms, and those for callback URLs, comma separated, as `platform/name`.
    pub platform_endpoints: Vec<PlatformEndpoint>,
    /// What callbacks need; without it there are none.
    pub callbacks: Option<Callbacks>,
    /// `MAX_DELIVERY_AGE_MINUTES`: a delivery whose signature covers its time is rejected if that is longer ago.
    pub longest_age: Duration,
    /// `SIGNATURE_HEADERS`: the headers that may carry HeyGen's signature.
    pub signature_headers: HeaderNames,
    /// `MAX_BODY_BYTES`: the longest body that is accepted.
    pub max_body_bytes: usize,
    /// `SECRET_REFRESH_SECONDS`: the shortest time between two reads of a secret that failed signatures cause.
    pub secret_refresh: Duration,
}

/// Where the callbacks of platforms that do not sign go.
#[derive(Debug, Clone)]
pub struct Callbacks {
    /// `CALLBACK_PREFIX`: the name of the secret that an endpoint's callback tokens are made with is this, followed by
    /// `platform/name`.
    pub prefix: String,
    /// `CONFIRM_QUEUE_URL`: what there is to look up.
    pub queue_url: String,
}

impl Config {
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(Env::from_process())
    }

    /// The name of the secret that the endpoint's platform signs with.
    pub(crate) fn signing_secret(&self, endpoint: &PlatformEndpoint) -> String {
        match endpoint.platform {
            Platform::HeyGen => format!("{}{}", self.secret_prefix, endpoint.name),
            _ => endpoint.signing_secret(&self.secret_prefix),
        }
    }

    /// The error names every variable that is missing or wrong.
    pub fn read(mut env: Env<'_>) -> Result<Self, ConfigError> {
        let endpoints = env.required::<String>("ENDPOINTS");
        let secret_prefix = env.required("SECRET_PREFIX");
        let queue_url = env.required("QUEUE_URL");
        let PlatformEndpoints(platform_endpoints) = env.or("PLATFORM_ENDPOINTS", PlatformEndpoints::default());
        let callbacks = env.text("CALLBACK_PREFIX").zip(env.text("CONFIRM_QUEUE_URL"));
        let longest_age = Duration::from_mins(env.or("MAX_DELIVERY_AGE_MINUTES", 60));
        let signature_headers = env.or("SIGNATURE_HEADERS", HeaderNames::default());
        let max_body_bytes = env.or("MAX_BODY_BYTES", 1_000_000);
        let secret_refresh = Duration::from_secs(env.or("SECRET_REFRESH_SECONDS", 10));
        let config =
            endpoints.zip(secret_prefix).zip(queue_url).map(|((endpoints, secret_prefix), queue_url)| Config {
                endpoints: names(&endpoints),
                secret_prefix,
                queue_url,
                platform_endpoints,
                callbacks: callbacks.map(|(prefix, queue_url)| Callbacks { prefix, queue_url }),
                longest_age,
                signature_headers,
                max_body_bytes,
                secret_refresh,
            });
        env.finish(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        Config::read(Env::from_fn(get))
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let problems = read(&[("MAX_BODY_BYTES", "many"), ("SIGNATURE_HEADERS", ",")]).unwrap_err().to_string();
        for name in ["ENDPOINTS", "SECRET_PREFIX", "QUEUE_URL", "MAX_BODY_BYTES", "SIGNATURE_HEADERS"] {
            assert!(problems.contains(name), "{name} is missing in: {problems}");
        }
    }

    #[test]
    fn lists_are_trimmed() {
        let config = read(&[("ENDPOINTS", "main, second,"), ("SECRET_PREFIX", "p/"), ("QUEUE_URL", "q")]).unwrap();
        assert_eq!(config.endpoints, ["main", "second"]);
    }
}
