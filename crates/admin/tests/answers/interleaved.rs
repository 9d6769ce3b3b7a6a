//! Two runs at once, call by call. A lease lets one run at a time change anything; here a run also dies or loses a response
//! at any of its calls, and a call of it that is still on its way arrives at any later call of the other run.

mod choices;
mod run;
mod schedule;

use crate::world::World;
use aws::secrets::{EndpointSecret, Registered};
use choices::Choices;
use schedule::{Bounds, Schedule};
use serde_json::{Value, json};
use simulator::http::Http;
use simulator::{Endpoint, Existing, Receiver};
use std::time::{Duration, Instant};

/// With this variable, two calls fail, and all pairs run without a lease as well.
const MORE: &str = "INTERLEAVINGS_MORE";
/// So many schedules that end wrong are enough to report.
const ENOUGH: usize = 3;

/// All interleavings with at most three preemptions, which is all of them while the lease lets runs take turns.
const ORDERS: Bounds = Bounds { preemptions: 3, failures: 0, lease: true, alone: false };
/// One call fails, of the run that is first.
const FAILURES: Bounds = Bounds { preemptions: 0, failures: 1, lease: true, alone: false };
/// The lease does not work; runs may disturb each other.
const NO_LEASE: Bounds = Bounds { preemptions: 2, failures: 0, lease: false, alone: false };
/// Two calls fail, of any run.
const MORE_FAILURES: Bounds = Bounds { preemptions: 0, failures: 2, lease: true, alone: true };

#[derive(Debug, Clone, Copy, PartialEq)]
enum Start {
    Nothing,
    Registered,
    Disabled,
    /// With a URL that does not lead to the deployment any more.
    Elsewhere,
}

/// What a run does: the function's payload.
#[derive(Debug, Clone, Copy)]
enum Run {
    Sync,
    Rotate,
    /// A rotation because the secret leaked.
    Revoke,
    /// By its id, the endpoint that was there at the start.
    Delete,
    /// CloudFormation's request for a stack that is deleted.
    Deregister,
}

/// Two runs, and the state that they start from.
struct Pair {
    world: World,
    http: Http,
    cloudformation: Receiver,
    start: Start,
    foreign: Vec<Endpoint>,
    runs: [Run; 2],
}

impl Pair {
    fn new(version: &str, start: Start, runs: [Run; 2]) -> Self {
        let mut world = World::new(version, "main");
        world.config.longest_run = Duration::from_secs(300);
        world.config.retry.attempts = 1;
        world.config.timeouts.attempt = Duration::from_secs(60);
        world.config.deregister_on_delete = true;
        world.register(Existing::new("https://team-1.example.invalid/hooks"));
        let foreign = world.endpoints();
        let http = Http::new(Duration::from_secs(10));
        Pair { world, http, cloudformation: Receiver::start().unwrap(), start, foreign, runs }
    }

    fn explore(&self, bounds: &[Bounds]) -> usize {
        let (mut schedules, mut wrong) = (0, Vec::new());
        for bounds in bounds.iter().copied() {
            let mut choices = Some(Choices::default());
            while let Some(mut next) = choices.take()
                && wrong.len() < ENOUGH
            {
                schedules += 1;
                let endpoint_id = self.reset();
                let runs = self.runs.map(|run| self.payload(run, &endpoint_id));
                let mut schedule = Schedule::run(&self.world, &self.http, &runs, bounds, &mut next);
                let is_disturbed = bounds.lease && bounds.failures == 0 && schedule.disturbed;
                let end = if is_disturbed {
                    Err("a run failed".to_owned())
                } else {
                    self.ends_well(&mut schedule, &mut next)
                };
                if let Err(why) = end {
                    wrong.push(format!("{why}\n    {}", schedule.history.join("\n    ")));
                }
                choices = next.next();
            }
        }
        assert!(wrong.is_empty(), "of {schedules} schedules, {} end wrong:\n{}", wrong.len(), wrong.join("\n"));
        schedules
    }

    fn payload(&self, run: Run, endpoint_id: &str) -> Value {
        match run {
            Run::Sync => json!({"action": "sync"}),
            Run::Rotate => json!({"action": "rotate", "endpoint": "main"}),
            Run::Revoke => json!({"action": "rotate", "endpoint": "main", "revoke": true}),
            Run::Delete => json!({"action": "delete", "endpoint_id": endpoint_id, "force": true}),
            Run::Deregister => {
                let request = include_str!("../../../../events/cloudformation/create.json");
                let mut request: Value = serde_json::from_str(request).unwrap();
                request["RequestType"] = json!("Delete");
                request["PhysicalResourceId"] = json!("heygen-endpoints");
                request["ResponseURL"] = json!(self.cloudformation.url());
                request
            }
        }
    }

