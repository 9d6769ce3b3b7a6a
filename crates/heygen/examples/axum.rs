//! Receives HeyGen's webhooks with this crate and axum, and prints the jobs that they report.
//!
//! ```sh
//! HEYGEN_SECRETS=whsec_… cargo run --example axum
//! ```
//!
//! It stores nothing: what it has received is lost when it stops, and HeyGen does not repeat a delivery
//! after the response 200. A real receiver writes the body to a queue or a database before it responds,
//! responds with 503 if that fails, and runs behind a server that terminates TLS.

#![allow(clippy::print_stdout)]

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::{ALLOW, HeaderMap, HeaderName};
use axum::routing::options;
use heygen::{HeaderNames, Identity, Secret, Unverified};
use tokio::net::TcpListener;

/// The response to a larger body is 413.
const MAX_BODY_BYTES: usize = 1024 * 1024;

struct Receiver {
    header_names: HeaderNames,
    secrets: Vec<Secret>,
    seen: Mutex<HashSet<Identity>>,
}

type Rejection = (StatusCode, String);

/// `secrets` are the endpoint's current secret and, for a while after a rotation, the previous one.
pub fn router(secrets: Vec<Secret>) -> Router {
    let receiver = Receiver { header_names: HeaderNames::default(), secrets, seen: Mutex::default() };
    Router::new()
        .route("/webhooks/heygen", options(probe).post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Arc::new(receiver))
}

/// HeyGen sends OPTIONS when an endpoint is registered, and expects a response within one second.
async fn probe() -> (StatusCode, [(HeaderName, &'static str); 1]) {
    (StatusCode::NO_CONTENT, [(ALLOW, "OPTIONS, POST")])
}

/// The body is taken as `Bytes`, because the signature covers the raw bytes. `Json` would parse
/// unverified input, and serialising it again would give different bytes.
async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<&'static str, Rejection> {
    let unverified = Unverified::new(body.into());
    let signatures = receiver.header_names.signatures(&headers).map_err(unauthorized)?;
    let secrets: Vec<&Secret> = receiver.secrets.iter().collect();
    let verified = unverified
        .verify(&signatures, &secrets)
        .map_err(|_| unauthorized("the signature does not match this endpoint's secret and these bytes"))?;

    let event = heygen::read(&verified);
    // HeyGen delivers at least once. In a database, make the identity a unique key and insert it
    // in the transaction that has the effect.
    let is_new = receiver.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(event.identity.clone());
    if !is_new {
        return Ok("repeated");
    }
    match event.job() {
        Some(job) => println!("{} {} of {}", job.item_key(), job.status.as_str(), event.correlation_id()),
        // An unknown type, or not even JSON: it is authentic, so store it and respond with 200.
        None => println!("no job affected: event {}", event.identity),
    }
    Ok("new")
}

fn unauthorized(reason: impl ToString) -> Rejection {
    (StatusCode::UNAUTHORIZED, reason.to_string())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let list = std::env::var("HEYGEN_SECRETS")
        .map_err(|_| "set HEYGEN_SECRETS to the endpoint's secret, or to several, separated by commas")?;
    let secrets = list.split(',').map(Secret::new).collect::<Result<_, _>>()?;
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("Listening at http://{}/webhooks/heygen", listener.local_addr()?);
    axum::serve(listener, router(secrets)).await?;
    Ok(())
}
