//! Registration checks.

use crate::support::*;
use serde_json::json;
use simulator::{Options, Receiver};
use std::net::TcpListener;

#[test]
fn a_new_endpoint_must_respond_to_options() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    let body = json!({"url": receiver.url()});
    ok(&api.call("POST", ENDPOINTS, body.clone()));
    assert_eq!(api.call("POST", "/v1/webhook/endpoint.add", body.clone()).status, 201);
    let methods: Vec<_> = receiver.received().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["OPTIONS", "OPTIONS"]);

    receiver.respond_next(405);
    rejected(&api.call("POST", ENDPOINTS, body.clone()), 400, "invalid_parameter");
    receiver.respond_next(500);
    rejected_by_v1(&api.call("POST", "/v1/webhook/endpoint.add", body.clone()), 400, 400_542);
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    rejected(&api.call("POST", ENDPOINTS, json!({"url": format!("http://{unused}/")})), 400, "invalid_parameter");
    assert_eq!(api.endpoints().len(), 2);

    let api = Api::start(Options { check_limit: millis(50), ..Options::default() });
    receiver.respond_next_after(204, millis(300));
    rejected(&api.call("POST", ENDPOINTS, body), 400, "invalid_parameter");
    assert_eq!(api.endpoints(), []);

    let api = Api::start(Options { check_urls: false, ..Options::default() });
    ok(&api.call("POST", ENDPOINTS, json!({"url": format!("http://{unused}/")})));
}

#[test]
fn names_below_localhost_are_this_machine() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    let url = receiver.url().replace("127.0.0.1", "abc123.execute-api.localhost");
    assert_ne!(url, receiver.url());
    ok(&api.call("POST", ENDPOINTS, json!({"url": url})));
    api.emit("batch.finished", json!({}));
    api.wait_until_delivered(TIMEOUT).unwrap();
    let received = receiver.received();
    assert_eq!(received.iter().map(|request| request.method.as_str()).collect::<Vec<_>>(), ["OPTIONS", "POST"]);
    // A local AWS distinguishes its APIs by it.
    assert!(
        received.iter().all(|request| request.header("host").unwrap().starts_with("abc123.execute-api.localhost:"))
    );

    let api = Api::start(Options { check_urls: false, ..Options::default() });
    ok(&api.call("POST", ENDPOINTS, json!({"url": url})));
    for url in ["http://example.org/", "http://localhost.example.org/", "http://xlocalhost/"] {
        rejected(&api.call("POST", ENDPOINTS, json!({"url": url})), 400, "invalid_parameter");
    }
}
