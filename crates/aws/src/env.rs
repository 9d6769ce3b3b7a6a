//! Configuration from environment variables. All problems are reported at once.

use std::fmt::{self, Display};
use std::str::FromStr;

/// What is wrong with the environment, one line per variable. Values are not shown: a value in the
/// wrong variable may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigError {}

/// Two configurations, or the problems of both.
pub fn both<A, B>(a: Result<A, ConfigError>, b: Result<B, ConfigError>) -> Result<(A, B), ConfigError> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(ConfigError(a)), Err(ConfigError(b))) => Err(ConfigError([a, b].concat())),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
    }
}

type Source<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// Reads variables and collects the problems with them.
///
/// ```
/// let mut env = aws::env::Env::from_fn(|name| (name == "QUEUE_URL").then(|| "http://queue".into()));
/// let queue_url: Option<String> = env.required("QUEUE_URL");
/// let limit = env.or("LIMIT", 10_u32);
/// let config = env.finish(queue_url.map(|url| (url, limit)))?;
/// assert_eq!(config, ("http://queue".to_owned(), 10));
/// # Ok::<(), aws::env::ConfigError>(())
/// ```
pub struct Env<'a> {
    get: Source<'a>,
    problems: Vec<String>,
}

impl<'a> Env<'a> {
    pub fn from_process() -> Env<'static> {
        Env::from_fn(|name| std::env::var(name).ok())
    }

    pub fn from_fn(get: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Env { get: Box::new(get), problems: Vec::new() }
    }

    /// The variable, if it is set and not empty.
    pub fn text(&self, name: &str) -> Option<String> {
        (self.get)(name).filter(|value| !value.is_empty())
    }

    /// A variable that must be set. `None` is returned only along with a problem.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        if self.text(name).is_none() {
            self.problems.push(format!("{name} is not set"));
        }
        self.parsed(name)
    }

    pub fn or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> T {
        self.parsed(name).unwrap_or(default)
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        match self.text(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems.push(format!("{name}: {error}"));
                None
            }
        }
    }

    /// Returns `value` if there was no problem. `value` is `None` where a required variable failed.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => {
                if self.problems.is_empty() {
                    self.problems.push("incomplete".into());
                }
                Err(ConfigError(self.problems))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_and_no_value_is_shown() {
        let mut env = Env::from_fn(|name| (name == "LIMIT").then(|| "whsec_canary".into()));
        let queue: Option<String> = env.required("QUEUE_URL");
        let limit = env.or("LIMIT", 10_u32);
        let error = env.finish(queue.map(|q| (q, limit))).unwrap_err().to_string();
        assert_eq!(error, "configuration: QUEUE_URL is not set; LIMIT: invalid digit found in string");
    }

    #[test]
    fn the_problems_of_two_configurations_are_reported_together() {
        let read = |name: &str| {
            let mut env = Env::from_fn(|_| None);
            let value: Option<String> = env.required(name);
            env.finish(value)
        };
        let error = both(read("QUEUE_URL"), read("AWS_REGION")).unwrap_err();
        assert_eq!(error.to_string(), "configuration: QUEUE_URL is not set; AWS_REGION is not set");
        assert_eq!(both(Ok(1), read("AWS_REGION")).unwrap_err().to_string(), "configuration: AWS_REGION is not set");
    }
}
