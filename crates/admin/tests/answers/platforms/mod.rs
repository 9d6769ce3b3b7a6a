//! Endpoints at other platforms: whatever a platform answers, and wherever a run ends, there is one webhook in the end, and
//! its secret is stored.

mod callbacks;
mod create;
mod odd;
mod rotate;
mod server;
mod settings;
mod stack;
mod without_heygen;
mod world;

pub const SIGNED: [&str; 2] = ["synthesia/main", "elevenlabs/main"];
