#![doc = include_str!("../README.md")]

mod app;
mod callback;
mod config;
pub mod invocation;
mod moment;
mod report;
mod response;
mod route;
mod secret_cache;

pub use app::App;
pub use config::{Callbacks, Config};
pub use response::{Accepted, Rejection};
