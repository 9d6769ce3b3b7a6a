#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod backoff;
pub mod callback;
pub mod canonical;
mod class;
mod correlation;
pub mod digest;
mod event;
pub mod expiry;
mod failure;
pub mod fields;
mod identity;
mod job;
pub mod json;
pub mod list;
mod look_up;
pub mod pick;
mod place;
mod platform;
mod secret;
mod signature;
mod signed;
mod verified;

pub use backoff::backoff;
pub use class::ErrorClass;
pub use correlation::CorrelationId;
pub use event::Event;
pub use failure::{Failure, Reason};
pub use identity::{Identity, InvalidIdentity};
pub use job::{Job, Status};
pub use look_up::LookUp;
pub use place::Place;
pub use platform::{Platform, UnknownPlatform};
pub use secret::{EmptySecret, Secret};
pub use signature::{MalformedSignature, Signature, sign};
pub use signed::{SignatureHeaderError, Signed, time_of};
pub use verified::{Unverified, Verified};
