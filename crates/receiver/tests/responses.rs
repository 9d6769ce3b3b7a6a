//! Every response of the receiver, with the real SDK over a stub for AWS's HTTP side.
//! The requests are the sample invocations that `cargo lambda invoke` takes, too.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use aws::envelope::Delivery;
use aws::stub::Reply;
use common::{SECRET, Test, header, json_body, sample, signed, stored};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::http::{HeaderValue, Method};
use serde_json::json;
use std::time::Duration;
use tokio::time::advance;

#[tokio::test]
async fn options_gets_204_without_a_call_even_with_everything_down() {
    let test = Test::with(Reply::Silent);
    test.aws().queue = Reply::Silent;
    for path in ["/webhooks/heygen/main", "/webhooks/heygen/unknown", "/"] {
        let mut request = sample("options.json");
        request.raw_path = Some(path.into());
        let response = test.respond(request).await;
        assert_eq!((response.status_code, header(&response, "allow")), (204, Some("OPTIONS, POST")));
    }
    assert!(test.aws().calls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_signed_delivery_gets_200_after_the_queue_has_it_byte_for_byte() {
    for name in ["delivery.json", "base64.json"] {
        let test = Test::new();
        let response = test.respond(sample(name)).await;
        assert_eq!(response.status_code, 200, "{name}");
        assert_eq!(json_body(&response)["identity"].as_str().unwrap().len(), 64);
        let delivery = Delivery::open(&test.aws().messages[0]).unwrap();
        assert_eq!(Some(std::str::from_utf8(delivery.body.body()).unwrap()), sample("delivery.json").body.as_deref());
        assert_eq!((delivery.endpoint.as_str(), delivery.request_id.as_str()), ("main", "sample-request"));
        assert_eq!(delivery.advisory.event_id.as_deref(), Some("evt_sample"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_authentic_is_kept_whatever_it_says() {
    let test = Test::new();
    for body in ["not json", "[]", r#"{"event_type":"new.type"}"#, r#"{"event_type":"avatar_video.success"}"#, "\u{0}"]
    {
        assert_eq!(test.status(signed(body, SECRET)).await.0, 200, "{body}");
    }
    assert_eq!(test.aws().messages.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn either_signature_header_is_accepted_and_one_valid_signature_is_enough() {
    let test = Test::new();
    let mut request = sample("delivery.json");
    let signature = request.headers.remove("signature").unwrap();
    request.headers.insert("Heygen-Signature", signature);
    request.headers.insert("signature", HeaderValue::from_static("garbage"));
    assert_eq!(test.status(request).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_senders_error_has_its_4xx_and_nothing_is_enqueued() {
    let test = Test::new();
    let change = |change: &dyn Fn(&mut ApiGatewayV2httpRequest)| {
        let mut request = sample("delivery.json");
        change(&mut request);
        request
    };
    let header = |request: &mut ApiGatewayV2httpRequest, value: &'static str| {
        request.headers.insert("signature", HeaderValue::from_static(value));
    };
    let cases = [
        (401, "signature_missing", change(&|r| drop(r.headers.remove("signature")))),
        (401, "signature_malformed", change(&|r| header(r, "sha256=0123"))),
        (401, "signature_malformed", change(&|r| header(r, ""))),
        (401, "signature_mismatch", sample("forged.json")),
        (401, "signature_mismatch", change(&|r| r.body = Some("another body".into()))),
        (404, "unknown_path", change(&|r| r.raw_path = Some("/".into()))),
        (404, "unknown_path", change(&|r| r.raw_path = None)),
        (404, "unknown_endpoint", change(&|r| r.raw_path = Some("/webhooks/heygen/other".into()))),
        (404, "unknown_endpoint", change(&|r| r.raw_path = Some("/webhooks/heygen/main/".into()))),
        (405, "method_not_allowed", change(&|r| r.request_context.http.method = Method::GET)),
        (400, "empty_body", change(&|r| r.body = None)),
        (400, "empty_body", change(&|r| r.body = Some(String::new()))),
        (400, "bad_base64", sample("bad-base64.json")),
        (413, "body_too_large", signed(&"x".repeat(2_000_001), SECRET)),
    ];
    for (status, code, request) in cases {
        let response = test.respond(request).await;
        let error = &json_body(&response)["error"];
        assert_eq!((response.status_code, error["code"].as_str()), (status, Some(code)));
        assert!(error["message"].as_str().is_some_and(|message| message.len() > 20), "{error}");
        assert_eq!(response.headers.contains_key("allow"), status == 405);
    }
    assert!(test.aws().messages.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_path_behind_a_stage_or_a_base_path_is_known() {
    let test = Test::new();
    let mut request = sample("delivery.json");
    request.raw_path = Some("/prod/webhooks/heygen/main".into());
    assert_eq!(test.status(request).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_host_or_a_path_that_makes_no_url_is_no_panic() {
    let test = Test::new();
    let mut request = sample("delivery.json");
    request.headers.insert("host", HeaderValue::from_static("[not a host"));
    request.headers.insert("x-forwarded-proto", HeaderValue::from_static("no scheme"));
    assert_eq!(test.status(request).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn our_own_errors_are_503_with_retry_after_and_in_time() {
    let denied = || Reply::error(400, "AccessDeniedException");
    let throttled = || Reply::error(400, "ThrottlingException");
    let missing = || Reply::error(400, "ResourceNotFoundException");
    let fine = || stored(json!({"current": SECRET}));
    let taken = || Reply::Ok(json!({"MessageId": "1"}));
    let pending = json!({"pending": {"change": "rotate", "endpoint_id": "ep", "idempotency_key": "k", "since": "2026-11-21T00:00:00Z"}});
    let cases = [
        ("secret_missing", missing(), taken()),
        ("secret_missing", Reply::Ok(json!({"SecretString": ""})), taken()),
        ("secret_missing", stored(json!({})), taken()),
        ("secret_pending", stored(pending), taken()),
        ("secret_unavailable", stored(json!("whsec_bare")), taken()),
        ("secret_unavailable", denied(), taken()),
        ("secret_unavailable", throttled(), taken()),
        ("secret_unavailable", Reply::Broken, taken()),
        ("secret_unavailable", Reply::Silent, taken()),
        ("queue_unavailable", fine(), denied()),
        ("queue_unavailable", fine(), throttled()),
        ("queue_unavailable", fine(), Reply::error(500, "InternalError")),
        ("queue_unavailable", fine(), Reply::Broken),
        ("queue_unavailable", fine(), Reply::Silent),
    ];
    for (code, secret, queue) in cases {
        let shown = format!("{code} for {secret:?} and {queue:?}");
        let test = Test::with(secret);
        test.aws().queue = queue;
        let response = test.respond(sample("delivery.json")).await;
        assert_eq!(
            (response.status_code, json_body(&response)["error"]["code"].as_str()),
            (503, Some(code)),
            "{shown}"
        );
        assert!(header(&response, "retry-after").is_some(), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fits_no_message_even_compressed_is_413() {
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + (state >> 33) as u8 % 90)
    });
    let noise: String = noise.take(1_500_000).collect();
    let test = Test::new();
    assert_eq!(test.status(signed(&noise, SECRET)).await, (413, "body_too_large".into()));
    assert_eq!(test.status(signed(&"compressible ".repeat(150_000), SECRET)).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_mismatch_reads_the_secret_again_but_not_more_often_than_allowed() {
    let test = Test::with(stored(json!({"current": "whsec_old"})));
    assert_eq!(test.status(signed("first", "whsec_old")).await.0, 200);
    test.aws().secret = stored(json!({"current": SECRET}));

    // Just read: a flood of forgeries causes no further call.
    for _ in 0..50 {
        assert_eq!(test.status(sample("forged.json")).await.0, 401);
    }
    assert_eq!(test.aws().calls_of("GetSecretValue"), 1);

    // Later, the first mismatch finds the new secret.
    advance(Duration::from_secs(11)).await;
    assert_eq!(test.status(sample("delivery.json")).await.0, 200);
    assert_eq!(test.aws().calls_of("GetSecretValue"), 2);
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_kept_between_invocations_and_outlives_secrets_manager() {
    let test = Test::new();
    for _ in 0..20 {
        assert_eq!(test.status(sample("delivery.json")).await.0, 200);
    }
    assert_eq!(test.aws().calls_of("GetSecretValue"), 1);

    advance(Duration::from_secs(61)).await;
    test.aws().secret = Reply::error(500, "InternalServiceError");
    assert_eq!(test.status(sample("delivery.json")).await.0, 200);
    // A mismatch with the last known secret is not final: not 401, however often it is repeated.
    advance(Duration::from_secs(11)).await;
    assert_eq!(test.status(sample("forged.json")).await, (503, "secret_unavailable".into()));
    let calls = test.aws().calls_of("GetSecretValue");
    for _ in 0..50 {
        assert_eq!(test.status(sample("forged.json")).await, (503, "secret_unavailable".into()));
        assert_eq!(test.status(sample("delivery.json")).await.0, 200);
    }
    assert_eq!(test.aws().calls_of("GetSecretValue"), calls);
}

#[tokio::test(start_paused = true)]
async fn a_cached_secret_is_used_for_an_hour_at_most_without_reading_it_again() {
    let test = Test::new();
    assert_eq!(test.status(sample("delivery.json")).await.0, 200);
    test.aws().secret = Reply::error(400, "AccessDeniedException");
    for _ in 0..59 {
        advance(Duration::from_secs(60)).await;
        assert_eq!(test.status(sample("delivery.json")).await.0, 200);
    }
    let calls = test.aws().calls_of("GetSecretValue");
    assert_eq!(calls, 60, "it was read again every minute");
    advance(Duration::from_secs(60)).await;
    assert_eq!(test.status(sample("delivery.json")).await, (503, "secret_unavailable".into()));
    // The permission is back.
    test.aws().secret = stored(json!({"current": SECRET}));
    advance(Duration::from_secs(11)).await;
    assert_eq!(test.status(sample("delivery.json")).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_secret_is_rejected_after_a_delivery_with_the_new_one_and_after_a_minute_in_any_case() {
    for gets_a_delivery in [true, false] {
        let test = Test::with(stored(json!({"current": "whsec_leaked"})));
        assert_eq!(test.status(signed("before", "whsec_leaked")).await.0, 200);
        test.aws().secret = stored(json!({"current": SECRET}));
        advance(Duration::from_secs(11)).await;
        assert_eq!(test.status(signed("cached", "whsec_leaked")).await.0, 200);
        if gets_a_delivery {
            assert_eq!(test.status(sample("delivery.json")).await.0, 200);
        } else {
            advance(Duration::from_secs(50)).await;
        }
        assert_eq!(test.status(signed("after", "whsec_leaked")).await, (401, "signature_mismatch".into()));
        assert_eq!(test.status(sample("delivery.json")).await.0, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_read_is_not_asked_for_by_every_request_and_is_found_soon() {
    for (code, secret) in [
        ("secret_missing", Reply::error(400, "ResourceNotFoundException")),
        ("secret_missing", stored(json!({}))),
        ("secret_unavailable", stored(json!("whsec_bare"))),
        ("secret_unavailable", Reply::error(400, "AccessDeniedException")),
        ("secret_unavailable", Reply::error(400, "ThrottlingException")),
        ("secret_unavailable", Reply::Broken),
        ("secret_unavailable", Reply::Silent),
    ] {
        let shown = format!("{secret:?}");
        let test = Test::with(secret);
        assert_eq!(test.status(sample("delivery.json")).await, (503, code.into()), "{shown}");
        let calls = test.aws().calls_of("GetSecretValue");
        for _ in 0..50 {
            assert_eq!(test.status(sample("delivery.json")).await, (503, code.into()), "{shown}");
        }
        assert_eq!(test.aws().calls_of("GetSecretValue"), calls, "{shown}");

        test.aws().secret = stored(json!({"current": SECRET}));
        advance(Duration::from_secs(11)).await;
        assert_eq!(test.status(sample("delivery.json")).await.0, 200, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_requests_share_one_read_of_the_secret() {
    let test = Test::new();
    let (one, other) = tokio::join!(test.status(sample("delivery.json")), test.status(sample("delivery.json")));
    assert_eq!((one.0, other.0), (200, 200));
    assert_eq!(test.aws().calls_of("GetSecretValue"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_previous_secret_is_valid_until_it_expires() {
    let with_previous = |valid_until: &str| {
        stored(json!({"current": "whsec_new", "previous": [{"secret": SECRET, "valid_until": valid_until}]}))
    };
    assert_eq!(Test::with(with_previous("2999-01-01T00:00:00Z")).status(sample("delivery.json")).await.0, 200);
    assert_eq!(Test::with(with_previous("2026-01-01T00:00:00Z")).status(sample("delivery.json")).await.0, 401);
}

#[tokio::test(start_paused = true)]
async fn a_pending_rotation_makes_a_mismatch_retryable_and_leaves_a_match_alone() {
    let pending = json!({"current": SECRET, "pending": {"change": "rotate", "endpoint_id": "ep", "idempotency_key": "k", "since": "2026-11-21T00:00:00Z"}});
    let test = Test::with(stored(pending));
    assert_eq!(test.status(sample("delivery.json")).await.0, 200);
    assert_eq!(test.status(sample("forged.json")).await, (503, "secret_pending".into()));
}
