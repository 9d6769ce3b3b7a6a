//! Requests to an endpoint's own URL, as HeyGen makes them.

use heygen::api::{Timeouts, http_client_builder};
use reqwest::{Client, RequestBuilder, Url};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::time::Instant;

/// In bytes; a receiver's response is shorter.
const LONGEST: usize = 4096;

pub(crate) struct Response {
    pub(crate) status: u16,
    /// The body, if it is JSON.
    pub(crate) json: Value,
    pub(crate) took: Duration,
}

impl Response {
    /// The error code of a receiver's response.
    pub(crate) fn error_code(&self) -> Option<&str> {
        self.json["error"]["code"].as_str()
    }
}

/// A client for this URL.
pub(crate) fn client(url: &str) -> Result<Client, String> {
    let builder = http_client_builder(Timeouts::default());
    let builder = match Url::parse(url).ok().and_then(|url| Some(url.host_str()?.to_owned())) {
        // The names of a local AWS. RFC 6761 (section 6.3) makes them loopback; not every resolver knows.
        Some(host) if host.ends_with(".localhost") => {
            builder.map(|builder| builder.resolve(&host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
        }
        _ => builder,
    };
    builder.and_then(|builder| builder.build().ok()).ok_or("there is no HTTP client".to_owned())
}

/// Sends a request, once. The error says why there is no response. `limit` is for the request and the whole response.
pub(crate) async fn send(request: RequestBuilder, limit: Duration) -> Result<Response, String> {
    tokio::time::timeout(limit, exchange(request)).await.unwrap_or(Err("no response in time".to_owned()))
}

async fn exchange(request: RequestBuilder) -> Result<Response, String> {
    let started = Instant::now();
    let mut response = request.send().await.map_err(|_| "no connection")?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| "the connection broke")?
        && body.len() < LONGEST
    {
        body.extend_from_slice(&chunk);
    }
    let json = serde_json::from_slice(&body).unwrap_or_default();
    Ok(Response { status: response.status().as_u16(), json, took: started.elapsed() })
}
