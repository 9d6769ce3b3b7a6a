//! The simulated HeyGen keeps HeyGen's promises, and breaks them on order.

#![allow(clippy::unwrap_used, clippy::panic)]

mod afterwards;
mod control;
mod deliveries;
mod faults;
mod idempotency;
mod jobs;
mod registration;
mod strict;
mod support;
mod v1;
mod v3;
