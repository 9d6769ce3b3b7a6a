//! Looks at everything that has to work, all at once. It changes nothing, but that a verification posts signed probes.

pub(crate) mod alarm;
pub(crate) mod callback_urls;
pub(crate) mod diagnosis;
pub(crate) mod elsewhere;
pub(crate) mod finding;
pub(crate) mod measured;
pub(crate) mod observed;
pub(crate) mod remedy;

use crate::backfill::cursor::Cursors;
use crate::backfill::source::Source;
use crate::budget::Budget;
use crate::config::Config;
use crate::doctor::alarm::Alarm;
use crate::doctor::diagnosis::{Observed, diagnose};
use crate::doctor::finding::DoctorReply;
use crate::doctor::measured::Measured;
use crate::doctor::observed::{Depth, HeyGen, Probes, ReadList, Seen, Topic};
use crate::error::Error;
use crate::look_up::Platforms;
use crate::sweep::due::Due;
use aws::api_key::ApiKeyError;
use aws::queue::Queue;
use aws::signed::{Calls, InvokeError, Service};
use aws_sdk_secretsmanager::Client;
use heygen::api::{Api, ApiError, ApiVersion, Kind};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use time::OffsetDateTime;

/// How long admin may take for what only reads.
const READ: Duration = Duration::from_secs(60);

pub(crate) struct Doctor<'a> {
    pub(crate) config: &'a Config,
    pub(crate) calls: &'a Calls,
    pub(crate) cursors: &'a Cursors,
    pub(crate) due: &'a Due,
    pub(crate) queue: &'a Queue,
    pub(crate) dead_letters: &'a Queue,
    pub(crate) undelivered: &'a Queue,
    pub(crate) api: Result<Api, Error>,
    pub(crate) platforms: Platforms<'a>,
    pub(crate) secrets: &'a Client,
    pub(crate) budget: Budget,
}

