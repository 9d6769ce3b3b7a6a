//! Every failure: its kind, its class and its message.

use crate::server::{Reply, Server};
use crate::{config, new_endpoint, v3};
use heygen::ErrorClass::{self, Denied, Permanent, Transient};
use heygen::api::{Api, ApiConfig, ApiError, ApiVersion, Credential, EntityKind, InvalidConfig, Kind};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// The error of a POST without a key, which is retried only after 429.
async fn error(reply: Reply) -> ApiError {
    let server = Server::replying([reply]).await;
    v3(&server).create_endpoint(&new_endpoint(), None).await.unwrap_err()
}

fn html(status: u16) -> Reply {
    let body = b"<html>canary</html>".to_vec();
    Reply::Response(status, "Content-Type: text/html; charset=utf-8\r\n".into(), body)
}

#[tokio::test]
async fn errors_that_heygen_reports() {
    let v3 =
        |code: &str| json!({"error": {"code": code, "message": "HeyGen's message", "param": null, "doc_url": "…"}});
    let v1 = |code: u32| json!({"code": code, "data": null, "message": "HeyGen's message"});
    #[rustfmt::skip]
    let cases: [(u16, Value, Kind, ErrorClass, &str); 18] = [
        (400, v3("invalid_parameter"), Kind::Rejected, Permanent, "correct it"),
        (401, v3("unauthorized"), Kind::Unauthorized, Denied, "rejects the API key: check"),
        (402, v3("insufficient_credit"), Kind::InsufficientCredit, Denied, "credit"),
        (403, v3("forbidden"), Kind::Forbidden, Denied, "permissions"),
        (404, v3("not_found"), Kind::NotFound, Permanent, "cannot find it"),
        (409, v3("request_in_progress"), Kind::InProgress, Transient, "same idempotency key"),
        (409, v3("already_exists"), Kind::Conflict, Permanent, "conflict"),
        (422, v3("unprocessable"), Kind::Rejected, Permanent, "correct it"),
        (429, v3("rate_limit_exceeded"), Kind::RateLimited, Transient, "try again later"),
        (429, v3("quota_exceeded"), Kind::QuotaExceeded, Denied, "raise the quota"),
        (500, v3("internal_error"), Kind::Server, Transient, "try again later"),
        (503, v3("new_code"), Kind::Server, Transient, "try again later"),
        (200, v3("unauthorized"), Kind::Unauthorized, Denied, "rejects the API key: check"),
        (200, v3("new_code"), Kind::Rejected, Permanent, "correct it"),
        (400, v1(400_542), Kind::Rejected, Permanent, "correct it"),
        (404, v1(400_131), Kind::NotFound, Permanent, "cannot find it"),
        (200, v1(400_131), Kind::NotFound, Permanent, "cannot find it"),
        (401, v1(400_112), Kind::Unauthorized, Denied, "rejects the API key: check"),
    ];
    for (status, body, kind, class, advice) in cases {
        let error = error(Reply::json(status, body.clone()).header("X-Request-Id", "req-1")).await;
        assert_eq!((error.kind, error.class, error.status), (kind, class, Some(status)), "{body}");
        assert_eq!(error.message.as_deref(), Some("HeyGen's message"), "{body}");
        assert_eq!(error.request_id.as_deref(), Some("req-1"));
        let code = error.code.clone().unwrap();
        assert!(body.to_string().contains(&code), "{body}");
        let text = error.to_string();
        assert!(text.starts_with("heygen:CreateEndpoint failed: ") && text.contains(advice), "{text}");
        assert!(text.contains(&format!("status {status}, code {code}, \"HeyGen's message\", request req-1")), "{text}");
    }
}

#[tokio::test]
async fn an_error_body_may_lack_every_field() {
    for body in [json!({"error": {}}), json!({"error": "HeyGen's message"}), json!({"error": 7}), json!({"code": 7})] {
        assert_eq!(error(Reply::json(400, body.clone())).await.kind, Kind::Rejected, "{body}");
        assert_eq!(error(Reply::json(200, body.clone())).await.kind, Kind::Rejected, "{body}");
        assert_eq!(error(Reply::json(401, body.clone())).await.kind, Kind::Unauthorized, "{body}");
    }
    let error = error(Reply::json(400, json!({"error": "HeyGen's message"}))).await;
    assert_eq!(error.message.as_deref(), Some("HeyGen's message"));
}

