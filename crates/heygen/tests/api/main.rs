//! The API client against an HTTP server on the loopback interface.

#![cfg(feature = "api")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod account;
mod entities;
mod errors;
mod leaks;
mod paging;
mod retries;
mod server;
mod v1;
mod v3;

use heygen::api::{Api, ApiConfig, ApiVersion, Credential, IdempotencyKey, NewEndpoint, RetryPolicy, Timeouts};
use server::Server;
use std::time::Duration;

const KEY: &str = "sk_canary_credential";

/// A configuration whose waits are too short to be noticed.
fn config(version: ApiVersion, url: &str) -> ApiConfig {
    ApiConfig {
        base_url: url.to_owned(),
        timeouts: Timeouts { connect: Duration::from_secs(5), attempt: Duration::from_secs(5) },
        retry: RetryPolicy {
            attempts: 3,
            base: Duration::from_millis(1),
            cap: Duration::from_millis(2),
            deadline: Duration::from_secs(10),
        },
        ..ApiConfig::new(version, Credential::ApiKey(KEY.into()))
    }
}

fn v3(server: &Server) -> Api {
    Api::new(&config(ApiVersion::V3, &server.url)).unwrap()
}

fn v1(server: &Server) -> Api {
    Api::new(&config(ApiVersion::V1, &server.url)).unwrap()
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}

fn new_endpoint() -> NewEndpoint {
    NewEndpoint { url: "https://hooks.example.invalid/heygen".into(), events: None, entity_id: None }
}
