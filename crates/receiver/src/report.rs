//! What a delivery leaves in the log: one span, and at its end one line with its metrics.

use crate::response::Rejection;
use crate::route::Route;
use aws::claim::Claim;
use aws::envelope::Delivery;
use aws::probe;
use aws::telemetry::{Metrics, TARGET};
use lambda_http::http::StatusCode;
use time::OffsetDateTime;
use tracing::Span;
use tracing::field::Empty;
use webhook::{Event, Platform};

/// HeyGen retries for 24 hours, in seconds.
const LONGEST_RETRY: f64 = 86_400.0;

/// How far HeyGen's clock may be ahead of ours, in seconds.
const MOST_AHEAD: f64 = 5.0;

/// What SQS holds.
#[derive(Debug)]
pub(crate) enum Handled {
    Delivery { event: Box<Event>, delivery: Delivery },
    Callback(Claim),
}

/// The span of one delivery: every line within it shows these fields. Only the name of a known endpoint is logged,
/// never a sender's path, which may hold a token.
pub(crate) fn span(request_id: &str, route: Option<&Route>) -> Span {
    let span = tracing::info_span!(
        target: TARGET, "delivery",
        request_id, platform = Empty, endpoint = route.map(Route::endpoint), identity = Empty, correlation_id = Empty
    );
    if let Some(platform) = route.map(Route::platform).filter(|platform| *platform != Platform::HeyGen) {
        span.record("platform", platform.name());
    }
    span
}

/// Adds to the current span what a verified body says.
pub(crate) fn record(event: &Event) {
    let span = Span::current();
    span.record("identity", event.identity.as_str());
    span.record("correlation_id", event.correlation_id().as_str());
}

/// Writes the delivery's line.
pub(crate) fn write(platform: Platform, outcome: Result<&Handled, Rejection>) {
    let mut metrics = Metrics::of(platform);
    match outcome {
        Ok(Handled::Callback(claim)) => {
            metrics.count("Callbacks", &[("Outcome", "accepted")]);
            let kind = &claim.claimed.callback().kind;
            let has_entity_id = claim.claimed.entity_id().is_some();
            tracing::info!(target: TARGET, outcome = "accepted", kind, has_entity_id, %metrics, "callback accepted");
        }
        Ok(Handled::Delivery { event, delivery }) => {
            let outcome = if probe::is_probe(event) { probe::LABEL } else { "accepted" };
            metrics.count("Deliveries", &[("Outcome", outcome)]);
            if let Some(seconds) = seconds_since_sent(delivery, OffsetDateTime::now_utc()) {
                metrics.seconds("SecondsToQueue", seconds);
            }
            tracing::info!(
                target: TARGET,
                outcome,
                event_type = probe::type_label(event),
                body_bytes = delivery.body.body().len(),
                age_seconds = age(delivery),
                // 0 is the current secret, 1 the previous one.
                secret_index = delivery.body.matched(),
                %metrics,
                "delivery accepted"
            );
        }
        Err(rejection) => {
            let (http_status, outcome) = (rejection.status().as_u16(), rejection.code());
            metrics.count("Deliveries", &[("Outcome", outcome)]);
            if rejection.status() == StatusCode::UNAUTHORIZED {
                metrics.count("SignatureFailures", &[]);
            }
            tracing::warn!(target: TARGET, outcome, http_status, %metrics, "delivery rejected");
        }
    }
}

/// Seconds since HeyGen says that it sent the delivery. The signature does not cover that header, and a retry may
/// repeat its first time: use it for information only.
fn age(delivery: &Delivery) -> Option<i64> {
    let sent: i64 = delivery.advisory.timestamp.as_ref()?.parse().ok()?;
    Some(delivery.received_at.unix_timestamp().saturating_sub(sent))
}

/// The same for the metric, at `now`. A time in the future, or longer ago than HeyGen retries, would distort it.
fn seconds_since_sent(delivery: &Delivery, now: OffsetDateTime) -> Option<f64> {
    let sent: i64 = delivery.advisory.timestamp.as_ref()?.parse().ok()?;
    let seconds = (now - OffsetDateTime::from_unix_timestamp(sent).ok()?).as_seconds_f64();
    (-MOST_AHEAD..=LONGEST_RETRY).contains(&seconds).then_some(seconds.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::envelope::Advisory;
    use time::macros::datetime;
    use webhook::Verified;

    #[test]
    fn only_a_time_that_can_be_true_is_measured() {
        let now = datetime!(2026-11-21 12:00:00.5 UTC);
        #[expect(clippy::disallowed_methods, reason = "no request is involved")]
        let seconds = |timestamp: &str| {
            let delivery = Delivery {
                platform: webhook::Platform::HeyGen,
                endpoint: "main".into(),
                received_at: now,
                request_id: String::new(),
                via: String::new(),
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