impl Doctor<'_> {
    /// With `verify`, also by posting probes; by default, if each sync does.
    pub(crate) async fn run(self, verify: Option<bool>) -> DoctorReply {
        let verify = verify.unwrap_or(self.config.watched.verify);
        DoctorReply::of(diagnose(&self.observe(verify).await))
    }

    async fn observe(&self, verify: bool) -> Observed {
        let Config { watched, delay, version, .. } = self.config;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let heygen = self.heygen().await;
        // Without an answer, admin would only say so again.
        let admin = watched.admin.as_deref().filter(|_| heygen == Ok(HeyGen::Answers));
        let is_v3 = *version == ApiVersion::V3;
        let (endpoints, probes, event_types) = futures::join!(
            when(admin, async |admin| self.ask(admin, "list").await),
            when(admin.filter(|_| verify), async |admin| self.probes(admin).await),
            when(admin.filter(|_| is_v3), async |admin| self.ask(admin, "event-types").await),
        );
        let (queue, dead_letters, undelivered) =
            futures::join!(depth(self.queue), depth(self.dead_letters), depth(self.undelivered));
        let (measured, polling, pipe, alarms, topic, cursors, oldest_due) = futures::join!(
            self.measured(now),
            when(watched.event_source.as_deref(), async |id| {
                let path = ["2015-03-31", "event-source-mappings", id];
                self.get(Service::Lambda, "lambda:GetEventSourceMapping", &path).await
            }),
            when(watched.pipe.as_deref(), async |name| {
                self.get(Service::Pipes, "pipes:DescribePipe", &["v1", "pipes", name]).await
            }),
            when(watched.has_alarms.then_some(()), async |()| self.alarms().await),
            when(watched.alarm_topic.as_deref(), async |arn| self.topic(arn).await),
            when(Some(self.lists()).filter(|lists| !lists.is_empty()), async |lists| self.cursors(lists).await),
            when(watched.schedule.as_ref(), async |_| self.due.oldest().await.map_err(|error| error.to_string())),
        );
        Observed {
            now,
            table: self.config.table.clone(),
            partition: self.config.partition(),
            has_alarms: watched.has_alarms,
            is_verifying: watched.verify,
            period: watched.schedule.as_deref().map(observed::period),
            delay: delay.as_secs().try_into().unwrap_or_default(),
            heygen,
            clock_ahead: self.api.as_ref().ok().and_then(Api::clock_ahead).map(time::Duration::whole_seconds),
            endpoints,
            probes,
            event_types,
            measured,
            queue,
            dead_letters,
            undelivered,
            polling,
            pipe,
            alarms,
            topic,
            cursors,
            oldest_due,
            elsewhere: elsewhere::observe(self.config, &self.platforms, self.secrets, self.due).await,
        }
    }

    async fn heygen(&self) -> Seen<HeyGen> {
        if self.config.api_key_secret.is_none() {
            return Ok(HeyGen::NotAsked);
        }
        let api = match &self.api {
            Ok(api) => api,
            Err(Error::ApiKey(ApiKeyError::Missing(..))) => return Ok(HeyGen::KeyMissing),
            Err(Error::Settings(_)) => return Ok(HeyGen::KeyUnusable),
            Err(error) => return Err(error.to_string()),
        };
        match api.endpoints().readable().await {
            Ok(_) => Ok(HeyGen::Answers),
            Err(error) => answer(&error),
        }
    }

    /// What admin replies to an action without options.
    async fn ask<T: for<'de> Deserialize<'de>>(&self, admin: &str, action: &str) -> Seen<T> {
        let reply = self.calls.invoke(admin, &json!({"action": action}), READ).await;
        observed::read(format_args!("admin's {action}"), reply.map_err(|error| failed(&error))?)
    }

    async fn probes(&self, admin: &str) -> Seen<Probes> {
        // How long admin waits for its probes depends on the stack's parameters, and is less.
        match self.calls.invoke(admin, &json!({"action": "verify"}), self.budget.left()).await {
            Ok(mut reply) => observed::read("admin's verify", reply["verified"].take()).map(Probes::Ended),
            Err(InvokeError::Aws(error)) if error.code == "timeout" => Ok(Probes::TooSlow),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn get<T: for<'de> Deserialize<'de>>(
        &self,
        service: Service,
        operation: &'static str,
        path: &[&str],
    ) -> Seen<T> {
        observed::read(operation, self.calls.get(service, operation, path).await.map_err(|error| error.to_string())?)
    }

    async fn alarms(&self) -> Seen<Vec<Alarm>> {
        let input = json!({"AlarmNames": alarm::names(&self.config.stack), "MaxRecords": 100});
        let reply = self.calls.json(Service::CloudWatch, "cloudwatch:DescribeAlarms", &input).await;
        alarm::alarms(reply.map_err(|error| error.to_string())?)
    }

    async fn topic(&self, arn: &str) -> Seen<Topic> {
        let found = self.calls.attributes(Service::Sns, "sns:GetTopicAttributes", &[("TopicArn", arn)]).await;
        let found = found.map_err(|error| error.to_string())?;
        let confirmed = found.get("SubscriptionsConfirmed").and_then(|count| count.parse().ok());
        let receivers = confirmed.ok_or("sns:GetTopicAttributes answered in an unknown form")?;
        Ok(Topic { arn: arn.to_owned(), receivers })
    }

    async fn measured(&self, now: i64) -> Seen<Measured> {
        let Config { stack, queue_url, dead_letter_queue_url, .. } = self.config;
        let input = measured::input(stack, queue_url, dead_letter_queue_url, now);
        let reply = self.calls.json(Service::CloudWatch, "cloudwatch:GetMetricData", &input).await;
        Measured::read(reply.map_err(|error| error.to_string())?, now)
    }

    /// Those that a backfill reads.
    fn lists(&self) -> Vec<&'static str> {
        let has_heygens = self.config.version == ApiVersion::V3 && self.config.api_key_secret.is_some();
        let heygen = has_heygens.then(Source::heygen).into_iter().flatten();
        heygen.chain(Source::elsewhere(self.config)).map(Source::name).collect()
    }

    async fn cursors(&self, lists: Vec<&'static str>) -> Seen<Vec<ReadList>> {
        let mut read = Vec::with_capacity(lists.len());
        for list in lists {
            let cursor = self.cursors.read(list).await.map_err(|error| error.to_string())?;
            let scanning_until = cursor.scan.map(|scan| scan.until);
            read.push(ReadList { list, read_until: cursor.read_until, scanning_until, missed: cursor.missed });
        }
        Ok(read)
    }
}

/// The observation, if there is something to look at.
async fn when<S, T>(subject: Option<S>, look: impl AsyncFnOnce(S) -> Seen<T>) -> Option<Seen<T>> {
    match subject {
        Some(subject) => Some(look(subject).await),
        None => None,
    }
}

async fn depth(queue: &Queue) -> Seen<Depth> {
    let (waiting, hidden) = queue.depth().await.map_err(|error| error.to_string())?;
    Ok(Depth { waiting, hidden })
}

/// admin keeps secrets, links and bodies out of its errors.
fn failed(error: &InvokeError) -> String {
    match error {
        InvokeError::Aws(error) => error.to_string(),
        InvokeError::Function { message, .. } => format!("admin failed: {}", message.0),
    }
}

fn answer(error: &ApiError) -> Seen<HeyGen> {
    Ok(match error.kind {
        Kind::Unauthorized => HeyGen::KeyRejected,
        Kind::Forbidden => HeyGen::KeyForbidden,
        Kind::InsufficientCredit => HeyGen::NoCredit,
        Kind::RateLimited | Kind::QuotaExceeded => HeyGen::Limited,
        Kind::Gone => HeyGen::Gone,
        Kind::Server | Kind::Timeout | Kind::Connection | Kind::NotJson | Kind::Redirected => HeyGen::Unreachable,
        _ => return Err(error.to_string()),
    })
}
