//! Several runs of admin at once: they take turns, and end as if there had been one after the other.

use crate::cut::{Caller, Calls, Cut, Side};
use crate::inside::Inside;
use heygen::api::ApiVersion::{V1, V3};
use serde_json::json;
use std::time::{Duration, Instant};

const ROUNDS: u64 = 10;

/// Pauses that let three runs begin at once, or within each other's calls.
fn pauses(round: u64) -> [Duration; 3] {
    [0, round * 7, round * 13].map(Duration::from_millis)
}

#[test]
fn rotations_at_once_leave_the_secret_that_heygen_has() {
    for version in [V3, V1] {
        let Some(mut inside) = Inside::new(version, &["main"]) else { return };
        inside.config.longest_run = Duration::from_secs(60);
        inside.run(json!({"action": "sync"})).unwrap();
        for round in 0..ROUNDS {
            let before = inside.settled("main").unwrap().secret;
            for done in inside.run_together(&json!({"action": "rotate", "endpoint": "main"}), &pauses(round)) {
                done.unwrap();
            }
            assert_ne!(inside.settled("main").unwrap().secret, before);
        }
    }
}

#[test]
fn registering_at_once_makes_one_endpoint() {
    for version in [V3, V1] {
        for round in 0..ROUNDS {
            let Some(mut inside) = Inside::new(version, &["main", "second"]) else { return };
            inside.config.longest_run = Duration::from_secs(60);
            let done = inside.run_together(&json!({"action": "sync"}), &pauses(round));
            let changes: usize = done.into_iter().map(|done| done.unwrap()["done"].as_array().unwrap().len()).sum();
            assert_eq!(changes, 2);
            inside.settled("main").unwrap();
            inside.settled("second").unwrap();
        }
    }
}

#[test]
fn a_run_that_was_killed_keeps_others_waiting_until_its_lease_expires() {
    let Some(mut inside) = Inside::new(V3, &["main"]) else { return };
    inside.config.longest_run = Duration::from_secs(3);
    let start = Instant::now();
    // After the lease and the API key, so that it has the lease.
    let calls = Calls::new(Some(Cut { at: 4, side: Side::Before, caller: Caller::Dies }));
    assert!(inside.run_over(&calls, json!({"action": "sync"})).is_none());
    inside.run(json!({"action": "sync"})).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(3), "it did not wait: {:?}", start.elapsed());
    inside.settled("main").unwrap();
}
