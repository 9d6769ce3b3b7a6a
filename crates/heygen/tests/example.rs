//! The axum example, over loopback.

#![allow(clippy::unwrap_used)]

#[expect(dead_code, reason = "its main is not called here")]
#[path = "../examples/axum.rs"]
mod axum_example;

use std::net::SocketAddr;

use heygen::{Secret, sign};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const BODY: &str = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v","callback_id":"order_1"}}"#;

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

/// Starts the example, with a current and a previous secret.
async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum_example::router(vec![secret("whsec_current"), secret("whsec_previous")]);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Sends a request with `headers` (each line ended by CRLF) and returns the whole response.
async fn send(address: SocketAddr, method: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let request = format!(
        "{method} /webhooks/heygen HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

async fn post(address: SocketAddr, headers: &str, body: &str) -> (u16, String) {
    let response = send(address, "POST", headers, body).await;
    let (head, text) = response.split_once("\r\n\r\n").unwrap();
    (head["HTTP/1.1 ".len()..][..3].parse().unwrap(), text.to_owned())
}

#[tokio::test]
async fn a_signed_delivery_is_received_once_however_often_it_is_sent() {
    let address = serve().await;
    let current = format!("Signature: {}\r\n", sign(&secret("whsec_current"), BODY.as_bytes()));
    assert_eq!(post(address, &current, BODY).await, (200, "new".to_owned()));
    assert_eq!(post(address, &current, BODY).await, (200, "repeated".to_owned()));

    let previous = format!("heygen-signature: {}\r\n", sign(&secret("whsec_previous"), BODY.as_bytes()));
    assert_eq!(post(address, &previous, BODY).await, (200, "repeated".to_owned()));
}

#[tokio::test]
async fn an_authentic_body_that_is_not_json_is_received() {
    let address = serve().await;
    let signature = format!("Signature: {}\r\n", sign(&secret("whsec_current"), b"not json"));
    assert_eq!(post(address, &signature, "not json").await, (200, "new".to_owned()));
}

#[tokio::test]
async fn a_delivery_without_a_valid_signature_is_rejected_with_the_reason() {
    let address = serve().await;
    let forged = format!("Signature: {}\r\n", sign(&secret("whsec_other"), BODY.as_bytes()));
    for (headers, reason) in [
        (forged.as_str(), "the signature does not match"),
        ("Signature: sha256=0123\r\n", "exactly 64 hex digits"),
        ("", "no signature header"),
    ] {
        let (status, text) = post(address, headers, BODY).await;
        assert_eq!(status, 401, "{headers}");
        assert!(text.contains(reason), "{text}");
    }
    let signature = format!("Signature: {}\r\n", sign(&secret("whsec_current"), BODY.as_bytes()));
    assert_eq!(post(address, &signature, "another body").await.0, 401);
    assert_eq!(post(address, &signature, BODY).await, (200, "new".to_owned()), "no rejection counted as seen");
}

#[tokio::test]
async fn options_is_answered_with_the_methods_and_get_is_not_allowed() {
    let address = serve().await;
    let options = send(address, "OPTIONS", "", "").await;
    assert!(options.starts_with("HTTP/1.1 204"), "{options}");
    assert!(options.to_ascii_lowercase().contains("\r\nallow: options, post\r\n"), "{options}");
    assert!(send(address, "GET", "", "").await.starts_with("HTTP/1.1 405"));
}
