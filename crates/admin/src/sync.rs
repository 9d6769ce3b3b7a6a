//! A sync: plans and makes the changes, as far as its options and the limits allow.

use crate::action::SyncOptions;
use crate::apply::{Applied, Apply};
use crate::change::{Change, ChangeKind};
use crate::client::connect;
use crate::config::Config;
use crate::error::Error;
use crate::measures;
use crate::plan::Plan;
use crate::platforms::report::{Others, PlatformReport};
use crate::reach;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::text::Summary;
use crate::verification::Verification;
use aws::secrets::EndpointSecret;
use heygen::api::Api;
use std::fmt;

/// How many times a sync completes pending changes, restores secrets, and plans again.
const ROUNDS: usize = 3;

/// What a sync did.
#[derive(Debug)]
pub(crate) struct Synced {
    pub(crate) done: Vec<Change>,
    /// What was kept back by the limits, or for lack of `adopt`; `left` has it as well.
    pub(crate) held_back: Vec<Change>,
    /// The last plan, without what was done.
    pub(crate) left: Plan,
    /// The names of the endpoints that have to work now.
    pub(crate) in_use: Vec<String>,
    /// What was found of them, if they were verified.
    pub(crate) verified: Vec<Verification>,
    /// What was done for the endpoints of other platforms.
    pub(crate) platforms: Vec<PlatformReport>,
}

impl Synced {
    fn without_heygen() -> Self {
        Synced {
            done: Vec::new(),
            held_back: Vec::new(),
            left: Plan::none(),
            in_use: Vec::new(),
            verified: Vec::new(),
            platforms: Vec::new(),
        }
    }

    pub(crate) async fn run(config: &Config, store: &Store, options: &SyncOptions) -> Result<Self, Error> {
        if config.leaves_heygen_alone() {
            return Ok(Synced::without_heygen());
        }
        let api = connect(config, store).await?;
        let mut applied = Applied::default();
        let mut round = 0;
        loop {
            round += 1;
            let snapshot = Snapshot::take(config, &api, store).await?;
            if round == 1 {
                measures::disabled(snapshot.disabled(config).count());
            }
            let plan = snapshot.plan(config);
            if let Some(requested) = &options.checksum
                && round == 1
                && *requested != plan.checksum
            {
                return Err(Error::PlanChanged { requested: requested.clone(), plan: Box::new(plan) });
            }
            let failed = applied.failed_names();
            // What else an adopted endpoint needs is planned when it is ours.
            let comes_first = |change: &&Change| change.kind.comes_first() || options.adopt && change.needs_adopt();
            let pending: Vec<_> =
                plan.changes.iter().filter(comes_first).filter(|change| !failed.contains(&change.endpoint)).collect();
            let apply = Apply { config, api: &api, store, snapshot: &snapshot };
            if !pending.is_empty() && round <= ROUNDS {
                apply.all(pending, &mut applied).await;
                if options.checksum.is_some() {
                    // The checksum was for the plan before, so the next plan needs a request of its own.
                    let left = Snapshot::take(config, &api, store).await?.plan(config);
                    return Ok(Synced {
                        done: applied.done()?,
                        held_back: Vec::new(),
                        left,
                        in_use: Vec::new(),
                        verified: Vec::new(),
                        platforms: Vec::new(),
                    });
                }
                continue;
            }
            let rest = plan.changes.iter().filter(|change| !comes_first(change));
            let (mut chosen, held_back) = choose(rest, config.limits.deletions(plan.owned), options);
            let waiting = waiting_for_domain(config, &chosen).await;
            let mut in_use = snapshot.enabled();
            if waiting.is_some() {
                let is_waiting = |change: &&&Change| change.kind.gives_a_url();
                in_use.retain(|name| !chosen.iter().filter(is_waiting).any(|change| change.endpoint == *name));
                chosen.retain(|change| !change.kind.gives_a_url());
            }
            let held_back = held_back.into_iter().cloned().collect();
            apply.all(chosen, &mut applied).await;
            let stored = |name: &String| applied.stored.get(name).or_else(|| snapshot.stored.get(name));
            in_use.retain(|name| stored(name).is_some_and(EndpointSecret::is_in_use));
            let mut done = applied.done()?;
            let ineffective = ineffective_updates(&done, config, &api, store).await;
            done.retain(|change| !ineffective.contains(change));
            let is_gone = |id: &&String| done.iter().any(|change| change.kind.endpoint_id() == Some(*id));
            measures::disabled(snapshot.disabled(config).filter(|id| !is_gone(id)).count());
            let mut left = plan.without(&done);
            let unseen = ineffective.iter().map(|change| {
                let name = &change.endpoint;
                format!("{name}: HeyGen confirmed the update, but does not list it; the next sync tries again")
            });
            left.notes.splice(0..0, waiting.into_iter().chain(unseen));
            return Ok(Synced { done, held_back, left, in_use, verified: Vec::new(), platforms: Vec::new() });
        }
    }
}

