#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod api;
mod data;
mod event;
mod links;
mod signature;
mod subject;

pub use api::{BASE_URL, LISTS, authorization, echoed, list_path, page, paths};
pub use event::read;
pub use signature::{SIGNATURE, sign, signed};
pub use subject::{KINDS, KNOWN};
