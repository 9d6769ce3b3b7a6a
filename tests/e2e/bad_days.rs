//! HeyGen fails: each failure has its class and a message that says what to do, and the next sync completes the
//! changes.

use crate::inside::Inside;
use heygen::api::{ApiVersion, RetryPolicy};
use serde_json::{Value, json};
use simulator::{Existing, Fault, RetryAfter, When};
use std::time::Duration;
use webhook::ErrorClass;

const LIST: When = When::Next("GET", "/v3/webhooks/endpoints");
const CREATE: When = When::Next("POST", "/v3/webhooks/endpoints");
const ROTATE: When = When::Next("POST", "/v3/webhooks/endpoints/*/rotate-secret");

fn sync() -> Value {
    json!({"action": "sync"})
}

/// Every attempt of a call fails in the same way.
fn always(inside: &Inside, when: &When, fault: &Fault) {
    for _ in 0..inside.config.retry.attempts {
        inside.inject(when.clone(), fault.clone());
    }
}

fn faults() -> [(Fault, ErrorClass, &'static [&'static str]); 8] {
    let later = RetryAfter::Seconds(3600);
    [
        (
            Fault::rate_limited(later),
            ErrorClass::Transient,
            &["rate limit is exceeded", "try again later", "retry after 3600 s"],
        ),
        (
            Fault::rate_limited(RetryAfter::Date(Duration::from_secs(3600))),
            ErrorClass::Transient,
            &["try again later", "retry after"],
        ),
        (Fault::quota_exceeded(), ErrorClass::Denied, &["quota", "raise the quota"]),
        (Fault::internal(), ErrorClass::Transient, &["HeyGen failed", "try again later", "status 500"]),
        (Fault::Stall(Duration::from_secs(2)), ErrorClass::Transient, &["no response in time", "try again"]),
        (Fault::DropRequest, ErrorClass::Transient, &["no connection, or it broke", "try again"]),
        (Fault::Gateway(502), ErrorClass::Transient, &["HeyGen failed", "try again later", "status 502"]),
        (Fault::Gateway(200), ErrorClass::Transient, &["not HeyGen's", "check the base URL and any proxy"]),
    ]
}

#[test]
fn every_failure_has_its_class_and_says_what_to_do() {
    let Some(inside) = Inside::new(ApiVersion::V3, &["main"]) else { return };
    for (fault, class, words) in faults() {
        always(&inside, &LIST, &fault);
        let error = inside.run(json!({"action": "plan"})).unwrap_err();
        assert_eq!(error.class(), class, "{fault:?}: {error}");
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{fault:?}: {text}");
        // Uses up the remaining faults.
        while inside.run(json!({"action": "plan"})).is_err() {}
    }
    let calls = inside.calls();
    assert!(calls.iter().all(|call| !call.is_mutating()));
}

#[test]
fn an_error_in_a_200_is_an_error() {
    let Some(inside) = Inside::new(ApiVersion::V3, &["main"]) else { return };
    inside.inject(LIST, Fault::ErrorIn200);
    let error = inside.run(sync()).unwrap_err();
    assert!(error.to_string().contains("code internal_error"), "{error}");
    assert_eq!(inside.mutating_calls(), 0);
    inside.run(sync()).unwrap();
    inside.settled("main").unwrap();
}

#[test]
fn a_wrong_key_is_denied_and_said_to_be_in_its_secret() {
    let Some(inside) = Inside::new(ApiVersion::V3, &["main"]) else { return };
    for (wrong, word) in [(json!("wrong-key"), "API key"), (json!({"bearer": "wrong-token"}), "API key")] {
        inside.store("api-key", wrong);
        let error = inside.run(sync()).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Denied);
        let text = error.to_string();
        assert!(text.contains(word) && text.contains("ApiKeySecret") && text.contains("status 401"), "{text}");
        assert!(!text.contains("wrong-"), "{text}");
    }
    // A bearer token works as well.
    inside.store("api-key", json!({"bearer": inside.api_key()}));
    inside.run(sync()).unwrap();
    inside.settled("main").unwrap();
}

#[test]
fn without_a_key_it_is_said_where_to_store_it() {
    let Some(mut inside) = Inside::new(ApiVersion::V3, &["main"]) else { return };
    inside.config.api_key_secret = Some("no-such-secret".to_owned());
    let error = inside.run(sync()).unwrap_err();
    assert!(error.to_string().contains("store it as the value of the secret no-such-secret"), "{error}");
    inside.config.api_key_secret = None;
    let error = inside.run(sync()).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Denied);
    assert!(error.to_string().contains("ApiKeySecret"), "{error}");
}

