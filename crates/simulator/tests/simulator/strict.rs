//! Authentication, and strict reading of requests.

use crate::support::*;
use serde_json::{Value, json};
use simulator::Existing;

#[test]
fn a_call_without_the_right_key_is_rejected_in_the_envelope_of_its_version() {
    let api = api();
    let bearer = format!("Bearer {}", api.api_key());
    assert_eq!(api.send("GET", ENDPOINTS, &[("Authorization", &bearer)], "").unwrap().status, 200);
    let wrong: [&[(&str, &str)]; 3] = [&[], &[("X-Api-Key", "wrong")], &[("Authorization", api.api_key())]];
    for headers in wrong {
        rejected(&api.send("GET", ENDPOINTS, headers, "").unwrap(), 401, "unauthorized");
        rejected_by_v1(&api.send("GET", "/v1/webhook/endpoint.list", headers, "").unwrap(), 401, 401_000);
    }
    let create =
        api.send("POST", ENDPOINTS, &[("Content-Type", "application/json")], r#"{"url": "https://a.invalid"}"#);
    rejected(&create.unwrap(), 401, "unauthorized");
    assert_eq!(api.endpoints(), []);
}

#[test]
fn a_typo_is_an_error() {
    let api = api();
    let id = api.register(Existing::new(SOME_URL));
    let secret = api.secret(0);
    let (one, rotate) = (format!("{ENDPOINTS}/{id}"), format!("{ENDPOINTS}/{id}/rotate-secret"));
    let typos = [
        ("POST", ENDPOINTS, json!({"url": SOME_URL, "event": []})),
        ("POST", ENDPOINTS, json!({"events": ["avatar_video.fail"]})),
        ("PATCH", &one, json!({"status": "enabled"})),
        ("POST", &rotate, json!({"endpoint_id": id})),
        ("GET", "/v3/webhooks/endpoints?page=2", Value::Null),
        ("GET", "/v3/webhooks/event-types?limit=100", Value::Null),
        ("GET", "/v3/webhooks/events?type=avatar_video.fail", Value::Null),
        ("GET", "/v3/videos/statuses?ids=a", Value::Null),
    ];
    for (method, path, body) in typos {
        rejected(&api.call(method, path, body), 400, "invalid_parameter");
    }
    rejected_by_v1(&api.call("POST", "/v1/webhook/endpoint.add", json!({"uri": SOME_URL})), 400, 400_000);
    rejected_by_v1(&api.call("POST", "/v1/webhook.add", json!({"url": SOME_URL})), 404, 404_000);
    rejected(&api.get("/v3/webhook/endpoints"), 404, "not_found");
    rejected(&api.call("PUT", &one, json!({})), 405, "method_not_allowed");
    let no_type = api.send("POST", ENDPOINTS, &[("X-Api-Key", api.api_key())], r#"{"url": "https://a.invalid"}"#);
    rejected(&no_type.unwrap(), 400, "invalid_parameter");
    assert_eq!(api.endpoints().len(), 1);
    assert_eq!(api.secret(0), secret);
}

#[test]
fn bad_urls_and_event_types_are_rejected() {
    let api = api();
    let id = api.register(Existing::new(SOME_URL));
    for url in ["", "hooks.example.invalid", "/hooks", "http://hooks.example.invalid/", "ftp://127.0.0.1/", "https://"]
    {
        let body = json!({"url": url});
        rejected(&api.call("POST", ENDPOINTS, body.clone()), 400, "invalid_parameter");
        rejected(&api.call("PATCH", &format!("{ENDPOINTS}/{id}"), body.clone()), 400, "invalid_parameter");
        rejected_by_v1(&api.call("POST", "/v1/webhook/endpoint.add", body), 400, 400_542);
    }
    for events in [json!([]), json!(["avatar_video.done"]), json!("avatar_video.success"), json!([1])] {
        let response = api.call("POST", ENDPOINTS, json!({"url": SOME_URL, "events": events}));
        rejected(&response, 400, "invalid_parameter");
        rejected(&api.call("PATCH", &format!("{ENDPOINTS}/{id}"), json!({"events": events})), 400, "invalid_parameter");
    }
    assert_eq!(api.endpoints().len(), 1);
    assert_eq!(api.endpoints()[0].url, SOME_URL);
}
