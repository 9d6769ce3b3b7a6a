//! Errors, in words for the person at the terminal.

use std::fmt::Display;
use std::io;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A sentence that says what failed and, if possible, what to do.
    #[error("{0}")]
    Failed(String),
    /// A file, process or socket.
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    /// A call to AWS, or to the local one.
    #[error("{what}: {why}")]
    Aws {
        what: String,
        /// The whole chain of reasons.
        why: String,
    },
    /// The simulated HeyGen.
    #[error("{0}")]
    Simulator(#[from] simulator::Error),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    pub fn failed(sentence: impl Into<String>) -> Self {
        Error::Failed(sentence.into())
    }

    pub(crate) fn aws(what: &str, error: &(impl std::error::Error + 'static)) -> Self {
        Error::Aws { what: what.to_owned(), why: aws_sdk_sqs::error::DisplayErrorContext(error).to_string() }
    }
}

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
