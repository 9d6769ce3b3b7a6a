#![doc = include_str!("../README.md")]

mod app;
mod config;
pub mod invocation;
mod moment;
mod report;
mod response;
mod secret_cache;

pub use app::App;
pub use config::Config;
pub use response::{Accepted, Rejection};
