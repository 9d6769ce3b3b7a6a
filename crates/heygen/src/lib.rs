#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

#[cfg(feature = "api")]
pub mod api;
mod body;
mod entity_id;
mod event;
mod event_type;
mod failure;
mod header_names;
mod identity;
mod links;

pub use event::read;
pub use event_type::{EventType, Outcome};
pub use header_names::{HeaderNames, InvalidHeaderNames};
pub use webhook::{
    CorrelationId, EmptySecret, ErrorClass, Event, Failure, Identity, InvalidIdentity, Job, MalformedSignature, Place,
    Reason, Secret, Signature, SignatureHeaderError, Status, Unverified, Verified, sign,
};
