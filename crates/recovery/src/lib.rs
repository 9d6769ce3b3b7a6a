#![doc = include_str!("../README.md")]

mod action;
mod app;
mod backfill;
mod budget;
mod config;
mod confirm;
mod dead_letters;
mod doctor;
mod error;
mod explain;
mod hold;
pub mod invocation;
mod key;
mod look_up;
mod measures;
mod own_urls;
mod replay;
pub mod reply;
mod send;
mod sweep;
mod text;
mod track;
mod unfinished;

pub use action::{About, Action, BackfillOptions, PurgeOptions, RedriveOptions, ReplayOptions, To, TrackOptions};
pub use app::App;
pub use config::{Callbacks, Config, Confirming, Holding, PlatformApi, Watched};
pub use dead_letters::letter::Wanted;
pub use error::Error;
pub use key::Key;
pub use look_up::error::LookUpError;
pub use replay::chosen::Chosen;
pub use reply::{Answer, Reply};
pub use track::tracked;
