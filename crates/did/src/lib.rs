#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod kind;
mod list;
mod look_up;
mod read;

pub use kind::{KINDS, claimed_ids};
pub use list::{LISTS, list_path, page};
pub use look_up::{BASE_URL, authorization, callback_url, echoed, paths, repeats_callback_url};
pub use read::read;
