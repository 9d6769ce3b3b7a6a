//! Each call of admin, to HeyGen and to AWS, fails once: before it arrives, or after it with the response lost. admin is
//! either killed then or continues. The next run has to end as if nothing had happened.

use crate::cut::{Caller, Calls, Cut, Side};
use crate::inside::Inside;
use admin::Deployment;
use heygen::api::ApiVersion;
use serde_json::{Value, json};
use simulator::Existing;

/// An action, and the state that it starts from.
struct Scenario {
    version: ApiVersion,
    names: &'static [&'static str],
    /// Prepares the state.
    before: fn(&mut Inside),
    action: Value,
}

impl Scenario {
    fn start(&self) -> Option<Inside> {
        let mut inside = Inside::new(self.version, self.names)?;
        (self.before)(&mut inside);
        Some(inside)
    }

    fn survives_every_cut(&self) {
        let Some(inside) = self.start() else { return };
        let calls = Calls::new(None);
        inside.run_over(&calls, self.action.clone()).unwrap().unwrap();
        self.has_ended_well(&inside).unwrap();
        let count = calls.count();
        assert!(count >= 4, "too few calls: {:?}", calls.names.lock().unwrap());

        let mut wrong = Vec::new();
        let mut cuts = 0;
        for at in 1..=count {
            for (side, caller) in [
                (Side::Before, Caller::Dies),
                (Side::After, Caller::Dies),
                (Side::Before, Caller::Lives),
                (Side::After, Caller::Lives),
            ] {
                cuts += 1;
                let cut = Cut { at, side, caller };
                if let Err(why) = self.survives(cut) {
                    let name = calls.names.lock().unwrap()[at - 1].clone();
                    wrong.push(format!("{cut:?} ({name}): {why}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {cuts} cuts:\n{}", wrong.len(), wrong.join("\n"));
        println!("{count} calls, {cuts} cuts");
    }

    fn survives(&self, cut: Cut) -> Result<(), String> {
        let inside = self.start().ok_or("skipped")?;
        let leaked = (self.action["revoke"] == true).then(|| inside.stored("main").current);
        let calls = Calls::new(Some(cut));
        let first = inside.run_over(&calls, self.action.clone());
        if !calls.happened() {
            return Err("the cut was not reached".to_owned());
        }
        if (cut.caller == Caller::Dies) != first.is_none() {
            return Err(format!("expected the run to be killed, or to continue: {first:?}"));
        }
        let again = if self.action["action"] == "rotate" { json!({"action": "sync"}) } else { self.action.clone() };
        inside.run(again).map_err(|error| format!("again: {error}"))?;
        if let Some(leaked) = leaked {
            let stored = inside.stored("main");
            if stored.current != leaked && !stored.previous.is_empty() {
                return Err("an earlier secret is still accepted".to_owned());
            }
        }
        self.has_ended_well(&inside)
    }

    /// Each name has one endpoint whose secret is stored, there are no other endpoints and secrets, and a sync has nothing to do.
    fn has_ended_well(&self, inside: &Inside) -> Result<(), String> {
        for name in self.names {
            inside.settled(name).map_err(|why| format!("{name}: {why}"))?;
        }
        let endpoints = inside.endpoints().len();
        if endpoints != self.names.len() {
            return Err(format!("{endpoints} endpoints"));
        }
        let with_secret = inside.with_secret();
        if with_secret.iter().map(String::as_str).ne(self.names.iter().copied()) {
            return Err(format!("the endpoints with a secret are {with_secret:?}"));
        }
        let before = inside.mutating_calls();
        let reply = inside.run(json!({"action": "sync"})).map_err(|error| error.to_string())?;
        if inside.mutating_calls() != before || reply["left"]["changes"] != json!([]) {
            return Err(format!("something was left to do: {}", reply["text"]));
        }
        Ok(())
    }
}

fn sync() -> Value {
    json!({"action": "sync"})
}

fn registered(inside: &mut Inside) {
    inside.run(sync()).unwrap();
}

fn disabled(inside: &mut Inside) {
    registered(inside);
    assert!(inside.disable(&inside.endpoints()[0].endpoint_id));
}

#[test]
fn registering_survives_every_cut() {
    Scenario { version: ApiVersion::V3, names: &["main"], before: |_| {}, action: sync() }.survives_every_cut();
}

#[test]
fn registering_several_survives_every_cut() {
    Scenario { version: ApiVersion::V3, names: &["main", "second"], before: |_| {}, action: sync() }
        .survives_every_cut();
}

#[test]
fn registering_in_v1_survives_every_cut() {
    Scenario { version: ApiVersion::V1, names: &["main"], before: |_| {}, action: sync() }.survives_every_cut();
}

#[test]
fn updating_survives_every_cut() {
    let before = |inside: &mut Inside| {
        registered(inside);
        inside.configure(json!([{"name": "main", "events": ["avatar_video.success"]}]));
    };
    Scenario { version: ApiVersion::V3, names: &["main"], before, action: sync() }.survives_every_cut();
}

#[test]
fn replacing_survives_every_cut() {
    Scenario { version: ApiVersion::V3, names: &["main"], before: disabled, action: sync() }.survives_every_cut();
}

#[test]
fn replacing_in_v1_survives_every_cut() {
    Scenario { version: ApiVersion::V1, names: &["main"], before: disabled, action: sync() }.survives_every_cut();
}

#[test]
fn replacing_where_a_url_is_unique_survives_every_cut() {
    let before = |inside: &mut Inside| {
        inside.let_urls_be_unique();
        disabled(inside);
    };
    Scenario { version: ApiVersion::V3, names: &["main"], before, action: sync() }.survives_every_cut();
}

#[test]
fn moving_to_another_url_survives_every_cut() {
    let before = |inside: &mut Inside| {
        inside.config.deployment = Deployment::new("https://old.example.invalid", None, "main");
        registered(inside);
        inside.serve(&["main"]);
    };
    Scenario { version: ApiVersion::V3, names: &["main"], before, action: sync() }.survives_every_cut();
}

#[test]
fn adopting_survives_every_cut() {
    let before = |inside: &mut Inside| {
        inside.register(Existing::new(inside.config.deployment.url_of("main")));
    };
    Scenario { version: ApiVersion::V3, names: &["main"], before, action: json!({"action": "sync", "adopt": true}) }
        .survives_every_cut();
}

#[test]
fn adopting_in_v1_survives_every_cut() {
    let before = |inside: &mut Inside| {
        inside.register(Existing::new(inside.config.deployment.url_of("main")));
    };
    Scenario { version: ApiVersion::V1, names: &["main"], before, action: sync() }.survives_every_cut();
}

#[test]
fn pruning_survives_every_cut() {
    let before = |inside: &mut Inside| {
        registered(inside);
        inside.register(Existing::new(inside.config.deployment.url_of("main")));
        inside.register(Existing::new(inside.config.deployment.url_of("of-yesterday")));
    };
    let action = json!({"action": "sync", "prune": true, "force": true});
    Scenario { version: ApiVersion::V3, names: &["main"], before, action }.survives_every_cut();
}

#[test]
fn restoring_a_secret_survives_every_cut() {
    let before = |inside: &mut Inside| {
        registered(inside);
        inside.delete_secret("main");
    };
    Scenario { version: ApiVersion::V3, names: &["main"], before, action: sync() }.survives_every_cut();
}

#[test]
fn removing_a_name_survives_every_cut() {
    let before = |inside: &mut Inside| {
        inside.serve(&["main", "old"]);
        registered(inside);
        inside.serve(&["main"]);
    };
    let action = json!({"action": "sync", "prune": true, "force": true});
    Scenario { version: ApiVersion::V3, names: &["main"], before, action }.survives_every_cut();
}

#[test]
fn rotating_survives_every_cut() {
    let action = json!({"action": "rotate", "endpoint": "main"});
    Scenario { version: ApiVersion::V3, names: &["main"], before: registered, action }.survives_every_cut();
}

#[test]
fn rotating_in_v1_survives_every_cut() {
    let action = json!({"action": "rotate", "endpoint": "main"});
    Scenario { version: ApiVersion::V1, names: &["main"], before: registered, action }.survives_every_cut();
}

fn rotated(inside: &mut Inside) {
    registered(inside);
    inside.run(json!({"action": "rotate", "endpoint": "main"})).unwrap();
}

#[test]
fn revoking_survives_every_cut() {
    let action = json!({"action": "rotate", "endpoint": "main", "revoke": true});
    Scenario { version: ApiVersion::V3, names: &["main"], before: rotated, action }.survives_every_cut();
}

#[test]
fn revoking_in_v1_survives_every_cut() {
    let action = json!({"action": "rotate", "endpoint": "main", "revoke": true});
    Scenario { version: ApiVersion::V1, names: &["main"], before: rotated, action }.survives_every_cut();
}
