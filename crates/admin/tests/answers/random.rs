//! Responses that are edited at random. Whatever admin makes of them, with an honest HeyGen two syncs put everything
//! right, and nothing that is not ours is ever touched.

use crate::world::World;
use fastrand::Rng;
use serde_json::{Value, json};
use simulator::{Endpoint, Existing, Fault, When};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many runs of admin meet edited responses.
const RUNS: u64 = 200;
/// With this variable, enough runs for 5,000 edited responses.
const MORE: &str = "ODD_ANSWERS_MORE";
const MORE_RUNS: u64 = 4000;

const NAMES: [&str; 2] = ["main", "second"];

#[test]
fn after_any_edited_response_two_honest_syncs_put_everything_right() {
    let runs = if std::env::var_os(MORE).is_some() { MORE_RUNS } else { RUNS };
    let edited = Arc::new(AtomicUsize::new(0));
    let wrong: Vec<_> = (0..runs)
        .filter_map(|seed| {
            let (history, result) = Run::new(seed, &edited).check();
            Some(format!("seed {seed}: {}\n    {}", result.err()?, history.join("\n    ")))
        })
        .collect();
    let edited = edited.load(Ordering::SeqCst);
    assert!(wrong.is_empty(), "{} of {runs} runs:\n{}", wrong.len(), wrong.join("\n"));
    assert!(edited >= usize::try_from(runs).unwrap(), "only {edited} responses were edited");
    println!("{edited} edited responses in {runs} runs");
}

/// One or two actions, each of which meets up to four edited responses.
struct Run {
    world: World,
    random: Rng,
    history: Vec<String>,
    edits: Arc<Edits>,
}

/// What the edits of a run share.
struct Edits {
    /// An edit that was not reached must not be applied to a later call.
    active: AtomicBool,
    total: Arc<AtomicUsize>,
    made: std::sync::Mutex<Vec<String>>,
}

impl Run {
    fn new(seed: u64, total: &Arc<AtomicUsize>) -> Self {
        let mut random = Rng::with_seed(seed);
        let version = if random.u8(..4) == 0 { "v1" } else { "v3" };
        let world = World::new(version, &NAMES.join(","));
        let edits = Edits { active: AtomicBool::new(true), total: Arc::clone(total), made: Vec::new().into() };
        Run { world, random, history: vec![version.to_owned()], edits: Arc::new(edits) }
    }

    fn check(mut self) -> (Vec<String>, Result<(), String>) {
        let result = self.result();
        (self.history, result)
    }

    fn result(&mut self) -> Result<(), String> {
        for number in 0..2 {
            self.world.register(Existing::new(format!("https://team-{number}.example.invalid/hooks")));
        }
        let foreign = self.foreign();
        self.prepare();
        for _ in 0..self.random.usize(1..=2) {
            let action = self.action();
            self.inject();
            let before = self.world.stored("main").current;
            let done = self.world.run(action.clone());
            let is_accepted = before.is_some_and(|secret| self.world.stored("main").has(&secret));
            if action["revoke"] == true && done.is_ok() && is_accepted {
                return Err("a revoked secret is still accepted".to_owned());
            }
            let outcome = done.map_or_else(|error| error.to_string(), |reply| reply["text"].to_string());
            self.history.append(&mut self.edits.made.lock().unwrap());
            self.history.push(format!("{action}: {outcome}"));
            if self.foreign() != foreign {
                return Err("a foreign endpoint was changed".to_owned());
            }
        }
        self.edits.active.store(false, Ordering::SeqCst);
        let sync = json!({"action": "sync", "prune": true, "force": true, "adopt": true});
        for _ in 0..2 {
            let done = self.world.run(sync.clone());
            self.history.push(done.map_or_else(|error| error.to_string(), |reply| reply["text"].to_string()));
        }
        for name in NAMES {
            self.world.settled(name)?;
        }
        let before = self.world.mutating_calls();
        let reply = self.world.run(sync).map_err(|error| error.to_string())?;
        if self.world.mutating_calls() != before || reply["left"]["changes"] != json!([]) {
            return Err(format!("something was left to do: {}", reply["text"]));
        }
        if self.foreign() != foreign {
            return Err("a foreign endpoint was changed".to_owned());
        }
        Ok(())
    }

