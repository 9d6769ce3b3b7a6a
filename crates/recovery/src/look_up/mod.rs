//! Asks a platform other than HeyGen for one job. HeyGen's own client is in crate `heygen`.

pub(crate) mod api;
pub(crate) mod error;
mod get;

use crate::budget::Budget;
use crate::config::{Config, PlatformApi};
use crate::look_up::error::{LookUpError, Problem};
use crate::look_up::get::{Target, failed};
use aws::api_key;
use aws_sdk_secretsmanager::Client as Secrets;
use heygen::api::{RetryPolicy, Timeouts, http_client};
use platforms::look_up::{base_url, paths};
use reqwest::Client as Http;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use webhook::Platform;

/// What a platform says of a job.
#[derive(Debug)]
pub(crate) enum Answer {
    /// As it came. It may be any JSON.
    Found(Box<RawValue>),
    NotFound,
}

/// The platforms' APIs, in one invocation: each key is read once, when it is needed first.
pub(crate) struct Platforms<'a> {
    apis: &'a BTreeMap<Platform, PlatformApi>,
    secrets: &'a Secrets,
    timeouts: Timeouts,
    retry: RetryPolicy,
    budget: Budget,
    ready: Mutex<Ready>,
}

/// What the first call made.
#[derive(Default)]
struct Ready {
    http: Option<Http>,
    targets: BTreeMap<Platform, Arc<Target>>,
}

impl<'a> Platforms<'a> {
    /// Nothing is read or sent. No call waits for longer than is left of `budget`.
    pub(crate) fn new(config: &'a Config, secrets: &'a Secrets, budget: Budget) -> Self {
        let Config { apis, timeouts, retry, .. } = config;
        Platforms { apis, secrets, timeouts: *timeouts, retry: *retry, budget, ready: Mutex::default() }
    }

    /// Without retries: for a caller that tries again later by itself.
    pub(crate) fn once(self) -> Self {
        Platforms { retry: RetryPolicy { attempts: 1, ..self.retry }, ..self }
    }

    /// What the platform says of a job now. The kind is with or without the platform.
    pub(crate) async fn ask(&self, platform: Platform, kind: &str, entity_id: &str) -> Result<Answer, LookUpError> {
        let paths = paths(platform, kind, entity_id);
        if paths.is_empty() {
            return Err(LookUpError::Call(failed(platform, Problem::NoCall)));
        }
        let (http, target) = self.target(platform).await?;
        for path in paths {
            if let Some(answer) = self.get(platform, &http, &target, &path).await? {
                return Ok(Answer::Found(answer));
            }
        }
        Ok(Answer::NotFound)
    }

    /// A page of a list, as it came; `None` if the platform answers that there is none.
    pub(crate) async fn page(&self, platform: Platform, path: &str) -> Result<Option<Box<RawValue>>, LookUpError> {
        let (http, target) = self.target(platform).await?;
        self.get(platform, &http, &target, path).await
    }

    /// With retries, unless the next wait would be longer than the time that is left.
    async fn get(
        &self,
        platform: Platform,
        http: &Http,
        target: &Target,
        path: &str,
    ) -> Result<Option<Box<RawValue>>, LookUpError> {
        let start = Instant::now();
        let left = || self.retry.deadline.saturating_sub(start.elapsed()).min(self.budget.left());
        let mut attempts = 0;
        loop {
            attempts += 1;
            let failed = match target.get(http, path, self.timeouts.attempt.min(left())).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let wait = self.retry.wait(attempts, failed.retry_after);
            if !failed.problem.may_pass() || attempts >= self.retry.attempts || wait >= left() {
                return Err(LookUpError::Call(failed));
            }
            let (http_status, wait_ms) = (failed.status, wait.as_millis());
            tracing::warn!(%platform, attempt = attempts, http_status, wait_ms, "asking the platform again");
            sleep(wait).await;
        }
    }

    async fn target(&self, platform: Platform) -> Result<(Http, Arc<Target>), LookUpError> {
        let mut ready = self.ready.lock().await;
        let http = match ready.http.clone() {
            Some(http) => http,
            None => {
                let new = http_client(self.timeouts);
                new.ok_or_else(|| LookUpError::Call(failed(platform, Problem::Connection)))?
            }
        };
        ready.http = Some(http.clone());
        if let Some(target) = ready.targets.get(&platform) {
            return Ok((http, Arc::clone(target)));
        }
        let api = self.apis.get(&platform);
        let key = api_key::read_key(self.secrets, platform, api.and_then(|api| api.key_secret.as_deref())).await?;
        let base = api.and_then(|api| api.base_url.as_deref()).or_else(|| base_url(platform)).unwrap_or_default();
        let target = Arc::new(Target::new(platform, base, &key).map_err(LookUpError::Call)?);
        ready.targets.insert(platform, Arc::clone(&target));
        Ok((http, target))
    }
}
