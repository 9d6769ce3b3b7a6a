#![doc = include_str!("../README.md")]

mod action;
mod app;
mod apply;
mod change;
mod client;
mod config;
mod custom_resource;
mod deployment;
mod desired;
mod error;
pub mod invocation;
pub mod jobs;
mod limits;
mod list;
mod measures;
mod ownership;
mod plan;
mod reach;
pub mod reply;
mod snapshot;
mod store;
mod sync;
mod update;
mod urls;
mod write_ahead;

pub use action::{Action, JobsOf, SyncOptions};
pub use app::App;
pub use change::{Change, ChangeKind, DeleteReason, PendingKind, ReplaceReason, RotateReason, SecretSource};
pub use config::Config;
pub use deployment::Deployment;
pub use desired::{DesiredEndpoint, InvalidFile, desired_endpoints};
pub use error::Error;
pub use limits::Limits;
pub use ownership::owner;
pub use plan::{Plan, PlanInput, plan};
pub use reply::Reply;
