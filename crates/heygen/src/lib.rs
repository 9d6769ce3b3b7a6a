#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

#[cfg(feature = "api")]
pub mod api;
mod backoff;
mod body;
mod canonical;
mod class;
mod correlation;
mod digest;
mod entity_id;
mod event;
mod event_type;
mod expiry;
mod failure;
mod fields;
mod header_names;
mod identity;
mod job;
mod json;
mod links;
mod place;
mod secret;
mod signature;
mod verified;

pub use backoff::backoff;
pub use class::ErrorClass;
pub use correlation::CorrelationId;
pub use event::Event;
pub use event_type::{EventType, Outcome};
pub use failure::{Failure, Reason};
pub use header_names::{HeaderNames, InvalidHeaderNames, SignatureHeaderError};
pub use identity::{Identity, InvalidIdentity};
pub use job::{Job, Status};
pub use place::Place;
pub use secret::{EmptySecret, Secret};
pub use signature::{MalformedSignature, Signature, sign};
pub use verified::{Unverified, Verified};