/// Splits changes into those to make and those that are held back. What needs `prune`, and was not asked for, is neither.
fn choose<'a>(
    changes: impl Iterator<Item = &'a Change>,
    mut deletions: usize,
    options: &SyncOptions,
) -> (Vec<&'a Change>, Vec<&'a Change>) {
    let is_asked_for = |change: &&Change| options.prune || !change.needs_prune();
    changes.filter(is_asked_for).partition(|change| {
        if !change.needs_prune() || options.force {
            return !change.needs_adopt();
        }
        let is_within = deletions > 0;
        deletions = deletions.saturating_sub(1);
        is_within
    })
}

/// The updates that HeyGen confirmed, and that a new list does not show.
async fn ineffective_updates(done: &[Change], config: &Config, api: &Api, store: &Store) -> Vec<Change> {
    let is_update = |change: &&Change| matches!(change.kind, ChangeKind::Update { .. });
    if !done.iter().any(|change| is_update(&change)) {
        return Vec::new();
    }
    let now = match Snapshot::take(config, api, store).await {
        Ok(snapshot) => snapshot.plan(config),
        Err(error) => {
            tracing::warn!(%error, class = error.class().as_str(), "the updates were not checked");
            return Vec::new();
        }
    };
    let is_planned = |id| now.changes.iter().filter(is_update).any(|change| change.kind.endpoint_id() == id);
    done.iter().filter(is_update).filter(|change| is_planned(change.kind.endpoint_id())).cloned().collect()
}

/// Why the endpoints that these changes give a new URL have to wait; `None` if they need not.
async fn waiting_for_domain(config: &Config, changes: &[&Change]) -> Option<String> {
    let target = config.domain_target.as_ref()?;
    let names: Vec<_> =
        changes.iter().filter(|change| change.kind.gives_a_url()).map(|change| change.endpoint.as_str()).collect();
    let reason = reach::check(&config.deployment.url_of(names.first()?)).await.err()?;
    tracing::warn!(reason, "the domain does not lead to this deployment yet");
    Some(format!(
        "{} does not lead to this deployment yet ({reason}): create its DNS record, which points to {target}, or wait until \
         it is known everywhere. The next sync registers {}",
        config.deployment.url(),
        names.join(", ")
    ))
}

impl fmt::Display for Synced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Synced { done, held_back, left, verified, platforms, .. } = self;
        write!(f, "{}{}", Summary { done, held_back, left, verified }, Others(platforms))
    }
}

/// Logs and counts the outcome of a sync.
pub(crate) fn report(result: &Result<Synced, Error>) {
    let outcome = match result {
        Ok(synced) if !synced.held_back.is_empty() => "held_back",
        Ok(synced) if synced.done.is_empty() => "unchanged",
        Ok(_) => "changed",
        Err(error) if error.is_rejection() => "rejected",
        Err(_) => "failed",
    };
    measures::sync(outcome);
    match result {
        Ok(synced) => {
            let unverified = synced.verified.iter().filter(|found| !found.is_verified()).count();
            measures::drift(&synced.left, unverified);
            let (done, held_back, left) = (synced.done.len(), synced.held_back.len(), synced.left.changes.len());
            tracing::info!(outcome, done, held_back, left, unverified, "endpoints synced");
        }
        Err(error) => {
            let class = error.class().as_str();
            tracing::error!(outcome, class, "endpoints not synced");
        }
    }
}
