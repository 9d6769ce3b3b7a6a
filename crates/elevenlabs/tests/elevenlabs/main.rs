//! ElevenLabs' deliveries, and the answers of its API.
//!
//! `cargo test -p elevenlabs --test elevenlabs memory -- --nocapture` prints how much memory bodies take.

#![allow(clippy::unwrap_used)]

mod answers;
mod deliveries;
mod memory;
mod platforms;
mod properties;
mod reading;
mod signatures;
