//! What the schedules call while nothing happens: tools/schedules.json says it, and tools/cost.py multiplies it.

use crate::cut::Calls;
use crate::deployed::{A, Deployed};
use crate::inside;
use crate::recovering::Recovering;
use crate::support::{TIMEOUT, now, stack};
use crate::telemetry::lines;
use admin::{Action, App, Config};
use aws::env::Env;
use local::stack_dir::workspace;
use serde_json::{Value, json};
use simulator::Options;
use std::collections::BTreeMap;
use tokio::runtime::Builder;

const FILE: &str = "tools/schedules.json";

fn stated(schedule: &str) -> Value {
    let file = std::fs::read_to_string(workspace().join(FILE)).unwrap();
    serde_json::from_str::<Value>(&file).unwrap()[schedule].clone()
}

/// Calls of AWS by operation; those of HeyGen cost nothing.
fn assert_costs(schedule: &str, names: &[String]) {
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for name in names.iter().filter(|name| !name.contains('/')) {
        *counted.entry(name.rsplit('.').next().unwrap().to_owned()).or_default() += 1;
    }
    let stated = &stated(schedule)["calls"];
    assert!(
        *stated == json!(counted),
        "An idle {schedule} calls {}, and {FILE} says {stated}. If that is intended, correct it there, and run `make cost-table`",
        json!(counted)
    );
}

#[test]
fn an_idle_recover_makes_the_calls_that_its_cost_is_computed_from() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    recovering.run(json!({"action": "recover"})).unwrap();
    let calls = Calls::new(None);
    recovering.run_over(&calls, json!({"action": "recover"})).unwrap().unwrap();
    assert_costs("recover", &calls.names.lock().unwrap());
}

#[test]
fn an_idle_sync_makes_the_calls_that_its_cost_is_computed_from() {
    let Some(mut deployed) = Deployed::new(Options::default()) else { return };
    deployed.set_variables(&[("ENDPOINTS", A)]);
    deployed.sync();
    let since = now();
    let calls = Calls::new(None);
    let stack = deployed.stack.stack();
    let config = Config::read(Env::from_fn(|name| deployed.variable(name))).unwrap();
    let config = Config { base_url: calls.proxy(&deployed.heygen.url()), ..config };
    let app = App::new(config, &inside::sdk(stack, &calls.proxy(stack.aws_endpoint.as_deref().unwrap())));
    let sync = Action::read(json!({"action": "sync"})).unwrap();
    let reply = Builder::new_current_thread().enable_all().build().unwrap().block_on(app.run(sync)).unwrap().to_json();
    assert_eq!(reply["done"], json!([]), "{reply}");
    let verified = reply["verified"].as_array().unwrap();
    assert!(verified.len() == 1 && verified[0]["options"]["status"] == 204 && verified[0]["post"]["status"] == 200);

    // The public URL is asked without the proxy: one invocation each of receiver and processor.
    let probes = || {
        let lines = lines(&deployed.stack, since);
        let of_probe =
            lines.iter().filter(|line| line["endpoint"] == A && line["event_type"] == "heygen_webhooks.probe");
        Ok(Some(of_probe.count()).filter(|count| *count >= 2))
    };
    let found = deployed.stack.wait_for("the lines of the probe", TIMEOUT, probes).unwrap();
    assert_eq!((found, stated("sync")["probes"].as_u64()), (2, Some(1)), "{FILE}");
    // It asks whether the probe is recorded until it is, which here and there takes longer.
    let mut names = calls.names.lock().unwrap().clone();
    names.dedup_by(|name, before| name == before && name.ends_with(".Query"));
    assert_costs("sync", &names);
}

#[test]
fn the_schedules_of_a_stack_for_tests_are_paused() {
    let stack = stack();
    if stack.stack().aws_endpoint.is_none() {
        println!("left out: the schedules of a stack in a real account run");
        return;
    }
    let rules = local::schedules::rules(stack.api()).unwrap();
    let states: BTreeMap<_, _> = rules.iter().map(|rule| (rule["Name"].to_string(), &rule["State"])).collect();
    assert_eq!(states.len(), 2, "that of admin and that of recovery: {states:?}");
    assert!(states.values().all(|state| **state == "DISABLED"), "{states:?}");
}
