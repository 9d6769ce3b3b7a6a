#![doc = include_str!("../README.md")]

pub mod admin;
mod archive;
pub mod backend;
pub mod binaries;
pub mod cloudformation;
pub mod aws_api;
pub mod client;
pub mod demo;
pub mod deploy;
mod dynamo;
mod error;
mod interrupt;
pub mod logs;
mod process;
pub mod progress;
pub mod rows;
pub mod running;
pub mod show;
pub mod simulated;
pub mod stack;
pub mod stack_dir;
pub mod supervisor;
pub mod tools;
pub mod desired;

pub use client::Client;
pub use error::{Error, Result};
pub use running::{Kind, Running};
pub use stack::Stack;

pub use interrupt::{listen as listen_to_signals, pause, wait as until_interrupted};
pub use process::run_under;
