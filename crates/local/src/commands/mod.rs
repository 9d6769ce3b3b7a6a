//! One function per command.

pub mod deliveries;
pub mod endpoints;
pub mod logs;
pub mod record;
pub mod recovery;
pub mod stack;

use local::{Error, Result};
use serde_json::Value;
use std::fmt::Display;
use std::io::Write;

/// How a command prints its result. Progress and errors go to standard error in either case.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// The result, as JSON or as text.
    fn result(self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<()> {
        if self.json { print(format_args!("{:#}", json())) } else { print(text()) }
    }
}

/// Prints a line. A reader that has closed the pipe, as in `make logs | head`, is an error and not a panic.
fn print(line: impl Display) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").map_err(|source| Error::Io { what: "Printing".to_owned(), source })
}
