//! The endpoints of other platforms than HeyGen: webhooks at those that sign, and secrets of callback URLs for the others.
//!
//! What fails for one platform is part of the reply, and stops neither the others nor HeyGen's endpoints.

mod call_error;
mod callbacks;
mod client;
mod http;
mod listed;
mod plan;
mod random;
mod removal;
pub mod report;
mod rotation;
mod said;
mod signed;

use crate::config::Config;
use crate::desired::DesiredWebhook;
use crate::error::Error;
use crate::measures;
use crate::parameter;
use crate::reach;
use crate::store::Store;
use crate::urls;
use crate::webhook_api::{DeliversTo, WebhookApi};
use aws::endpoints::PlatformEndpoint;
use aws::secrets::SecretError;
use client::{Client, Wanted};
use futures::future::join_all;
use http::Http;
use listed::Listed;
use report::{Change, ChangeKind, PlatformReport};
use signed::Signed;
use std::collections::BTreeSet;
use webhook::{ErrorClass, Platform};

/// What a run may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// Changes nothing, and measures nothing: what is looked at may only be supposed.
    Look,
    /// Changes nothing.
    Plan,
    Sync {
        prune: bool,
    },
}

impl Run {
    fn changes(self) -> bool {
        matches!(self, Run::Sync { .. })
    }
}

/// A platform's client, its list, and what is configured there.
struct Connected {
    client: Client,
    listed: Listed,
    desired: Vec<DesiredWebhook>,
}

pub(crate) struct Platforms<'a> {
    pub(crate) config: &'a Config,
    /// The signing secrets.
    pub(crate) store: &'a Store,
    pub(crate) callbacks: Option<&'a Store>,
}

