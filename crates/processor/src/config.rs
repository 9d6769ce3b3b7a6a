//! The processor's configuration, from environment variables.

use aws::env::{ConfigError, Env};
use std::time::Duration;

const DAY: u64 = 24 * 60 * 60;

/// The processor's configuration; each field is one parameter of `template.yaml`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `TABLE_NAME`
    pub table_name: String,
    /// `QUEUE_URL`: where the messages come from, and wait for their next attempt.
    pub queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: for messages that can never be recorded.
    pub dead_letter_queue_url: String,
    /// `DEDUPE_DAYS`: how long an event is kept, and duplicates of it are recognized.
    pub dedupe: Duration,
    /// `MAX_RETRY_WAIT_SECONDS`: how long a message waits for its next attempt, at most.
    pub longest_wait: u16,
}

impl Config {
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(Env::from_process())
    }

    /// The error names every variable that is missing or wrong.
    pub fn read(mut env: Env<'_>) -> Result<Self, ConfigError> {
        let table_name = env.required("TABLE_NAME");
        let queue_url = env.required("QUEUE_URL");
        let dead_letter_queue_url = env.required("DEAD_LETTER_QUEUE_URL");
        let dedupe = Duration::from_secs(DAY * u64::from(env.or("DEDUPE_DAYS", 90_u16)));
        let longest_wait = env.or("MAX_RETRY_WAIT_SECONDS", 900);
        let config = table_name.zip(queue_url).zip(dead_letter_queue_url);
        env.finish(config.map(|((table_name, queue_url), dead_letter_queue_url)| Config {
            table_name,
            queue_url,
            dead_letter_queue_url,
            dedupe,
            longest_wait,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once() {
        let wrong = ["DEDUPE_DAYS", "MAX_RETRY_WAIT_SECONDS"];
        let error = Config::read(Env::from_fn(|name| wrong.contains(&name).then(|| "soon".into()))).unwrap_err();
        for name in ["TABLE_NAME", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL"].into_iter().chain(wrong) {
            assert!(error.to_string().contains(name), "{name} is missing in: {error}");
        }
    }
}
