//! HTTP responses, through API Gateway.

use crate::support::{body, only_event, stack, success, unique};
use serde_json::json;
use webhook::{Status, Verified, sign};

/// Status, error code, and whether there are the headers Retry-After and Allow.
fn shape(answer: &simulator::http::Response) -> (u16, Option<String>, bool, bool) {
    let has = |name| answer.header(name).is_some();
    (answer.status, answer.error_code(), has("retry-after"), has("allow"))
}

#[test]
fn options_gets_204_on_any_path() {
    let stack = stack();
    for path in ["/webhooks/heygen/main", "/webhooks/heygen/unset", "/webhooks/heygen/unknown", "/elsewhere"] {
        let answer = stack.request("OPTIONS", path, &[], b"").unwrap();
        assert_eq!(answer.status, 204, "{path}");
        assert!(answer.header("allow").is_some_and(|allow| allow.contains("POST")), "{path}: {:?}", answer.headers);
    }
}

#[test]
fn a_signed_delivery_is_accepted_and_its_identity_returned() {
    let stack = stack();
    let id = unique("order");
    let body = success(&id, &unique("video"));
    let identity = stack.accepted(&body);
    assert_eq!(identity, heygen::read(&Verified::assume_authentic(body)).identity.to_string());
    assert_eq!(only_event(&stack.recorded(&id, 1)).identity(), identity);
}

#[test]
fn either_signature_header_is_known_in_any_case() {
    let stack = stack();
    for header in ["Signature", "signature", "Heygen-Signature", "HEYGEN-SIGNATURE"] {
        let body = success(&unique("order"), &unique("video"));
        let signature = sign(&stack.secret("main").unwrap(), &body);
        assert_eq!(stack.posted(&[(header, &signature)], &body).status, 200, "{header}");
        assert_eq!(stack.posted(&[(header, &signature.to_uppercase())], &body).status, 200, "{header}");
    }
}

#[test]
fn what_is_authentic_is_kept_whatever_it_says() {
    let stack = stack();
    let unknown_type = body("hologram.rendered", json!({"id": unique("hologram"), "odd": [1, 2]}));
    let without_callback_id = body("avatar_video.success", json!({"video_id": unique("video")}));
    let control_characters = format!("{{\"event_type\":\"x\",\"id\":\"{}\"}}\u{1}\u{FFFF}", unique("odd")).into_bytes();
    let not_json = unique("this is not JSON").into_bytes();
    for body in [unknown_type, without_callback_id, control_characters, not_json] {
        stack.accepted(&body);
        let event = heygen::read(&Verified::assume_authentic(body.clone()));
        let rows = stack.recorded(event.correlation_id().as_str(), 1);
        let kept = only_event(&rows);
        assert_eq!(kept.identity(), event.identity.as_str());
        assert_eq!(kept.attributes["body_sha256"], sha256(&body));
    }
}

#[test]
fn a_body_that_the_gateway_encodes_as_base64_is_verified_and_kept_as_it_was() {
    let stack = stack();
    // API Gateway passes text types on as text, and everything else as base64.
    let binary = [unique("bytes").as_bytes(), &[0xff, 0xfe, 0x00]].concat();
    for body in [binary, success(&unique("order"), &unique("video"))] {
        let signature = sign(&stack.secret("main").unwrap(), &body);
        let headers = [("Content-Type", "application/octet-stream"), ("Signature", signature.as_str())];
        let answer = stack.request("POST", "/webhooks/heygen/main", &headers, &body).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.json());
        let event = heygen::read(&Verified::assume_authentic(body.clone()));
        let rows = stack.recorded(event.correlation_id().as_str(), 1);
        assert_eq!(only_event(&rows).attributes["body_sha256"], sha256(&body));
    }
}

