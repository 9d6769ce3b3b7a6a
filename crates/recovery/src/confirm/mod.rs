//! Callbacks that nobody signed: the platform is asked, and its answer becomes the event.

pub(crate) mod limits;
pub(crate) mod outcome;
pub(crate) mod subject;
pub(crate) mod verdict;

use crate::budget::Budget;
use crate::config::Config;
use crate::confirm::limits::{Limits, Permit, Wish};
use crate::confirm::outcome::{Outcome, Then, failed, limited, retry_after, running};
use crate::confirm::subject::{Subject, subject};
use crate::confirm::verdict::{Verdict, heygen_verdict, verdict};
use crate::error::Error;
use crate::look_up::{self, Answer, Platforms};
use crate::send::put;
use crate::sweep::fresh::entity;
use aws::claim::Claim;
use aws::envelope::{Advisory, Delivery};
use aws::jobs::Jobs;
use aws::queue::Queue;
use aws::telemetry::TARGET;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_secretsmanager::Client as Secrets;
use futures::{StreamExt, stream};
use heygen::api::{Api, EntityKind, RetryPolicy};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use tracing::{Instrument, info_span};
use webhook::{Platform, Verified};

/// The `via` of what a callback led to.
const VIA: &str = "confirm";
/// How many callbacks are looked at concurrently.
const AT_ONCE: usize = 3;

/// One invocation with callbacks.
pub(crate) struct Confirm<'a> {
    pub(crate) config: &'a Config,
    pub(crate) secrets: &'a Secrets,
    pub(crate) jobs: &'a Jobs,
    pub(crate) limits: &'a Limits,
    /// Where answers are sent to.
    pub(crate) queue: &'a Queue,
    /// Where the callbacks wait.
    pub(crate) callbacks: Option<&'a Queue>,
    pub(crate) platforms: Platforms<'a>,
    pub(crate) heygen: OnceCell<Api>,
    pub(crate) budget: Budget,
}

