//! Looks at everything that has to work, all at once. It changes nothing, but that a verification posts signed probes.

use crate::config::Config;
use crate::cursor::Cursors;
use crate::diagnosis::diagnose;
use crate::error::Error;
use crate::finding::DoctorReply;
use crate::observed::{self, Alarm, Depth, HeyGen, Observed, Probes, ReadList, Seen};
use crate::source::Source;
use aws::api_key::ApiKeyError;
use aws::queue::Queue;
use aws::signed::{Calls, InvokeError, Service};
use heygen::api::{Api, ApiError, ApiVersion, Kind};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// How long admin may take for what only reads.
const READ: Duration = Duration::from_secs(60);
/// A probe is recorded within seconds. admin itself would wait for minutes.
const PROBE: Duration = Duration::from_secs(90);

pub(crate) struct Doctor<'a> {
    pub(crate) config: &'a Config,
    pub(crate) calls: &'a Calls,
    pub(crate) cursors: &'a Cursors,
    pub(crate) queue: &'a Queue,
    pub(crate) dead_letters: &'a Queue,
    pub(crate) undelivered: &'a Queue,
    pub(crate) api: Result<Api, Error>,
}

impl Doctor<'_> {
    /// With `verify`, also by posting probes.
    pub(crate) async fn run(self, verify: bool) -> DoctorReply {
        DoctorReply::of(diagnose(&self.observe(verify).await))
    }

    async fn observe(&self, verify: bool) -> Observed {
        let Config { watched, api_key_secret, delay, version, .. } = self.config;
        let heygen = self.heygen().await;
        // Without an answer, admin would only say so again.
        let admin = watched.admin.as_deref().filter(|_| heygen == Ok(HeyGen::Answers));
        let probing = admin.filter(|_| verify);
        let is_read = *version == ApiVersion::V3 && api_key_secret.is_some();
        let (endpoints, probes, event_types, (queue, dead_letters, undelivered), polling, pipe, alarms, cursors) = futures::join!(
            when(admin, async |admin| self.ask(admin, "list").await),
            when(probing, async |admin| self.probes(admin).await),
            when(admin.filter(|_| *version == ApiVersion::V3), async |admin| self.ask(admin, "event-types").await),
            async { futures::join!(depth(self.queue), depth(self.dead_letters), depth(self.undelivered)) },
            when(watched.event_source.as_deref(), async |id| {
                let path = ["2015-03-31", "event-source-mappings", id];
                self.get(Service::Lambda, "lambda:GetEventSourceMapping", &path).await
            }),
            when(watched.pipe.as_deref(), async |name| {
                self.get(Service::Pipes, "pipes:DescribePipe", &["v1", "pipes", name]).await
            }),
            when(watched.has_alarms.then_some(()), async |()| self.alarms().await),
            when(is_read.then_some(()), async |()| self.cursors().await),
        );
        Observed {
            now: OffsetDateTime::now_utc().unix_timestamp(),
            has_alarms: watched.has_alarms,
            period: watched.schedule.as_deref().map(observed::period),
            delay: delay.as_secs().try_into().unwrap_or_default(),
            heygen,
            endpoints,
            probes,
            event_types,
            queue,
            dead_letters,
            undelivered,
            polling,
            pipe,
            alarms,
            cursors,
        }
    }

    async fn heygen(&self) -> Seen<HeyGen> {
        if self.config.api_key_secret.is_none() {
            return Ok(HeyGen::NotAsked);
        }
        let api = match &self.api {
            Ok(api) => api,
            Err(Error::ApiKey(ApiKeyError::Missing(_))) => return Ok(HeyGen::KeyMissing),
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
        match self.calls.invoke(admin, &json!({"action": "verify"}), PROBE).await {
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
        let mut input = json!({
            "AlarmNamePrefix": format!("{}-", self.config.stack),
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
        });
        let mut all = Vec::new();
        loop {
            let page = self.calls.json(Service::CloudWatch, "cloudwatch:DescribeAlarms", &input).await;
            let page = page.map_err(|error| error.to_string())?;
            all.extend(observed::alarms(&page)?);
            match &page["NextToken"] {
                Value::String(token) => input["NextToken"] = json!(token),
                _ => return Ok(all),
            }
        }
    }

    async fn cursors(&self) -> Seen<Vec<ReadList>> {
        let mut lists = Vec::new();
        for list in Source::all().map(Source::name) {
            let cursor = self.cursors.read(list).await.map_err(|error| error.to_string())?;
            let scanning_until = cursor.scan.map(|scan| scan.until);
            lists.push(ReadList { list, read_until: cursor.read_until, scanning_until, missed: cursor.missed });
        }
        Ok(lists)
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