    fn foreign(&self) -> Vec<Endpoint> {
        self.world.endpoints().into_iter().filter(|endpoint| endpoint.url.contains("//team-")).collect()
    }

    /// A state to start from.
    fn prepare(&mut self) {
        let start =
            self.random.choice(["nothing", "registered", "disabled", "events", "duplicate", "unknown"]).unwrap();
        self.history.push(start.to_owned());
        let url = self.world.config.deployment.url_of("main");
        if start == "unknown" {
            self.world.register(Existing::new(url));
            return;
        }
        if start == "nothing" {
            return;
        }
        self.world.sync().unwrap();
        match start {
            "disabled" => drop(self.world.disable(&self.world.at_heygen("main")[0].endpoint_id)),
            "events" => {
                let main = json!({"name": "main", "events": ["avatar_video.success"]});
                self.world.configure(json!([main, {"name": "second"}]));
            }
            "duplicate" => drop(self.world.register(Existing::new(url))),
            _ => {}
        }
    }

    fn action(&mut self) -> Value {
        let actions = [
            json!({"action": "sync"}),
            json!({"action": "sync"}),
            json!({"action": "sync", "prune": true, "force": true}),
            json!({"action": "rotate", "endpoint": "main"}),
            json!({"action": "rotate", "endpoint": "main"}),
            json!({"action": "rotate", "endpoint": "main", "revoke": true}),
            json!({"action": "plan"}),
            json!({"action": "list"}),
            json!({"action": "event-types"}),
            json!({"action": "deliveries"}),
        ];
        self.random.choice(actions).unwrap()
    }

    fn inject(&mut self) {
        let next = self.world.calls().len() + 1;
        for _ in 0..self.random.usize(1..=4) {
            let call = next + self.random.usize(..4).min(self.random.usize(..4));
            let random = Rng::with_seed(self.random.u64(..));
            let edits = Arc::clone(&self.edits);
            let fault = Fault::edit(move |status, body| edits.apply(&mut random.clone(), call, status, body));
            self.world.inject(When::Nth(call), fault);
        }
    }
}

impl Edits {
    fn apply(&self, random: &mut Rng, call: usize, status: &mut u16, body: &mut Value) {
        if !self.active.load(Ordering::SeqCst) {
            return;
        }
        let before = (*status, body.clone());
        let mut edited = BTreeSet::new();
        for _ in 0..random.usize(1..=2) {
            if random.u8(..5) == 0 {
                *status = if *status < 300 { random.choice([400, 401, 403, 404, 409, 410, 422]).unwrap() } else { 200 };
            } else {
                edit(random, body, &mut edited);
            }
        }
        if before != (*status, body.clone()) {
            self.total.fetch_add(1, Ordering::SeqCst);
            self.made.lock().unwrap().push(format!("call {call}: {status} {body}"));
        }
    }
}

/// Removes or renames a field at random, or changes its type. No field is `edited` twice: a secret that becomes a number
/// and then another text could not be told from the right one.
fn edit(random: &mut Rng, body: &mut Value, edited: &mut BTreeSet<String>) {
    let mut places = Vec::new();
    fields(body, "", &mut places);
    places.retain(|(_, name)| !edited.contains(name));
    let Some((parent, name)) = random.choice(places) else { return };
    let Some(object) = body.pointer_mut(&parent).and_then(Value::as_object_mut) else { return };
    let Some(value) = object.remove(&name) else { return };
    edited.insert(name.clone());
    let other = match random.u8(..8) {
        0 => return,
        1 => return drop(object.insert(format!("{name}_of_old"), value)),
        2 | 3 => Value::Null,
        4 => json!(7),
        5 => json!({"value": value}),
        6 => json!(true),
        _ if value.is_string() => json!(["text"]),
        _ => json!("text"),
    };
    object.insert(name, other);
}

/// The fields of all objects, each with the pointer to its object.
fn fields(value: &Value, at: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                found.push((at.to_owned(), name.clone()));
                fields(value, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                fields(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}