impl Confirm<'_> {
    /// Looks at a batch, and says which messages SQS has to deliver again.
    pub(crate) async fn batch(&self, batch: SqsEvent) -> Result<SqsBatchResponse, Error> {
        let looked_at = stream::iter(&batch.records).map(|message| async move {
            let then = self.message(message).await;
            (message.message_id.clone().filter(|id| !id.is_empty()), then)
        });
        let looked_at: Vec<_> = looked_at.buffer_unordered(AT_ONCE).collect().await;
        let mut response = SqsBatchResponse::default();
        for (id, _) in looked_at.into_iter().filter(|(_, then)| *then != Then::Done) {
            let without = || Error::InvalidRequest("a message of the queue has no id".to_owned());
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id.ok_or_else(without)?;
            response.batch_item_failures.push(failure);
        }
        Ok(response)
    }

    async fn message(&self, message: &SqsMessage) -> Then {
        let message_id = message.message_id.as_deref();
        let Ok(claim) = Claim::open(message.body.as_deref().unwrap_or_default()) else {
            let span = info_span!(target: TARGET, "message", message_id);
            span.in_scope(|| Outcome::Unreadable.report(Platform::default(), Then::Done, 1, None));
            return Then::Done;
        };
        let callback = claim.claimed.callback();
        // HeyGen is what is meant where no platform is named.
        let platform = Some(callback.platform.name()).filter(|_| callback.platform != Platform::HeyGen);
        let span = info_span!(
            target: TARGET, "message",
            message_id, request_id = claim.request_id, platform,
            endpoint = callback.endpoint, correlation_id = callback.correlation
        );
        let work = async {
            let receives = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
            let receives: u32 = receives.unwrap_or(1);
            let looked_at = self.claim(&claim, message_id.unwrap_or_default(), receives).await;
            let (outcome, then) = looked_at.as_ref().copied().unwrap_or_else(|error| failed(error, receives));
            if let Then::Wait(wait) = then {
                self.postpone(message, wait).await;
            }
            outcome.report(callback.platform, then, receives, looked_at.as_ref().err());
            then
        };
        work.instrument(span).await
    }

    async fn claim(&self, claim: &Claim, message_id: &str, receives: u32) -> Result<(Outcome, Then), Error> {
        let callback = claim.claimed.callback();
        let kind = platforms::job_kind(callback.platform, &callback.kind);
        if !self.budget.is_left() {
            return Ok((Outcome::Limited, Then::Wait(Duration::from_secs(1))));
        }
        let now = OffsetDateTime::now_utc();
        let record = self.jobs.of_callback_id(&callback.correlation).await?;
        let Some(subject) = subject(claim.claimed.entity_id(), &kind, &record.jobs) else {
            return Ok((Outcome::Unknown, Then::Done));
        };
        let entity_id = &subject.entity_id;
        let requests = platforms::look_up::paths(callback.platform, &callback.kind, entity_id).len().max(1);
        let wish = Wish { callback, kind: &kind, entity_id, received_at: claim.received_at, message_id, requests };
        match self.limits.take(&wish, now).await? {
            Permit::Ask => {}
            Permit::Answered => return Ok((Outcome::Answered, Then::Done)),
            Permit::Wait(wait) => return Ok((Outcome::Limited, limited(wait, receives))),
        }
        let verdict = match self.ask(claim, &kind, &subject).await {
            Err(error) => {
                if let Some(wait) = retry_after(&error) {
                    self.limits.pause(callback, wait, now).await?;
                }
                return Err(error);
            }
            Ok(verdict) => verdict,
        };
        Ok(match verdict {
            Verdict::Unknown => (Outcome::Unknown, Then::Done),
            Verdict::OtherOrder => (Outcome::OtherOrder, Then::Done),
            Verdict::Running => (Outcome::Running, running((now - claim.received_at).unsigned_abs())),
            Verdict::Ended(body) => {
                self.send(claim, body).await?;
                (Outcome::Confirmed, Then::Done)
            }
        })
    }

    async fn ask(&self, claim: &Claim, kind: &str, subject: &Subject) -> Result<Verdict, Error> {
        let callback = claim.claimed.callback();
        if callback.platform != Platform::HeyGen {
            let answer = self.platforms.ask(callback.platform, &callback.kind, &subject.entity_id).await?;
            return Ok(match answer {
                Answer::Found(answer) => verdict(callback, kind, subject, answer),
                Answer::NotFound => Verdict::Unknown,
            });
        }
        let Some(kind) = EntityKind::of_job(kind) else { return Ok(Verdict::Unknown) };
        let once = RetryPolicy { attempts: 1, ..self.config.retry };
        let api = self.heygen.get_or_try_init(|| look_up::api::api(self.config, self.secrets, once)).await?;
        let entity = entity(api, kind, &subject.entity_id).await?;
        Ok(entity.map_or(Verdict::Unknown, |entity| heygen_verdict(callback, subject, entity)))
    }

    async fn send(&self, claim: &Claim, body: Verified) -> Result<(), Error> {
        let callback = claim.claimed.callback();
        let delivery = Delivery {
            platform: callback.platform,
            endpoint: callback.endpoint.clone(),
            received_at: OffsetDateTime::now_utc(),
            request_id: claim.request_id.clone(),
            via: VIA.to_owned(),
            advisory: Advisory::default(),
            body,
        };
        Ok(put(self.queue, &delivery).await?)
    }

    /// Without it, the message comes again after the queue's visibility timeout.
    async fn postpone(&self, message: &SqsMessage, wait: Duration) {
        let Some(queue) = self.callbacks else { return };
        let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
        let handle = message.receipt_handle.as_deref().unwrap_or_default();
        if let Err(error) = queue.postpone(handle, seconds).await {
            let class = error.class.as_str();
            tracing::warn!(%error, class, "the wait could not be set: the queue's visibility timeout applies");
        }
    }
}
