#![doc = include_str!("../README.md")]

mod app;
mod batch;
mod config;

pub use app::{App, Outcome};
pub use batch::process;
pub use config::Config;
