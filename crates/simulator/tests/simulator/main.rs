//! The simulator behaves as HeyGen documents, and fails when a test injects a fault.

#![allow(clippy::unwrap_used, clippy::panic)]

mod afterwards;
mod control;
mod deliveries;
mod faults;
mod idempotency;
mod jobs;
mod lists;
mod registration;
mod strict;
mod support;
mod v1;
mod v3;
