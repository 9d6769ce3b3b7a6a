//! An HTTP client for tests: any method, any header, any status, and no redirects.

use crate::error::{Error, Result};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// An HTTP client. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Http(ureq::Agent);

/// A response of any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names, in lower case, and values of the headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Http {
    /// A client whose requests fail after `limit`.
    pub fn new(limit: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(limit))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .proxy(None);
        Http(ureq::Agent::with_parts(config.build(), DefaultConnector::default(), Names::default()))
    }

    /// Sends a `GET` without further headers.
    ///
    /// # Errors
    ///
    /// Those of [`Http::send`].
    pub fn get(&self, url: &str) -> Result<Response> {
        self.send("GET", url, &[], &[])
    }

    /// Sends a request with any method.
    ///
    /// # Errors
    ///
    /// The URL or a header is invalid, or there was no complete response in time.
    pub fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Response> {
        let failed = |why: &dyn std::fmt::Display| Error::Failed(format!("{method} {url}: {why}"));
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).map_err(|why| failed(&why))?;
        let mut response = self.0.run(request).map_err(|why| failed(&why))?;
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Ok(Response {
            status: response.status().as_u16(),
            headers: response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
            body: response.body_mut().read_to_vec().map_err(|why| failed(&why))?,
        })
    }
}

/// Whether a host is this machine, as all names below `.localhost` are (RFC 6761).
pub fn is_loopback(host: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].contains(&host) || host.ends_with(".localhost")
}

/// The system's resolver may not resolve names below `.localhost`, of which a local AWS gives one to
/// each API.
#[derive(Debug, Default)]
struct Names(DefaultResolver);

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        limit: NextTimeout,
    ) -> std::result::Result<ResolvedSocketAddrs, ureq::Error> {
        if !uri.host().is_some_and(|host| host.ends_with(".localhost")) {
            return self.0.resolve(uri, config, limit);
        }
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let mut addresses = self.empty();
        addresses.push(SocketAddr::from((Ipv4Addr::LOCALHOST, uri.port_u16().unwrap_or(usual))));
        Ok(addresses)
    }
}

impl Response {
    /// The value of a header. `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The field `identity`, which this project's receiver returns for an accepted delivery.
    pub fn identity(&self) -> Option<String> {
        self.json()["identity"].as_str().map(str::to_owned)
    }

    /// The field `error.code` of an error, in the format of v3 and of this project's receiver.
    pub fn error_code(&self) -> Option<String> {
        self.json()["error"]["code"].as_str().map(str::to_owned)
    }
}
