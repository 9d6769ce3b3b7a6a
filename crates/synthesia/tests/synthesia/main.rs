//! Synthesia's deliveries, and the answers of its API.
//!
//! `cargo test -p synthesia --test synthesia memory -- --nocapture` prints how much memory bodies take.

#![allow(clippy::unwrap_used)]

mod deliveries;
mod memory;
mod properties;
mod reading;
mod signatures;
