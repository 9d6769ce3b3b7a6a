//! Errors of the simulator and of its clients.

use std::fmt::Display;
use std::io;

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Why the simulator, or a call of it, failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A description of the failure.
    #[error("{0}")]
    Failed(String),
    /// An operation on a socket, a thread or a file failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation, such as `Listening on loopback`.
        what: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// Adds the failed operation to an error.
pub(crate) trait Context<T> {
    /// Turns any error into one that starts with `what`.
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
