//! Where the newest tracked jobs of a platform have their callbacks, as the platform repeats it. Neither a URL nor its token
//! leaves this file.

use crate::config::Config;
use crate::doctor::observed::{CallbackUrl, Called, Seen};
use crate::look_up::error::{LookUpError, Problem};
use crate::look_up::{Answer, Platforms};
use crate::sweep::due::Due;
use aws::endpoints::PlatformEndpoint;
use aws::jobs::JobItem;
use aws::secrets::{self, EndpointSecret, SecretError};
use aws_sdk_secretsmanager::Client;
use platforms::callback_url::{callback_url, repeats_callback_url};
use platforms::job_kind;
use reqwest::Url;
use serde_json::Value;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use webhook::Platform;
use webhook::callback::Callback;

/// Of one platform. Each costs a call of its API.
const MOST_JOBS: usize = 5;

pub(super) struct CallbackUrls<'a> {
    pub(super) config: &'a Config,
    pub(super) platforms: &'a Platforms<'a>,
    pub(super) secrets: &'a Client,
    pub(super) due: &'a Due,
}

impl CallbackUrls<'_> {
    /// The jobs whose callbacks go anywhere else than to the right place; none if the platform repeats no URL.
    pub(super) async fn observe(&self, platform: Platform, endpoints: &[&PlatformEndpoint]) -> Seen<Vec<Called>> {
        let has_any = platforms::callback_kinds(platform).iter().any(|kind| repeats_callback_url(platform, kind));
        if !has_any {
            return Ok(Vec::new());
        }
        let prefer = |kind: &str| repeats_callback_url(platform, kind);
        let jobs = self.due.newest(platform, MOST_JOBS, prefer).await.map_err(|error| error.to_string())?;
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let expected = self.expected(platform, endpoints).await?;
        let mut called = Vec::new();
        for job in jobs {
            let answer = match self.platforms.ask(platform, &job.kind, &job.entity_id).await {
                Ok(Answer::Found(answer)) => serde_json::from_str(answer.get()).unwrap_or(Value::Null),
                Ok(Answer::NotFound) => continue,
                // It was asked for its key just before. What it does not answer now, another run finds.
                Err(LookUpError::Call(failed)) if failed.problem == Problem::NoCall => continue,
                Err(_) => break,
            };
            let url = match callback_url(platform, &job.kind, &answer) {
                Some(url) => expected.check(&url, &job),
                // An answer that is no object says nothing.
                None if repeats_callback_url(platform, &job.kind) && answer.is_object() => CallbackUrl::Absent,
                None => continue,
            };
            let job = job.callback_id.unwrap_or(job.entity_id);
            called.extend((url != CallbackUrl::Ours).then_some(Called { job, url }));
        }
        Ok(called)
    }

    async fn expected(&self, platform: Platform, endpoints: &[&PlatformEndpoint]) -> Seen<Expected> {
        let prefix = self.config.callbacks.secret_prefix.as_deref().unwrap_or_default();
        let mut stored = BTreeMap::new();
        for endpoint in endpoints {
            let secret = match secrets::fetch(self.secrets, &endpoint.callback_secret(prefix)).await {
                // Nothing is accepted without a secret.
                Err(SecretError::Deleted(_)) => None,
                secret => secret.map_err(|error| error.to_string())?,
            };
            stored.insert(endpoint.name.clone(), secret.unwrap_or_default());
        }
        let bases = self.config.urls.iter().filter_map(|url| Url::parse(url).ok()).collect();
        Ok(Expected { platform, bases, secrets: stored, now: OffsetDateTime::now_utc() })
    }
}

/// What a callback URL of a platform has to be like.
struct Expected {
    platform: Platform,
    /// Where platforms reach this deployment.
    bases: Vec<Url>,
    /// Of each endpoint for callbacks.
    secrets: BTreeMap<String, EndpointSecret>,
    now: OffsetDateTime,
}

impl Expected {
    fn check(&self, url: &str, job: &JobItem) -> CallbackUrl {
        let Ok(url) = Url::parse(url) else { return CallbackUrl::Elsewhere };
        let Some(path) = self.bases.iter().find_map(|base| below(base, &url)) else { return CallbackUrl::Elsewhere };
        let folder = format!("/webhooks/{}/", self.platform);
        let read = path.strip_prefix(&folder).and_then(|path| Callback::read(self.platform, path));
        let Some((callback, token)) = read else { return CallbackUrl::Refused };
        let secret = self.secrets.get(&callback.endpoint);
        if !secret.is_some_and(|secret| callback.is_made_with(&token, &secret.valid_at(self.now))) {
            return CallbackUrl::Refused;
        }
        let is_kind = job_kind(self.platform, &callback.kind) == job.kind;
        let is_order = job.callback_id.as_ref().is_none_or(|order| *order == callback.correlation);
        if is_kind && is_order { CallbackUrl::Ours } else { CallbackUrl::OfAnotherJob }
    }
}

