#![doc = include_str!("../README.md")]

mod app;
mod batch;
mod circuit;
mod config;
mod error;
mod retry;

pub use app::App;
pub use batch::{process, respond};
pub use config::Config;
pub use error::Error;
pub use retry::{MAX_RECEIVES, RETENTION};
