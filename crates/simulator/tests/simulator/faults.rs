//! Injected faults.

use crate::support::*;
use serde_json::{Value, json};
use simulator::{Existing, Fault, RetryAfter, When};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn a_fault_instead_of_a_call_changes_nothing() {
    let api = api();
    let post = When::Next("POST", ENDPOINTS);
    let create = || api.keyed(ENDPOINTS, "k", json!({"url": SOME_URL}));

    api.inject(post.clone(), Fault::DropRequest);
    assert!(create().is_err());
    api.inject(post.clone(), Fault::internal());
    rejected(&create().unwrap(), 500, "internal_error");
    api.inject(post.clone(), Fault::rate_limited(RetryAfter::Seconds(3)));
    let limited = create().unwrap();
    rejected(&limited, 429, "rate_limit_exceeded");
    assert_eq!(limited.header("retry-after"), Some("3"));
    api.inject(post.clone(), Fault::rate_limited(RetryAfter::Date(Duration::from_secs(60))));
    let limited = create().unwrap();
    let date = limited.header("retry-after").unwrap();
    assert!(date.ends_with(" GMT") && date.len() == "Sun, 06 Nov 1994 08:49:37 GMT".len(), "{date}");
    api.inject(post.clone(), Fault::quota_exceeded());
    let exceeded = create().unwrap();
    rejected(&exceeded, 429, "quota_exceeded");
    assert_eq!(exceeded.header("retry-after"), None);
    api.inject(post.clone(), Fault::Gateway(502));
    let page = create().unwrap();
    assert_eq!((page.status, page.json()), (502, Value::Null));
    assert!(page.body.starts_with(b"<html>"));
    api.inject(post, Fault::ErrorIn200);
    rejected(&create().unwrap(), 200, "internal_error");
    assert_eq!(api.endpoints(), []);

    // No response was stored for the key.
    ok(&create().unwrap());
    assert_eq!(api.endpoints().len(), 1);
}

#[test]
fn a_call_is_processed_although_its_response_is_dropped() {
    let api = api();
    api.inject(When::Next("POST", ENDPOINTS), Fault::DropResponse);
    assert!(api.keyed(ENDPOINTS, "k", json!({"url": SOME_URL})).is_err());
    assert_eq!((api.endpoints().len(), api.calls()[0].status), (1, None));
    let again = ok(&api.keyed(ENDPOINTS, "k", json!({"url": SOME_URL})).unwrap());
    assert_eq!(again["data"]["secret"], json!(api.secret(0)));
    assert_eq!(api.endpoints().len(), 1);
}

#[test]
fn a_client_that_disconnects_undoes_nothing() {
    let api = api();
    api.inject(When::Next("POST", ENDPOINTS), Fault::Stall(millis(100)));
    let (address, body) = (api.url().replace("http://", ""), json!({"url": SOME_URL}).to_string());
    let headers = format!("X-Api-Key: {}\r\nContent-Type: application/json", api.api_key());
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "POST {ENDPOINTS} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    wait_for("the call", || api.calls().len() == 1);
    drop(stream);
    assert_eq!(api.endpoints(), []);
    wait_for("the work to be done", || api.endpoints().len() == 1);
}

#[test]
fn a_fault_applies_only_to_the_call_that_it_was_injected_into() {
    let api = api();
    let id = api.register(Existing::new(SOME_URL));
    api.inject(When::Nth(3), Fault::Gateway(503));
    api.inject(When::Next("DELETE", "/v3/webhooks/endpoints/*"), Fault::internal());
    api.inject(When::Next("GET", "/v1/webhook/endpoint.list"), Fault::internal());
    api.inject(When::Next("GET", ENDPOINTS), Fault::Gateway(504));
    assert_eq!(api.get(ENDPOINTS).status, 504);
    assert_eq!(api.get(ENDPOINTS).status, 200);
    assert_eq!(api.get(ENDPOINTS).status, 503);
    let path = format!("{ENDPOINTS}/{id}");
    assert_eq!(api.call("POST", &format!("{path}/rotate-secret"), Value::Null).status, 200);
    assert_eq!(api.call("PATCH", &path, json!({})).status, 200);
    rejected(&api.call("DELETE", &path, Value::Null), 500, "internal_error");
    assert_eq!(api.call("DELETE", &path, Value::Null).status, 200);
    rejected_by_v1(&api.get("/v1/webhook/endpoint.list"), 500, 500_000);
}
