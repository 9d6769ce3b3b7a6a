//! A sync: plans and makes the changes, as far as its options and the limits allow.

use crate::action::SyncOptions;
use crate::apply::{Applied, Apply};
use crate::change::Change;
use crate::client::connect;
use crate::config::Config;
use crate::error::Error;
use crate::measures;
use crate::plan::Plan;
use crate::snapshot::Snapshot;
use crate::store::Store;

/// How many times a sync completes pending changes, restores secrets, and plans again.
const ROUNDS: usize = 3;

/// What a sync did.
#[derive(Debug)]
pub(crate) struct Synced {
    pub(crate) done: Vec<Change>,
    /// The last plan, without what was done.
    pub(crate) left: Plan,
}

impl Synced {
    pub(crate) async fn run(config: &Config, store: &Store, options: &SyncOptions) -> Result<Self, Error> {
        let api = connect(config, store).await?;
        let mut applied = Applied::default();
        let mut round = 0;
        loop {
            round += 1;
            let snapshot = Snapshot::take(config, &api, store).await?;
            let plan = snapshot.plan(config);
            if let Some(requested) = &options.checksum
                && round == 1
                && *requested != plan.checksum
            {
                return Err(Error::PlanChanged { requested: requested.clone(), plan: Box::new(plan) });
            }
            let failed = applied.failed_names();
            let comes_first = |change: &&Change| change.kind.comes_first();
            let pending: Vec<_> =
                plan.changes.iter().filter(comes_first).filter(|change| !failed.contains(&change.endpoint)).collect();
            let apply = Apply { config, api: &api, store, snapshot: &snapshot };
            if !pending.is_empty() && round <= ROUNDS {
                // Not subject to the limits: deliveries may be waiting for the secret.
                apply.all(pending, &mut applied).await;
                if options.checksum.is_some() {
                    // The checksum was for the plan before, so the next plan needs a request of its own.
                    let left = Snapshot::take(config, &api, store).await?.plan(config);
                    return Ok(Synced { done: applied.done()?, left });
                }
                continue;
            }
            let is_allowed = |change: &&Change| options.prune || !change.needs_prune();
            let chosen: Vec<_> = plan.changes.iter().filter(|change| !comes_first(change)).filter(is_allowed).collect();
            if !options.force {
                config.limits.check(&chosen, plan.owned)?;
            }
            apply.all(chosen, &mut applied).await;
            let done = applied.done()?;
            return Ok(Synced { left: plan.without(&done), done });
        }
    }
}

/// Logs and counts the outcome of a sync.
pub(crate) fn report(result: &Result<Synced, Error>) {
    let outcome = match result {
        Ok(synced) if synced.done.is_empty() => "unchanged",
        Ok(_) => "changed",
        Err(error) if error.is_rejection() => "rejected",
        Err(_) => "failed",
    };
    measures::sync(outcome);
    match result {
        Ok(synced) => {
            measures::drift(&synced.left);
            let (done, left) = (synced.done.len(), synced.left.changes.len());
            tracing::info!(outcome, done, left, "endpoints synced");
        }
        Err(error) => {
            let class = error.class().as_str();
            tracing::error!(outcome, class, "endpoints not synced");
        }
    }
}