#[test]
fn a_senders_error_has_a_response_that_says_what_to_do() {
    let stack = stack();
    let body = success(&unique("order"), &unique("video"));
    let signature = sign(&stack.secret("main").unwrap(), &body);
    let signed = [("Signature", signature.as_str())];
    let huge = "x".repeat(1_000_001);
    let cases = [
        (401, "signature_missing", stack.posted(&[], &body)),
        (401, "signature_malformed", stack.posted(&[("Signature", "sha256=abc")], &body)),
        (401, "signature_mismatch", stack.posted(&[("Signature", &"0".repeat(64))], &body)),
        (401, "signature_mismatch", stack.posted(&signed, b"another body")),
        (401, "signature_mismatch", stack.post("second", &signed, &body).unwrap()),
        (404, "unknown_endpoint", stack.post("unknown", &signed, &body).unwrap()),
        (404, "unknown_path", stack.request("POST", "/elsewhere", &signed, &body).unwrap()),
        (405, "method_not_allowed", stack.request("GET", "/webhooks/heygen/main", &[], b"").unwrap()),
        (405, "method_not_allowed", stack.request("PUT", "/webhooks/heygen/main", &signed, &body).unwrap()),
        (400, "empty_body", stack.posted(&signed, b"")),
        (413, "body_too_large", stack.posted(&signed, huge.as_bytes())),
    ];
    for (status, code, answer) in cases {
        assert_eq!(shape(&answer), (status, Some(code.into()), false, status == 405));
        assert!(answer.json()["error"]["message"].as_str().is_some_and(|message| message.len() > 20));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[test]
fn bad_base64_from_the_gateway_is_400() {
    let stack = stack();
    let event = concat!(env!("CARGO_MANIFEST_DIR"), "/../events/api-gateway/bad-base64.json");
    let response = stack.api().invoke(&stack.stack().functions.receiver, &std::fs::read(event).unwrap()).unwrap();
    assert_eq!(response["statusCode"], 400, "{response}");
}

#[test]
fn an_endpoint_without_a_secret_is_503_until_one_is_stored() {
    let stack = stack();
    let body = success(&unique("order"), &unique("video"));
    let any = [("Signature", &*"0".repeat(64))];
    let answer = stack.post("unset", &any, &body).unwrap();
    assert_eq!(shape(&answer), (503, Some("secret_missing".into()), true, false));
}

/// One test for all states of this endpoint's secret: no other test changes a secret of this stack.
///
/// Each instance of the receiver keeps the secret, and a mismatch makes it ask again, at most every
/// second here. So each state shows within a few seconds, and that is what is waited for.
#[test]
fn each_state_of_a_rotation_has_its_response() {
    let stack = stack();
    let endpoint = "rotating";
    let [old, new] = [unique("whsec_old"), unique("whsec_new")];
    let answer = |secret: &str| {
        let body = success(&unique("order"), &unique("video"));
        let signature = sign(&webhook::Secret::new(secret).unwrap(), &body);
        shape(&stack.post(endpoint, &[("Signature", &signature)], &body).unwrap())
    };
    let until = |secret: &str, status: u16, code: Option<&str>| {
        let expected = (status, code.map(str::to_owned), status == 503, false);
        let asked = || {
            // A known secret is kept for minutes; a mismatch is what makes an instance ask again.
            answer("whsec_of_a_stranger");
            Ok((answer(secret) == expected).then_some(()))
        };
        let what = format!("{status} from the endpoint {endpoint}");
        stack.wait_for(&what, std::time::Duration::from_secs(30), asked).unwrap();
    };
    let pending =
        json!({"change": "rotate", "endpoint_id": "ep", "idempotency_key": "k", "since": "2026-11-21T00:00:00Z"});
    let store = |value| stack.put_secret(endpoint, &value).unwrap();

    store(json!({"current": old}));
    until(&old, 200, None);
    until(&new, 401, Some("signature_mismatch"));

    store(json!({"current": old, "pending": pending}));
    until(&new, 503, Some("secret_pending"));
    until(&old, 200, None);

    let with_previous =
        |valid_until| json!({"current": new, "previous": [{"secret": old, "valid_until": valid_until}]});
    store(with_previous("2999-01-01T00:00:00Z"));
    until(&new, 200, None);
    until(&old, 200, None);

    store(with_previous("2026-01-01T00:00:00Z"));
    until(&old, 401, Some("signature_mismatch"));
    until(&new, 200, None);
}

#[test]
fn a_body_too_long_for_a_message_is_compressed_and_arrives() {
    let stack = stack();
    let (id, video) = (unique("order"), unique("video"));
    // Each of these is two bytes of the body, and four of a message that holds the body as text.
    let padding = "\"".repeat(400_000);
    let body = body("avatar_video.success", json!({"video_id": video, "callback_id": id, "padding": padding}));
    assert!(body.len() < 1_000_000);
    stack.accepted(&body);
    let rows = stack.recorded(&id, 1);
    let kept = only_event(&rows);
    // It fits the queue, but not an item: its digest is kept, and the row says so.
    assert!(kept.body.is_none() && kept.attributes["body_omitted"].is_string());
    assert_eq!(kept.attributes["body_sha256"], sha256(&body));
    assert_eq!(rows.jobs[0].status, Some(Status::Succeeded));
}

#[test]
fn a_correlation_id_is_found_however_long_it_is() {
    let stack = stack();
    let long = format!("{}-{}", unique("order"), "é".repeat(1_500));
    stack.accepted(&success(&long, &unique("video")));
    let rows = stack.recorded(&long, 1);
    assert_eq!(rows.jobs.len(), 1);
}

fn sha256(body: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(body))
}
