//! The other end: a receiver that answers as it is told, and keeps what it got.

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

/// A webhook receiver on loopback, until it is dropped. It answers everything with 204, unless told otherwise.
pub struct Receiver {
    server: Server,
    inbox: Arc<Inbox>,
}

/// A request that came in.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The headers, with their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

#[derive(Default)]
struct Inbox {
    received: Mutex<Vec<Received>>,
    /// What the next requests are answered with, and after which time.
    answers: Mutex<VecDeque<(u16, Duration)>>,
}

impl Receiver {
    /// Starts one. It must not be called inside of an async runtime.
    pub fn start() -> Result<Self> {
        let inbox = Arc::new(Inbox::default());
        let shared = Arc::clone(&inbox);
        let router = Router::new().fallback(async move |method: Method, headers: HeaderMap, body: Bytes| {
            shared.answer(Received::new(&method, &headers, &body)).await
        });
        let router = router.layer(DefaultBodyLimit::disable());
        Ok(Receiver { server: Server::start(router)?, inbox })
    }

    /// Where it is, with a path.
    pub fn url(&self) -> String {
        format!("{}/hooks", self.server.url())
    }

    /// Answers a request of those to come with this status; they are used in the order in which they were given.
    pub fn answer_next(&self, status: u16) {
        self.answer_next_after(status, Duration::ZERO);
    }

    /// The same, but slowly.
    pub fn answer_next_after(&self, status: u16, time: Duration) {
        lock(&self.inbox.answers).push_back((status, time));
    }

    /// Everything that came, in this order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.inbox.received).clone()
    }

    /// Only the deliveries.
    pub fn deliveries(&self) -> Vec<Received> {
        self.received().into_iter().filter(|request| request.method == "POST").collect()
    }
}

impl Inbox {
    async fn answer(&self, request: Received) -> StatusCode {
        lock(&self.received).push(request);
        let answer = lock(&self.answers).pop_front();
        let (status, time) = answer.unwrap_or((204, Duration::ZERO));
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

    /// The value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Whether the header `Signature` holds for this secret.
    pub fn is_signed_with(&self, secret: &heygen::Secret) -> bool {
        self.header("signature") == Some(heygen::sign(secret, &self.body).as_str())
    }
}

/// Neither signatures nor links are shown.
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
