//! Looks after the jobs that are due: those that should have ended, and those whose links expire soon. An error of one does
//! not stop the others.

pub(crate) mod due;
pub(crate) mod elsewhere;
pub(crate) mod ending;
pub(crate) mod fresh;
pub(crate) mod look;
pub(crate) mod step;

use crate::budget::Budget;
use crate::error::Error;
use crate::measures;
use crate::reply::SweepReply;
use crate::sweep::due::{Due, DueJob, Page};
use crate::sweep::elsewhere::Elsewhere;
use crate::sweep::ending::Next;
use crate::sweep::look::{Look, States};
use crate::sweep::step::{Step, again};
use heygen::api::{ApiVersion, EntityKind};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use webhook::{ErrorClass, Platform};

/// The most errors that are reported at the end. Each is logged.
const REPORTED: usize = 10;

pub(crate) struct Sweep<'a> {
    pub(crate) due: &'a Due,
    /// `None` without HeyGen's API: its jobs wait.
    pub(crate) look: Option<Look<'a>>,
    pub(crate) elsewhere: Elsewhere<'a>,
    pub(crate) budget: Budget,
}

impl Sweep<'_> {
    pub(crate) async fn run(&self) -> Result<SweepReply, Error> {
        let (mut reply, mut errors) = (SweepReply::default(), Vec::new());
        for shard in Due::shards() {
            if let Err(error) = self.shard(shard, &mut reply, &mut errors).await {
                noted(error, shard, "what is due could not be read", &mut errors);
            }
        }
        measures::swept(&reply);
        if errors.is_empty() { Ok(reply) } else { Err(Error::Several(errors)) }
    }

    /// Page by page, while there is time.
    async fn shard(&self, shard: &str, reply: &mut SweepReply, errors: &mut Vec<Error>) -> Result<(), Error> {
        let mut start = None;
        loop {
            if !self.budget.is_left() {
                reply.is_complete = false;
                return Ok(());
            }
            let Page { due, next } = self.due.page(shard, start, self.now()).await?;
            let states = self.states(&due, errors).await;
            for one in &due {
                if !self.budget.is_left() {
                    reply.is_complete = false;
                    return Ok(());
                }
                if let Err(error) = self.one(one, &states, reply).await {
                    let id = one.job.callback_id.as_deref().unwrap_or(&one.job.entity_id);
                    noted(error, id, "the job could not be looked at", errors);
                }
            }
            if next.is_none() {
                return Ok(());
            }
            start = next;
        }
    }

    fn now(&self) -> OffsetDateTime {
        self.elsewhere.ending.now
    }

    /// A job that can never be looked at does not fail every run.
    async fn one(&self, due: &DueJob, states: &States, reply: &mut SweepReply) -> Result<(), Error> {
        let platform = Platform::of_kind(&due.job.kind);
        let looked = match (platform, &self.look) {
            (Platform::HeyGen, None) => return Ok(()),
            (Platform::HeyGen, Some(look)) => look.at(&due.job, states, &mut reply.heygen).await,
            (_, _) => self.elsewhere.at(&due.job, platform, reply.platforms.entry(platform).or_default()).await,
        };
        let next = match &looked {
            Ok(Next::Gone | Next::Due) => return Ok(()),
            Ok(Next::Never) => None,
            Ok(Next::At(at)) => Some(*at),
            Err(error) if error.class() == ErrorClass::Permanent => Some(again(&due.job, self.now())),
            // A call that fails for one job only keeps no others waiting.
            Err(Error::LookUp(error)) if error.class() == ErrorClass::Transient => Some(again(&due.job, self.now())),
            // It is due still.
            Err(_) => return looked.map(drop),
        };
        let moved = self.due.next(due, next).await;
        looked.and(moved.map_err(Error::from))
    }

    /// How far the due entities are, 100 in a call where HeyGen allows it. Without an answer, each is asked for by itself.
    async fn states(&self, due: &[DueJob], errors: &mut Vec<Error>) -> States {
        let Some(look) = &self.look else { return States::new() };
        let mut ids: BTreeMap<EntityKind, Vec<&str>> = BTreeMap::new();
        for DueJob { job, .. } in due {
            if let Step::Ask(kind) = look.step(job)
                && kind.has_statuses()
                && look.ending.config.version == ApiVersion::V3
            {
                ids.entry(kind).or_default().push(&job.entity_id);
            }
        }
        let mut states = States::new();
        for (kind, ids) in ids {
            match look.api.entity_states(kind, &ids).await {
                Ok(found) => states.extend(found.into_iter().map(|state| ((kind, state.id), state.progress))),
                Err(error) => noted(error.into(), kind.name(), "the states of many could not be read at once", errors),
            }
        }
        states
    }
}

fn noted(error: Error, id: &str, message: &str, errors: &mut Vec<Error>) {
    tracing::error!(%error, class = error.class().as_str(), correlation_id = id, "{message}");
    if errors.len() < REPORTED {
        errors.push(error);
    }
}
