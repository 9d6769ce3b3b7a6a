//! Looks at one tracked job of another platform than HeyGen: asks it, and sends the answer as an event. A platform that
//! cannot be asked is asked no more in this run.

use crate::action::TrackOptions;
use crate::backfill::pages::page;
use crate::error::Error;
use crate::look_up::Platforms;
use crate::look_up::error::{LookUpError, Problem};
use crate::reply::{Stopped, SweptElsewhere};
use crate::sweep::ending::{Ending, Next, UNKNOWN_JOB};
use crate::sweep::fresh::{Refreshed, Said, refresh_elsewhere, said};
use crate::sweep::step::{SETTLES_IN, Step, again, refresh_elsewhere_again, step_elsewhere};
use aws::jobs::JobItem;
use platforms::list::lists;
use std::collections::BTreeMap;
use webhook::{CorrelationId, Platform, Status};

/// After so many failed calls in a row.
const MOST_FAILURES: usize = 3;
/// Of a list, in one run; a page has 100 jobs.
const MOST_PAGES: usize = 10;

pub(crate) struct Elsewhere<'a> {
    pub(crate) platforms: Platforms<'a>,
    pub(crate) ending: Ending<'a>,
}

impl Elsewhere<'_> {
    pub(crate) async fn at(
        &self,
        job: &JobItem,
        platform: Platform,
        swept: &mut SweptElsewhere,
    ) -> Result<Next, Error> {
        let now = self.ending.now;
        let step = step_elsewhere(job, platform, now);
        let is_call = matches!(step, Step::Ask(_) | Step::Refresh(_));
        if is_call {
            if swept.stopped.is_none() && !self.ending.config.has_key(platform) {
                tracing::warn!(%platform, "tracked jobs are due, and there is no API key to ask for them");
                swept.stopped = Some(Stopped::NoKey);
            }
            match swept.stopped {
                Some(Stopped::NoKey) => return Ok(Next::At(again(job, now))),
                Some(_) => return Ok(Next::Due),
                None => {}
            }
        }
        let looked = match step {
            Step::Forget => Ok(Next::Never),
            Step::Later(at) => Ok(Next::At(at)),
            Step::FindByCallbackId => self.find(job, platform, swept).await,
            Step::Ask(platform) => self.ask(job, platform, swept).await,
            Step::Refresh(platform) => self.refresh(job, platform, swept).await,
        };
        match looked {
            Err(Error::LookUp(error)) => failed(error, platform, swept),
            looked => {
                swept.failures = if is_call { 0 } else { swept.failures };
                looked
            }
        }
    }

    /// Of a job whose id is not known: where the platform's list says whose order a job is, it is tracked with that id.
    async fn find(&self, job: &JobItem, platform: Platform, swept: &mut SweptElsewhere) -> Result<Next, Error> {
        if let Some(next) = self.ending.found(job, &mut swept.jobs).await? {
            return Ok(next);
        }
        let has_key = self.ending.config.has_key(platform);
        let list = lists(platform).iter().copied().find(|list| *list == job.kind && has_key);
        if list.is_some() && swept.stopped.is_some() {
            return Ok(Next::Due);
        }
        if let Some(list) = list.filter(|list| !swept.listed.contains_key(*list)) {
            swept.listed.insert(list.to_owned(), self.list(platform, list).await?);
        }
        let order = job.callback_id.clone().unwrap_or_default();
        let listed = list.and_then(|list| swept.listed.get(list)?.get(&order).cloned());
        let Some(id) = listed.flatten() else { return self.ending.never_reported(job, &mut swept.jobs).await };
        // A job that is recorded and is not this one is an earlier attempt.
        if !self.ending.jobs.jobs_at(&CorrelationId::of(&id)).await?.is_empty() {
            return self.ending.never_reported(job, &mut swept.jobs).await;
        }
        let with_id =
            TrackOptions { callback_id: order, kind: job.kind.clone(), entity_id: Some(id), ..TrackOptions::default() };
        self.ending.tracking.track(&with_id, self.ending.now).await?;
        swept.jobs.running += 1;
        Ok(Next::Gone)
    }

    /// The id of each order's job, as far as the list's first pages have it.
    async fn list(&self, platform: Platform, list: &str) -> Result<BTreeMap<String, Option<String>>, Error> {
        let (mut found, mut tokens) = (BTreeMap::new(), vec![None]);
        while let Some(token) = tokens.last().filter(|_| tokens.len() <= MOST_PAGES) {
            let page = page(&self.platforms, platform, list, token.as_deref()).await?;
            for element in page.elements {
                let Some(order) = element.callback_id else { continue };
                found.entry(order).and_modify(|id| *id = None).or_insert(Some(element.entity_id));
            }
            // One that repeats leads nowhere.
            if page.next.is_none() || tokens.contains(&page.next) {
                break;
            }
            tokens.push(page.next);
        }
        Ok(found)
    }

    async fn ask(&self, job: &JobItem, platform: Platform, swept: &mut SweptElsewhere) -> Result<Next, Error> {
        let Some(Said { body, event }) = said(&self.platforms, platform, job).await? else {
            let why = format!("{} does not know this job", platform.title());
            return self.ending.unknown(job, (UNKNOWN_JOB, &why), &mut swept.jobs).await;
        };
        let Some(ended) = event.job().filter(|job| job.status != Status::Pending) else {
            swept.jobs.running += 1;
            return Ok(Next::At(again(job, self.ending.now)));
        };
        // The answer may say more than what was tracked, so that its event is kept with another item.
        if ended.item_key() != job.item {
            let others = self.ending.jobs.jobs_at(&event.place().partition).await?;
            if let Some(other) = others.iter().find(|other| other.item == ended.item_key()) {
                return self.ending.replace(job, other, &mut swept.jobs).await;
            }
        }
        self.ending.said(job, body, &mut swept.jobs).await
    }

    async fn refresh(&self, job: &JobItem, platform: Platform, swept: &mut SweptElsewhere) -> Result<Next, Error> {
        let Ending { sender, now, .. } = &self.ending;
        let (refreshed, expire_at) = refresh_elsewhere(&self.platforms, sender, job, platform).await?;
        swept.jobs.refreshed += usize::from(refreshed == Refreshed::Sent);
        // With links that last longer, the item says when to look at it next.
        let is_later = expire_at > job.links_expire_at;
        Ok(Next::At(if is_later { *now + SETTLES_IN } else { refresh_elsewhere_again(job, *now) }))
    }
}

/// A rate limit is no failure: the next run goes on. What a person has to mend fails the run once.
fn failed(error: LookUpError, platform: Platform, swept: &mut SweptElsewhere) -> Result<Next, Error> {
    swept.failures += 1;
    let problem = match &error {
        LookUpError::Call(failed) => Some(failed.problem),
        LookUpError::Key(_) => None,
    };
    swept.stopped = match problem {
        Some(Problem::RateLimited) => {
            let seconds = error.retry_after().map(|wait| wait.as_secs());
            tracing::warn!(%platform, seconds, "the platform's rate limit is exceeded: the next run goes on");
            swept.stopped = Some(Stopped::RateLimited);
            return Ok(Next::Due);
        }
        None | Some(Problem::Rejected | Problem::Payment | Problem::Settings | Problem::Redirected) => {
            Some(Stopped::Refused)
        }
        Some(_) => (swept.failures >= MOST_FAILURES).then_some(Stopped::Failing),
    };
    Err(error.into())
}
