//! The actions.

use crate::action::{About, Action, BackfillOptions, PurgeOptions, RedriveOptions, ReplayOptions};
use crate::backfill::Backfill;
use crate::backfill::before::Befores;
use crate::backfill::cursor::Cursors;
use crate::budget::Budget;
use crate::config::Config;
use crate::dead_letters::Letters;
use crate::doctor::Doctor;
use crate::error::Error;
use crate::explain::Explain;
use crate::explain::explanation::Explanation;
use crate::key::Key;
use crate::measures;
use crate::replay::Replay;
use crate::replay::pages::Table;
use crate::replay::tell::Teller;
use crate::reply::{
    Answer, BackfillReply, ContinuedReply, CreditReply, PurgeReply, RecoverReply, RedriveReply, RefreshReply,
    ReplayReply, Reply, SweepReply, TrackReply,
};
use crate::send::Sender;
use crate::sweep::Sweep;
use crate::sweep::due::Due;
use crate::sweep::fresh::{Refreshed, refresh};
use crate::sweep::look::Look;
use crate::track::Tracking;
use crate::unfinished::rest::{Rest, is_continued, rest};
use crate::unfinished::{Note, Unfinished};
use aws::jobs::Jobs;
use aws::queue::Queue;
use aws::sdk::Sdk;
use aws::signed::Calls;
use heygen::api::{Account, Api, ApiConfig, ApiVersion, EntityKind};
use serde_json::Value;
use std::time::Duration;
use time::OffsetDateTime;

/// The function's state. All that has to survive the process is in the table.
#[derive(Debug, Clone)]
pub struct App {
    config: Config,
    calls: Calls,
    secrets: aws_sdk_secretsmanager::Client,
    jobs: Jobs,
    jobs_with_bodies: Jobs,
    table: Table,
    teller: Teller,
    queue: Queue,
    dead_letters: Queue,
    undelivered: Queue,
    cursors: Cursors,
    befores: Befores,
    due: Due,
    tracking: Tracking,
    unfinished: Unfinished,
}

/// One invocation.
#[derive(Clone, Copy)]
struct Run<'a> {
    app: &'a App,
    request_id: &'a str,
    budget: Budget,
}

impl App {
    /// Builds the clients, without a call.
    pub fn new(config: Config, sdk: &Sdk) -> Self {
        App {
            calls: sdk.calls(),
            secrets: sdk.secrets(),
            jobs: Jobs::new(sdk.dynamodb(), config.table.clone()).without_bodies(),
            jobs_with_bodies: Jobs::new(sdk.dynamodb(), config.table.clone()),
            table: Table::new(sdk.dynamodb(), config.table.clone()),
            teller: Teller::new(sdk.dynamodb(), config.table.clone()),
            queue: Queue::new(sdk.sqs(), config.queue_url.clone()),
            dead_letters: Queue::new(sdk.sqs(), config.dead_letter_queue_url.clone()),
            undelivered: Queue::new(sdk.sqs(), config.undelivered_queue_url.clone()),
            cursors: Cursors::new(sdk.dynamodb(), &config),
            befores: Befores::new(sdk.dynamodb(), &config),
            due: Due::new(sdk.dynamodb(), &config),
            tracking: Tracking::new(sdk.dynamodb(), &config),
            unfinished: Unfinished::new(sdk.dynamodb(), &config),
            config,
        }
    }

    /// Runs a request. What is left of it when its time is over is noted for the schedule, unless that does it anyway.
    pub async fn answer(&self, request: Value, request_id: &str, limit: Duration) -> Result<Answer, Error> {
        let reply = self.run(Action::read(request.clone())?, request_id, limit).await?;
        let rest = rest(&request, &reply.to_json());
        let noted = match &rest {
            Rest::Left(left) => self.unfinished.note(left, OffsetDateTime::now_utc()).await,
            Rest::Nothing => self.unfinished.forget(&request).await,
            Rest::NotNoted => Ok(()),
        };
        if let Err(error) = &noted {
            tracing::error!(%error, class = error.class.as_str(), "what is left of the request could not be noted");
        }
        let is_noted = matches!(rest, Rest::Left(_)) && noted.is_ok();
        Ok(Answer { goes_on: is_noted && self.config.watched.schedule.is_some(), reply })
    }

    /// Work that takes longer than `limit` stops before, and says in the reply that there is more.
    pub async fn run(&self, action: Action, request_id: &str, limit: Duration) -> Result<Reply, Error> {
        let run = Run { app: self, request_id, budget: Budget::of(limit) };
        match action {
            Action::Recover {} => run.scheduled().await.map(Reply::Recover),
            other => run.act(other).await,
        }
    }

