//! What is retried, how often, and that no change is made twice.

use crate::server::{Reply, Server};
use crate::{config, key, new_endpoint, v3};
use heygen::Secret;
use heygen::api::{Api, ApiError, ApiVersion, EndpointPatch, EntityKind, Kind};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

const ALL: u32 = 3;

fn rejected(status: u16, code: &str) -> Reply {
    Reply::json(status, json!({"error": {"code": code, "message": "no"}}))
}

/// The attempts of each kind of call while every response is `reply`:
/// GET, DELETE, PATCH, POST, POST with a key.
async fn attempts(reply: Reply) -> [u32; 5] {
    let server = Server::replying([reply]).await;
    let api = v3(&server);
    let errors = [
        api.entity(EntityKind::Video, "v").await.unwrap_err(),
        api.delete_endpoint("ep_1").await.unwrap_err(),
        api.update_endpoint("ep_1", &EndpointPatch::default()).await.unwrap_err(),
        api.create_endpoint(&new_endpoint(), None).await.unwrap_err(),
        api.create_endpoint(&new_endpoint(), Some(&key("k"))).await.unwrap_err(),
    ];
    let attempts = errors.map(|error| error.attempts);
    assert_eq!(server.seen().len() as u32, attempts.iter().sum::<u32>(), "every attempt is counted, and no other");
    attempts
}

#[tokio::test]
async fn every_call_is_retried_after_a_rate_limit() {
    assert_eq!(attempts(rejected(429, "rate_limit_exceeded")).await, [ALL; 5]);
    assert_eq!(attempts(Reply::Response(429, String::new(), Vec::new())).await, [ALL; 5]);
    assert_eq!(attempts(rejected(200, "rate_limit_exceeded")).await, [ALL; 5]);
}

#[tokio::test]
async fn a_used_up_quota_is_not_retried() {
    assert_eq!(attempts(rejected(429, "quota_exceeded").header("Retry-After", "0")).await, [1; 5]);
}

#[tokio::test]
async fn failures_are_retried_where_no_change_can_be_made_twice() {
    for reply in [
        rejected(500, "internal_error"),
        Reply::Response(502, String::new(), b"<html>".to_vec()),
        Reply::Response(503, String::new(), Vec::new()),
        Reply::Drop,
        Reply::Cut(200),
        Reply::Cut(500),
    ] {
        assert_eq!(attempts(reply.clone()).await, [ALL, ALL, 1, 1, ALL], "{reply:?}");
    }
}

#[tokio::test]
async fn a_timeout_is_retried_where_no_change_can_be_made_twice() {
    let server = Server::replying([Reply::Silent]).await;
    let mut config = config(ApiVersion::V3, &server.url);
    config.timeouts.attempt = Duration::from_millis(20);
    let api = Api::new(&config).unwrap();
    assert_eq!(api.entity(EntityKind::Video, "v").await.unwrap_err().attempts, ALL);
    assert_eq!(api.create_endpoint(&new_endpoint(), Some(&key("k"))).await.unwrap_err().attempts, ALL);
    assert_eq!(api.create_endpoint(&new_endpoint(), None).await.unwrap_err().attempts, 1);
}

#[tokio::test]
async fn a_request_in_progress_is_retried_with_its_key() {
    assert_eq!(attempts(rejected(409, "request_in_progress")).await, [1, 1, 1, 1, ALL]);
    assert_eq!(attempts(rejected(409, "other")).await, [1; 5]);
}

#[tokio::test]
async fn rejected_calls_are_not_retried() {
    for status in [400, 401, 402, 403, 404, 422] {
        assert_eq!(attempts(rejected(status, "code")).await, [1; 5], "{status}");
    }
    assert_eq!(attempts(Reply::Response(200, String::new(), b"<html>".to_vec())).await, [1; 5]);
}

#[tokio::test]
async fn success_after_failures_is_success() {
    let server =
        Server::replying([rejected(429, "x"), Reply::Drop, Reply::json(200, json!({"data": {"id": "v"}}))]).await;
    assert_eq!(v3(&server).entity(EntityKind::Video, "v").await.unwrap().id, "v");
    assert_eq!(server.seen().len(), 3);
}

/// The error of a GET to which every response has this status and this `Retry-After`.
async fn later(status: u16, value: &str) -> ApiError {
    let server = Server::replying([rejected(status, "x").header("Retry-After", value)]).await;
    v3(&server).entity(EntityKind::Video, "v").await.unwrap_err()
}

