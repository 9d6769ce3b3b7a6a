#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod api;
mod event;
mod signature;
mod video;

pub use api::{BASE_URL, LISTS, authorization, echoed, list_path, page, paths};
pub use event::{KNOWN, read};
pub use signature::{SIGNATURE, TIMESTAMP, sign, signed};
pub use video::KINDS;
