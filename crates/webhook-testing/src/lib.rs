//! What the tests of the platforms' crates have in common: hostile JSON, the samples in `events`, events in any order,
//! and how much memory a body takes. No function depends on this crate.

#![warn(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "this is the code of tests")]

pub mod asked;
pub mod canonical;
pub mod fields;
pub mod json;
pub mod memory;
pub mod order;
pub mod samples;
pub mod signed;

use proptest::sample::Index;
use webhook::{Event, LookUp, Verified};

/// How a platform's crate reads a body.
pub type Read = fn(&Verified) -> Event;

/// A body as if its signature had been verified.
#[allow(clippy::disallowed_methods, reason = "no request is involved")]
pub fn authentic(body: impl Into<Vec<u8>>) -> Verified {
    Verified::assume_authentic(body.into())
}

/// What the API answered when it was asked for a job of no known order. The kind is with its platform.
pub fn look_up(kind: impl Into<String>, entity_id: &str, answer: &str) -> LookUp {
    LookUp {
        kind: kind.into(),
        entity_id: entity_id.to_owned(),
        callback_id: None,
        answer: Some(serde_json::from_str(answer).unwrap()),
        failure: None,
    }
}

/// Flips one bit.
pub fn flip(bytes: &mut [u8], at: Index) {
    let bit = at.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}