    /// Makes the state to start from. Returns the id of the endpoint; empty if there is none.
    fn reset(&self) -> String {
        let key = [("x-api-key", self.world.api_key())];
        for endpoint in self.world.endpoints().into_iter().filter(|endpoint| !self.foreign.contains(endpoint)) {
            let url = format!("{}/v3/webhooks/endpoints/{}", self.world.url(), endpoint.endpoint_id);
            assert_eq!(self.http.send("DELETE", &url, &key, &[]).unwrap().status, 200);
        }
        *self.world.memory.lock().unwrap() = crate::memory::Memory::default();
        self.world.put("api-key", self.world.api_key());
        if self.start == Start::Nothing {
            return String::new();
        }
        let url = match self.start {
            Start::Elsewhere => "https://old.example.invalid/webhooks/heygen/main".to_owned(),
            _ => self.world.config.deployment.url_of("main"),
        };
        let endpoint_id = self.world.register(Existing::new(url));
        let stored = EndpointSecret {
            current: self.world.endpoints().last().map(|endpoint| endpoint.secret.clone()),
            registered: Some(Registered { endpoint_id: endpoint_id.clone(), ..Registered::default() }),
            ..EndpointSecret::default()
        };
        self.world.put("secret/main", &serde_json::to_string(&stored).unwrap());
        if self.start == Start::Disabled {
            self.world.disable(&endpoint_id);
        }
        endpoint_id
    }

    /// After two syncs at most, there is one endpoint, the stored secret is HeyGen's, and nothing is left to do.
    fn ends_well(&self, schedule: &mut Schedule<'_>, choices: &mut Choices) -> Result<(), String> {
        self.world.memory.lock().unwrap().advance(time::Duration::hours(1));
        let sync = json!({"action": "sync", "prune": true, "force": true});
        if schedule.has_late_calls() && choices.choose(2) == 1 {
            schedule.history.push("sync".to_owned());
            self.world.run(sync.clone()).map_err(|error| error.to_string())?;
        }
        schedule.let_late_calls_arrive();
        let mut syncs = 0;
        while let Err(why) = self.is_in_order() {
            if syncs == 2 {
                return Err(why);
            }
            syncs += 1;
            let reply = self.world.run(sync.clone()).map_err(|error| error.to_string())?;
            schedule.history.push(format!("sync: {}", reply["text"].as_str().unwrap().replace('\n', " ")));
        }
        let foreign = self.foreign.iter().all(|endpoint| self.world.endpoints().contains(endpoint));
        if foreign { Ok(()) } else { Err("a foreign endpoint was changed".to_owned()) }
    }

    fn is_in_order(&self) -> Result<(), String> {
        self.world.settled("main")?;
        let plan = self.world.run(json!({"action": "plan"})).map_err(|error| error.to_string())?;
        let is_empty = plan["changes"] == json!([]);
        if is_empty { Ok(()) } else { Err(format!("something is left to do: {}", plan["text"])) }
    }
}

fn explore(start: Start, runs: [Run; 2]) {
    let bounds: &[Bounds] = match std::env::var_os(MORE) {
        None => &[ORDERS, FAILURES],
        Some(_) => &[ORDERS, FAILURES, NO_LEASE, MORE_FAILURES],
    };
    for version in ["v3", "v1"] {
        let begin = Instant::now();
        let schedules = Pair::new(version, start, runs).explore(bounds);
        println!("{version}, {start:?}, {runs:?}: {schedules} schedules in {:?}", begin.elapsed());
    }
}

#[test]
fn two_rotations_at_once_leave_the_secret_that_heygen_signs_with() {
    explore(Start::Registered, [Run::Rotate, Run::Rotate]);
}

#[test]
fn a_rotation_and_a_sync_at_once_leave_the_secret_that_heygen_signs_with() {
    explore(Start::Registered, [Run::Rotate, Run::Sync]);
}

#[test]
fn a_revocation_and_a_rotation_at_once_leave_the_secret_that_heygen_signs_with() {
    explore(Start::Registered, [Run::Revoke, Run::Rotate]);
}

#[test]
fn two_registrations_at_once_leave_one_endpoint() {
    explore(Start::Nothing, [Run::Sync, Run::Sync]);
}

#[test]
fn two_replacements_at_once_leave_one_endpoint() {
    explore(Start::Disabled, [Run::Sync, Run::Sync]);
}

#[test]
fn a_replacement_and_a_rotation_at_once_leave_one_endpoint() {
    explore(Start::Disabled, [Run::Sync, Run::Rotate]);
}

#[test]
fn an_update_and_a_rotation_at_once_leave_one_endpoint() {
    explore(Start::Elsewhere, [Run::Sync, Run::Rotate]);
}

#[test]
fn a_rotation_and_a_deletion_by_id_at_once_leave_one_endpoint() {
    explore(Start::Registered, [Run::Rotate, Run::Delete]);
}

#[test]
fn a_replacement_and_a_deletion_by_id_at_once_leave_one_endpoint() {
    explore(Start::Disabled, [Run::Sync, Run::Delete]);
}

#[test]
fn a_registration_and_the_deletion_of_the_stack_at_once_leave_one_endpoint() {
    explore(Start::Nothing, [Run::Sync, Run::Deregister]);
}

#[test]
fn a_rotation_and_the_deletion_of_the_stack_at_once_leave_one_endpoint() {
    explore(Start::Registered, [Run::Rotate, Run::Deregister]);
}

#[test]
fn without_a_lease_runs_fail_and_lose_nothing() {
    let schedules = Pair::new("v3", Start::Registered, [Run::Rotate, Run::Rotate]).explore(&[NO_LEASE]);
    println!("{schedules} schedules");
}
