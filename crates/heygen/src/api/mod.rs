//! A client of HeyGen's management API: endpoints, their secrets, events, what became of jobs, and the account.
//!
//! One [`Api`] speaks v3 or v1. A call that v1 does not have is an error, never a guess:
//!
//! | | v3 | v1 |
//! |---|---|---|
//! | secrets are returned | on create and on rotate, never again | in every response |
//! | [`Api::rotate_secret`] | yes | [`Kind::Unsupported`] |
//! | `Idempotency-Key` | yes | not sent, so a create is retried only after 429 |
//! | [`Api::update_endpoint`] without a URL | keeps the URL | [`Kind::UrlRequired`], because HeyGen would ignore the update without an error |
//! | [`Api::delivered_events`], [`Api::entities`], [`Api::entity_states`], [`Api::account`] | yes | [`Kind::Unsupported`] |
//! | [`Api::entity`] | of every kind | of videos |
//! | [`Entity::callback_id`] of videos | no | yes |
//! | lists | pages of 100 | one page |
//! | `created_at` | with a zone | without |
//!
//! `entity_id` is accepted on create, and returned by neither.

mod account;
mod client;
mod config;
mod endpoints;
mod entities;
mod entity;
mod entity_event;
mod error;
mod events;
mod key;
mod pages;
mod progress;
mod response;
mod retry;
mod retry_after;
mod scrub;
mod timestamp;
mod transport;

pub use account::{Account, Billing, Credits, Currency};
pub use client::{Api, is_id};
pub use config::{ApiConfig, ApiVersion, Credential, InvalidConfig, Timeouts, base_url};
pub use endpoints::{Endpoint, EndpointPatch, EndpointStatus, NewEndpoint};
pub use entities::State;
pub use entity::{Entity, EntityKind};
pub use error::{ApiError, Kind};
pub use events::{DeliveredEvent, EventFilter, EventTypeInfo};
pub use key::{IdempotencyKey, InvalidIdempotencyKey};
pub use pages::{Pages, Readable, Unreadable};
pub use progress::Progress;
pub use retry::RetryPolicy;
pub use retry_after::parse as retry_after;
pub use transport::{body, http_client, http_client_builder};
