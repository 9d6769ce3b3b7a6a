//! What has to change for one webhook: a pure function of what is configured, what is stored and what the platform lists.

use crate::desired::DesiredWebhook;
use crate::platforms::client::Wanted;
use crate::platforms::listed::{Listed, State, Webhook};
use crate::platforms::report::{Change, ChangeKind, Reason};
use crate::urls;
use crate::webhook_api::WebhookApi;
use aws::secrets::{EndpointSecret, PendingChange, WebhookSettings};

pub(crate) struct Input<'a> {
    pub(crate) api: WebhookApi,
    pub(crate) desired: &'a DesiredWebhook,
    pub(crate) url: &'a str,
    pub(crate) wanted: &'a Wanted,
    pub(crate) stored: &'a EndpointSecret,
    pub(crate) listed: &'a Listed,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Planned {
    /// In the order in which they are made.
    pub(crate) changes: Vec<Change>,
    /// What cannot be known, or what people should know.
    pub(crate) notes: Vec<String>,
    /// Whether the webhook is disabled.
    pub(crate) is_disabled: bool,
    /// Whether it may be among those that cannot be read: then nothing is changed.
    pub(crate) is_hidden: bool,
}

impl Change {
    /// Whether a sync makes it only with `prune`.
    pub(crate) fn needs_prune(&self) -> bool {
        self.change == ChangeKind::Delete && self.reason != Some(Reason::Replaced)
    }
}

pub(crate) fn plan(input: &Input<'_>) -> Planned {
    let Input { desired, stored, listed, .. } = input;
    let mut planned = Planned::default();
    if is_hidden(stored, listed) {
        planned.is_hidden = true;
        let title = desired.endpoint.platform.title();
        planned.notes.push(format!("left alone, because it may be a webhook that could not be read in {title}'s list"));
        return planned;
    }
    let (registered, lost) = (registered(input), lost(input));
    if !desired.enabled {
        let replaced = stored.replaced.iter().filter_map(|id| listed.find(id));
        let all = registered.into_iter().chain(replaced).chain(lost).filter(|webhook| webhook.state != State::Deleted);
        let all = all.map(|webhook| Change::of(ChangeKind::Delete, &webhook.id, Reason::NotEnabled));
        planned.changes.extend(all);
        return planned;
    }
    match reason_to_create(input, registered, &lost) {
        Decision::Create(reason) => {
            planned.changes.push(Change { reason: Some(reason), ..Change::new(ChangeKind::Create) });
        }
        Decision::Adopt(id) => planned.changes.push(Change { webhook_id: Some(id), ..Change::new(ChangeKind::Adopt) }),
        Decision::Keep(webhook) => {
            if stored.pending.is_some() {
                planned.changes.push(Change::new(ChangeKind::Finish));
            }
            update(input, webhook, &mut planned);
        }
    }
    let is_registered = |id: &String| registered.is_some_and(|webhook| webhook.id == *id);
    // Listed or not: a list that changes between two pages may lack one.
    let replaced = stored.replaced.iter().filter(|id| !is_registered(id));
    planned.changes.extend(replaced.map(|id| Change::of(ChangeKind::Delete, id, Reason::Replaced)));
    // One that is adopted is no duplicate.
    let is_adopted = |id: &String| planned.changes.iter().any(|change| change.webhook_id.as_ref() == Some(id));
    let is_known = |id: &String| is_registered(id) || stored.replaced.contains(id) || is_adopted(id);
    let others = listed.with_url(input.url).filter(|webhook| !is_known(&webhook.id));
    let others = others.filter(|webhook| lost.iter().all(|lost| lost.id != webhook.id));
    let duplicates: Vec<_> =
        others.map(|webhook| Change::of(ChangeKind::Delete, &webhook.id, Reason::Duplicate)).collect();
    planned.changes.extend(duplicates);
    planned
}

enum Decision<'a> {
    Create(Reason),
    Adopt(String),
    Keep(&'a Webhook),
}

