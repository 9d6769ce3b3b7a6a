//! The processor's configuration, from environment variables.

use aws::env::{ConfigError, Env};
use std::time::Duration;

const DAY: u64 = 24 * 60 * 60;

/// The processor's configuration; each field is one parameter of `template.yaml`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `TABLE_NAME`
    pub table_name: String,
    /// `DEAD_LETTER_QUEUE_URL`: for messages that can never be recorded.
    pub dead_letter_queue_url: String,
    /// `DEDUPE_DAYS`: how long an event is kept, and duplicates of it are recognized.
    pub dedupe: Duration,
}

impl Config {
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(Env::from_process())
    }

    /// The error names every variable that is missing or wrong.
    pub fn read(mut env: Env<'_>) -> Result<Self, ConfigError> {
        let table_name = env.required("TABLE_NAME");
        let dead_letter_queue_url = env.required("DEAD_LETTER_QUEUE_URL");
        let dedupe = Duration::from_secs(DAY * u64::from(env.or("DEDUPE_DAYS", 90_u16)));
        let config = table_name.zip(dead_letter_queue_url);
        env.finish(config.map(|(table_name, dead_letter_queue_url)| Config {
            table_name,
            dead_letter_queue_url,
            dedupe,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once() {
        let error = Config::read(Env::from_fn(|name| (name == "DEDUPE_DAYS").then(|| "soon".into()))).unwrap_err();
        for name in ["TABLE_NAME", "DEAD_LETTER_QUEUE_URL", "DEDUPE_DAYS"] {
            assert!(error.to_string().contains(name), "{name} is missing in: {error}");
        }
    }
}
