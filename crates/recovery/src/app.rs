//! The actions.

use crate::action::{About, Action, BackfillOptions, PurgeOptions, RedriveOptions, ReplayOptions};
use crate::backfill::before::Befores;
use crate::backfill::cursor::Cursors;
use crate::backfill::source::Source;
use crate::backfill::{self, Backfill};
use crate::budget::Budget;
use crate::config::Config;
use crate::confirm::Confirm;
use crate::confirm::limits::Limits;
use crate::dead_letters::Letters;
use crate::doctor::Doctor;
use crate::error::Error;
use crate::explain::Explain;
use crate::explain::explanation::Explanation;
use crate::key::Key;
use crate::look_up::{self, Platforms};
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
use crate::sweep::elsewhere::Elsewhere;
use crate::sweep::ending::Ending;
use crate::sweep::fresh::{Refreshed, refresh, refresh_elsewhere};
use crate::sweep::look::Look;
use crate::track::{Tracked, Tracking};
use crate::unfinished::rest::{Rest, is_continued, rest};
use crate::unfinished::{Note, Unfinished};
use aws::jobs::{JobItem, Jobs};
use aws::queue::Queue;
use aws::sdk::Sdk;
use aws::signed::Calls;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use heygen::api::{Account, Api, ApiVersion, EntityKind};
use serde_json::Value;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use webhook::Platform;

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
    limits: Limits,
    callbacks: Option<Queue>,
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
            tracking: Tracking::new(sdk.dynamodb(), sdk.secrets(), &config),
            unfinished: Unfinished::new(sdk.dynamodb(), &config),
            limits: Limits::new(sdk.dynamodb(), &config),
            callbacks: config.confirming.queue_url.clone().map(|url| Queue::new(sdk.sqs(), url)),
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
            // Boxed, since the futures nest deeper than the compiler allows.
            Action::Recover {} => Box::pin(run.scheduled()).await.map(Reply::Recover),
            other => Box::pin(run.act(other)).await,
        }
    }

    /// Looks at callbacks that nobody signed.
    pub(crate) async fn confirm(&self, batch: SqsEvent, limit: Duration) -> Result<SqsBatchResponse, Error> {
        let App { config, secrets, jobs, limits, queue, callbacks, .. } = self;
        let budget = Budget::of(limit);
        let platforms = Platforms::new(config, secrets, budget).once();
        let (callbacks, heygen) = (callbacks.as_ref(), OnceCell::new());
        Confirm { config, secrets, jobs, limits, queue, callbacks, platforms, heygen, budget }.batch(batch).await
    }

    async fn api(&self) -> Result<Api, Error> {
        look_up::api::api(&self.config, &self.secrets, self.config.retry).await
    }

    /// Whether there is a key for another platform than HeyGen.
    fn asks_others(&self) -> bool {
        Platform::ALL.into_iter().any(|platform| self.config.has_key(platform))
    }

    /// Whether another platform has lists to read.
    fn lists_others(&self) -> bool {
        Source::elsewhere(&self.config).next().is_some()
    }

    /// The same, or why it cannot be used, if there are other platforms whose work goes on without it.
    async fn heygen(&self) -> Result<Result<Api, Error>, Error> {
        match self.api().await {
            Err(error) if !self.asks_others() => Err(error),
            api => Ok(api),
        }
    }

    /// What was done, unless HeyGen's API is meant to be used and cannot be.
    fn with_heygen<T>(&self, done: Result<T, Error>, api: Result<Api, Error>) -> Result<T, Error> {
        match (done, api) {
            (Ok(_), Err(error)) if self.config.api_key_secret.is_some() => Err(error),
            (Err(one), Err(other)) if self.config.api_key_secret.is_some() => Err(Error::Several(vec![one, other])),
            (done, _) => done,
        }
    }
}

