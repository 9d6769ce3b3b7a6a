#![doc = include_str!("../README.md")]

mod answer;
mod app;
mod config;
pub mod invocation;
mod secret_cache;

pub use answer::{Answer, Rejection};
pub use app::App;
pub use config::Config;