/// The path of a URL after that of the base; `None` if it does not lead there.
fn below<'a>(base: &Url, url: &'a Url) -> Option<&'a str> {
    let path = url.path().strip_prefix(base.path().trim_end_matches('/'))?;
    (base.origin() == url.origin()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::secrets::Previous;
    use time::Duration;
    use webhook::Secret;

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    fn expected() -> Expected {
        let now = OffsetDateTime::UNIX_EPOCH;
        let previous =
            |text: &str, minutes: i64| Previous { secret: secret(text), valid_until: now + Duration::minutes(minutes) };
        let stored = EndpointSecret {
            current: Some(secret("current")),
            previous: vec![previous("previous", 1), previous("expired", -1)],
            ..EndpointSecret::default()
        };
        let secrets = BTreeMap::from(["main", "second"].map(|name| (name.to_owned(), stored.clone())));
        let bases = ["https://api.example.invalid/stage", "https://hooks.example.invalid"];
        Expected { platform: Platform::Did, bases: bases.map(|url| url.parse().unwrap()).into(), secrets, now }
    }

    fn path(endpoint: &str, kind: &str, order: &str, key: &str) -> String {
        let text = |text: &str| text.to_owned();
        let callback =
            Callback { platform: Platform::Did, endpoint: text(endpoint), kind: text(kind), correlation: text(order) };
        callback.path(&secret(key))
    }

    fn check(url: &str) -> CallbackUrl {
        let job = JobItem { kind: "did.talk".into(), callback_id: Some("Auftrag/ü 1".into()), ..JobItem::default() };
        expected().check(url, &job)
    }

    #[test]
    fn a_url_that_this_deployment_made_is_ours_at_each_of_its_addresses() {
        for key in ["current", "previous"] {
            for endpoint in ["main", "second"] {
                let path = path(endpoint, "talk", "Auftrag/ü 1", key);
                for base in [
                    "https://api.example.invalid/stage",
                    "https://hooks.example.invalid",
                    "HTTPS://HOOKS.example.invalid:443",
                ] {
                    assert_eq!(check(&format!("{base}{path}")), CallbackUrl::Ours, "{base} {endpoint} {key}");
                }
            }
        }
        let with_query =
            format!("https://hooks.example.invalid{}?x=1#y", path("main", "talk", "Auftrag/ü 1", "current"));
        assert_eq!(check(&with_query), CallbackUrl::Ours, "the receiver reads the path only");
    }

    #[test]
    fn what_leads_to_another_place_is_elsewhere_whatever_its_path() {
        let path = path("main", "talk", "Auftrag/ü 1", "current");
        for base in [
            "https://other.example.invalid",
            "https://hooks.example.invalid.other.invalid",
            "https://hooks.example.invalid@other.invalid",
            "https://hooks.example.invalid:8443",
            "http://hooks.example.invalid",
            "https://api.example.invalid",
            "https://api.example.invalid/prod",
            "",
            "mailto:",
        ] {
            assert_eq!(check(&format!("{base}{path}")), CallbackUrl::Elsewhere, "{base}");
        }
    }

    #[test]
    fn what_the_receiver_would_refuse_is_found_as_that() {
        let ours = |path: &str| check(&format!("https://hooks.example.invalid{path}"));
        for path in [
            path("main", "talk", "Auftrag/ü 1", "guessed"),
            path("main", "talk", "Auftrag/ü 1", "expired"),
            path("third", "talk", "Auftrag/ü 1", "current"),
            path("main", "talk", "Auftrag/ü 1", "current").replace("/did/", "/tavus/"),
            path("main", "talk", "Auftrag/ü 1", "current").replace("/talk/", "/clip/"),
            "/webhooks/did/main".to_owned(),
            "/".to_owned(),
        ] {
            assert_eq!(ours(&path), CallbackUrl::Refused, "{path}");
        }
    }

    #[test]
    fn the_url_of_another_job_is_found_as_that() {
        for path in [path("main", "clip", "Auftrag/ü 1", "current"), path("main", "talk", "order_2", "current")] {
            assert_eq!(check(&format!("https://hooks.example.invalid{path}")), CallbackUrl::OfAnotherJob, "{path}");
        }
    }
}
