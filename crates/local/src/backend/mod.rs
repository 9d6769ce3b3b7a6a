//! Which local AWS: the environment variable `LOCAL_AWS` chooses.

mod localstack;
mod ministack;

use crate::error::{Error, Result};
use crate::stack::Credentials;
use crate::supervisor::Program;
use crate::tools::Tools;

/// A local AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// MiniStack: a Python program, no containers. The default.
    MiniStack,
    /// LocalStack: a container. It is not part of CI, and untested.
    LocalStack,
}

/// How to start one at a port.
#[derive(Debug)]
pub struct Launch {
    /// What to run.
    pub program: Program,
    /// Where it will answer.
    pub endpoint: String,
    /// The path, there, that answers 200 when it is ready.
    pub health: &'static str,
    /// The keys of its account.
    pub credentials: Credentials,
}

impl Backend {
    /// From `LOCAL_AWS`: `ministack` or `localstack`.
    pub fn from_env() -> Result<Self> {
        match std::env::var("LOCAL_AWS").unwrap_or_default().as_str() {
            "" | "ministack" => Ok(Backend::MiniStack),
            "localstack" => Ok(Backend::LocalStack),
            other => Err(Error::Failed(format!("LOCAL_AWS is {other:?}; it may be \"ministack\" or \"localstack\""))),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Backend::MiniStack => "MiniStack",
            Backend::LocalStack => "LocalStack",
        }
    }

    /// How to start it at a port of the loopback interface.
    pub fn launch(self, tools: &Tools, port: u16) -> Result<Launch> {
        match self {
            Backend::MiniStack => Ok(ministack::launch(tools, port)),
            Backend::LocalStack => localstack::launch(port),
        }
    }

    /// Where an HTTP API answers, so that a path can be appended.
    pub fn api_url(self, endpoint: &str, api_id: &str) -> String {
        match self {
            Backend::MiniStack => ministack::api_url(endpoint, api_id),
            Backend::LocalStack => localstack::api_url(endpoint, api_id),
        }
    }
}
