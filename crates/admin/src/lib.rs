#![doc = include_str!("../README.md")]

mod action;
mod app;
mod apply;
mod change;
mod config;
mod custom_resource;
mod deployment;
mod error;
pub mod invocation;
mod limits;
mod list;
mod look;
mod measures;
mod plan;
mod store;
mod wanted;
mod write_ahead;

pub use action::Action;
pub use app::App;
pub use change::{Begun, Change, Rotation, SecretFrom, Unfit, Unwanted, What};
pub use config::Config;
pub use deployment::Deployment;
pub use error::Error;
pub use limits::Limits;
pub use plan::{Plan, Seen, plan};
pub use wanted::{Wanted, wanted};
