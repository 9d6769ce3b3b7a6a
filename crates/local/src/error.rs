//! What can go wrong, in words for the person at the terminal.

use std::fmt::Display;
use std::io;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something local could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A sentence that says what failed and, where there is one, the way out.
    #[error("{0}")]
    Failed(String),
    /// A file, process or socket.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// AWS, or the local one, refused.
    #[error("{what}: {why}")]
    Aws {
        /// The operation.
        what: String,
        /// The whole chain of reasons.
        why: String,
    },
    /// The simulated HeyGen.
    #[error("{0}")]
    Simulator(#[from] simulator::Error),
    /// Ctrl-C, or a polite signal to end.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// An error that is a sentence.
    pub fn failed(sentence: impl Into<String>) -> Self {
        Error::Failed(sentence.into())
    }

    /// What an SDK reports.
    pub(crate) fn aws(what: &str, error: &(impl std::error::Error + 'static)) -> Self {
        Error::Aws { what: what.to_owned(), why: aws_sdk_sqs::error::DisplayErrorContext(error).to_string() }
    }
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