fn reason_to_create<'a>(input: &Input<'a>, registered: Option<&'a Webhook>, lost: &[&Webhook]) -> Decision<'a> {
    let Input { stored, listed, url, .. } = input;
    if stored.is_revoking() {
        return Decision::Create(Reason::Revoked);
    }
    // Its secret was in an answer that is lost.
    if !lost.is_empty() {
        return Decision::Create(Reason::AnswerLost);
    }
    if stored.registered.is_none() {
        let mut with_url = listed.with_url(url).filter(|webhook| !stored.replaced.contains(&webhook.id));
        // Someone stored its secret by hand. The platform does not show whether it is the right one.
        return match (with_url.next(), with_url.next(), &stored.current, &stored.pending) {
            (Some(only), None, Some(_), None) => Decision::Adopt(only.id.clone()),
            _ => Decision::Create(Reason::New),
        };
    }
    match registered {
        None => Decision::Create(Reason::Gone),
        Some(webhook) if webhook.state == State::Deleted => Decision::Create(Reason::Gone),
        Some(webhook) if !urls::same(&webhook.url, url) => Decision::Create(Reason::UrlChanged),
        Some(_) if stored.current.is_none() => Decision::Create(Reason::SecretUnknown),
        Some(_) if has_other_events(input) => Decision::Create(Reason::EventsChanged),
        Some(webhook) => Decision::Keep(webhook),
    }
}

/// What cannot be changed is not shown either: all that is known is what was asked for when the webhook was created.
fn has_other_events(input: &Input<'_>) -> bool {
    let set = input.stored.settings.as_ref().map(|set| &set.events);
    !input.api.updates() && set.is_some_and(|set| *set != input.wanted.events)
}

/// The settings of a webhook that is in sync.
pub(crate) fn settings(api: WebhookApi, wanted: &Wanted) -> WebhookSettings {
    WebhookSettings { events: wanted.events.clone(), retry: api.chooses_retries().then_some(wanted.retry) }
}

fn update(input: &Input<'_>, webhook: &Webhook, planned: &mut Planned) {
    let (api, id) = (input.api, &webhook.id);
    match &webhook.state {
        State::Active | State::Deleted => {}
        State::Disabled => {
            planned.is_disabled = true;
            planned.notes.push(format!("warning: {id} is disabled, so nothing is delivered. A sync enables it"));
        }
        State::AutoDisabled => {
            planned.is_disabled = true;
            planned.notes.push(format!(
                "warning: {} disabled {id} after failed deliveries; events since then may be lost. A sync enables it",
                api.platform().title()
            ));
        }
        State::Other(word) => {
            planned.is_disabled = true;
            let word: String = word.chars().filter(|char| char.is_ascii_alphanumeric()).take(20).collect();
            planned.notes.push(format!("warning: {id} has the status {word}, which is not known: it is left as it is"));
        }
    }
    if !api.updates() {
        return;
    }
    let reason = if planned.is_disabled {
        Some(Reason::Disabled)
    } else if webhook.events.as_ref().is_some_and(|events| !events.iter().eq(&input.wanted.events)) {
        Some(Reason::EventsChanged)
    } else {
        // Whether it tries again is not shown, so what was set last counts.
        let is_set = input.stored.settings.as_ref() == Some(&settings(api, input.wanted));
        (!is_set).then_some(Reason::SettingsChanged)
    };
    planned.changes.extend(reason.map(|reason| Change::of(ChangeKind::Update, id, reason)));
}

fn registered<'a>(input: &Input<'a>) -> Option<&'a Webhook> {
    input.listed.find(&input.stored.registered.as_ref()?.endpoint_id)
}

/// Every webhook that this deployment has registered here and that is not deleted yet.
pub(crate) fn ours(input: &Input<'_>) -> Vec<String> {
    let stored = input.stored;
    let registered = stored.registered.iter().map(|registered| &registered.endpoint_id);
    let lost = lost(input);
    let all = registered.chain(&stored.replaced).chain(lost.iter().map(|webhook| &webhook.id));
    all.cloned().collect()
}

