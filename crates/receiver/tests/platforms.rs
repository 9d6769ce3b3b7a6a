//! Deliveries of other platforms than HeyGen, and callbacks of those that do not sign.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use aws::claim::Claim;
use aws::envelope::Delivery;
use aws::stub::Reply;
use common::{CONFIRM_QUEUE, QUEUE, SECRET, Test, json_body, sample, stored};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::http::{HeaderValue, Method};
use serde_json::json;
use time::OffsetDateTime;
use webhook::callback::Callback;
use webhook::{Platform, Secret, sign};

const BODY: &str = r#"{"type":"video.completed","data":{"id":"v1","status":"complete","callbackId":"order_77"}}"#;

fn secret() -> Secret {
    Secret::new(SECRET).unwrap()
}

fn post(path: &str, headers: &[(&'static str, String)], body: &str) -> ApiGatewayV2httpRequest {
    let mut request = sample("delivery.json");
    request.raw_path = Some(path.to_owned());
    request.headers.clear();
    for (name, value) in headers {
        request.headers.insert(*name, HeaderValue::from_str(value).unwrap());
    }
    request.body = Some(body.into());
    request
}

/// A delivery that was signed this many seconds ago.
fn synthesia(age: i64, secret: &Secret) -> ApiGatewayV2httpRequest {
    let timestamp = (OffsetDateTime::now_utc().unix_timestamp() - age).to_string();
    let signature = sign(secret, format!("{timestamp}.{BODY}").as_bytes());
    post("/webhooks/synthesia/main", &[("synthesia-signature", signature), ("synthesia-timestamp", timestamp)], BODY)
}

fn elevenlabs(age: i64) -> ApiGatewayV2httpRequest {
    let body = r#"{"type":"flows_generation","event_timestamp":1760000000,"data":{"id":"gen_1","status":"failed"}}"#;
    let timestamp = (OffsetDateTime::now_utc().unix_timestamp() - age).to_string();
    let signature = sign(&secret(), format!("{timestamp}.{body}").as_bytes());
    post("/webhooks/elevenlabs/main", &[("elevenlabs-signature", format!("t={timestamp},v0={signature}"))], body)
}

#[tokio::test]
async fn a_signed_delivery_of_another_platform_gets_200_after_the_queue_has_it_with_its_platform() {
    for (platform, request) in [(Platform::Synthesia, synthesia(0, &secret())), (Platform::ElevenLabs, elevenlabs(0))] {
        let test = Test::new();
        let body = request.body.clone().unwrap();
        let response = test.respond(request).await;
        assert_eq!(response.status_code, 200, "{platform}");
        let aws = test.aws();
        assert_eq!(aws.secrets_read, [format!("stack/endpoints/{platform}/main")]);
        assert_eq!(aws.queues, [QUEUE]);
        let delivery = Delivery::open(&aws.messages[0]).unwrap();
        assert_eq!((delivery.platform, delivery.endpoint.as_str()), (platform, "main"));
        assert_eq!(delivery.body.body(), body.as_bytes());
        let event = platforms::read(platform, &delivery.body);
        assert_eq!(json_body(&response)["identity"], event.identity.as_str());
    }
}

#[tokio::test]
async fn a_signature_is_that_of_the_timestamp_and_the_body_under_this_endpoints_secret() {
    let test = Test::new();
    assert_eq!(test.status(synthesia(0, &Secret::new("other").unwrap())).await.1, "signature_mismatch");
    let mut moved = synthesia(0, &secret());
    moved.headers.insert("synthesia-timestamp", HeaderValue::from_static("1"));
    assert_eq!(test.status(moved).await.1, "signature_mismatch");
    let without = post("/webhooks/synthesia/main", &[], BODY);
    assert_eq!(test.status(without).await, (401, "signature_missing".to_owned()));
    // HeyGen's signature is no other platform's.
    let heygens = post("/webhooks/synthesia/main", &[("signature", sign(&secret(), BODY.as_bytes()))], BODY);
    assert_eq!(test.status(heygens).await.1, "signature_missing");
    assert!(test.aws().messages.is_empty());
}

#[tokio::test]
async fn only_what_was_signed_too_long_ago_is_rejected() {
    for (age, status) in [(0, 200), (59 * 60, 200), (61 * 60, 401), (-3_600, 200)] {
        let test = Test::new();
        assert_eq!(test.status(synthesia(age, &secret())).await.0, status, "{age} s");
        assert_eq!(test.status(elevenlabs(age)).await.0, status, "{age} s");
    }
    let forged = synthesia(2 * 3_600, &Secret::new("other").unwrap());
    assert_eq!(Test::new().status(forged).await.1, "signature_mismatch", "an age is believed once it is verified");
}

fn path(platform: Platform, kind: &str, secret: &str) -> String {
    let text = |text: &str| text.to_owned();
    let callback = Callback { platform, endpoint: text("main"), kind: text(kind), correlation: text("order 80/ü") };
    callback.path(&Secret::new(secret).unwrap())
}

#[tokio::test]
async fn a_callback_with_the_right_token_is_queued_as_something_to_look_up_without_its_body() {
    for (platform, kind, body, id) in [
        (
            Platform::Tavus,
            "video",
            r#"{"video_id":"v1","status":"ready","download_url":"https://x.invalid/canary"}"#,
            "v1",
        ),
        (Platform::Did, "talk", r#"{"id":"tlk_1","result_url":"https://x.invalid/canary"}"#, "tlk_1"),
        (Platform::HeyGen, "avatar_video", r#"{"event_type":"a","event_data":{"video_id":"v2","url":"canary"}}"#, "v2"),
    ] {
        let test = Test::new();
        let response = test.respond(post(&path(platform, kind, SECRET), &[], body)).await;
        assert_eq!(response.status_code, 200, "{platform}");
        let aws = test.aws();
        assert_eq!(
            (&aws.secrets_read[..], &aws.queues[..]),
            (&[format!("stack/callbacks/{platform}/main")][..], &[CONFIRM_QUEUE.to_owned()][..])
        );
        assert!(!aws.messages[0].contains("canary"));
        let claim = Claim::open(&aws.messages[0]).unwrap();
        assert_eq!(claim.claimed.entity_id(), Some(id));
        assert_eq!(claim.claimed.callback().correlation, "order 80/ü");
        assert!(Delivery::open(&aws.messages[0]).is_err(), "it can never be recorded");
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_a_callback_it_is_an_unknown_path_and_queues_nothing() {
    let test = Test::new();
    let right = path(Platform::Tavus, "video", SECRET);
    let (before, token) = right.rsplit_once('/').unwrap();
    let unknown = json_body(&test.respond(post("/webhooks/sora/main", &[], "{}")).await);
    for wrong in [
        path(Platform::Tavus, "video", "other"),
        path(Platform::Tavus, "film", SECRET),
        format!("{before}/{}", "0".repeat(64)),
        format!("{before}/{}", &token[..63]),
        before.to_owned(),
        right.replace("/tavus/", "/did/"),
        right.replace("/main/", "/second/"),
        "/webhooks/tavus/main".to_owned(),
    ] {
        let response = test.respond(post(&wrong, &[], r#"{"video_id":"v1"}"#)).await;
        assert_eq!((response.status_code, json_body(&response)), (404, unknown.clone()), "{wrong}");
    }
    let mut get = post(&right, &[], "");
    get.request_context.http.method = Method::GET;
    assert_eq!(test.status(get).await.0, 404);
    assert!(test.aws().messages.is_empty());
}

#[tokio::test]
async fn a_token_of_a_rotated_secret_is_good_until_that_expires() {
    let in_an_hour = (OffsetDateTime::now_utc() + time::Duration::hours(1)).unix_timestamp();
    for (until, status) in [(in_an_hour, 200), (in_an_hour - 7_200, 404)] {
        let until = aws::clock::to_text(OffsetDateTime::from_unix_timestamp(until).unwrap());
        let secrets = json!({"current": "new", "previous": [{"secret": SECRET, "valid_until": until}]});
        let test = Test::with(stored(secrets));
        assert_eq!(test.status(post(&path(Platform::Did, "talk", SECRET), &[], "{}")).await.0, status);
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_a_callback_without_an_id() {
    let test = Test::new();
    let mut request = post(&path(Platform::Tavus, "video", SECRET), &[], "%%%");
    request.is_base64_encoded = true;
    assert_eq!(test.status(request).await.0, 200);
    let forged = r#"{"video_id":"../v2/secrets?x="}"#;
    assert_eq!(test.status(post(&path(Platform::Tavus, "video", SECRET), &[], forged)).await.0, 200);
    for message in &test.aws().messages {
        assert_eq!(Claim::open(message).unwrap().claimed.entity_id(), None);
    }
}

#[tokio::test]
async fn a_callback_that_is_not_queued_gets_503_and_a_missing_secret_is_an_unknown_path() {
    let test = Test::new();
    test.aws().queue = Reply::error(400, "AWS.SimpleQueueService.NonExistentQueue");
    assert_eq!(test.status(post(&path(Platform::Tavus, "video", SECRET), &[], "{}")).await.1, "queue_unavailable");
    let test = Test::with(Reply::error(400, "ResourceNotFoundException"));
    assert_eq!(test.status(post(&path(Platform::Tavus, "video", SECRET), &[], "{}")).await.0, 404);
    let test = Test::with(Reply::error(400, "AccessDeniedException"));
    assert_eq!(test.status(post(&path(Platform::Tavus, "video", SECRET), &[], "{}")).await.1, "secret_unavailable");
}