impl Run<'_> {
    async fn act(self, action: Action) -> Result<Reply, Error> {
        let app = self.app;
        Ok(match action {
            // It would run itself.
            Action::Recover {} => return Err(Error::InvalidRequest("recover is not part of itself".to_owned())),
            Action::Backfill(options) => match self.backfill_elsewhere(&options).await? {
                Some(reply) => Reply::Backfill(reply),
                // Some events of HeyGen's, or there are no other lists.
                None if options.is_narrowed() || !app.lists_others() => {
                    Reply::Backfill(self.backfill(&Ok(app.api().await?), &options).await?)
                }
                None => {
                    let api = app.heygen().await?;
                    let reply = self.backfill(&api, &options).await;
                    Reply::Backfill(app.with_heygen(reply, api)?)
                }
            },
            Action::Track(options) => {
                let tracked = app.tracking.track(&options, OffsetDateTime::now_utc()).await?;
                let Tracked { key: Key { id, item }, expected_by, callback_url } = tracked;
                Reply::Track(TrackReply { id, item, expected_by, callback_url })
            }
            Action::Sweep {} => {
                let api = app.heygen().await?;
                let swept = self.sweep(&api).await;
                Reply::Sweep(app.with_heygen(swept, api)?)
            }
            Action::Refresh(of) => Reply::Refresh(self.refresh(app.heygen().await?, &of).await?),
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
        let api = self.app.heygen().await?;
        let has_lists = self.app.config.version == ApiVersion::V3;
        let half = Run { budget: self.budget.share(2), ..self };
        let sweep = half.sweep(&api).await;
        let backfill = match has_lists && api.is_ok() || self.app.lists_others() {
            true => Some(self.backfill(&api, &BackfillOptions::default()).await),
            false => None,
        };
        let credit = match &api {
            Ok(api) if has_lists && self.budget.is_left() => credit(api).await,
            _ => None,
        };
        if let Some(credit) = &credit {
            measures::credit(credit);
        }
        let done = match (backfill.transpose(), sweep) {
            (Ok(backfill), Ok(sweep)) => Ok(RecoverReply { backfill, sweep, credit, continued: Vec::new() }),
            (Err(one), Err(other)) => Err(Error::Several(vec![one, other])),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        };
        self.app.with_heygen(done, api)
    }

    async fn backfill_elsewhere(self, options: &BackfillOptions) -> Result<Option<BackfillReply>, Error> {
        if !self.app.asks_others() {
            return Ok(None);
        }
        backfill::elsewhere::entity(&self.platforms(), &self.app.jobs, &self.sender(), options).await
    }

    async fn backfill(self, api: &Result<Api, Error>, options: &BackfillOptions) -> Result<BackfillReply, Error> {
        let App { config, secrets, jobs, cursors, befores, .. } = self.app;
        let (sender, budget, now) = (self.sender(), self.budget, OffsetDateTime::now_utc());
        // v1 of HeyGen's API has no lists, which is an error if no others are read.
        let is_read = config.version == ApiVersion::V3 || options.is_narrowed() || !self.app.lists_others();
        let heygen = api.as_ref().ok().filter(|_| is_read);
        let platforms = self.platforms().once();
        Backfill { config, heygen, platforms, secrets, jobs, cursors, befores, sender, budget, now }.run(options).await
    }

    async fn sweep(self, api: &Result<Api, Error>) -> Result<SweepReply, Error> {
        let App { config, jobs, due, tracking, .. } = self.app;
        let now = OffsetDateTime::now_utc();
        let ending = || Ending { config, jobs, tracking, sender: self.sender(), now };
        let look = api.as_ref().ok().map(|api| Look { api, ending: ending() });
        // What failed is looked at again by the next run.
        let elsewhere = Elsewhere { platforms: self.platforms().once(), ending: ending() };
        Sweep { due, look, elsewhere, budget: self.budget }.run().await
    }

    async fn refresh(self, api: Result<Api, Error>, of: &About) -> Result<RefreshReply, Error> {
        let platforms = self.platforms();
        let record = match of {
            About::CallbackId(id) => self.app.jobs.of_callback_id(id).await?,
            About::EntityId(id) => self.app.jobs.of_entity(id).await?,
        };
        let (mut reply, mut errors) = (RefreshReply::default(), Vec::new());
        for job in &record.jobs {
            let refreshed = match (Platform::of_kind(&job.kind), EntityKind::of_job(&job.kind), &api) {
                (Platform::HeyGen, Some(kind), Ok(api)) => refresh(api, &self.sender(), job, kind).await,
                // Said below.
                (Platform::HeyGen, Some(_), Err(_)) => continue,
                (Platform::HeyGen, None, _) => Ok(Refreshed::Left),
                (platform, ..) => {
                    let refreshed = refresh_elsewhere(&platforms, &self.sender(), job, platform).await;
                    refreshed.map(|(refreshed, _)| refreshed)
                }
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
        let is_heygens = |job: &JobItem| EntityKind::of_job(&job.kind).is_some();
        errors.extend(api.err().filter(|_| record.jobs.iter().any(is_heygens)));
        if errors.is_empty() { Ok(reply) } else { Err(Error::Several(errors)) }
    }

    fn platforms(&self) -> Platforms<'_> {
        Platforms::new(&self.app.config, &self.app.secrets, self.budget)
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
        let (letters, platforms) = (self.letters(), self.platforms().once());
        Explain { jobs, letters, undelivered, api, platforms, now }.run(about).await
    }

    async fn doctor(&self) -> Doctor<'_> {
        let App { config, calls, cursors, due, queue, dead_letters, undelivered, secrets, .. } = self.app;
        let (api, platforms, budget) = (self.app.api().await, self.platforms().once(), self.budget);
        Doctor { config, calls, cursors, due, queue, dead_letters, undelivered, api, platforms, secrets, budget }
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
