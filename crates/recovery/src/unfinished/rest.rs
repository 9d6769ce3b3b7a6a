//! What is left of a request that ran out of time. Pure.

use serde_json::Value;
use sha2::{Digest, Sha256};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rest {
    /// The request that does the rest.
    Left(Value),
    Nothing,
    /// The request changes nothing, or the schedule does the rest anyway.
    NotNoted,
}

/// The fields of a reply with which its request is continued.
fn continuation(request: &Value) -> Option<&'static [&'static str]> {
    let has = |name: &str| !request[name].is_null();
    match request["action"].as_str()? {
        "redrive" if request["dry_run"] == false => Some(&["sent_before"]),
        // Of undelivered job events, the times are those of the reports, as they were at first.
        "replay" if request["dry_run"] == false && request["undelivered"] == true => {
            Some(&["continue_from", "since", "until"])
        }
        "replay" if request["dry_run"] == false => Some(&["continue_from"]),
        "backfill" if has("event_type") || has("entity_id") => Some(&["continue_from"]),
        _ => None,
    }
}

/// Whether what is left of a request is ever noted. Nothing else is run because the table says so.
pub(crate) fn is_continued(request: &Value) -> bool {
    continuation(request).is_some()
}

pub(crate) fn rest(request: &Value, reply: &Value) -> Rest {
    let Some(fields) = continuation(request) else { return Rest::NotNoted };
    let mut left = request.clone();
    let mut is_continued = false;
    for name in fields.iter().filter(|name| !reply[**name].is_null()) {
        left[*name] = reply[*name].clone();
        is_continued = true;
    }
    if reply["more"] == true && is_continued { Rest::Left(left) } else { Rest::Nothing }
}

/// The same for a request and its continuations, and else different.
pub(crate) fn digest(request: &Value) -> String {
    let mut whole = request.clone();
    if let Some(fields) = whole.as_object_mut() {
        let continuation = continuation(request).unwrap_or_default();
        fields.retain(|name, value| !value.is_null() && !continuation.contains(&name.as_str()));
    }
    hex::encode(Sha256::digest(whole.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KEY: &str = r#"{"id":"v1","item":"job#avatar_video#v1"}"#;

    fn key() -> Value {
        serde_json::from_str(KEY).unwrap()
    }

    #[test]
    fn what_is_left_of_a_request_is_what_its_reply_continues() {
        let until = "2026-11-22T03:00:00Z";
        let redrive = json!({"action": "redrive", "dry_run": false, "reason": "x"});
        let reply = json!({"more": true, "sent_before": until, "since": until});
        let left = json!({"action": "redrive", "dry_run": false, "reason": "x", "sent_before": until});
        assert_eq!(rest(&redrive, &reply), Rest::Left(left));
        assert_eq!(rest(&redrive, &json!({"more": false, "sent_before": until})), Rest::Nothing);

        let replay = json!({"action": "replay", "dry_run": false, "undelivered": true});
        let reply = json!({"more": true, "continue_from": key(), "since": until, "until": null});
        let left =
            json!({"action": "replay", "dry_run": false, "undelivered": true, "continue_from": key(), "since": until});
        assert_eq!(rest(&replay, &reply), Rest::Left(left));

        let narrowed = json!({"action": "backfill", "entity_id": "v1"});
        assert_eq!(rest(&narrowed, &json!({"more": true})), Rest::Nothing, "it would begin again each time");
    }

    #[test]
    fn what_changes_nothing_or_is_scheduled_is_not_noted() {
        for request in [
            json!({"action": "redrive"}),
            json!({"action": "replay", "dry_run": true}),
            json!({"action": "backfill", "since": "2026-11-22T03:00:00Z"}),
            json!({"action": "recover"}),
            json!({"action": "sweep"}),
        ] {
            let reply = json!({"more": true, "sent_before": "now", "continue_from": key()});
            assert_eq!(rest(&request, &reply), Rest::NotNoted, "{request}");
        }
    }

    #[test]
    fn a_request_and_its_continuations_have_one_digest_and_others_have_another() {
        let base = json!({"action": "replay", "to": "bus", "dry_run": false, "since": "2026-11-22T03:00:00Z"});
        let with = |name: &str, value: Value| {
            let mut request = base.clone();
            request[name] = value;
            digest(&request)
        };
        assert_eq!(with("continue_from", key()), digest(&base));
        assert_eq!(with("until", Value::Null), digest(&base));
        assert_ne!(with("since", json!("2026-11-22T04:00:00Z")), digest(&base));
        assert_ne!(with("to", json!("processor")), digest(&base));
        let undelivered = json!({"action": "replay", "dry_run": false, "undelivered": true});
        let mut continued = undelivered.clone();
        continued["since"] = json!("2026-11-22T04:00:00Z");
        assert_eq!(digest(&continued), digest(&undelivered));
    }
}
