#![doc = include_str!("../README.md")]

mod action;
mod app;
mod apply;
mod change;
mod config;
mod custom_resource;
mod deployment;
mod desired;
mod error;
pub mod invocation;
mod limits;
mod list;
mod measures;
mod plan;
mod snapshot;
mod store;
mod write_ahead;

pub use action::Action;
pub use app::App;
pub use change::{Change, ChangeKind, DeleteReason, PendingKind, ReplaceReason, Rotation, SecretFrom};
pub use config::Config;
pub use deployment::Deployment;
pub use desired::{DesiredEndpoint, wanted};
pub use error::Error;
pub use limits::Limits;
pub use plan::{Plan, PlanInput, plan};
