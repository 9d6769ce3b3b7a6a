#![doc = include_str!("../README.md")]

mod app;
mod batch;
mod config;
mod error;

pub use app::App;
pub use batch::{process, respond};
pub use config::Config;
pub use error::Error;
