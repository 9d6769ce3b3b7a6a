//! Every order and every interleaving of a few events leaves the same record, on the stack's own table.
//!
//! The code that the processor runs writes directly to the table, without the queue between, so that thousands of orders
//! can be tried. What the record should be is computed from the events as a set.

mod pool;
mod schedule;
mod table;

use crate::support::{stack, unique};
use pool::{POOL, Sent, distinct, send};
use schedule::{Schedules, interleaved};
use table::Orders;

/// How many sets of each size are tried in all orders, drawn anew in each run: 1, 2, … events.
const SETS: [usize; 5] = [usize::MAX, usize::MAX, 30, 4, 1];
/// How many sets of three are recorded side by side, besides all pairs, and in how many ways each.
const TRIPLES: (usize, usize) = (8, 6);
/// With this variable, all sets of three are tried in all orders, and more of the larger ones: about twenty minutes.
const MORE: &str = "ANY_ORDER_MORE";
const MORE_SETS: [usize; 5] = [usize::MAX, usize::MAX, usize::MAX, 100, 40];
const MORE_TRIPLES: (usize, usize) = (200, 20);

fn more() -> bool {
    std::env::var_os(MORE).is_some()
}

/// All sets of `size` members of the pool, each at most twice.
fn sets(size: usize) -> Vec<Vec<usize>> {
    let mut sets: Vec<Vec<usize>> = vec![vec![]];
    for _ in 0..size {
        let longer = |set: Vec<usize>| {
            let from = set.last().copied().unwrap_or(0);
            (from..POOL.len()).map(move |next| [set.clone(), vec![next]].concat())
        };
        sets = sets.into_iter().flat_map(longer).collect();
    }
    sets.retain(|set| set.iter().all(|one| set.iter().filter(|other| *other == one).count() <= 2));
    sets
}

fn permutations(set: &[usize]) -> Vec<Vec<usize>> {
    if set.is_empty() {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for index in distinct(set) {
        let mut rest = set.to_vec();
        let first = rest.remove(index);
        all.extend(permutations(&rest).into_iter().map(|rest| [vec![first], rest].concat()));
    }
    all
}

/// A sample that is another one in each run; the message of a failure has the set and its order.
fn sample(mut sets: Vec<Vec<usize>>, size: usize) -> Vec<Vec<usize>> {
    fastrand::shuffle(&mut sets);
    sets.truncate(size);
    sets
}

#[test]
fn every_order_of_up_to_five_events_leaves_the_same_record() {
    let stack = stack();
    let orders = Orders::new(&stack);
    let counts = if more() { MORE_SETS } else { SETS };
    let all: Vec<_> = counts.iter().enumerate().flat_map(|(index, count)| sample(sets(index + 1), *count)).collect();
    let (mut tried, count) = (0, all.len());
    for set in all {
        for order in permutations(&set) {
            let prefix = unique("model");
            let sent: Vec<_> = order.iter().map(|member| send(*member, &prefix)).collect();
            for one in &sent {
                orders.record(one);
            }
            orders.check(&sent, &format!("{order:?}"));
            tried += 1;
        }
    }
    println!("{tried} orders of {count} sets of events");
}

#[test]
fn events_recorded_side_by_side_leave_the_same_record() {
    let stack = stack();
    let orders = Orders::new(&stack);
    let (triples, ways) = if more() { MORE_TRIPLES } else { TRIPLES };
    let pairs = sets(2).into_iter().map(|pair| (pair, Schedules::all()));
    let triples = sample(sets(3), triples).into_iter().map(|triple| (triple, Schedules::random(ways)));
    let (mut sets_tried, mut schedules_tried) = (0, 0);
    for (set, mut schedules) in pairs.chain(triples) {
        // The same ids each time: which of two events wins depends on them, and so does who calls how often.
        let prefix = unique("model");
        let sent: Vec<Sent> = set.iter().map(|member| send(*member, &prefix)).collect();
        loop {
            let taken = interleaved(&stack, &sent, &mut schedules);
            orders.check(&sent, &format!("{set:?}, calls {taken:?}"));
            orders.forget(&sent);
            schedules_tried += 1;
            if !schedules.next() {
                break;
            }
        }
        sets_tried += 1;
    }
    println!("{schedules_tried} interleavings of {sets_tried} sets of events");
}
