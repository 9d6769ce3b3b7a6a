//! Events in any order, and again.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use webhook::{Event, Job};

/// The same, and everything at least once, some of it more often, in any order.
pub fn repeated<T: Clone + Debug + 'static>(items: Vec<T>) -> impl Strategy<Value = (Vec<T>, Vec<T>)> {
    let again = vec(select(items.clone()), 0..8).prop_map({
        let items = items.clone();
        move |more| [items.clone(), more].concat()
    });
    (Just(items), again.prop_shuffle())
}

/// The job after these events.
pub fn fold(events: &[Event]) -> Option<Job> {
    events.iter().filter_map(Event::job).fold(None, |job, next| Some(Job::merge(job, next)))
}