    /// With the key as it is stored now.
    async fn api(&self) -> Result<Api, Error> {
        let credential = aws::api_key::read(&self.secrets, self.config.api_key_secret.as_deref()).await?;
        let config = ApiConfig {
            base_url: self.config.base_url.clone(),
            timeouts: self.config.timeouts,
            retry: self.config.retry,
            ..ApiConfig::new(self.config.version, credential)
        };
        Ok(Api::new(&config)?)
    }
}

impl Run<'_> {
    async fn act(self, action: Action) -> Result<Reply, Error> {
        let app = self.app;
        Ok(match action {
            // It would run itself.
            Action::Recover {} => return Err(Error::InvalidRequest("recover is not part of itself".to_owned())),
            Action::Backfill(options) => Reply::Backfill(self.backfill(&app.api().await?, &options).await?),
            Action::Track(options) => {
                let tracked = app.tracking.track(&options, OffsetDateTime::now_utc()).await?;
                let Key { id, item } = tracked.key;
                Reply::Track(TrackReply { id, item, expected_by: tracked.expected_by })
            }
            Action::Sweep {} => Reply::Sweep(self.sweep(&app.api().await?).await?),
            Action::Refresh(of) => Reply::Refresh(self.refresh(&app.api().await?, &of).await?),
            Action::Redrive(options) => Reply::Redrive(self.redrive(&options).await?),
            Action::Purge(options) => Reply::Purge(self.purge(&options).await?),
            Action::Replay(options) => Reply::Replay(self.replay(&options).await?),
            Action::Explain(about) => Reply::Explain(self.explain(&about).await),
            Action::Doctor { verify } => Reply::Doctor(self.doctor().await.run(verify).await),
        })
    }

    /// What the schedule does: the steps that need no request, and then the requests that are not finished.
    async fn scheduled(self) -> Result<RecoverReply, Error> {
        let notes = self.app.unfinished.all().await;
        let parts = if notes.as_ref().is_ok_and(|notes| !notes.is_empty()) { 2 } else { 1 };
        let recovered = Run { budget: self.budget.share(parts), ..self }.recover().await;
        let continued = match notes {
            Ok(notes) => Ok(self.go_on(notes).await),
            Err(error) => Err(error.into()),
        };
        match (recovered, continued) {
            (Ok(reply), Ok(continued)) => Ok(RecoverReply { continued, ..reply }),
            (Err(one), Err(other)) => Err(Error::Several(vec![one, other])),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// Goes on with requests that ran out of time. One that fails stops no other.
    async fn go_on(self, notes: Vec<Note>) -> Vec<ContinuedReply> {
        let mut replies = Vec::new();
        for note in notes {
            let mut reply = ContinuedReply::new(&note.request);
            if self.budget.is_left() {
                let done = match Action::read(note.request.clone()) {
                    Ok(action) if is_continued(&note.request) => self.act(action).await,
                    Ok(other) => Err(Error::InvalidRequest(format!("{} is never continued", other.name()))),
                    Err(error) => Err(error),
                };
                match &done {
                    Ok(done) => reply.reply = Some(done.to_string()),
                    Err(error) => reply.error = Some(error.to_string()),
                }
                let done = done.map(|reply| reply.to_json());
                reply.is_complete = self.app.unfinished.settle(&note, &done, OffsetDateTime::now_utc()).await;
            }
            replies.push(reply);
        }
        replies
    }

    /// Each step whatever happens to the others. The sweep is first, because it is short and the lists may be long.
    async fn recover(self) -> Result<RecoverReply, Error> {
        let api = self.app.api().await?;
        let has_lists = self.app.config.version == ApiVersion::V3;
        let half = Run { budget: self.budget.share(2), ..self };
        let sweep = half.sweep(&api).await;
        let backfill = match has_lists {
            true => Some(self.backfill(&api, &BackfillOptions::default()).await),
            false => None,
        };
        let credit = if has_lists && self.budget.is_left() { credit(&api).await } else { None };
        if let Some(credit) = &credit {
            measures::credit(credit);
        }
        match (backfill.transpose(), sweep) {
            (Ok(backfill), Ok(sweep)) => Ok(RecoverReply { backfill, sweep, credit, continued: Vec::new() }),
            (Err(one), Err(other)) => Err(Error::Several(vec![one, other])),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        }
    }

    async fn backfill(self, api: &Api, options: &BackfillOptions) -> Result<BackfillReply, Error> {
        let App { config, jobs, cursors, befores, .. } = self.app;
        let (sender, budget, now) = (self.sender(), self.budget, OffsetDateTime::now_utc());
        Backfill { config, api, jobs, cursors, befores, sender, budget, now }.run(options).await
    }

    async fn sweep(self, api: &Api) -> Result<SweepReply, Error> {
        let App { config, jobs, due, tracking, .. } = self.app;
        let now = OffsetDateTime::now_utc();
        let look = Look { config, api, jobs, tracking, sender: self.sender(), now };
        Sweep { due, look, budget: self.budget }.run().await
    }

    async fn refresh(self, api: &Api, of: &About) -> Result<RefreshReply, Error> {
        let record = match of {
            About::CallbackId(id) => self.app.jobs.of_callback_id(id).await?,
            About::EntityId(id) => self.app.jobs.of_entity(id).await?,
        };
        let (mut reply, mut errors) = (RefreshReply::default(), Vec::new());
        for job in &record.jobs {
            let refreshed = match EntityKind::of_job(&job.kind) {
                Some(kind) => refresh(api, &self.sender(), job, kind).await,
                None => Ok(Refreshed::Left),
            };
            match refreshed {
                Ok(Refreshed::Sent) => reply.refreshed += 1,
                Ok(Refreshed::Left) => reply.left += 1,
                Err(error) => {
                    let class = error.class().as_str();
                    tracing::error!(%error, class, job = job.item, "the links of the job could not be replaced");
                    errors.push(error);
                }
            }
        }
        if errors.is_empty() { Ok(reply) } else { Err(Error::Several(errors)) }
    }

    fn sender(&self) -> Sender<'_> {
        Sender { queue: &self.app.queue, request_id: self.request_id }
    }

    fn letters(&self) -> Letters<'_> {
        let App { queue, dead_letters, config, .. } = self.app;
        let (holding, now) = (config.holding, OffsetDateTime::now_utc());
        Letters { dead: dead_letters, queue, holding, budget: self.budget, now }
    }

    async fn redrive(self, options: &RedriveOptions) -> Result<RedriveReply, Error> {
        let RedriveOptions { wanted, dry_run } = options;
        let letters = self.letters();
        let sent_before = wanted.sent_before.unwrap_or(letters.now);
        let ended = if *dry_run { letters.count(wanted).await? } else { letters.redrive(wanted).await? };
        let in_queue = match *dry_run && !ended.is_complete {
            true => self.app.dead_letters.depth().await.ok().map(|(waiting, hidden)| waiting + hidden),
            false => None,
        };
        let (redriven, is_complete) = (ended.done, ended.is_complete);
        Ok(RedriveReply { dry_run: *dry_run, letters: ended.counts, in_queue, redriven, sent_before, is_complete })
    }

    async fn purge(self, options: &PurgeOptions) -> Result<PurgeReply, Error> {
        let PurgeOptions { wanted, count, partly } = options;
        let ended = self.letters().purge(wanted, *count, *partly).await?;
        Ok(PurgeReply { purged: ended.done, is_complete: ended.is_complete && ended.counts.matching == ended.done })
    }

    async fn explain(self, about: &About) -> Explanation {
        let App { jobs, undelivered, .. } = self.app;
        let (api, now) = (self.app.api().await, OffsetDateTime::now_utc());
        Explain { jobs, letters: self.letters(), undelivered, api, now }.run(about).await
    }

    async fn doctor(&self) -> Doctor<'_> {
        let App { config, calls, cursors, due, queue, dead_letters, undelivered, .. } = self.app;
        let (api, budget) = (self.app.api().await, self.budget);
        Doctor { config, calls, cursors, due, queue, dead_letters, undelivered, api, budget }
    }

    async fn replay(self, options: &ReplayOptions) -> Result<ReplayReply, Error> {
        let App { jobs_with_bodies: jobs, table, teller, queue, undelivered, .. } = self.app;
        let (holding, budget) = (self.app.config.holding, self.budget);
        Replay { jobs, table, teller, queue, undelivered, holding, budget }.run(options).await
    }
}

/// Nothing is lost without it, so an error is only logged.
async fn credit(api: &Api) -> Option<CreditReply> {
    match api.account().await {
        Ok(Account { billing }) => Some(CreditReply {
            billing: billing.name().to_owned(),
            credits: billing.remaining_credits(),
            usd: billing.remaining_usd(),
        }),
        Err(error) => {
            tracing::warn!(%error, class = error.class.as_str(), "HeyGen did not say how much credit is left");
            None
        }
    }
}