/// The webhooks that a create made whose answer was lost: those with our URL that were not there before it.
pub(crate) fn lost<'a>(input: &Input<'a>) -> Vec<&'a Webhook> {
    let Input { stored, listed, url, .. } = *input;
    let Some(PendingChange::Create { known, .. }) = stored.pending.as_ref().map(|pending| &pending.change) else {
        return Vec::new();
    };
    let registered = stored.registered.as_ref().map(|registered| &registered.endpoint_id);
    let is_known = |id: &String| known.contains(id) || registered == Some(id) || stored.replaced.contains(id);
    listed.with_url(url).filter(|webhook| !is_known(&webhook.id)).collect()
}

/// Whether the registered webhook, or one whose create had no answer, may be among those that cannot be read.
fn is_hidden(stored: &EndpointSecret, listed: &Listed) -> bool {
    let registered = stored.registered.as_ref().map(|registered| &registered.endpoint_id);
    let known = stored.pending.as_ref().and_then(|pending| match &pending.change {
        PendingChange::Create { known, .. } => Some(known),
        PendingChange::Rotate { .. } => None,
    });
    listed.unreadable.iter().any(|unreadable| match unreadable {
        Some(id) => registered == Some(id) || known.is_some_and(|known| !known.contains(id)),
        None => known.is_some() || registered.is_some_and(|id| listed.find(id).is_none()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const URL: &str = "https://hooks.example.invalid/webhooks/x/main";

    /// What is planned for an endpoint with this stored value, where the platform lists these.
    fn planned(api: WebhookApi, enabled: bool, stored: Value, webhooks: Value) -> Planned {
        let endpoint = format!("{}/main", api.platform()).parse().unwrap();
        let desired = DesiredWebhook { enabled, ..DesiredWebhook::all_events(endpoint) };
        let mut listed = Listed::default();
        listed.add(api, &json!({ "webhooks": webhooks })).unwrap();
        let (wanted, stored) = (Wanted::new(api, &desired, "shop"), serde_json::from_value(stored).unwrap());
        plan(&Input { api, desired: &desired, url: URL, wanted: &wanted, stored: &stored, listed: &listed })
    }

    fn texts(planned: &Planned) -> Vec<String> {
        let text = |change: &Change| {
            let id = change.webhook_id.as_deref().unwrap_or("-");
            format!("{} {id} {:?}", change.change.name(), change.reason)
        };
        planned.changes.iter().map(text).collect()
    }

    fn synthesia(stored: Value, webhooks: Value) -> Vec<String> {
        texts(&planned(WebhookApi::Synthesia, true, stored, webhooks))
    }

    fn stored() -> Value {
        json!({"current": "s", "registered": {"endpoint_id": "a"}})
    }

    fn pending(known: &[&str], revoke: bool) -> Value {
        let mut stored = stored();
        stored["pending"] = json!({"change": "create", "known": known, "idempotency_key": "k", "revoke": revoke,
            "since": "2026-11-21T00:00:00Z"});
        stored
    }

    #[test]
    fn a_webhook_is_created_for_each_reason_that_leaves_no_other_way() {
        let create = |reason: &str| vec![format!("create - Some({reason})")];
        let at = |url: &str| json!([{"id": "a", "url": url}]);
        assert_eq!(synthesia(json!({}), json!([])), create("New"));
        assert_eq!(synthesia(stored(), json!([])), create("Gone"));
        assert_eq!(synthesia(stored(), json!([{"id": "a", "url": URL, "status": "deleted"}])), create("Gone"));
        assert_eq!(synthesia(stored(), at("https://former.example.invalid/")), create("UrlChanged"));
        assert_eq!(synthesia(json!({"registered": {"endpoint_id": "a"}}), at(URL)), create("SecretUnknown"));
        let mut others = stored();
        others["settings"] = json!({"events": ["video.completed"]});
        assert_eq!(synthesia(others, at(URL)), create("EventsChanged"));
        assert_eq!(synthesia(pending(&["a"], true), at(URL)), create("Revoked"));
        assert_eq!(synthesia(stored(), at(URL)), Vec::<String>::new());
    }

    #[test]
    fn a_webhook_that_was_not_there_before_a_create_is_ours_and_any_other_is_a_duplicate() {
        let two = json!([{"id": "a", "url": URL}, {"id": "b", "url": URL}]);
        assert_eq!(synthesia(pending(&["a"], false), two.clone()), ["create - Some(AnswerLost)"]);
        assert_eq!(synthesia(pending(&["a", "b"], false), two.clone()), ["finish - None", "delete b Some(Duplicate)"]);
        assert_eq!(synthesia(stored(), two.clone()), ["delete b Some(Duplicate)"]);
        let mut replaced = stored();
        replaced["replaced"] = json!(["b", "gone"]);
        let expected = ["delete b Some(Replaced)", "delete gone Some(Replaced)"];
        assert_eq!(synthesia(replaced, two), expected, "listed or not");
    }

    #[test]
    fn one_webhook_whose_secret_was_stored_by_hand_is_adopted_and_one_of_two_is_not() {
        let hand = || json!({"current": "s"});
        assert_eq!(synthesia(hand(), json!([{"id": "a", "url": URL}])), ["adopt a None"]);
        let two = json!([{"id": "a", "url": URL}, {"id": "b", "url": URL}]);
        assert_eq!(synthesia(hand(), two)[0], "create - Some(New)");
        assert_eq!(synthesia(json!({}), json!([{"id": "a", "url": URL}]))[0], "create - Some(New)");
    }

    #[test]
    fn a_webhook_with_an_unknown_status_is_left_as_it_is_with_a_warning() {
        let planned =
            planned(WebhookApi::Synthesia, true, stored(), json!([{"id": "a", "url": URL, "status": "paused"}]));
        assert_eq!((texts(&planned).len(), planned.is_disabled), (0, true));
        assert!(planned.notes[0].contains("the status paused"), "{:?}", planned.notes);
    }

    #[test]
    fn what_is_not_enabled_is_deleted_with_prune_and_nothing_else_happens_to_it() {
        let mut lost = pending(&["a"], false);
        lost["replaced"] = json!(["c"]);
        let all = json!([{"id": "a", "url": URL}, {"id": "b", "url": URL}, {"id": "c", "url": URL}, {"id": "d", "url": "https://h.invalid"}]);
        let planned = planned(WebhookApi::Synthesia, false, lost, all);
        let ids: Vec<_> = planned.changes.iter().map(|change| change.webhook_id.as_deref().unwrap()).collect();
        assert_eq!(ids, ["a", "c", "b"]);
        assert!(planned.changes.iter().all(Change::needs_prune));
    }

    #[test]
    fn nothing_is_planned_where_an_element_that_cannot_be_read_may_be_the_webhook() {
        let readable = json!({"id": "a", "url": URL});
        for (stored, webhooks, is_hidden) in [
            (stored(), json!([null]), true),
            (stored(), json!([{"id": "a"}]), true),
            (stored(), json!([{"id": "b"}]), false),
            (stored(), json!([null, readable]), false),
            (pending(&["a"], false), json!([null, readable]), true),
            (pending(&["a"], false), json!([{"id": "b"}, readable]), true),
            (pending(&["a", "b"], false), json!([{"id": "b"}, readable]), false),
            (json!({}), json!([null]), false),
        ] {
            let planned = planned(WebhookApi::Synthesia, true, stored.clone(), webhooks.clone());
            assert_eq!(planned.is_hidden, is_hidden, "{stored} {webhooks}");
            assert!(!is_hidden || planned.changes.is_empty());
        }
    }
}
