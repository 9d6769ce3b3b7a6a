//! HeyGen's management API: endpoints, their secrets, and the states of videos.
//!
//! One [`Api`] speaks v3 or v1, and what v1 cannot do is an error that says so, never a guess:
//!
//! | | v3 | v1 |
//! |---|---|---|
//! | the secret is shown | on create and on rotate, never again | in every list |
//! | [`Api::rotate_secret`] | yes | [`Kind::Unsupported`] |
//! | `Idempotency-Key` | yes | not sent, so a create is repeated only after a 429 |
//! | [`Api::update_endpoint`] without a URL | keeps the URL | [`Kind::UrlRequired`]: HeyGen would change nothing, and say nothing |
//! | [`Api::delivered_events`], [`Api::video_statuses`], [`Api::video_translation`] | yes | [`Kind::Unsupported`] |
//! | [`Video::callback_id`] | of translations only | yes |
//! | lists | in pages of 100 | whole |
//! | `created_at` | with a zone | without |
//!
//! `entity_id` is taken on create and returned by neither.

mod answer;
mod client;
mod config;
mod endpoints;
mod error;
mod events;
mod key;
mod pages;
mod retry;
mod retry_after;
mod scrub;
mod transport;
mod videos;

pub use client::Api;
pub use config::{ApiConfig, ApiVersion, Credential, InvalidConfig, Timeouts};
pub use endpoints::{Endpoint, EndpointPatch, EndpointStatus, NewEndpoint};
pub use error::{ApiError, Kind};
pub use events::{DeliveredEvent, EventFilter, EventTypeInfo};
pub use key::{IdempotencyKey, InvalidIdempotencyKey};
pub use pages::Pages;
pub use retry::RetryPolicy;
pub use transport::http_client;
pub use videos::{Progress, Video, VideoState};