/// Without `Retry-After` the waits are at most 2 ms. A wait of 60 s exceeds the 10 s of the call, so
/// the call fails at once with the time to wait.
#[tokio::test]
async fn retry_after_is_honoured_in_both_forms() {
    for status in [429, 503] {
        let error = later(status, "60").await;
        assert_eq!((error.attempts, error.retry_after), (1, Some(Duration::from_secs(60))));
        assert!(error.to_string().contains("retry after 60 s"), "{error}");

        let in_a_minute = OffsetDateTime::now_utc() + Duration::from_secs(60);
        let date = in_a_minute.format(&Rfc2822).unwrap().replace("+0000", "GMT");
        let error = later(status, &date).await;
        assert_eq!(error.attempts, 1, "{date}");
        assert!((55..=60).contains(&error.retry_after.unwrap().as_secs()), "{date}");
    }
}

#[tokio::test]
async fn retry_after_in_the_past_or_invalid_is_no_wait() {
    for value in ["0", "Sun, 06 Nov 1994 08:49:37 GMT", "soon", "-5", ""] {
        assert_eq!(later(429, value).await.attempts, ALL, "{value:?}");
    }
}

#[tokio::test]
async fn the_deadline_limits_the_last_attempt() {
    let server = Server::replying([Reply::Silent]).await;
    let mut config = config(ApiVersion::V3, &server.url);
    config.retry.deadline = Duration::from_millis(40);
    let start = Instant::now();
    let error = Api::new(&config).unwrap().entity(EntityKind::Video, "v").await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (Kind::Timeout, 1));
    assert!(start.elapsed() < config.timeouts.attempt, "{:?}", start.elapsed());
}

/// HeyGen as documented, but the first response to each change is lost after the change was made.
async fn forgetful() -> (Server, Arc<Mutex<Vec<Value>>>) {
    let made = Arc::new(Mutex::new(Vec::new()));
    let by_key = Mutex::new(HashMap::<String, Value>::new());
    let store = Arc::clone(&made);
    let server = Server::start(move |request| {
        let mut by_key = by_key.lock().unwrap();
        let key = request.header("idempotency-key").unwrap_or_default().to_owned();
        if let Some(first) = by_key.get(&key) {
            return Reply::json(200, json!({"data": first}));
        }
        let mut made = store.lock().unwrap();
        let number = made.len() + 1;
        let endpoint = json!({"endpoint_id": "ep_1", "url": "https://x.invalid", "secret": format!("whsec_{number}")});
        made.push(endpoint.clone());
        if !key.is_empty() {
            by_key.insert(key, endpoint);
        }
        Reply::Drop
    })
    .await;
    (server, made)
}

#[tokio::test]
async fn a_lost_response_is_returned_again_for_the_same_key() {
    let (server, made) = forgetful().await;
    let api = v3(&server);
    let (create, rotate) = (key("create"), key("rotate"));
    let created = api.create_endpoint(&new_endpoint(), Some(&create)).await.unwrap();
    assert_eq!(created.secret, Some(Secret::new("whsec_1").unwrap()));
    let rotated = api.rotate_secret("ep_1", Some(&rotate)).await.unwrap();
    assert_eq!(rotated, Secret::new("whsec_2").unwrap());
    // After a crash, with the keys that were stored.
    assert_eq!(api.create_endpoint(&new_endpoint(), Some(&create)).await.unwrap(), created);
    assert_eq!(api.rotate_secret("ep_1", Some(&rotate)).await.unwrap(), rotated);
    assert_eq!(made.lock().unwrap().len(), 2);
    let keys: Vec<_> = server.seen().iter().map(|sent| sent.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys, ["create", "create", "rotate", "rotate", "create", "rotate"]);
}

#[tokio::test]
async fn without_a_key_no_change_is_made_twice() {
    let (server, made) = forgetful().await;
    let api = v3(&server);
    assert_eq!(api.create_endpoint(&new_endpoint(), None).await.unwrap_err().kind, Kind::Connection);
    assert_eq!(api.rotate_secret("ep_1", None).await.unwrap_err().kind, Kind::Connection);
    assert_eq!(made.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn not_found_after_a_lost_delete_is_success() {
    let gone = rejected(404, "not_found");
    let server = Server::replying([Reply::Drop, gone.clone()]).await;
    v3(&server).delete_endpoint("ep_1").await.unwrap();
    let server = Server::replying([gone]).await;
    assert_eq!(v3(&server).delete_endpoint("ep_1").await.unwrap_err().kind, Kind::NotFound);
}
