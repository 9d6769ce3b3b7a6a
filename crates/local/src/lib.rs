#![doc = include_str!("../README.md")]

pub mod admin;
mod archive;
pub mod aws_api;
pub mod backend;
pub mod binaries;
pub mod client;
pub mod cloudformation;
pub mod delivery;
pub mod demo;
pub mod deploy;
pub mod desired;
mod error;
mod foreground;
mod interrupt;
pub mod log_view;
pub mod logs;
pub mod platforms;
mod process;
pub mod progress;
pub mod recovery;
pub mod running;
pub mod sample;
pub mod schedules;
pub mod secrets;
pub mod show;
pub mod simulated;
pub mod stack;
pub mod stack_dir;
pub mod supervisor;
pub mod tools;

pub use client::Client;
pub use error::{Error, Result};
pub use running::{Kind, Running};
pub use stack::Stack;

pub use foreground::run_under;
pub use interrupt::{listen as listen_to_signals, pause, wait as until_interrupted};
