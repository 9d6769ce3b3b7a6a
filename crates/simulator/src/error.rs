//! What can go wrong, in words for the person at the terminal.

use std::fmt::Display;
use std::io;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the simulator, or a call of it, failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A sentence that says what failed.
    #[error("{0}")]
    Failed(String),
    /// A socket, a thread or a file.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// Says what was tried.
pub(crate) trait Context<T> {
    /// Turns any error into one that begins with `what`.
    fn context(self, what: impl Display) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl Display) -> Result<T> {
        self.map_err(|source| Error::Io { what: what.to_string(), source })
    }
}

impl<T> Context<T> for serde_json::Result<T> {
    fn context(self, what: impl Display) -> Result<T> {
        self.map_err(|error| Error::Failed(format!("{what}: {error}")))
    }
}
