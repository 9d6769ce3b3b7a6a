//! One delivery, from the request to the queue: verify, enqueue, respond.

use crate::config::Config;
use crate::report::{self, Handled};
use crate::response::{Accepted, Rejection};
use crate::route::Route;
use crate::secret_cache::SecretCache;
use aws::endpoints::PlatformEndpoint;
use aws::envelope::{Advisory, Delivery};
use aws::probe;
use aws::queue::Queue;
use aws::sdk::Sdk;
use aws::secrets::{EndpointSecret, SecretError};
use lambda_http::http::{HeaderMap, Method};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tracing::Instrument;
use webhook::{Platform, Secret, Signed, Unverified, Verified};

/// HeyGen gets a response within 5 s, however slow AWS is; it waits for 10.
const DEADLINE: Duration = Duration::from_millis(4_500);

#[derive(Debug)]
pub struct Request {
    pub method: Method,
    /// The path, possibly behind the prefix of a stage or a custom domain.
    pub path: String,
    pub headers: HeaderMap,
    /// The body, or why there is none.
    pub body: Result<Unverified, Rejection>,
    /// API Gateway's id of the request.
    pub request_id: String,
}

/// The receiver's state. None of it has to survive the process.
#[derive(Debug)]
pub struct App {
    config: Config,
    secrets: SecretCache,
    queue: Queue,
    pub(crate) callbacks: Option<Callbacks>,
}

/// What callbacks need.
#[derive(Debug)]
pub(crate) struct Callbacks {
    pub(crate) prefix: String,
    pub(crate) queue: Queue,
}

impl App {
    /// Builds the clients. Nothing is fetched before it is needed.
    pub fn new(config: Config, sdk: &Sdk) -> Self {
        App {
            secrets: SecretCache::new(sdk.secrets(), config.secret_refresh),
            queue: Queue::new(sdk.sqs(), config.queue_url.clone()),
            callbacks: config.callbacks.clone().map(|callbacks| Callbacks {
                prefix: callbacks.prefix,
                queue: Queue::new(sdk.sqs(), callbacks.queue_url),
            }),
            config,
        }
    }

    /// Handles one request, and logs and counts its outcome.
    pub async fn handle(&self, request: Request) -> Result<Accepted, Rejection> {
        if request.method == Method::OPTIONS {
            return Ok(Accepted::Options);
        }
        let route = Route::of(&request.path, &self.config);
        let span = report::span(&request.request_id, route.as_ref().ok());
        let platform = route.as_ref().map(Route::platform).unwrap_or_default();
        let is_post = request.method == Method::POST;
        let outcome = match route {
            Err(rejection) => Err(rejection),
            Ok(Route::Delivery(_)) if !is_post => Err(Rejection::Method),
            Ok(Route::Callback(..)) if !is_post => Err(Rejection::UnknownPath),
            Ok(route) => {
                let handle = self.enqueue(route, request).instrument(span.clone());
                tokio::time::timeout(DEADLINE, handle).await.unwrap_or(Err(Rejection::TooSlow))
            }
        };
        span.in_scope(|| report::write(platform, outcome.as_ref().map_err(|rejection| *rejection)));
        outcome.map(Accepted::from)
    }

    async fn enqueue(&self, route: Route, request: Request) -> Result<Handled, Rejection> {
        match route {
            Route::Delivery(endpoint) => self.deliver(endpoint, request).await,
            Route::Callback(callback, token) => self.call_back(callback, &token, request).await,
        }
    }

