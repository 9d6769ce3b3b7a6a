//! Whether a callback URL, as a platform repeats it, leads to this deployment and is accepted there. Neither a URL nor its
//! token leaves this file.

use crate::config::Config;
use aws::secrets::{EndpointSecret, SecretError, fetch};
use aws_sdk_secretsmanager::Client;
use platforms::job_kind;
use reqwest::Url;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use webhook::Platform;
use webhook::callback::Callback;

/// What tells the callback URLs of this deployment from others.
#[derive(Debug)]
pub(crate) struct OwnUrls {
    platform: Platform,
    /// Where platforms reach this deployment.
    bases: Vec<Url>,
    /// Of each endpoint for callbacks.
    secrets: BTreeMap<String, EndpointSecret>,
    now: OffsetDateTime,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LeadsTo {
    /// Not to this deployment.
    Elsewhere,
    /// Here, where the receiver answers 404: its path is no callback's, or its token is not valid.
    Refused,
    /// Here, where it is accepted for this job.
    Here(Callback),
}

impl OwnUrls {
    /// With the callback secrets as they are stored now.
    pub(crate) async fn load(
        config: &Config,
        client: &Client,
        platform: Platform,
        now: OffsetDateTime,
    ) -> Result<Self, SecretError> {
        let prefix = config.callbacks.secret_prefix.as_deref().filter(|_| platform.takes_callback_urls());
        let mut secrets = BTreeMap::new();
        for endpoint in config.endpoints(platform) {
            let Some(prefix) = prefix else { continue };
            match fetch(client, &endpoint.callback_secret(prefix)).await {
                // Nothing is accepted without a secret.
                Err(SecretError::Deleted(_)) => {}
                secret => secrets.extend(secret?.map(|secret| (endpoint.name.clone(), secret))),
            }
        }
        let bases = config.urls.iter().filter_map(|url| Url::parse(url).ok()).collect();
        Ok(OwnUrls { platform, bases, secrets, now })
    }

    pub(crate) fn read(&self, url: &str) -> LeadsTo {
        let Ok(url) = Url::parse(url) else { return LeadsTo::Elsewhere };
        let Some(path) = self.bases.iter().find_map(|base| below(base, &url)) else { return LeadsTo::Elsewhere };
        let folder = format!("/webhooks/{}/", self.platform);
        let read = path.strip_prefix(&folder).and_then(|path| Callback::read(self.platform, path));
        let Some((callback, token)) = read else { return LeadsTo::Refused };
        let secret = self.secrets.get(&callback.endpoint);
        match secret.is_some_and(|secret| callback.is_made_with(&token, &secret.valid_at(self.now))) {
            true => LeadsTo::Here(callback),
            false => LeadsTo::Refused,
        }
    }
}

/// Whether a callback URL was made for a job of this kind, and for no other order than the job itself names.
pub(crate) fn is_for(callback: &Callback, kind: &str, order: Option<&str>) -> bool {
    let is_of_kind = job_kind(callback.platform, &callback.kind) == kind;
    is_of_kind && order.is_none_or(|order| order == callback.correlation)
}

/// The path of a URL after that of the base; `None` if it does not lead there.
fn below<'a>(base: &Url, url: &'a Url) -> Option<&'a str> {
    let path = url.path().strip_prefix(base.path().trim_end_matches('/'))?;
    (base.origin() == url.origin()).then_some(path)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use aws::secrets::Previous;
    use time::Duration;
    use webhook::Secret;

    pub(crate) const URL: &str = "https://hooks.example.invalid";

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    /// Of the endpoints `main` and `second`, with the secrets `current` and `previous`.
    pub(crate) fn own_urls(platform: Platform) -> OwnUrls {
        let now = OffsetDateTime::UNIX_EPOCH;
        let previous =
            |text: &str, minutes: i64| Previous { secret: secret(text), valid_until: now + Duration::minutes(minutes) };
        let stored = EndpointSecret {
            current: Some(secret("current")),
            previous: vec![previous("previous", 1), previous("expired", -1)],
            ..EndpointSecret::default()
        };
        let secrets = BTreeMap::from(["main", "second"].map(|name| (name.to_owned(), stored.clone())));
        let bases = ["https://api.example.invalid/stage", URL];
        OwnUrls { platform, bases: bases.map(|url| url.parse().unwrap()).into(), secrets, now }
    }

    fn callback(endpoint: &str, kind: &str, order: &str) -> Callback {
        let text = |text: &str| text.to_owned();
        Callback { platform: Platform::Did, endpoint: text(endpoint), kind: text(kind), correlation: text(order) }
    }

    /// A callback's path at D-ID.
    pub(crate) fn path(endpoint: &str, kind: &str, order: &str, key: &str) -> String {
        callback(endpoint, kind, order).path(&secret(key))
    }

    fn read(url: &str) -> LeadsTo {
        own_urls(Platform::Did).read(url)
    }

    #[test]
    fn a_url_that_this_deployment_made_is_read_at_each_of_its_addresses() {
        for key in ["current", "previous"] {
            for endpoint in ["main", "second"] {
                let path = path(endpoint, "talk", "Auftrag/ü 1", key);
                let here = LeadsTo::Here(callback(endpoint, "talk", "Auftrag/ü 1"));
                for base in ["https://api.example.invalid/stage", URL, "HTTPS://HOOKS.example.invalid:443"] {
                    assert_eq!(read(&format!("{base}{path}")), here, "{base} {endpoint} {key}");
                }
                assert_eq!(read(&format!("{URL}{path}?x=1#y")), here, "the receiver reads the path only");
            }
        }
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
            assert_eq!(read(&format!("{base}{path}")), LeadsTo::Elsewhere, "{base}");
        }
    }

    #[test]
    fn what_the_receiver_would_refuse_is_found_as_that() {
        let right = path("main", "talk", "order", "current");
        for path in [
            path("main", "talk", "order", "guessed"),
            path("main", "talk", "order", "expired"),
            path("third", "talk", "order", "current"),
            right.replace("/did/", "/tavus/"),
            right.replace("/talk/", "/clip/"),
            right.replace("b3JkZXI", "b3RoZXI"),
            right[..right.len() - 1].to_owned(),
            format!("{right}/x"),
            right.rsplit_once('/').unwrap().0.to_owned(),
            "/webhooks/did/main".to_owned(),
            "/".to_owned(),
        ] {
            assert_eq!(read(&format!("{URL}{path}")), LeadsTo::Refused, "{path}");
        }
    }
}
