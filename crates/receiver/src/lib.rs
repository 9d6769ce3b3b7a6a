#![doc = include_str!("../README.md")]
#![allow(missing_docs, reason = "comments say why; no other crate uses this one")]

mod app;
mod config;
pub mod invocation;
mod report;
mod response;
mod secret_cache;

pub use app::App;
pub use config::Config;
pub use response::{Accepted, Rejection};
