//! Whether a domain of the stack leads to this deployment yet.
//!
//! HeyGen probes the URL of an endpoint when it is registered, and the DNS record of a domain is often created after the
//! stack. Only a domain of the stack is checked: a `PublicUrl` may be a proxy that accepts HeyGen and not this function.

use crate::own_url;
use std::time::Duration;

/// For the request and the whole response. A cold receiver takes less than a second.
const LIMIT: Duration = Duration::from_secs(4);

/// The error code of a receiver's response to an empty delivery. Whatever is between HeyGen and the receiver has to let
/// such a request and its response through, unlike `OPTIONS`, which a proxy may respond to by itself.
const CODE: &str = "empty_body";

/// Checks whether a receiver with this endpoint responds at the URL. The error says what was there instead.
pub(crate) async fn check(url: &str) -> Result<(), String> {
    let response = own_url::send(own_url::client(url)?.post(url), LIMIT).await?;
    if response.error_code() == Some(CODE) {
        Ok(())
    } else {
        Err(format!("another server responds there, with status {}", response.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    /// A server that responds once, and its URL.
    fn server(status: &'static str, body: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/webhooks/heygen/main", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            // The client may not read it to its end.
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        });
        url
    }

    #[tokio::test]
    async fn only_a_receiver_that_has_the_endpoint_is_taken_for_this_deployment() {
        let error = |code: &str| format!(r#"{{"error": {{"code": "{code}", "message": "…"}}}}"#);
        check(&server("400 Bad Request", error("empty_body"))).await.unwrap();
        for (status, body) in [
            ("200 OK", String::new()),
            ("200 OK", "<html></html>".to_owned()),
            ("200 OK", format!("{}{}", error("empty_body"), "x".repeat(100_000))),
            ("204 No Content", String::new()),
            ("302 Found", String::new()),
            ("404 Not Found", error("unknown_endpoint")),
            ("404 Not Found", r#"{"message": "Not Found"}"#.to_owned()),
        ] {
            let reason = check(&server(status, body)).await.unwrap_err();
            assert_eq!(reason, format!("another server responds there, with status {}", &status[..3]));
        }
        assert_eq!(check("http://127.0.0.1:9/webhooks/heygen/main").await.unwrap_err(), "no connection");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_respond_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        assert_eq!(check(&url).await.unwrap_err(), "no response in time");
    }
}
