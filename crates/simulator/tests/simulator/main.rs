//! The simulator behaves as the platforms document, and fails when a test injects a fault.

#![allow(clippy::unwrap_used, clippy::panic)]

mod afterwards;
mod control;
mod deliveries;
mod did;
mod elevenlabs;
mod elevenlabs_webhooks;
mod faults;
mod idempotency;
mod jobs;
mod lists;
mod platforms;
mod registration;
mod strict;
mod support;
mod synthesia;
mod tavus;
mod v1;
mod v3;