#[test]
fn whatever_happens_to_a_create_the_next_sync_completes_it() {
    let rejected = Fault::Error { status: 400, code: "invalid_parameter", retry_after: None };
    let more = [Fault::DropResponse, Fault::ErrorIn200, rejected];
    for fault in faults().into_iter().map(|(fault, ..)| fault).chain(more) {
        let Some(inside) = Inside::new(ApiVersion::V3, &["main"]) else { return };
        always(&inside, &CREATE, &fault);
        // The retry after a lost response may have succeeded already.
        let first = inside.run(sync());
        while inside.run(sync()).is_err() {}
        inside.settled("main").unwrap_or_else(|why| panic!("{fault:?}: {first:?}: {why}"));
    }
}

#[test]
fn whatever_happens_to_a_rotation_the_next_sync_completes_it() {
    for fault in faults().into_iter().map(|(fault, ..)| fault).chain([Fault::DropResponse, Fault::ErrorIn200]) {
        let Some(inside) = Inside::new(ApiVersion::V3, &["main"]) else { return };
        inside.run(sync()).unwrap();
        let old = inside.stored("main").current.unwrap();
        always(&inside, &ROTATE, &fault);
        let first = inside.run(json!({"action": "rotate", "endpoint": "main"}));
        while inside.run(sync()).is_err() {}
        inside.settled("main").unwrap_or_else(|why| panic!("{fault:?}: {first:?}: {why}"));
        let stored = inside.stored("main");
        let now = time::OffsetDateTime::now_utc();
        assert!(stored.valid_at(now).contains(&&old), "{fault:?}: the old secret is still accepted");
    }
}

#[test]
fn one_endpoint_that_fails_leaves_its_neighbours_alone() {
    let Some(mut inside) = Inside::new(ApiVersion::V3, &["main", "second"]) else { return };
    inside.configure(json!([{"name": "main", "events": ["no.such.event"]}, {"name": "second"}]));
    let error = inside.run(sync()).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.class(), ErrorClass::Permanent);
    assert!(text.contains("done: second  create") && text.contains("failed: main  create"), "{text}");
    assert!(text.contains("HeyGen does not accept the request: correct it"), "{text}");
    inside.settled("second").unwrap();
    // A rejected call leaves no note, so the next sync starts from the beginning.
    assert!(inside.stored("main").pending.is_none());
}

#[test]
fn a_key_that_is_too_old_is_not_used_again() {
    let Some(inside) = Inside::new(ApiVersion::V3, &["main", "second"]) else { return };
    inside.run(sync()).unwrap();
    let (main, second) = (inside.settled("main").unwrap(), inside.settled("second").unwrap());
    let since = "2026-01-01T00:00:00Z";
    let note = |change: Value| {
        let mut note = json!({"idempotency_key": "of-last-winter", "since": since});
        note.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        note
    };
    // A rotation whose outcome was never stored, …
    let registered = json!({"endpoint_id": main.endpoint_id});
    let pending = note(json!({"change": "rotate", "endpoint_id": main.endpoint_id}));
    inside.store("main", json!({"current": "whsec_dead", "registered": registered, "pending": pending}));
    // … and a registration that was made, but never stored.
    inside.store("second", json!({"pending": note(json!({"change": "create", "known": []}))}));
    inside.run(sync()).unwrap();
    assert_eq!(inside.settled("main").unwrap().endpoint_id, main.endpoint_id);
    assert_eq!(inside.settled("second").unwrap().endpoint_id, second.endpoint_id);
    let keys: Vec<_> = inside.calls().into_iter().filter_map(|call| call.idempotency_key).collect();
    assert!(!keys.contains(&"of-last-winter".to_owned()), "{keys:?}");
}

#[test]
fn what_is_stored_and_cannot_be_read_is_not_overwritten() {
    let Some(inside) = Inside::new(ApiVersion::V3, &["main", "second"]) else { return };
    inside.store("main", json!({"curent": "whsec_somebodys", "current": 7}));
    let done = inside.run(sync()).unwrap();
    assert!(done["text"].as_str().unwrap().contains("main is left alone"), "{}", done["text"]);
    inside.settled("second").unwrap();
    assert!(inside.at_heygen("main").is_empty());
}

#[test]
fn a_slow_heygen_is_waited_for_and_asked_again() {
    let Some(mut inside) = Inside::new(ApiVersion::V3, &["main"]) else { return };
    inside.config.retry = RetryPolicy { base: Duration::from_millis(1), ..RetryPolicy::default() };
    inside.register(Existing::new("https://other.team.invalid/hooks"));
    inside.inject(LIST, Fault::rate_limited(RetryAfter::Seconds(1)));
    inside.inject(CREATE, Fault::internal());
    inside.inject(CREATE, Fault::DropResponse);
    inside.run(sync()).unwrap();
    inside.settled("main").unwrap();
}