#[tokio::test]
async fn an_error_quotes_only_status_and_type_of_what_is_not_json() {
    for (status, kind, class) in [
        (200, Kind::NotJson, Transient),
        (400, Kind::Rejected, Permanent),
        (401, Kind::Unauthorized, Denied),
        (403, Kind::Forbidden, Denied),
        (404, Kind::NotJson, Transient),
        (429, Kind::RateLimited, Transient),
        (502, Kind::Server, Transient),
    ] {
        let error = error(html(status)).await;
        assert_eq!((error.kind, error.class, error.status), (kind, class, Some(status)));
        assert_eq!(error.message.as_deref(), Some("the response is text/html, not JSON"));
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[tokio::test]
async fn an_empty_body_is_classified_by_its_status() {
    for (status, kind) in [
        (200, Kind::Unexpected),
        (400, Kind::Rejected),
        (401, Kind::Unauthorized),
        (402, Kind::InsufficientCredit),
        (404, Kind::NotJson),
        (408, Kind::Timeout),
        (500, Kind::Server),
    ] {
        let error = error(Reply::Response(status, String::new(), Vec::new())).await;
        assert_eq!((error.kind, error.message), (kind, None), "{status}");
    }
}

#[tokio::test]
async fn a_gateways_404_does_not_mean_deleted() {
    for reply in [html(404), Reply::json(404, json!({"message": "Not Found"}))] {
        let server = Server::replying([Reply::Drop, reply]).await;
        assert_eq!(v3(&server).delete_endpoint("ep_1").await.unwrap_err().kind, Kind::NotJson);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::replying([Reply::json(200, json!({"data": []}))]).await;
    for status in [301, 302, 307, 308] {
        let reply = Reply::Response(status, String::new(), Vec::new()).header("Location", &other.url);
        let server = Server::replying([reply]).await;
        let error = v3(&server).endpoints().all().await.unwrap_err();
        assert_eq!((error.kind, error.status), (Kind::Redirected, Some(status)));
        assert!(!format!("{error} {error:?}").contains(&other.url));
    }
    assert!(other.seen().is_empty(), "the key is for one host");
}

#[tokio::test]
async fn a_response_is_read_up_to_a_limit() {
    let body = |len: usize| [br#"{"data":[]}"#.to_vec(), vec![b' '; len]].concat();
    let server = Server::replying([Reply::Response(200, String::new(), body(1 << 20))]).await;
    assert!(v3(&server).endpoints().all().await.is_ok());
    let server = Server::replying([Reply::Response(200, String::new(), body(8 << 20))]).await;
    assert_eq!(v3(&server).endpoints().all().await.unwrap_err().kind, Kind::TooLarge);
    let server = Server::replying([Reply::Response(401, String::new(), body(8 << 20))]).await;
    assert_eq!(v3(&server).endpoints().all().await.unwrap_err().kind, Kind::Unauthorized);
}

#[tokio::test]
async fn a_response_without_a_required_field_is_unexpected() {
    for data in [
        json!(null),
        json!({"url": "https://x.invalid"}),
        json!({"endpoint_id": "ep_1"}),
        json!({"endpoint_id": "ep_1", "url": "https://x.invalid", "events": "all"}),
        json!({"endpoint_id": "ep_1", "url": "https://x.invalid", "events": [7]}),
    ] {
        assert_eq!(error(Reply::json(200, json!({"data": data}))).await.kind, Kind::Unexpected, "{data}");
    }
    let server = Server::replying([Reply::json(200, json!({"data": {}}))]).await;
    assert_eq!(v3(&server).rotate_secret("ep_1", None).await.unwrap_err().kind, Kind::Unexpected);
    assert_eq!(v3(&server).entity(EntityKind::Video, "v").await.unwrap_err().kind, Kind::Unexpected);
}

#[tokio::test]
async fn no_connection_is_transient_with_the_networks_error() {
    // The listener is dropped at once, so nothing listens on its port.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let api = Api::new(&config(ApiVersion::V3, &format!("http://{gone}"))).unwrap();
    let error = api.entity(EntityKind::Video, "v").await.unwrap_err();
    assert_eq!((error.kind, error.class, error.status, error.attempts), (Kind::Connection, Transient, None, 3));
    assert!(error.message.unwrap().contains("refused"), "the network's error");
}

#[tokio::test]
async fn https_begins_with_a_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let api = Api::new(&config(ApiVersion::V3, &url)).unwrap();
    let first = tokio::spawn(async move { listener.accept().await.unwrap().0.read_u8().await.unwrap() });
    let error = api.create_endpoint(&new_endpoint(), None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Connection);
    assert_eq!(first.await.unwrap(), 22, "the record type of a TLS handshake (RFC 8446, section 5.1)");
}

#[tokio::test]
async fn a_missing_response_is_a_timeout() {
    let server = Server::replying([Reply::Silent]).await;
    let mut config = config(ApiVersion::V3, &server.url);
    config.timeouts.attempt = Duration::from_millis(30);
    let error = Api::new(&config).unwrap().create_endpoint(&new_endpoint(), None).await.unwrap_err();
    assert_eq!((error.kind, error.class, error.attempts), (Kind::Timeout, Transient, 1));
    assert!(error.to_string().contains("may or may not be made"), "{error}");
}

#[test]
fn an_invalid_configuration_makes_no_client() {
    let config = |credential| ApiConfig::new(ApiVersion::V3, credential);
    for bad in ["", "a b", "key\n", "clé"] {
        for credential in [Credential::ApiKey(bad.into()), Credential::Bearer(bad.into())] {
            assert_eq!(Api::new(&config(credential)).unwrap_err(), InvalidConfig::Credential, "{bad:?}");
        }
    }
    let nowhere = ApiConfig { base_url: "heygen".into(), ..config(Credential::ApiKey("key".into())) };
    assert_eq!(Api::new(&nowhere).unwrap_err(), InvalidConfig::BaseUrl);
}
