//! D-ID's callbacks, and the answers of its API.
//!
//! `cargo test -p did --test did memory -- --nocapture` prints how much memory answers take.

#![allow(clippy::unwrap_used)]

mod identities;
mod memory;
mod properties;
mod samples;

use did::{KINDS, claimed_ids, echoed, paths, read};
use webhook::Platform;
use webhook_testing::asked::Asked;

const DID: Asked = Asked {
    platform: Platform::Did,
    read,
    kinds: KINDS,
    claimed_ids,
    paths,
    echoed,
    answers: samples::ANSWERS,
    callbacks: samples::CALLBACKS,
};