impl Platforms<'_> {
    /// One report for each endpoint, in the order of `PLATFORM_ENDPOINTS`.
    pub(crate) async fn run(&self, run: Run) -> Vec<PlatformReport> {
        let endpoints = &self.config.platforms.endpoints.0;
        let platforms: BTreeSet<_> = endpoints.iter().map(|endpoint| endpoint.platform).collect();
        let of_each = join_all(platforms.into_iter().map(|platform| self.platform(platform, run))).await;
        let mut reports: Vec<_> = of_each.into_iter().flatten().collect();
        let place =
            |report: &PlatformReport| endpoints.iter().position(|endpoint| endpoint.to_string() == report.endpoint);
        reports.sort_by_key(place);
        reports
    }

    async fn platform(&self, platform: Platform, run: Run) -> Vec<PlatformReport> {
        let endpoints = self.config.platforms.endpoints.0.iter().filter(|endpoint| endpoint.platform == platform);
        let mut reports = Vec::new();
        let mut disabled = 0;
        match DeliversTo::of(platform) {
            DeliversTo::Webhook(api) => {
                let connected = self.connect(api).await;
                for endpoint in endpoints {
                    let mut report = PlatformReport::new(endpoint);
                    report.url = Some(urls::shown(&self.url(endpoint)));
                    let (is_disabled, result) = match &connected {
                        Ok(connected) => self.webhook(connected, endpoint, run, &mut report).await,
                        Err((reason, class)) => (false, Err(Error::Platform { reason: reason.clone(), class: *class })),
                    };
                    disabled += usize::from(is_disabled);
                    fail(&mut report, result);
                    reports.push(report);
                }
            }
            DeliversTo::CallbackUrl => {
                for endpoint in endpoints {
                    let mut report = PlatformReport::new(endpoint);
                    let result = match self.callbacks {
                        Some(store) => callbacks::sync(store, endpoint, run.changes(), &mut report).await,
                        None => Err(no_callbacks()),
                    };
                    fail(&mut report, result);
                    reports.push(report);
                }
            }
        }
        let drift = reports.iter().map(PlatformReport::drift).sum::<usize>() + disabled;
        let is_failed = reports.iter().any(|report| report.problem.is_some());
        let is_changed = reports.iter().any(|report| !report.done.is_empty());
        let outcome = match (is_failed, is_changed) {
            (true, _) => "failed",
            (false, true) => "changed",
            (false, false) => "unchanged",
        };
        if run != Run::Look {
            measures::platform(platform, run.changes().then_some(outcome), drift, disabled);
        }
        reports
    }

    /// The error says what to do, for each endpoint of the platform.
    async fn connect(&self, api: WebhookApi) -> Result<Connected, (String, ErrorClass)> {
        let connect = async {
            let desired = parameter::desired(self.config, self.store).await?.webhooks;
            let client = self.client(api).await?;
            let listed = client.list().await?;
            Ok(Connected { client, listed, desired })
        };
        connect.await.map_err(|error: Error| (error.to_string(), error.class()))
    }

    async fn client(&self, api: WebhookApi) -> Result<Client, Error> {
        let platform = api.platform();
        let secret = self.config.platforms.api_keys.get(&platform);
        let key = self.store.key_of(platform, secret.map(String::as_str)).await?;
        Ok(Client { api, http: Http::new(platform, key, self.config)? })
    }

    fn url(&self, endpoint: &PlatformEndpoint) -> String {
        format!("{}{}", self.config.deployment.url(), endpoint.path())
    }

    /// Whether the webhook was disabled, and what went wrong.
    async fn webhook(
        &self,
        connected: &Connected,
        endpoint: &PlatformEndpoint,
        run: Run,
        report: &mut PlatformReport,
    ) -> (bool, Result<(), Error>) {
        let Connected { client, listed, desired } = connected;
        let Some(desired) = desired.iter().find(|desired| desired.endpoint == *endpoint) else {
            return (false, Ok(()));
        };
        let mut signed = match self.signed(client, listed.clone(), desired, run, report).await {
            Ok(Some(signed)) => signed,
            Ok(None) => return (false, Ok(())),
            Err(error) => return (false, Err(error)),
        };
        let planned = signed.plan();
        let result = match run {
            Run::Look | Run::Plan => Ok(()),
            Run::Sync { prune } => {
                let creates = planned.changes.iter().any(|change| change.change == ChangeKind::Create);
                let may_create = if creates { self.may_create(&signed.url).await } else { Ok(()) };
                signed.sync(prune, may_create).await
            }
        };
        finish(signed, report);
        (planned.is_disabled, result)
    }

    /// `None` if its secret has to be restored first.
    async fn signed<'s>(
        &'s self,
        client: &'s Client,
        listed: Listed,
        desired: &'s DesiredWebhook,
        run: Run,
        report: &mut PlatformReport,
    ) -> Result<Option<Signed<'s>>, Error> {
        let name = desired.endpoint.to_string();
        let mut done = Vec::new();
        let stored = match self.store.get(&name).await {
            Err(SecretError::Deleted(_)) if !run.changes() => {
                report.left.push(Change::new(ChangeKind::Restore));
                return Ok(None);
            }
            Err(SecretError::Deleted(_)) => {
                self.store.restore(&name).await?;
                done.push(Change::new(ChangeKind::Restore));
                self.store.get(&name).await?
            }
            stored => stored?,
        };
        Ok(Some(Signed {
            config: self.config,
            store: self.store,
            client,
            desired,
            url: self.url(&desired.endpoint),
            wanted: Wanted::new(client.api, desired, &self.config.stack),
            listed,
            stored,
            done,
            notes: Vec::new(),
            refused: Vec::new(),
        }))
    }

    /// A webhook whose URL leads elsewhere would be disabled, or its events lost.
    async fn may_create(&self, url: &str) -> Result<(), String> {
        let Some(target) = &self.config.domain_target else { return Ok(()) };
        reach::check(url).await.map_err(|reason| {
            format!(
                "{} does not lead to this deployment yet ({reason}): create its DNS record, which points to {target}. The \
                 next sync registers the webhook",
                self.config.deployment.url()
            )
        })
    }
}

fn finish(signed: Signed<'_>, report: &mut PlatformReport) {
    let planned = signed.plan();
    report.describe(&signed.stored);
    report.left.extend(planned.changes);
    report.done.extend(signed.done);
    report.notes.extend(signed.notes);
    let new = planned.notes.into_iter().filter(|note| !report.notes.contains(note)).collect::<Vec<_>>();
    report.notes.extend(new);
}

/// Keeps why something could not be done.
fn fail(report: &mut PlatformReport, result: Result<(), Error>) {
    if let Err(error) = result {
        let (endpoint, class) = (report.endpoint.as_str(), error.class().as_str());
        tracing::error!(endpoint, %error, class, "endpoint not in sync");
        report.problem = Some(error.to_string());
    }
}

fn no_callbacks() -> Error {
    let reason = "CALLBACK_PREFIX is not set, so there is no place for its secret: deploy again".to_owned();
    Error::Platform { reason, class: ErrorClass::Permanent }
}
