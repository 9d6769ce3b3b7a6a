//! A webhook receiver with configurable responses, which keeps the requests it got.

use crate::error::Result;
use crate::lock;
use crate::server::Server;
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, Method, StatusCode};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A webhook receiver on loopback, which runs until it is dropped. It responds with 204 by default.
pub struct Receiver {
    server: Server,
    inbox: Arc<Inbox>,
}

/// A received request.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// The HTTP method, in upper case.
    pub method: String,
    /// Names, in lower case, and values of the headers.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Vec<u8>,
}

#[derive(Default)]
struct Inbox {
    received: Mutex<Vec<Received>>,
    /// Status and delay of the next responses.
    responses: Mutex<VecDeque<(u16, Duration)>>,
}

impl Receiver {
    /// Starts a receiver on a free port of 127.0.0.1. It blocks, so do not call it in an async runtime.
    ///
    /// # Errors
    ///
    /// No port or no thread is available.
    pub fn start() -> Result<Self> {
        let inbox = Arc::new(Inbox::default());
        let shared = Arc::clone(&inbox);
        let router = Router::new().fallback(async move |method: Method, headers: HeaderMap, body: Bytes| {
            shared.respond(Received::new(&method, &headers, &body)).await
        });
        let router = router.layer(DefaultBodyLimit::disable());
        Ok(Receiver { server: Server::start(router)?, inbox })
    }

    /// The URL to register, with a path.
    pub fn url(&self) -> String {
        format!("{}/hooks", self.server.url())
    }

    /// Sets the status of the next response. If called several times, each call applies to one response.
    pub fn respond_next(&self, status: u16) {
        self.respond_next_after(status, Duration::ZERO);
    }

    /// Sets the status of the next response, which is sent after `time`.
    pub fn respond_next_after(&self, status: u16, time: Duration) {
        lock(&self.inbox.responses).push_back((status, time));
    }

    /// All requests, in the order of their arrival.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.inbox.received).clone()
    }

    /// All `POST` requests, in the order of their arrival.
    pub fn deliveries(&self) -> Vec<Received> {
        self.received().into_iter().filter(|request| request.method == "POST").collect()
    }
}

impl Inbox {
    async fn respond(&self, request: Received) -> StatusCode {
        lock(&self.received).push(request);
        let next = lock(&self.responses).pop_front();
        let (status, time) = next.unwrap_or((204, Duration::ZERO));
        tokio::time::sleep(time).await;
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl Received {
    fn new(method: &Method, headers: &HeaderMap, body: &Bytes) -> Self {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())));
        Received { method: method.to_string(), headers: headers.collect(), body: body.to_vec() }
    }

    /// The value of a header. `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Whether the header `Signature` is the body's signature with this secret.
    pub fn is_signed_with(&self, secret: &heygen::Secret) -> bool {
        self.header("signature") == Some(heygen::sign(secret, &self.body).as_str())
    }
}

/// Omits signatures and links.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("method", &self.method).finish_non_exhaustive()
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("url", &self.url()).finish_non_exhaustive()
    }
}
