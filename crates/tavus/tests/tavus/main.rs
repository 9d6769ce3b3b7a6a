//! Tavus' callbacks, and the answers of its API.
//!
//! `cargo test -p tavus --test tavus memory -- --nocapture` prints how much memory answers take.

#![allow(clippy::unwrap_used)]

mod identities;
mod memory;
mod properties;
mod samples;

use tavus::{KINDS, claimed_ids, echoed, paths, read};
use webhook::Platform;
use webhook_testing::asked::Asked;

const TAVUS: Asked = Asked {
    platform: Platform::Tavus,
    read,
    kinds: KINDS,
    claimed_ids,
    paths,
    echoed,
    answers: samples::ANSWERS,
    callbacks: samples::CALLBACKS,
};
