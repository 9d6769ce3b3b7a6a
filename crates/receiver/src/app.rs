//! One delivery, from the request to the queue: verify, enqueue, answer.

use crate::answer::{Answer, Rejection};
use crate::config::Config;
use crate::secret_cache::SecretCache;
use aws::endpoints::PATH;
use aws::envelope::{Advisory, Delivery, Via};
use aws::queue::Queue;
use aws::sdk::Sdk;
use aws::secrets::{EndpointSecret, SecretError};
use aws::telemetry::{self, Unit};
use heygen::{Event, Signature, Unverified, Verified};
use lambda_http::http::{HeaderMap, Method, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// HeyGen is answered within 5 s whatever AWS does; it gives up after 10.
const DEADLINE: Duration = Duration::from_millis(4_500);

/// HeyGen tries for 24 hours, in seconds.
const LONGEST_RETRY: f64 = 86_400.0;

/// As far as its clock may be ahead of ours, in seconds.
const MOST_AHEAD: f64 = 5.0;

/// A request, as far as it matters here.
#[derive(Debug)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The path, with whatever a stage or a custom domain puts before ours.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or why there is none.
    pub body: Result<Unverified, Rejection>,
    /// API Gateway's id of the request.
    pub request_id: String,
}

/// The receiver's state. Nothing in it has to survive the process.
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

    /// Takes one request, and says in the log and in a metric what became of it.
    pub async fn handle(&self, request: Request) -> Result<Answer, Rejection> {
        if request.method == Method::OPTIONS {
            return Ok(Answer::Options);
        }
        let request_id = request.request_id.clone();
        let endpoint = self.endpoint(&request.path);
        let outcome = match endpoint {
            Err(refusal) => Err(refusal),
            Ok(_) if request.method != Method::POST => Err(Rejection::Method),
            Ok(endpoint) => {
                let deliver = self.deliver(endpoint, request);
                tokio::time::timeout(DEADLINE, deliver).await.unwrap_or(Err(Rejection::TooSlow))
            }
        };
        let word = match &outcome {
            Ok(_) => "accepted",
            Err(refusal) => {
                let (status, outcome) = (refusal.status().as_u16(), refusal.code());
                tracing::warn!(request_id, endpoint = endpoint.ok(), status, outcome, "delivery refused");
                if refusal.status() == StatusCode::UNAUTHORIZED {
                    telemetry::count("SignatureFailures", &[]);
                }
                outcome
            }
        };
        telemetry::count("Deliveries", &[("Outcome", word)]);
        outcome
    }

    /// The endpoint that a path names. What is logged is this name, and never the stranger's path.
    fn endpoint(&self, path: &str) -> Result<&str, Rejection> {
        let (_, name) = path.rsplit_once(PATH).ok_or(Rejection::UnknownPath)?;
        let endpoint = self.config.endpoints.iter().find(|endpoint| *endpoint == name);
        endpoint.map(String::as_str).ok_or(Rejection::UnknownEndpoint)
    }

    async fn deliver(&self, endpoint: &str, request: Request) -> Result<Answer, Rejection> {
        let received_at = OffsetDateTime::now_utc();
        let body = request.body?;
        if body.is_empty() {
            return Err(Rejection::EmptyBody);
        }
        if body.len() > self.config.max_body_bytes {
            return Err(Rejection::TooLarge);
        }
        let signatures = self.config.signature_headers.signatures(&request.headers)?;
        let body = self.verify(endpoint, body, &signatures, received_at, &request.request_id).await?;

        let event = Event::read(&body);
        let delivery = Delivery {
            endpoint: endpoint.to_owned(),
            received_at,
            request_id: request.request_id,
            via: Via::Delivery,
            advisory: advisory(&request.headers),
            body,
        };
        let message = delivery.seal().map_err(|_| Rejection::TooLarge)?;
        self.queue.send(message).await.map_err(|error| {
            let request_id = &delivery.request_id;
            tracing::error!(request_id, endpoint, %error, class = ?error.class, "the queue did not take the delivery");
            Rejection::QueueUnavailable
        })?;
        if let Some(seconds) = seconds_since_sent(&delivery, OffsetDateTime::now_utc()) {
            telemetry::measure("SecondsToQueue", seconds, Unit::Seconds, &[]);
        }
        tracing::info!(
            request_id = delivery.request_id,
            endpoint,
            outcome = "accepted",
            identity = event.identity.as_str(),
            correlation_id = event.correlation_id().as_str(),
            event_type = event.type_label(),
            body_bytes = delivery.body.body().len(),
            age_seconds = age(&delivery),
            // 0 is the current secret, 1 the previous one.
            secret = delivery.body.matched(),
            "delivery accepted"
        );
        Ok(Answer::Accepted(event.identity))
    }

    /// A mismatch is settled only when the secret is the one that is stored now, and is not being changed.
    async fn verify(
        &self,
        endpoint: &str,
        body: Unverified,
        signatures: &[Signature],
        now: OffsetDateTime,
        request_id: &str,
    ) -> Result<Verified, Rejection> {
        let unavailable = |error: SecretError| {
            let class = error.class();
            tracing::error!(request_id, endpoint, %error, ?class, "the endpoint's secret could not be read");
            Rejection::SecretUnavailable
        };
        let cached = self.secrets.get(endpoint).await.map_err(unavailable)?;
        let body = match body.verify(signatures, &valid(cached.as_ref(), now)) {
            Ok(verified) => return Ok(verified),
            Err(body) => body,
        };
        let stored = self.secrets.refreshed(endpoint).await.map_err(unavailable)?;
        let secrets = valid(stored.as_ref(), now);
        body.verify(signatures, &secrets).map_err(|_| match stored.as_deref() {
            Some(EndpointSecret { pending: Some(_), .. }) => Rejection::SecretPending,
            _ if secrets.is_empty() => Rejection::SecretMissing,
            _ => Rejection::WrongSignature,
        })
    }
}

