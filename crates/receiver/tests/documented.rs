//! docs/operations.md names every outcome of a delivery, and no other.

#![allow(clippy::unwrap_used, clippy::panic)]

use receiver::Rejection;
use std::collections::BTreeSet;

#[test]
fn every_outcome_of_a_delivery_is_documented() {
    let page = include_str!("../../../docs/operations.md");
    let row = page.lines().find(|line| line.starts_with("| `Deliveries` | `accepted`")).unwrap();
    let documented: BTreeSet<_> = row.split('`').skip(3).step_by(2).collect();
    let written: BTreeSet<_> =
        Rejection::ALL.iter().map(|one| one.code()).chain(["accepted", aws::probe::LABEL]).collect();
    let missing: Vec<_> = written.difference(&documented).collect();
    let unexpected: Vec<_> = documented.difference(&written).collect();
    assert!(missing.is_empty() && unexpected.is_empty(), "not documented: {missing:?}; not written: {unexpected:?}");
}
