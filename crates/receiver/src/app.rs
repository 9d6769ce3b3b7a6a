//! One delivery, from the request to the queue: verify, enqueue, respond.

use crate::config::Config;
use crate::report::{self, Enqueued};
use crate::response::{Accepted, Rejection};
use crate::secret_cache::SecretCache;
use aws::endpoints::PATH;
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
use webhook::{Secret, Signature, Unverified, Verified};

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
}

impl App {
    /// Builds the clients. Nothing is fetched before it is needed.
    pub fn new(config: Config, sdk: &Sdk) -> Self {
        App {
            secrets: SecretCache::new(sdk.secrets(), config.secret_prefix.clone(), config.secret_refresh),
            queue: Queue::new(sdk.sqs(), config.queue_url.clone()),
            config,
        }
    }

    /// Handles one request, and logs and counts its outcome.
    pub async fn handle(&self, request: Request) -> Result<Accepted, Rejection> {
        if request.method == Method::OPTIONS {
            return Ok(Accepted::Options);
        }
        let endpoint = self.endpoint(&request.path);
        let span = report::span(&request.request_id, endpoint.ok());
        let outcome = match endpoint {
            Err(rejection) => Err(rejection),
            Ok(_) if request.method != Method::POST => Err(Rejection::Method),
            Ok(endpoint) => {
                let deliver = self.deliver(endpoint, request).instrument(span.clone());
                tokio::time::timeout(DEADLINE, deliver).await.unwrap_or(Err(Rejection::TooSlow))
            }
        };
        span.in_scope(|| report::write(outcome.as_ref().map_err(|rejection| *rejection)));
        outcome.map(|enqueued| Accepted::Delivery(enqueued.event.identity))
    }

    fn endpoint(&self, path: &str) -> Result<&str, Rejection> {
        let (_, name) = path.rsplit_once(PATH).ok_or(Rejection::UnknownPath)?;
        let endpoint = self.config.endpoints.iter().find(|endpoint| *endpoint == name);
        endpoint.map(String::as_str).ok_or(Rejection::UnknownEndpoint)
    }

    async fn deliver(&self, endpoint: &str, request: Request) -> Result<Enqueued, Rejection> {
        let received_at = OffsetDateTime::now_utc();
        let body = request.body?;
        if body.is_empty() {
            return Err(Rejection::EmptyBody);
        }
        if body.len() > self.config.max_body_bytes {
            return Err(Rejection::TooLarge);
        }
        let signatures = self.config.signature_headers.signatures(&request.headers)?;
        let body = self.verify(endpoint, body, &signatures, received_at).await?;

        let event = heygen::read(&body);
        report::record(&event);
        let delivery = Delivery {
            platform: webhook::Platform::HeyGen,
            endpoint: endpoint.to_owned(),
            received_at,
            request_id: request.request_id,
            via: if probe::is_probe(&event) { probe::LABEL } else { "delivery" }.into(),
            advisory: advisory(&request.headers),
            body,
        };
        let message = delivery.seal().map_err(|_| Rejection::TooLarge)?;
        self.queue.send(message).await.map_err(|error| {
            tracing::error!(%error, class = error.class.as_str(), "the delivery could not be enqueued");
            Rejection::QueueUnavailable
        })?;
        Ok(Enqueued { event, delivery })
    }

    /// A mismatch is final only if it was checked against the secret that is stored now, and that secret is not being
    /// changed.
    async fn verify(
        &self,
        endpoint: &str,
        body: Unverified,
        signatures: &[Signature],
        now: OffsetDateTime,
    ) -> Result<Verified, Rejection> {
        let unavailable = |error: Arc<SecretError>| {
            tracing::error!(%error, class = error.class().as_str(), "the endpoint's secret could not be read");
            Rejection::SecretUnavailable
        };
        let cached = self.secrets.get(endpoint).await.map_err(unavailable)?;
        let tried = valid(cached.as_ref(), now);
        let body = match body.verify(signatures, &tried) {
            Ok(verified) => return Ok(verified),
            Err(body) => body,
        };
        let stored = self.secrets.refreshed(endpoint).await.map_err(unavailable)?;
        let secrets = valid(stored.as_ref(), now);
        if any_untried(&secrets, &tried)
            && let Ok(verified) = body.verify(signatures, &secrets)
        {
            return Ok(verified);
        }
        Err(match stored.as_deref() {
            Some(EndpointSecret { pending: Some(_), .. }) => Rejection::SecretPending,
            _ if secrets.is_empty() => Rejection::SecretMissing,
            _ => Rejection::WrongSignature,
        })
    }
}

fn valid(secret: Option<&Arc<EndpointSecret>>, now: OffsetDateTime) -> Vec<&Secret> {
    secret.map(|secret| secret.valid_at(now)).unwrap_or_default()
}

/// Whether a second verification can have another result: a MAC over the whole body is computed for each secret.
fn any_untried(secrets: &[&Secret], tried: &[&Secret]) -> bool {
    secrets.iter().any(|secret| !tried.contains(secret))
}

fn advisory(headers: &HeaderMap) -> Advisory {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
    Advisory { event_id: text("heygen-event-id"), timestamp: text("heygen-timestamp") }
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
