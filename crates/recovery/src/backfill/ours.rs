//! Which jobs of another platform's lists were meant for this deployment.

use crate::config::Config;
use aws::endpoints::PlatformEndpoint;
use aws::secrets::{EndpointSecret, SecretError, fetch};
use aws_sdk_secretsmanager::Client;
use platforms::job_kind;
use platforms::list::{Mark, mark};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use webhook::callback::Callback;
use webhook::list::Element;
use webhook::{LookUp, Platform};

/// What tells this deployment's callback URLs from others.
#[derive(Debug)]
pub(crate) struct Ours {
    urls: Vec<String>,
    secrets: BTreeMap<PlatformEndpoint, EndpointSecret>,
    now: OffsetDateTime,
}

impl Ours {
    /// With the callback secrets of the platform's endpoints as they are stored now, if it is known by callback URLs.
    pub(crate) async fn load(
        config: &Config,
        client: &Client,
        platform: Platform,
        now: OffsetDateTime,
    ) -> Result<Self, SecretError> {
        let mut secrets = BTreeMap::new();
        let prefix = config.callbacks.secret_prefix.as_deref().filter(|_| mark(platform) == Mark::CallbackUrl);
        for endpoint in config.endpoints(platform) {
            let Some(prefix) = prefix else { continue };
            // Without a secret there is no URL of it.
            if let Some(secret) = fetch(client, &endpoint.callback_secret(prefix)).await? {
                secrets.insert(endpoint.clone(), secret);
            }
        }
        Ok(Ours { urls: config.urls.clone(), secrets, now })
    }

    /// The job as if the platform had been asked for it, under its order; `None` if it was meant for somebody else.
    pub(crate) fn look_up(&self, platform: Platform, element: &Element) -> Option<LookUp> {
        let callback_id = match mark(platform) {
            Mark::OwnValue => Some(element.callback_id.clone()?),
            Mark::CallbackUrl => Some(self.order(platform, element)?),
            Mark::None => element.callback_id.clone(),
        };
        let Element { kind, entity_id, answer, .. } = element;
        let answer = Some(answer.clone());
        Some(LookUp { kind: kind.clone(), entity_id: entity_id.clone(), callback_id, answer, failure: None })
    }

    /// As the receiver accepts a callback, and as `confirm` accepts the answer: a right token for this kind of job, and no
    /// other order in the job itself.
    fn order(&self, platform: Platform, element: &Element) -> Option<String> {
        let url = element.callback_url.as_deref()?;
        let below = |base: &String| url.strip_prefix(base.as_str())?.strip_prefix(&format!("/webhooks/{platform}/"));
        let (callback, token) = Callback::read(platform, self.urls.iter().find_map(below)?)?;
        let endpoint = PlatformEndpoint { platform, name: callback.endpoint.clone() };
        let is_ours = callback.is_of(&token, &self.secrets.get(&endpoint)?.valid_at(self.now));
        let is_of_kind = job_kind(platform, &callback.kind) == element.kind;
        let is_of_order = element.callback_id.as_ref().is_none_or(|own| *own == callback.correlation);
        (is_ours && is_of_kind && is_of_order).then_some(callback.correlation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::secrets::Previous;
    use time::Duration;
    use webhook::Secret;

    const URL: &str = "https://hooks.example.com";

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    fn ours() -> Ours {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let previous = |text: &str, days| Previous { secret: secret(text), valid_until: now + Duration::days(days) };
        let stored = EndpointSecret {
            current: Some(secret("current")),
            previous: vec![previous("previous", 1), previous("expired", -1)],
            ..EndpointSecret::default()
        };
        let endpoint = PlatformEndpoint { platform: Platform::Did, name: "main".to_owned() };
        let urls = ["https://api.example.com", URL].map(str::to_owned).into();
        Ours { urls, secrets: [(endpoint, stored)].into(), now }
    }

    fn element(kind: &str, url: Option<String>, own: Option<&str>) -> Element {
        Element {
            kind: kind.to_owned(),
            entity_id: "x1".to_owned(),
            callback_id: own.map(str::to_owned),
            callback_url: url,
            created: None,
            answer: serde_json::from_str(r#"{"status": "done"}"#).unwrap(),
        }
    }

    fn url(base: &str, (platform, endpoint, kind): (Platform, &str, &str), key: &str) -> Option<String> {
        let text = |text: &str| text.to_owned();
        let callback = Callback { platform, endpoint: text(endpoint), kind: text(kind), correlation: text("order") };
        Some(format!("{base}{}", callback.path(&secret(key))))
    }

    /// Whose order a talk is.
    fn order(url: Option<String>, own: Option<&str>) -> Option<String> {
        ours().look_up(Platform::Did, &element("did.talk", url, own))?.callback_id
    }

    const TALK: (Platform, &str, &str) = (Platform::Did, "main", "talk");

    #[test]
    fn a_job_with_a_callback_url_of_this_deployment_is_the_order_of_its_token() {
        for (base, key) in [(URL, "current"), (URL, "previous"), ("https://api.example.com", "current")] {
            for own in [None, Some("order")] {
                assert_eq!(order(url(base, TALK, key), own).as_deref(), Some("order"), "{base} {key}");
            }
        }
    }

    #[test]
    fn a_job_of_somebody_else_is_left() {
        let right = url(URL, TALK, "current").unwrap();
        for (what, url) in [
            ("no callback URL", None),
            ("none of ours", Some("https://elsewhere.example.com/hook".to_owned())),
            ("another deployment", url("https://other.example.com", TALK, "current")),
            ("a host that begins like ours", url(&format!("{URL}.evil.example"), TALK, "current")),
            ("another deployment's secret", url(URL, TALK, "another")),
            ("a secret that is no longer valid", url(URL, TALK, "expired")),
            ("another endpoint", url(URL, (Platform::Did, "second", "talk"), "current")),
            ("another platform", url(URL, (Platform::Tavus, "main", "talk"), "current")),
            ("another kind of job", url(URL, (Platform::Did, "main", "clip"), "current")),
            ("a token of another order", Some(right.replace("b3JkZXI", "b3RoZXI"))),
            ("a token that was cut", Some(right[..right.len() - 1].to_owned())),
            ("more of a path", Some(format!("{right}/x"))),
            ("a query", Some(format!("{right}?x=1"))),
            ("no token", Some(right.rsplit_once('/').unwrap().0.to_owned())),
        ] {
            assert_eq!(order(url, None), None, "{what}");
        }
        assert_eq!(order(Some(right), Some("another order")), None, "the job itself says so");
    }

    #[test]
    fn where_the_own_value_is_repeated_a_job_without_one_is_left_and_where_it_is_not_all_are_taken() {
        let taken =
            |platform, kind, own| ours().look_up(platform, &element(kind, None, own)).map(|one| one.callback_id);
        assert_eq!(taken(Platform::Synthesia, "synthesia.video", Some("order")), Some(Some("order".to_owned())));
        assert_eq!(taken(Platform::Synthesia, "synthesia.video", None), None);
        assert_eq!(taken(Platform::ElevenLabs, "elevenlabs.flows", None), Some(None));
        assert_eq!(taken(Platform::Did, "did.talk", Some("order")), None, "anybody may give a talk this value");
    }
}
