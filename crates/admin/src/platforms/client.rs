//! The webhooks of an account at Synthesia, or of a workspace at ElevenLabs.

use crate::desired::DesiredWebhook;
use crate::platforms::call_error::{CallError, Kind};
use crate::platforms::http::Http;
use crate::platforms::listed::{Listed, is_plain_id};
use crate::webhook_api::WebhookApi;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use webhook::Secret;
use webhook::fields::Fields;

/// The most that Synthesia puts on a page.
const PAGE: usize = 100;
const MOST_PAGES: usize = 100;

pub(crate) struct Client {
    pub(crate) api: WebhookApi,
    pub(crate) http: Http,
}

/// A new webhook. Its secret is in this answer only.
pub(crate) struct Created {
    pub(crate) id: String,
    pub(crate) secret: Secret,
}

/// What a webhook should be, beside its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    /// Sorted.
    pub(crate) events: Vec<String>,
    pub(crate) retry: bool,
}

impl Wanted {
    pub(crate) fn new(api: WebhookApi, desired: &DesiredWebhook, stack: &str) -> Self {
        let all = || api.events().iter().map(|event| (*event).to_owned()).collect();
        let mut events: Vec<_> = desired.events.clone().unwrap_or_else(all);
        events.sort();
        Wanted { name: format!("{stack} {}", desired.endpoint.name), events, retry: desired.retry }
    }
}

impl Client {
    /// The path of the platform's webhooks.
    fn path(&self) -> &'static str {
        match self.api {
            WebhookApi::Synthesia => "/v2/webhooks",
            WebhookApi::ElevenLabs => "/v1/workspace/webhooks",
        }
    }

    /// All pages.
    pub(crate) async fn list(&self) -> Result<Listed, CallError> {
        const OPERATION: &str = "listing the webhooks";
        let mut listed = Listed::default();
        let mut offset = 0;
        for _ in 0..MOST_PAGES {
            let query = match self.api {
                WebhookApi::Synthesia => format!("limit={PAGE}&offset={offset}"),
                // Only with usages it shows the events.
                WebhookApi::ElevenLabs => "include_usages=true".to_owned(),
            };
            let page = self.http.call(OPERATION, Method::GET, &format!("{}?{query}", self.path()), None).await?;
            let added = listed.add(self.api, &page).ok_or_else(|| self.http.error(OPERATION, Kind::Odd))?;
            let next = match self.api {
                WebhookApi::Synthesia => next(offset, added, &page),
                WebhookApi::ElevenLabs => None,
            };
            match next {
                Some(next) => offset = next,
                None => return Ok(listed),
            }
        }
        // A part of the list would let webhooks look missing.
        Err(self.http.error(OPERATION, Kind::Odd))
    }

    /// Never repeated where it may have been made.
    pub(crate) async fn create(&self, url: &str, wanted: &Wanted) -> Result<Created, CallError> {
        const OPERATION: &str = "creating a webhook";
        let (body, id, secret) = match self.api {
            WebhookApi::ElevenLabs => {
                let settings = json!({"auth_type": "hmac", "name": wanted.name, "webhook_url": url});
                (json!({ "settings": settings }), "webhook_id", "webhook_secret")
            }
            WebhookApi::Synthesia => (json!({"events": wanted.events, "url": url}), "id", "secret"),
        };
        let answer = self.http.call(OPERATION, Method::POST, self.path(), Some(&body)).await?;
        let text = |name: &str| Fields::of(Some(&answer)).get(name).and_then(Value::as_str).map(str::to_owned);
        let created =
            text(id).filter(|id| is_plain_id(id)).zip(text(secret).and_then(|secret| Secret::new(secret).ok()));
        let (id, secret) = created.ok_or_else(|| self.http.error(OPERATION, Kind::Odd))?;
        Ok(Created { id, secret })
    }

    /// Enables the webhook, and sets what ElevenLabs can change. `name` is required: it keeps the one that it has.
    pub(crate) async fn update(&self, id: &str, name: &str, wanted: &Wanted) -> Result<(), CallError> {
        let body = json!({"is_disabled": false, "name": name, "events": wanted.events, "retry_enabled": wanted.retry});
        let path = format!("{}/{id}", self.path());
        self.http.call("updating a webhook", Method::PATCH, &path, Some(&body)).await.map(drop)
    }

    /// No error if it is gone already.
    pub(crate) async fn delete(&self, id: &str) -> Result<(), CallError> {
        let path = format!("{}/{id}", self.path());
        match self.http.call("deleting a webhook", Method::DELETE, &path, None).await {
            Ok(_) | Err(CallError { kind: Kind::NotFound, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn has_time_after(&self, wait: Duration) -> bool {
        self.http.has_time_after(wait)
    }
}

/// Where the next page begins; `None` after the last one. A full page without a usable `nextOffset` may not be the last.
fn next(offset: usize, elements: usize, page: &Value) -> Option<usize> {
    let said = page.get("nextOffset").and_then(Value::as_u64).and_then(|next| usize::try_from(next).ok());
    let said = said.filter(|next| *next > offset && elements > 0);
    said.or((elements >= PAGE).then_some(offset + elements))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_ends_where_nothing_can_follow() {
        for (offset, elements, page, expected) in [
            (0, 100, json!({"nextOffset": 100}), Some(100)),
            (0, 20, json!({"nextOffset": 20}), Some(20)),
            (20, 0, json!({"nextOffset": 40}), None),
            (0, 20, json!({"nextOffset": null}), None),
            (0, 20, json!({}), None),
            (100, 30, json!({"nextOffset": 0}), None),
            (0, 100, json!({}), Some(100)),
            (100, 100, json!({"nextOffset": 100}), Some(200)),
        ] {
            assert_eq!(next(offset, elements, &page), expected, "{offset} {elements} {page}");
        }
    }
}