    async fn deliver(&self, endpoint: PlatformEndpoint, request: Request) -> Result<Handled, Rejection> {
        let platform = endpoint.platform;
        let received_at = OffsetDateTime::now_utc();
        let body = request.body?;
        if body.is_empty() {
            return Err(Rejection::EmptyBody);
        }
        if body.len() > self.config.max_body_bytes {
            return Err(Rejection::TooLarge);
        }
        let signed = platforms::signed(platform, &request.headers, &self.config.signature_headers)?;
        let body = self.verify(&self.config.signing_secret(&endpoint), body, &signed, received_at).await?;
        if signed.at().is_some_and(|at| received_at - at > self.config.longest_age) {
            return Err(Rejection::TooOld);
        }

        let event = platforms::read(platform, &body);
        report::record(&event);
        let delivery = Delivery {
            platform,
            endpoint: endpoint.name,
            received_at,
            request_id: request.request_id,
            via: if probe::is_probe(&event) { probe::LABEL } else { "delivery" }.into(),
            advisory: advisory(platform, &request.headers, &signed),
            body,
        };
        let message = delivery.seal().map_err(|_| Rejection::TooLarge)?;
        self.queue.send(message).await.map_err(|error| {
            tracing::error!(%error, class = error.class.as_str(), "the delivery could not be enqueued");
            Rejection::QueueUnavailable
        })?;
        Ok(Handled::Delivery { event: Box::new(event), delivery })
    }

    /// A mismatch is final only if it was checked against the secret that is stored now, and that secret is not being
    /// changed.
    async fn verify(
        &self,
        secret: &str,
        body: Unverified,
        signed: &Signed,
        now: OffsetDateTime,
    ) -> Result<Verified, Rejection> {
        let cached = self.secret(secret).await?;
        let tried = valid(cached.as_ref(), now);
        let body = match signed.verify(body, &tried) {
            Ok(verified) => return Ok(verified),
            Err(body) => body,
        };
        let stored = self.refreshed_secret(secret).await?;
        let secrets = valid(stored.as_ref(), now);
        if any_untried(&secrets, &tried)
            && let Ok(verified) = signed.verify(body, &secrets)
        {
            return Ok(verified);
        }
        Err(match stored.as_deref() {
            Some(EndpointSecret { pending: Some(_), .. }) => Rejection::SecretPending,
            _ if secrets.is_empty() => Rejection::SecretMissing,
            _ => Rejection::WrongSignature,
        })
    }

    /// The secret of this name, possibly as it was a while ago.
    pub(crate) async fn secret(&self, name: &str) -> Result<Option<Arc<EndpointSecret>>, Rejection> {
        self.secrets.get(name).await.map_err(|error| unavailable(&error))
    }

    /// The secret as it is stored now, or was a moment ago.
    pub(crate) async fn refreshed_secret(&self, name: &str) -> Result<Option<Arc<EndpointSecret>>, Rejection> {
        self.secrets.refreshed(name).await.map_err(|error| unavailable(&error))
    }
}

fn unavailable(error: &SecretError) -> Rejection {
    tracing::error!(%error, class = error.class().as_str(), "the endpoint's secret could not be read");
    Rejection::SecretUnavailable
}

pub(crate) fn valid(secret: Option<&Arc<EndpointSecret>>, now: OffsetDateTime) -> Vec<&Secret> {
    secret.map(|secret| secret.valid_at(now)).unwrap_or_default()
}

/// Whether a second verification can have another result: a MAC over the whole body is computed for each secret.
pub(crate) fn any_untried(secrets: &[&Secret], tried: &[&Secret]) -> bool {
    secrets.iter().any(|secret| !tried.contains(secret))
}

fn advisory(platform: Platform, headers: &HeaderMap, signed: &Signed) -> Advisory {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
    match platform {
        Platform::HeyGen => Advisory { event_id: text("heygen-event-id"), timestamp: text("heygen-timestamp") },
        _ => Advisory { event_id: None, timestamp: signed.at().map(|at| at.unix_timestamp().to_string()) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_secret_that_was_not_tried_is_worth_another_verification() {
        let [a, b] = ["a", "b"].map(|text| Secret::new(text).unwrap());
        assert!(!any_untried(&[], &[]));
        assert!(!any_untried(&[&a], &[&a]));
        assert!(!any_untried(&[&a], &[&b, &a]), "a previous secret has expired");
        assert!(any_untried(&[&a], &[]));
        assert!(any_untried(&[&b, &a], &[&a]), "a new secret was stored");
    }
}
