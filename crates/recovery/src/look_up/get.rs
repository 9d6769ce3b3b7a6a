//! One authenticated GET of a platform's API.

use crate::look_up::error::{Failed, Problem};
use heygen::api::{base_url, body, retry_after};
use platforms::look_up::authorization;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Request, Url};
use serde_json::value::RawValue;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::timeout;
use webhook::Platform;

/// Synthesia's header of a 429: the seconds to wait.
const RATE_LIMIT_RESET: &str = "ratelimit-reset";

/// A platform's API, with the key.
pub(super) struct Target {
    platform: Platform,
    base: String,
    authorization: (HeaderName, HeaderValue),
}

impl Target {
    pub(super) fn new(platform: Platform, base: &str, key: &str) -> Result<Self, Failed> {
        let invalid = || failed(platform, Problem::Settings);
        base_url(base).map_err(|_| invalid())?;
        let (name, value) = authorization(platform, key);
        let mut value = HeaderValue::try_from(value).map_err(|_| invalid())?;
        value.set_sensitive(true);
        // In any case: a name in capitals is no constant of this library's.
        let name = HeaderName::try_from(name).map_err(|_| invalid())?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(Target { platform, base, authorization: (name, value) })
    }

    /// The answer as it came; `None` if the platform does not know the job.
    pub(super) async fn get(
        &self,
        client: &Client,
        path: &str,
        limit: Duration,
    ) -> Result<Option<Box<RawValue>>, Failed> {
        timeout(limit, self.exchange(client, path)).await.unwrap_or_else(|_| Err(self.failed(Problem::Timeout)))
    }

    async fn exchange(&self, client: &Client, path: &str) -> Result<Option<Box<RawValue>>, Failed> {
        let broken = |error: reqwest::Error| {
            self.failed(if error.is_timeout() { Problem::Timeout } else { Problem::Connection })
        };
        let response = client.execute(self.request(path)?).await.map_err(broken)?;
        let status = response.status().as_u16();
        let wait = wait(response.headers(), OffsetDateTime::now_utc());
        let of_status = |problem: Problem| Failed { status: Some(status), ..self.failed(problem) };
        match status {
            200..=299 => {
                let body = body(response).await.map_err(|error| Failed { status: Some(status), ..broken(error) })?;
                let body = body.ok_or_else(|| of_status(Problem::TooLarge))?;
                serde_json::from_slice(&body).map(Some).map_err(|_| of_status(Problem::NotJson))
            }
            // The platforms' own are JSON. The page of a gateway says nothing of a job.
            404 => match body(response).await.map_err(broken)? {
                Some(body) if body.is_empty() || serde_json::from_slice::<&RawValue>(&body).is_ok() => Ok(None),
                _ => Err(of_status(Problem::NotJson)),
            },
            _ => Err(Failed { retry_after: wait, ..of_status(Problem::of_status(status)) }),
        }
    }

    /// The host is the base's: a path begins with a slash.
    fn request(&self, path: &str) -> Result<Request, Failed> {
        let url = path.starts_with('/').then(|| Url::parse(&format!("{}{path}", self.base)));
        let url = url.and_then(Result::ok).ok_or_else(|| self.failed(Problem::NoCall))?;
        let mut request = Request::new(Method::GET, url);
        request.headers_mut().insert(self.authorization.0.clone(), self.authorization.1.clone());
        Ok(request)
    }

    fn failed(&self, problem: Problem) -> Failed {
        failed(self.platform, problem)
    }
}

pub(super) fn failed(platform: Platform, problem: Problem) -> Failed {
    Failed { platform, problem, status: None, retry_after: None }
}

/// The longer of the waits that a response asks for.
fn wait(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let reset = header(RATE_LIMIT_RESET).and_then(|seconds| seconds.trim().parse().ok().map(Duration::from_secs));
    let after = header(RETRY_AFTER.as_str()).and_then(|value| retry_after(value, now));
    reset.max(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_wait_counts() {
        let wait = |all: &[(&'static str, &str)]| {
            let all = all.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            super::wait(&all.collect(), OffsetDateTime::UNIX_EPOCH).map(|wait| wait.as_secs())
        };
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "7"), ("ratelimit-reset", "9")]), Some(9));
        assert_eq!(wait(&[("retry-after", "7"), ("ratelimit-reset", "soon")]), Some(7));
        assert_eq!(wait(&[("ratelimit-reset", "-1")]), None);
    }

    #[test]
    fn a_key_that_no_header_can_have_is_named_as_a_setting() {
        for (base, key) in [("https://x.invalid", "a\nb"), ("x.invalid", "k"), ("https://u:p@x.invalid", "k")] {
            let failed = Target::new(Platform::Tavus, base, key).err().unwrap();
            assert_eq!(failed.problem, Problem::Settings);
            assert!(!format!("{failed} {failed:?}").contains("x.invalid"));
        }
    }
}