fn valid(secret: Option<&Arc<EndpointSecret>>, now: OffsetDateTime) -> Vec<&heygen::Secret> {
    secret.map(|secret| secret.valid_at(now)).unwrap_or_default()
}

fn advisory(headers: &HeaderMap) -> Advisory {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
    Advisory { event_id: text("heygen-event-id"), timestamp: text("heygen-timestamp") }
}

/// Seconds since HeyGen says that it sent the delivery. The signature does not cover that header,
/// and a retry may repeat its first time: a number to look at, not to decide by.
fn age(delivery: &Delivery) -> Option<i64> {
    let sent: i64 = delivery.advisory.timestamp.as_ref()?.parse().ok()?;
    Some(delivery.received_at.unix_timestamp().saturating_sub(sent))
}

/// The same for the metric, at `now`. A header that says the future, or more than HeyGen's 24 hours of
/// retries ago, would only spoil the picture.
fn seconds_since_sent(delivery: &Delivery, now: OffsetDateTime) -> Option<f64> {
    let sent: i64 = delivery.advisory.timestamp.as_ref()?.parse().ok()?;
    let seconds = (now - OffsetDateTime::from_unix_timestamp(sent).ok()?).as_seconds_f64();
    (-MOST_AHEAD..=LONGEST_RETRY).contains(&seconds).then_some(seconds.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn only_a_time_that_can_be_true_is_measured() {
        let now = datetime!(2026-11-21 12:00:00.5 UTC);
        #[expect(clippy::disallowed_methods, reason = "no request is involved")]
        let seconds = |timestamp: &str| {
            let delivery = Delivery {
                endpoint: "main".into(),
                received_at: now,
                request_id: String::new(),
                via: Via::Delivery,
                advisory: Advisory { event_id: None, timestamp: Some(timestamp.into()) },
                body: Verified::assume_authentic(Vec::new()),
            };
            seconds_since_sent(&delivery, now)
        };
        let sent = |ago: i64| (now.unix_timestamp() - ago).to_string();
        assert_eq!(seconds(&sent(3)), Some(3.5));
        assert_eq!(seconds(&sent(-2)), Some(0.0), "clocks differ");
        for nonsense in [sent(-60), sent(90_000), "soon".into(), i64::MIN.to_string(), i64::MAX.to_string()] {
            assert_eq!(seconds(&nonsense), None, "{nonsense}");
        }
    }
}
