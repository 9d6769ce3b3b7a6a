//! Idempotency keys.

use crate::support::*;
use serde_json::json;
use simulator::{Fault, When};
use std::thread;
use std::time::Duration;

#[test]
fn a_key_returns_the_first_response_for_a_day_even_for_another_body() {
    let api = api();
    let first = api.keyed(ENDPOINTS, "create:1", json!({"url": SOME_URL})).unwrap();
    let again = api.keyed(ENDPOINTS, "create:1", json!({"url": "https://other.example.invalid/"})).unwrap();
    assert!(ok(&first)["data"]["secret"].is_string());
    assert_eq!((first.status, first.json()), (again.status, again.json()));
    let rotate = format!("{ENDPOINTS}/{}/rotate-secret", api.id(0));
    let rotated = api.keyed(&rotate, "rotate:1", json!({})).unwrap();
    assert_eq!(ok(&rotated), ok(&api.keyed(&rotate, "rotate:1", json!({})).unwrap()));
    assert_eq!(json!(api.secret(0)), rotated.json()["data"]["secret"]);

    api.advance(Duration::from_hours(24) - Duration::from_mins(1));
    assert_eq!(ok(&api.keyed(ENDPOINTS, "create:1", json!({"url": SOME_URL})).unwrap()), first.json());
    assert_eq!(api.endpoints().len(), 1);
    api.advance(Duration::from_mins(1));
    assert_ne!(ok(&api.keyed(ENDPOINTS, "create:1", json!({"url": SOME_URL})).unwrap()), first.json());
    assert_eq!(api.endpoints().len(), 2);
}

#[test]
fn a_key_must_match_heygens_pattern() {
    let api = api();
    for key in [" ", "a b", "a/b", "schlüssel", &"k".repeat(256)] {
        let response = api.keyed(ENDPOINTS, key, json!({"url": SOME_URL})).unwrap();
        rejected(&response, 400, "invalid_parameter");
    }
    ok(&api.keyed(ENDPOINTS, &"k".repeat(255), json!({"url": SOME_URL})).unwrap());
}

#[test]
fn a_key_in_flight_is_a_conflict() {
    let api = api();
    api.inject(When::Next("POST", ENDPOINTS), Fault::Stall(millis(100)));
    thread::scope(|scope| {
        let first = scope.spawn(|| api.keyed(ENDPOINTS, "k", json!({"url": SOME_URL})).unwrap());
        wait_for("the first call", || api.calls().len() == 1);
        rejected(&api.keyed(ENDPOINTS, "k", json!({"url": SOME_URL})).unwrap(), 409, "request_in_progress");
        let first = first.join().unwrap();
        assert_eq!(ok(&first), ok(&api.keyed(ENDPOINTS, "k", json!({"url": SOME_URL})).unwrap()));
    });
    assert_eq!(api.endpoints().len(), 1);
}
