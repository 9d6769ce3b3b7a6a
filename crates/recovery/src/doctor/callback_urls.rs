//! Where the newest tracked jobs of a platform have their callbacks, as the platform repeats it.

use crate::config::Config;
use crate::doctor::observed::{CallbackUrl, Called, Seen};
use crate::look_up::error::{LookUpError, Problem};
use crate::look_up::{Answer, Platforms};
use crate::own_urls::{LeadsTo, OwnUrls, is_for};
use crate::sweep::due::Due;
use aws::jobs::JobItem;
use aws_sdk_secretsmanager::Client;
use platforms::callback_url::{callback_url, repeats_callback_url};
use serde_json::Value;
use time::OffsetDateTime;
use webhook::Platform;

/// Of one platform. Each costs a call of its API.
const MOST_JOBS: usize = 5;

pub(super) struct CallbackUrls<'a> {
    pub(super) config: &'a Config,
    pub(super) platforms: &'a Platforms<'a>,
    pub(super) secrets: &'a Client,
    pub(super) due: &'a Due,
}

impl CallbackUrls<'_> {
    /// The jobs whose callbacks go anywhere else than to the right place; none if the platform repeats no URL.
    pub(super) async fn observe(&self, platform: Platform) -> Seen<Vec<Called>> {
        let has_any = platforms::callback_kinds(platform).iter().any(|kind| repeats_callback_url(platform, kind));
        if !has_any {
            return Ok(Vec::new());
        }
        let prefer = |kind: &str| repeats_callback_url(platform, kind);
        let jobs = self.due.newest(platform, MOST_JOBS, prefer).await.map_err(|error| error.to_string())?;
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let own_urls = self.own_urls(platform).await?;
        let mut called = Vec::new();
        for job in jobs {
            let answer = match self.platforms.ask(platform, &job.kind, &job.entity_id).await {
                Ok(Answer::Found(answer)) => serde_json::from_str(answer.get()).unwrap_or(Value::Null),
                Ok(Answer::NotFound) => continue,
                // It was asked for its key just before. What it does not answer now, another run finds.
                Err(LookUpError::Call(failed)) if failed.problem == Problem::NoCall => continue,
                Err(_) => break,
            };
            let url = match callback_url(platform, &job.kind, &answer) {
                Some(url) => check(&own_urls, &url, &job),
                // An answer that is no object says nothing.
                None if repeats_callback_url(platform, &job.kind) && answer.is_object() => CallbackUrl::Absent,
                None => continue,
            };
            let job = job.callback_id.unwrap_or(job.entity_id);
            called.extend((url != CallbackUrl::Ours).then_some(Called { job, url }));
        }
        Ok(called)
    }

    async fn own_urls(&self, platform: Platform) -> Seen<OwnUrls> {
        let now = OffsetDateTime::now_utc();
        OwnUrls::load(self.config, self.secrets, platform, now).await.map_err(|error| error.to_string())
    }
}

fn check(own_urls: &OwnUrls, url: &str, job: &JobItem) -> CallbackUrl {
    let callback = match own_urls.read(url) {
        LeadsTo::Elsewhere => return CallbackUrl::Elsewhere,
        LeadsTo::Refused => return CallbackUrl::Refused,
        LeadsTo::Here(callback) => callback,
    };
    match is_for(&callback, &job.kind, job.callback_id.as_deref()) {
        true => CallbackUrl::Ours,
        false => CallbackUrl::OfAnotherJob,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own_urls::tests::{URL, own_urls, path};

    fn check(url: &str) -> CallbackUrl {
        let job = JobItem { kind: "did.talk".into(), callback_id: Some("order_1".into()), ..JobItem::default() };
        super::check(&own_urls(Platform::Did), url, &job)
    }

    #[test]
    fn the_url_of_another_job_is_found_as_that() {
        let found = |kind, order| check(&format!("{URL}{}", path("main", kind, order, "current")));
        assert_eq!(found("talk", "order_1"), CallbackUrl::Ours);
        assert_eq!(found("clip", "order_1"), CallbackUrl::OfAnotherJob);
        assert_eq!(found("talk", "order_2"), CallbackUrl::OfAnotherJob);
    }
}
