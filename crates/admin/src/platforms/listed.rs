//! The webhooks that a platform lists.

use crate::urls;
use crate::webhook_api::WebhookApi;
use heygen::api::is_id;
use serde_json::Value;
use std::collections::BTreeSet;
use webhook::fields::Fields;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) webhooks: Vec<Webhook>,
    /// Elements that cannot be read, with their ids if those can.
    pub(crate) unreadable: Vec<Option<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Webhook {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) state: State,
    pub(crate) name: Option<String>,
    /// `None` if the list does not say.
    pub(crate) events: Option<BTreeSet<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Active,
    Disabled,
    /// The platform disabled it after failed deliveries.
    AutoDisabled,
    Deleted,
    /// The platform's word for it, which is not documented.
    Other(String),
}

impl Listed {
    /// Adds a page's elements, and returns how many there are. `None` if the page is not as documented: then what is missing
    /// may be anything.
    pub(crate) fn add(&mut self, api: WebhookApi, page: &Value) -> Option<usize> {
        let elements = page.get("webhooks")?.as_array()?;
        for element in elements {
            match webhook(api, element) {
                Ok(webhook) if self.find(&webhook.id).is_none() => self.webhooks.push(webhook),
                Ok(_) => {}
                Err(id) => self.unreadable.push(id),
            }
        }
        Some(elements.len())
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Webhook> {
        self.webhooks.iter().find(|webhook| webhook.id == id)
    }

    /// The webhooks that post to exactly this URL and are not deleted.
    pub(crate) fn with_url<'a>(&'a self, url: &'a str) -> impl Iterator<Item = &'a Webhook> {
        self.webhooks.iter().filter(move |webhook| webhook.state != State::Deleted && urls::same(&webhook.url, url))
    }
}

/// Whether the id can be a part of a path as it is.
pub(crate) fn is_plain_id(id: &str) -> bool {
    is_id(id) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:~".contains(&byte))
}

/// An error with the element's id, if it has one, for what cannot be read.
fn webhook(api: WebhookApi, element: &Value) -> Result<Webhook, Option<String>> {
    let fields = Fields::of(Some(element));
    let is_true = |name: &str| fields.get(name) == Some(&Value::Bool(true));
    let (id, url, state) = match api {
        WebhookApi::ElevenLabs => {
            let state = match (is_true("is_auto_disabled"), is_true("is_disabled")) {
                (true, _) => State::AutoDisabled,
                (_, true) => State::Disabled,
                (false, false) => State::Active,
            };
            ("webhook_id", "webhook_url", state)
        }
        WebhookApi::Synthesia => {
            let state = match fields.text("status").as_deref() {
                // Deleted ones are not listed unless they are asked for.
                None | Some("active") => State::Active,
                Some("deleted") => State::Deleted,
                Some(other) => State::Other(other.to_owned()),
            };
            ("id", "url", state)
        }
    };
    let id = fields.text(id).filter(|id| is_plain_id(id)).ok_or(None)?;
    let Some(url) = fields.text(url) else { return Err(Some(id)) };
    let events = fields.get("events").and_then(Value::as_array);
    let events = events.and_then(|events| events.iter().map(|event| Some(event.as_str()?.to_owned())).collect());
    Ok(Webhook { id, url, state, name: fields.text("name"), events })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_element_that_cannot_be_read_hides_no_other_and_keeps_its_id() {
        let mut listed = Listed::default();
        let page = json!({"webhooks": [
            null, 7, {}, {"id": "a"}, {"id": "../x", "url": "https://h.invalid"}, {"id": "b", "url": 7.5},
            {"id": "c", "url": "https://h.invalid", "status": "active", "secret": "never shown"},
            {"id": "c", "url": "https://h.invalid"},
            {"id": "d", "url": "https://h.invalid", "status": "deleted"},
            {"id": "e", "url": "https://h.invalid/", "status": "paused"}]});
        assert_eq!(listed.add(WebhookApi::Synthesia, &page), Some(10));
        assert_eq!(listed.unreadable, [None, None, None, Some("a".to_owned()), None]);
        let ids: Vec<_> = listed.webhooks.iter().map(|webhook| webhook.id.as_str()).collect();
        assert_eq!(ids, ["b", "c", "d", "e"]);
        let ours: Vec<_> = listed.with_url("https://h.invalid").map(|webhook| webhook.id.as_str()).collect();
        assert_eq!(ours, ["c", "e"], "a deleted one posts nowhere");
        for odd in [json!(null), json!([]), json!({"webhooks": null}), json!({"data": []})] {
            assert_eq!(Listed::default().add(WebhookApi::Synthesia, &odd), None, "{odd}");
        }
    }

    #[test]
    fn elevenlabs_says_who_disabled_a_webhook() {
        let webhook = |mut element: Value| {
            element["webhook_id"] = json!("w");
            element["webhook_url"] = json!("https://h.invalid");
            super::webhook(WebhookApi::ElevenLabs, &element).unwrap()
        };
        assert_eq!(webhook(json!({"is_disabled": false, "is_auto_disabled": null})).state, State::Active);
        assert_eq!(webhook(json!({"is_disabled": true})).state, State::Disabled);
        assert_eq!(webhook(json!({"is_disabled": true, "is_auto_disabled": true})).state, State::AutoDisabled);
        assert_eq!(webhook(json!({"events": ["flows"]})).events, Some(["flows".to_owned()].into()));
        assert_eq!(webhook(json!({"events": [{"type": "flows"}]})).events, None);
    }
}
