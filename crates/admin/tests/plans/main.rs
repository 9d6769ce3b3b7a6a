//! Plans as people read them, for what is configured, stored and at HeyGen.

#![allow(clippy::unwrap_used, clippy::panic)]

mod endpoints;
mod secrets;
mod world;
