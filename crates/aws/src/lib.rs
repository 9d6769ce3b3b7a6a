#![doc = include_str!("../README.md")]

pub mod clock;
pub mod endpoints;
pub mod env;
pub mod envelope;
pub mod error;
pub mod jobs;
pub mod probe;
pub mod queue;
pub mod sdk;
pub mod secrets;
#[cfg(feature = "stub")]
pub mod stub;
pub mod table;
pub mod telemetry;
