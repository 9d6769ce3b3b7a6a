//! HeyGen's responses when they are not as documented: no secret is lost, and nothing that is not ours is touched.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod age;
mod cloudformation;
mod errors;
mod interleaved;
mod memory;
mod moved;
mod notes;
mod parameter;
mod platforms;
mod random;
mod revoke;
mod unreadable;
mod verified;
mod world;
