//! What a test can examine afterwards.

use crate::support::*;
use serde_json::{Value, json};
use simulator::http::Http;
use simulator::{Existing, Options, Receiver};

#[test]
fn the_calls_are_listed_without_secrets() {
    let api = Api::start(Options { endpoints: vec![Existing::new(SOME_URL)], ..Options::default() });
    api.get(&format!("{ENDPOINTS}?limit=100"));
    api.keyed(ENDPOINTS, "key-1", json!({"url": SOME_URL})).unwrap();
    api.call("POST", &format!("{ENDPOINTS}/{}/rotate-secret", api.id(1)), Value::Null);
    api.send("DELETE", ENDPOINTS, &[], "").unwrap();
    let calls = api.calls();
    let seen: Vec<_> = calls.iter().map(|call| (call.method.as_str(), call.path.as_str(), call.status)).collect();
    let rotate = format!("{ENDPOINTS}/{}/rotate-secret", api.id(1));
    let expected = [
        ("GET", ENDPOINTS, Some(200)),
        ("POST", ENDPOINTS, Some(200)),
        ("POST", &rotate, Some(200)),
        ("DELETE", ENDPOINTS, Some(401)),
    ];
    assert_eq!(seen, expected);
    assert_eq!(calls[1].idempotency_key.as_deref(), Some("key-1"));
    assert_eq!(api.mutating_calls(), 3);

    let receiver = Receiver::start().unwrap();
    api.register(Existing::new(receiver.url()));
    api.emit("batch.finished", json!({"url": "canary-link"}));
    api.wait_until_delivered(TIMEOUT).unwrap();
    let shown = format!("{:?} {calls:?} {:?} {:?}", api.heygen, receiver.received(), api.deliveries());
    assert!(shown.contains(SOME_URL));
    for endpoint in api.endpoints() {
        assert!(!shown.contains(json!(endpoint.secret).as_str().unwrap()));
    }
    assert!(!shown.contains("whsec_") && !shown.contains(api.api_key()) && !shown.contains("canary-link"));
    assert!(!shown.contains(receiver.deliveries()[0].header("signature").unwrap()));
}

#[test]
fn a_workspace_can_have_endpoints_from_the_start() {
    let mut endpoints = Existing::foreign(2);
    endpoints.extend([Existing::new(SOME_URL), Existing::new(SOME_URL)]);
    endpoints.push(Existing { enabled: false, ..Existing::new(SOME_URL) });
    let api = Api::start(Options { endpoints, ..Options::default() });
    let listed = ok(&api.get(ENDPOINTS))["data"].clone();
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(|item| (&item["url"], &item["status"])).collect();
    assert_eq!(listed.len(), 5);
    assert_eq!(listed[2], listed[3]);
    assert_eq!((listed[4].0, listed[4].1), (listed[3].0, &json!("disabled")));
    assert_eq!(api.calls().len(), 1, "only the list was a call");
}

#[test]
fn a_dropped_simulator_no_longer_listens() {
    let api = api();
    let url = api.url();
    drop(api);
    assert!(Http::new(TIMEOUT).get(&url).is_err());
}
