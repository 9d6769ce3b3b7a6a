//! What the schedules cost while nothing happens: their calls, which `tools/cost.py` multiplies.

use crate::cut::Calls;
use crate::recovering::Recovering;
use serde_json::json;
use simulator::Options;
use std::collections::BTreeMap;

#[test]
fn an_idle_run_makes_the_calls_that_its_cost_is_computed_from() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    recovering.run(json!({"action": "recover"})).unwrap();
    let before = recovering.calls().len();
    let calls = Calls::new(None);
    recovering.run_over(&calls, json!({"action": "recover"})).unwrap().unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in calls.names.lock().unwrap().iter().filter(|name| !name.contains('/')) {
        *counts.entry(name.rsplit('.').next().unwrap().to_owned()).or_default() += 1;
    }
    println!("{counts:?}, {} of HeyGen", recovering.calls().len() - before);
    // RECOVERY_READS, RECOVERY_WRITES and RECOVERY_SECRETS.
    let expected = [("GetItem", 5), ("GetSecretValue", 1), ("PutItem", 5), ("Query", 16)];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)).into());
    // The endpoints, five lists and the account, which cost nothing.
    assert_eq!(recovering.calls().len() - before, 7);
}
