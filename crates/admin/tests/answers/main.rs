//! HeyGen's responses when they are not as documented: no secret is lost, and nothing that is not ours is touched.

#![allow(clippy::unwrap_used, clippy::panic)]

mod age;
mod cloudformation;
mod errors;
mod notes;
mod parameter;
mod random;
mod revoke;
mod unreadable;
mod world;
